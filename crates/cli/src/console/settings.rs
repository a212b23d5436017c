//! What the settings say, compiled by the same parsers as the server's own.

use jwt_sso_core::claim_path::ClaimPath;
use jwt_sso_core::console_settings::{self, UseToken};
use jwt_sso_core::deny::DenyList;
use jwt_sso_core::identity_map::IdentityMap;
use jwt_sso_core::issuers::Issuers;
use jwt_sso_core::jwks::StaticJwks;
use jwt_sso_core::policy::Policy;
use jwt_sso_core::setting_error::SettingError;
use jwt_sso_core::settings::{Id, Kind, TABLE};
use jwt_sso_core::{algorithm_list, audience, setting_text};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// The texts of the settings by their full names.
pub type Values = BTreeMap<String, String>;

/// The texts of the files that the server's settings name, as far as they
/// could be read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ServerFiles {
    pub identity_map: Option<String>,
    pub jwks: Option<String>,
}

/// All that the console goes by.
#[derive(Clone, Debug)]
pub struct Settings {
    pub client_id: String,
    pub client_secret_file: Option<PathBuf>,
    pub provider_url: String,
    pub redirect_url: Url,
    pub scopes: Vec<String>,
    pub enabled: bool,
    pub use_token: UseToken,
    pub sql_host: String,
    pub sql_port: u16,
    pub button_text: String,
    /// How the server decides, its files left out where they could not be read.
    pub policy: Policy,
    /// The server's file of identities, where it has one that could not be read.
    pub unread_map_file: Option<String>,
    /// Whether the server has static keys in a file that could not be read.
    pub unread_jwks_file: bool,
}

/// A setting that is wrong or missing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wrong {
    /// The full name.
    pub setting: &'static str,
    pub why: SettingError,
}

impl Settings {
    /// Compiles every setting; one that is absent has its default.
    ///
    /// # Errors
    /// The first that is wrong, or that the console cannot do without.
    pub fn compile(values: &Values, files: &ServerFiles) -> Result<Settings, Wrong> {
        let mut settings = Settings::begin(values)?;
        for setting in &TABLE {
            let value = values.get(setting.name).map(String::as_str);
            let done = match setting.kind {
                Kind::Bool { default } => {
                    value.map_or(Ok(default), boolean).map(|on| settings.switch(setting.id, on))
                }
                Kind::Int { default, min, max, .. } => value
                    .map_or(Ok(default), |text| integer(text, min, max))
                    .map(|number| settings.number(setting.id, number)),
                Kind::Text { default } => {
                    settings.text(setting.id, value.unwrap_or(default), files)
                }
            };
            done.map_err(|why| Wrong { setting: setting.name, why })?;
        }
        Ok(settings)
    }

    /// Nothing set yet but the redirect URL, for which there is no empty value.
    fn begin(values: &Values) -> Result<Settings, Wrong> {
        let setting = Id::OidcRedirectUrl.setting();
        let Kind::Text { default } = setting.kind else {
            return Err(Wrong { setting: setting.name, why: SettingError::new("not a text") });
        };
        let text = values.get(setting.name).map_or(default, String::as_str);
        let url = present(text).and_then(redirect_url);
        let redirect_url = url.map_err(|why| Wrong { setting: setting.name, why })?;
        Ok(Settings {
            client_id: String::new(),
            client_secret_file: None,
            provider_url: String::new(),
            redirect_url,
            scopes: Vec::new(),
            enabled: false,
            use_token: UseToken::IdToken,
            sql_host: String::new(),
            sql_port: 0,
            button_text: String::new(),
            policy: Policy::default(),
            unread_map_file: None,
            unread_jwks_file: false,
        })
    }

    fn switch(&mut self, id: Id, on: bool) {
        let policy = &mut self.policy;
        match id {
            Id::Enabled => policy.enabled = on,
            Id::JwksAutoFetchEnabled => policy.jwks_auto_fetch_enabled = on,
            Id::RequireTls => policy.require_tls = on,
            Id::AllowSuperuser => policy.allow_superuser = on,
            Id::OidcGenerateClusterSsoTokenEnabled => self.enabled = on,
            _ => {}
        }
    }

    fn number(&mut self, id: Id, number: i32) {
        let seconds = u64::try_from(number).unwrap_or(0);
        match id {
            Id::ClockSkew => self.policy.clock_skew = seconds,
            Id::MaxTokenLifetime => self.policy.max_token_lifetime = seconds,
            Id::SqlPort => self.sql_port = u16::try_from(number).unwrap_or(0),
            _ => {}
        }
    }

    fn text(&mut self, id: Id, text: &str, files: &ServerFiles) -> Result<(), SettingError> {
        setting_text::check(text)?;
        let policy = &mut self.policy;
        match id {
            Id::Issuers => policy.issuers = Arc::new(Issuers::parse(text)?),
            Id::Audience => policy.audience = audience::parse(text)?,
            Id::Claim => policy.claim = Arc::new(ClaimPath::parse(text)?),
            Id::Jwks => policy.jwks = Arc::new(StaticJwks::parse(text)?),
            Id::IdentityMap => policy.identity_map = Arc::new(IdentityMap::parse(text)?),
            Id::Algorithms => policy.algorithms = algorithm_list::parse(text)?,
            Id::Deny => policy.deny = Arc::new(DenyList::parse(text)?),
            Id::JwksFile | Id::IdentityMapFile => self.file(id, text, files)?,
            Id::OidcClientId => self.client_id = present(text)?.to_owned(),
            Id::OidcClientSecretFile => {
                self.client_secret_file = setting_text::path(text)?.map(PathBuf::from);
            }
            Id::OidcProviderUrl => {
                console_settings::check_url(present(text)?)?;
                self.provider_url = text.to_owned();
            }
            Id::OidcScopes => {
                console_settings::check_scopes(text)?;
                self.scopes = text.split_ascii_whitespace().map(str::to_owned).collect();
            }
            Id::OidcGenerateClusterSsoTokenUseToken => self.use_token = UseToken::parse(text)?,
            Id::SqlHost => {
                console_settings::check_host(text)?;
                self.sql_host = text.to_owned();
            }
            Id::OidcButtonText => self.button_text = text.to_owned(),
            // What is left decides nothing here: other doors, caches, sessions,
            // and files on the server's machine.
            _ => {}
        }
        Ok(())
    }

