//! The settings that only the token console reads, `jwt_sso.oidc_*` and
//! `jwt_sso.sql_host`: none of them decides a login.

use crate::https_url;
use crate::setting_error::SettingError;
use std::net::Ipv6Addr;

/// The token that the console gives out: `oidc_generate_cluster_sso_token_use_token`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum UseToken {
    /// The ID token of the sign-in.
    #[default]
    IdToken,
    /// The access token, which must be a JWT.
    AccessToken,
}

impl UseToken {
    /// Reads the setting, without regard to case.
    ///
    /// # Errors
    /// Any other word than `id_token` and `access_token`.
    pub fn parse(text: &str) -> Result<UseToken, SettingError> {
        match text.to_ascii_lowercase().as_str() {
            "id_token" => Ok(UseToken::IdToken),
            "access_token" => Ok(UseToken::AccessToken),
            _ => Err(SettingError::new("none of the words that it may be")
                .with_hint("Available values: id_token, access_token.")),
        }
    }
}

/// Checks a URL of the provider or of the console; empty means none.
///
/// # Errors
/// What is neither https nor http of a loopback host.
pub fn check_url(text: &str) -> Result<(), SettingError> {
    if text.is_empty() { Ok(()) } else { https_url::parse(text).map(drop) }
}

/// Checks `oidc_scopes`: words between blanks, with `openid` among them.
///
/// # Errors
/// Without `openid` a provider gives no ID token (OpenID Connect Core 1.0 §3.1.2.1).
pub fn check_scopes(text: &str) -> Result<(), SettingError> {
    if text.split_ascii_whitespace().any(|scope| scope == "openid") {
        return Ok(());
    }
    Err(SettingError::new("the scope openid is missing")
        .with_hint("Write the scopes with blanks between them: 'openid email'."))
}

/// Checks `sql_host`, which people copy into commands.
///
/// # Errors
/// The empty text, and what no host name or address has.
pub fn check_host(text: &str) -> Result<(), SettingError> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let is_name = !text.is_empty() && text.chars().all(is_part);
    if is_name || text.parse::<Ipv6Addr>().is_ok() {
        return Ok(());
    }
    Err(SettingError::new("not a host name or address")
        .with_hint("Write the name that clients connect to, without port and scheme."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_any_case() {
        assert_eq!(UseToken::parse("ID_Token"), Ok(UseToken::IdToken));
        assert_eq!(UseToken::parse("access_token"), Ok(UseToken::AccessToken));
        for text in ["", "token", "id_token ", "refresh_token"] {
            assert!(UseToken::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn urls_scopes_and_hosts() {
        for url in ["", "https://idp.example", "http://localhost:8081/callback"] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
        assert!(check_url("http://console.example/callback").is_err());
        assert_eq!(check_scopes("email  openid"), Ok(()));
        for scopes in ["", "email", "openidx", "OPENID"] {
            assert!(check_scopes(scopes).is_err(), "{scopes}");
        }
        for host in ["localhost", "db-1.example", "10.0.0.1", "::1"] {
            assert_eq!(check_host(host), Ok(()), "{host}");
        }
        for host in [
            "",
            "a b",
            "db;rm",
            "https://db",
            "\u{e4}.example",
            "$(x)",
            "\"db\"",
            "db.example:6432",
        ] {
            assert!(check_host(host).is_err(), "{host}");
        }
    }
}
