//! One value of a setting, compiled into what it does to the policy. Reading
//! the files that settings name is the caller's.

use super::Id;
use crate::algorithm_list;
use crate::audience;
use crate::claim_path::ClaimPath;
use crate::console_settings::{self, UseToken};
use crate::custom_ca::CustomCa;
use crate::deny::DenyList;
use crate::identity_map::IdentityMap;
use crate::issuers::Issuers;
use crate::jwks::StaticJwks;
use crate::policy::Policy;
use crate::session_expiry::SessionExpiry;
use crate::setting_error::SettingError;
use crate::setting_text;
use std::sync::Arc;

/// What one accepted value does to the policy.
pub type Change = Box<dyn FnOnce(&mut Policy) + Send>;

/// What a boolean does to the policy.
pub fn boolean(id: Id, value: bool) -> Change {
    match id {
        Id::Enabled => Box::new(move |policy| policy.enabled = value),
        Id::JwksAutoFetchEnabled => Box::new(move |policy| policy.jwks_auto_fetch_enabled = value),
        Id::RequireTls => Box::new(move |policy| policy.require_tls = value),
        Id::ChallengeLocal => Box::new(move |policy| policy.challenge_local = value),
        Id::AllowSuperuser => Box::new(move |policy| policy.allow_superuser = value),
        Id::AllowPassword => Box::new(move |policy| policy.allow_password = value),
        Id::AllowReplication => Box::new(move |policy| policy.allow_replication = value),
        _ => Box::new(|_| ()),
    }
}

/// What a number, in the setting's own unit, does to the policy.
pub fn integer(id: Id, value: i32) -> Change {
    let value = u64::try_from(value).unwrap_or(0);
    match id {
        Id::ClockSkew => Box::new(move |policy| policy.clock_skew = value),
        Id::ClientTimeout => Box::new(move |policy| policy.client_timeout = value),
        Id::JwksRefreshInterval => Box::new(move |policy| policy.jwks_refresh_interval = value),
        Id::JwksMaxStale => Box::new(move |policy| policy.jwks_max_stale = value),
        Id::SessionExpiryGrace => Box::new(move |policy| policy.session_expiry_grace = value),
        Id::MaxTokenLifetime => Box::new(move |policy| policy.max_token_lifetime = value),
        _ => Box::new(|_| ()),
    }
}

/// What a text does to the policy. A setting that names a file is no such text.
///
/// # Errors
/// A text that the setting does not take.
pub fn text(id: Id, text: &str) -> Result<Change, SettingError> {
    setting_text::check(text)?;
    Ok(match id {
        Id::Issuers => {
            let issuers = Arc::new(Issuers::parse(text)?);
            Box::new(move |policy| policy.issuers = issuers)
        }
        Id::Audience => {
            let audience = audience::parse(text)?;
            Box::new(move |policy| policy.audience = audience)
        }
        Id::Claim => {
            let claim = Arc::new(ClaimPath::parse(text)?);
            Box::new(move |policy| policy.claim = claim)
        }
        Id::Jwks => {
            let jwks = Arc::new(StaticJwks::parse(text)?);
            Box::new(move |policy| policy.jwks = jwks)
        }
        Id::IdentityMap => {
            let map = Arc::new(IdentityMap::parse(text)?);
            Box::new(move |policy| policy.identity_map = map)
        }
        Id::Algorithms => {
            let algorithms = algorithm_list::parse(text)?;
            Box::new(move |policy| policy.algorithms = algorithms)
        }
        Id::SessionExpiry => {
            let expiry = SessionExpiry::parse(text)?;
            Box::new(move |policy| policy.session_expiry = expiry)
        }
        Id::Deny => {
            let deny = Arc::new(DenyList::parse(text)?);
            Box::new(move |policy| policy.deny = deny)
        }
        Id::HbaFile | Id::OidcClientSecretFile => {
            setting_text::path(text)?;
            Box::new(|_| ())
        }
        Id::OidcProviderUrl | Id::OidcRedirectUrl => {
            console_settings::check_url(text)?;
            Box::new(|_| ())
        }
        Id::OidcScopes => {
            console_settings::check_scopes(text)?;
            Box::new(|_| ())
        }
        Id::OidcGenerateClusterSsoTokenUseToken => {
            UseToken::parse(text)?;
            Box::new(|_| ())
        }
        Id::SqlHost => {
            console_settings::check_host(text)?;
            Box::new(|_| ())
        }
        _ => Box::new(|_| ()),
    })
}

/// What `content`, the text of the file at `path`, does to the policy; `None`
/// where no file is named. An error names the file.
///
/// # Errors
/// A text that the setting does not take.
pub fn file(id: Id, path: &str, content: Option<&str>) -> Result<Change, SettingError> {
    Ok(match id {
        Id::JwksFile => {
            let jwks = Arc::new(parsed(path, content, StaticJwks::parse)?);
            Box::new(move |policy| policy.jwks_file = jwks)
        }
        Id::IssuerCustomCa => {
            let ca = Arc::new(parsed(path, content, CustomCa::parse)?);
            Box::new(move |policy| policy.issuer_custom_ca = ca)
        }
        Id::IdentityMapFile => {
            let map = Arc::new(parsed(path, content, IdentityMap::parse_file)?);
            Box::new(move |policy| policy.identity_map_file = map)
        }
        _ => Box::new(|_| ()),
    })
}

/// What the file holds, or the default where none is named. An error names the file.
fn parsed<T: Default>(
    path: &str,
    content: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, SettingError>,
) -> Result<T, SettingError> {
    match content {
        Some(text) => parse(text).map_err(|error| error.at(format!("file {path:?}"))),
        None => Ok(T::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Kind, TABLE};

    /// PostgreSQL checks the default of each setting before it knows any other value.
    #[test]
    fn every_default_is_taken_and_changes_nothing() {
        let mut policy = Policy::default();
        for setting in &TABLE {
            let change = match setting.kind {
                Kind::Bool { default } => boolean(setting.id, default),
                Kind::Int { default, .. } => integer(setting.id, default),
                Kind::Text { default } => text(setting.id, default).expect(setting.name),
            };
            change(&mut policy);
            file(setting.id, "", None).expect(setting.name)(&mut policy);
        }
        assert_eq!(policy.fingerprint(), Policy::default().fingerprint());
    }

    #[test]
    fn a_file_is_named_where_its_text_is_refused() {
        for id in [Id::JwksFile, Id::IdentityMapFile, Id::IssuerCustomCa] {
            let error = file(id, "a/b", Some("nonsense")).err().expect("refused");
            assert!(error.detail.starts_with("file \"a/b\": "), "{error}");
        }
    }
}