    fn file(&mut self, id: Id, text: &str, files: &ServerFiles) -> Result<(), SettingError> {
        let named = setting_text::path(text)?;
        match (id, named, &files.identity_map, &files.jwks) {
            (Id::IdentityMapFile, _, Some(content), _) => {
                self.policy.identity_map_file = Arc::new(IdentityMap::parse_file(content)?);
            }
            (Id::IdentityMapFile, Some(path), None, _) => {
                // There is a map: without one, identities would be roles themselves.
                self.policy.identity_map_file = Arc::new(IdentityMap::parse_file("")?);
                self.unread_map_file = Some(path.to_owned());
            }
            (Id::JwksFile, Some(_), _, Some(content)) => {
                self.policy.jwks_file = Arc::new(StaticJwks::parse(content)?);
            }
            (Id::JwksFile, Some(_), _, None) => self.unread_jwks_file = true,
            _ => {}
        }
        Ok(())
    }

    /// Scheme, host and port of the console as people reach it: `https://console.example`.
    pub fn origin(&self) -> String {
        self.redirect_url.origin().ascii_serialization()
    }

    /// Whether people reach the console by https.
    pub fn is_https(&self) -> bool {
        self.redirect_url.scheme() == "https"
    }
}

fn boolean(text: &str) -> Result<bool, SettingError> {
    match text {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(SettingError::new("neither on nor off")),
    }
}

fn integer(text: &str, min: i32, max: i32) -> Result<i32, SettingError> {
    let number = text.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| SettingError::new(format!("not a number from {min} to {max}")))
}

fn present(text: &str) -> Result<&str, SettingError> {
    if text.trim().is_empty() {
        return Err(SettingError::new("not set, and the console cannot work without it"));
    }
    Ok(text)
}

/// The path is the console's own, so it must not be that of another page.
fn redirect_url(text: &str) -> Result<Url, SettingError> {
    console_settings::check_url(text)?;
    let url = Url::parse(text).map_err(|error| SettingError::new(error.to_string()))?;
    if url.query().is_some() {
        return Err(SettingError::new("a URL with a query"));
    }
    if matches!(url.path(), "/" | "/login") || url.path().starts_with("/assets/") {
        return Err(SettingError::new("its path is that of another page of the console")
            .with_hint("Let it end in /callback, here and at the provider."));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(changes: &[(&str, &str)], files: &ServerFiles) -> Result<Settings, Wrong> {
        let given = [
            ("jwt_sso.oidc_client_id", "pg"),
            ("jwt_sso.oidc_provider_url", "https://idp.example"),
        ];
        let values = given.iter().chain(changes);
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Settings::compile(&values.map(owned).collect(), files)
    }

    #[test]
    fn what_is_absent_has_its_default() {
        let settings = compile(&[], &ServerFiles::default()).unwrap();
        assert_eq!(settings.redirect_url.as_str(), "http://localhost:8081/callback");
        assert_eq!((settings.sql_host.as_str(), settings.sql_port), ("localhost", 5432));
        assert_eq!(settings.scopes, ["openid"]);
        assert!(!settings.enabled && !settings.policy.enabled);
        assert_eq!(settings.origin(), "http://localhost:8081");
    }

    #[test]
    fn wrong_ones_are_named() {
        for (name, value, why) in [
            ("jwt_sso.oidc_client_id", "", "not set, and the console cannot work without it"),
            ("jwt_sso.oidc_provider_url", " ", "not set, and the console cannot work without it"),
            (
                "jwt_sso.oidc_redirect_url",
                "https://c/",
                "its path is that of another page of the console",
            ),
            ("jwt_sso.oidc_redirect_url", "https://c/callback?a", "a URL with a query"),
            ("jwt_sso.oidc_scopes", "email", "the scope openid is missing"),
            ("jwt_sso.sql_port", "0", "not a number from 1 to 65535"),
            ("jwt_sso.enabled", "maybe", "neither on nor off"),
        ] {
            let wrong = compile(&[(name, value)], &ServerFiles::default()).unwrap_err();
            assert_eq!((wrong.setting, wrong.why.detail.as_str()), (name, why));
        }
    }

    #[test]
    fn a_map_file_is_read_or_missed() {
        let named = [("jwt_sso.identity_map_file", "sso.map")];
        let missed = compile(&named, &ServerFiles::default()).unwrap();
        assert_eq!(missed.unread_map_file.as_deref(), Some("sso.map"));
        assert!(missed.policy.roles_of("https://idp.example", "a").is_empty());
        let text = Some("https://idp.example a app".to_owned());
        let files = ServerFiles { identity_map: text, jwks: None };
        let read = compile(&named, &files).unwrap();
        assert_eq!(read.unread_map_file, None);
        assert!(read.policy.maps_to("https://idp.example", "a", b"app"));
    }
}
