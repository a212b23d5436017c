//! One value of a setting, compiled into what it does to the policy.

use crate::file;
use crate::pg::guc::{self, Value};
use crate::pg::process;
use jwt_sso_core::algorithm_list;
use jwt_sso_core::audience;
use jwt_sso_core::claim_path::ClaimPath;
use jwt_sso_core::console_settings::{self, UseToken};
use jwt_sso_core::custom_ca::CustomCa;
use jwt_sso_core::deny::DenyList;
use jwt_sso_core::digest::Digest;
use jwt_sso_core::identity_map::IdentityMap;
use jwt_sso_core::issuers::Issuers;
use jwt_sso_core::jwks::StaticJwks;
use jwt_sso_core::policy::Policy;
use jwt_sso_core::session_expiry::SessionExpiry;
use jwt_sso_core::setting_error::SettingError;
use jwt_sso_core::setting_text;
use jwt_sso_core::settings::{Id, Kind, Setting, TABLE};
use std::sync::Arc;

/// What one accepted value does to the policy.
type Change = Box<dyn FnOnce(&mut Policy) + Send>;

/// A value that is accepted.
pub struct Compiled {
    /// What it does to the policy.
    pub change: Change,
    /// The digest of the file that it names, where it names one.
    pub file: Option<Digest>,
}

/// Why a session's settings are no policy: each refused setting and its error.
pub type Refused = Vec<(&'static Setting, SettingError)>;

/// The policy as this session's values of the settings give it: what the next
/// reload would put in force. Alone for reports only. Where the library is not
/// preloaded there is no setting, and the policy is that of the defaults.
pub fn compile_session() -> Result<Policy, Refused> {
    if !process::is_preloaded() {
        return Ok(Policy::default());
    }
    compile_with(None)
}

/// Compiles this process's values, one of them replaced.
pub(super) fn compile_with(replaced: Option<(usize, Value<'_>)>) -> Result<Policy, Refused> {
    let mut policy = Policy::default();
    let mut errors = Vec::new();
    for (index, setting) in TABLE.iter().enumerate() {
        let value = match replaced {
            Some((place, value)) if place == index => value,
            _ => current(index, setting),
        };
        match compile(setting.id, value, None) {
            Ok(compiled) => (compiled.change)(&mut policy),
            Err(error) => errors.push((setting, error)),
        }
    }
    if errors.is_empty() { Ok(policy) } else { Err(errors) }
}

/// The value that this process has.
pub(super) fn current(index: usize, setting: &Setting) -> Value<'static> {
    match setting.kind {
        Kind::Bool { .. } => Value::Bool(guc::bool_value(index)),
        Kind::Int { .. } => Value::Int(guc::int_value(index)),
        Kind::Text { .. } => Value::Text(guc::text_value(index)),
    }
}

/// Whether the setting names a file that is read at every reload.
pub(super) fn is_file(id: Id) -> bool {
    matches!(id, Id::JwksFile | Id::IdentityMapFile | Id::IssuerCustomCa)
}

/// Compiles one value. A file whose content has the digest `known` is not
/// compiled: the policy to change has it already.
pub(super) fn compile(
    id: Id,
    value: Value<'_>,
    known: Option<Digest>,
) -> Result<Compiled, SettingError> {
    let change = match value {
        Value::Bool(value) => compile_bool(id, value),
        Value::Int(value) => compile_int(id, value),
        Value::Text(text) => {
            let text = text.to_str().map_err(|error| {
                SettingError::new(format!("not UTF-8 at byte {}", error.valid_up_to() + 1))
            })?;
            if is_file(id) {
                return compile_file(id, text, known);
            }
            compile_text(id, text)?
        }
    };
    Ok(Compiled { change, file: None })
}

fn compile_bool(id: Id, value: bool) -> Change {
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

fn compile_int(id: Id, value: i32) -> Change {
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

fn compile_text(id: Id, text: &str) -> Result<Change, SettingError> {
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

fn compile_file(id: Id, path: &str, known: Option<Digest>) -> Result<Compiled, SettingError> {
    let content = setting_text::path(path)?.map(file::read).transpose()?;
    let file = content.as_ref().map(|content| Digest::of(&[content.as_bytes()]));
    if file.is_some() && known == file {
        return Ok(Compiled { change: Box::new(|_| ()), file });
    }
    let change: Change = match id {
        Id::JwksFile => {
            let jwks = parsed(path, content, StaticJwks::parse)?;
            let jwks = Arc::new(jwks);
            Box::new(move |policy| policy.jwks_file = jwks)
        }
        Id::IssuerCustomCa => {
            let ca = parsed(path, content, CustomCa::parse)?;
            let ca = Arc::new(ca);
            Box::new(move |policy| policy.issuer_custom_ca = ca)
        }
        _ => {
            let map = parsed(path, content, IdentityMap::parse_file)?;
            let map = Arc::new(map);
            Box::new(move |policy| policy.identity_map_file = map)
        }
    };
    Ok(Compiled { change, file })
}

/// What the file holds, or the default where none is named. An error names the file.
fn parsed<T: Default>(
    path: &str,
    content: Option<String>,
    parse: impl FnOnce(&str) -> Result<T, SettingError>,
) -> Result<T, SettingError> {
    match content {
        Some(text) => parse(&text).map_err(|error| error.at(format!("file {path:?}"))),
        None => Ok(T::default()),
    }
}
