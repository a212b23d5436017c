//! The words for the administrator: what was found and what was expected. The
//! log has them in `detail`, the dry run in its rows, and the token console
//! where it says that the server would refuse a token.

use super::{IssuerMismatch, KeyMismatch, MapFor, NoKeys, Refusal, Reserved};
use crate::time::UnixTime;
pub use crate::visible::{QUOTE_LIMIT as VALUE_LIMIT, escaped, quote};
use std::fmt::Write;

/// What was found and what was expected, for the administrator.
pub fn log_detail(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Misconfigured { settings } if settings.is_empty() => {
            "this session's settings or files are not those in force: a reload is under way, or a \
             file was changed without one"
                .to_owned()
        }
        Refusal::Misconfigured { settings } => {
            format!("no policy is in force: refused when it was read: {}", settings.join(", "))
        }
        Refusal::Disabled => "jwt_sso.enabled is off".to_owned(),
        Refusal::InsecureTransport => {
            "neither TLS nor a Unix socket; use a hostssl line, or see jwt_sso.require_tls"
                .to_owned()
        }
        Refusal::NoToken => "the password was empty".to_owned(),
        Refusal::MalformedToken(what) => what.to_string(),
        Refusal::UnsupportedAlgorithm { alg, accepted } => {
            let alg = alg.as_deref().map_or("absent or not a string".to_owned(), quote);
            let accepted =
                if accepted.is_empty() { "none".to_owned() } else { accepted.to_string() };
            format!("token algorithm {alg}, accepted {accepted}")
        }
        Refusal::UnknownIssuer { issuer: None, .. } => "the token has no iss".to_owned(),
        Refusal::UnknownIssuer { mismatch, .. } => unknown_issuer(mismatch),
        Refusal::KeysUnavailable(why) => no_keys(*why).to_owned(),
        Refusal::UnknownKey { kid, issuer_keys, mismatch } => {
            unknown_key(kid.as_deref(), *issuer_keys, *mismatch)
        }
        Refusal::BadSignature { tried } => {
            format!("the signature does not verify, keys tried: {tried}")
        }
        Refusal::MissingExpiry => "the token has no exp".to_owned(),
        Refusal::Expired { at, now } => times("exp", *at, *now),
        Refusal::NotYetValid { from, now } => times("nbf", *from, *now),
        Refusal::IssuedInFuture { at, now } => times("iat", *at, *now),
        Refusal::LifetimeTooLong { seconds, longest } => {
            format!("lifetime {seconds} s, jwt_sso.max_token_lifetime {longest} s")
        }
        Refusal::AudienceMismatch { found, accepted } => audience(found, accepted),
        Refusal::RequiredClaim { claim, found, required } => format!(
            "claim {} is {}, required {required}",
            quote(claim),
            found.as_deref().unwrap_or("absent")
        ),
        Refusal::MissingClaim { claim } => format!("the token has no claim {}", quote(claim)),
        Refusal::InvalidClaim { claim, found } => format!("claim {} is {found}", quote(claim)),
        Refusal::RoleNotMapped { map, .. } => not_mapped(*map).to_owned(),
        Refusal::ReservedRole(Reserved::Superuser) => {
            "the role is a superuser and jwt_sso.allow_superuser is off".to_owned()
        }
        Refusal::ReservedRole(Reserved::Replication) => {
            "a replication connection, and jwt_sso.allow_replication is off".to_owned()
        }
        Refusal::ReservedRole(Reserved::Predefined) => {
            "roles that begin with pg_ never log in with a token".to_owned()
        }
        Refusal::Denied { element } => format!("element {element} of jwt_sso.deny"),
    }
}

fn unknown_issuer(mismatch: &IssuerMismatch) -> String {
    match mismatch {
        IssuerMismatch::NotConfigured => "not in jwt_sso.issuers".to_owned(),
        IssuerMismatch::Near(near) => format!(
            "only the scheme or a trailing slash differs from the configured issuer {}; \
             jwt_sso.issuers must have it exactly as the token does",
            quote(near)
        ),
        IssuerMismatch::NotDemanded(demanded) => {
            format!("only the issuer {} is believed here", quote(demanded))
        }
    }
}

fn not_mapped(map: MapFor) -> &'static str {
    match map {
        MapFor::NoMap => "no identity map is configured, so the role must equal the identity",
        MapFor::NoLine => "the identity map has no line for this issuer",
        MapFor::Lines => "no line of the identity map gives the requested role for this identity",
        MapFor::Session => {
            "the session belongs to another identity, or that identity has lost the role since"
        }
        MapFor::Server => {
            "the HBA line has no delegate_ident_mapping=1: its map= in pg_ident.conf, or without \
             one equality, does not give the requested role for this identity"
        }
    }
}

fn no_keys(why: NoKeys) -> &'static str {
    match why {
        NoKeys::NotConfigured => "no key set is configured for this issuer",
        NoKeys::EmptySet => "the key set of this issuer holds no key that can verify a token",
        NoKeys::Expired => "the fetched keys of this issuer are too old, and it does not answer",
        NoKeys::NotFetched => "the keys of this issuer are to be fetched, and none have arrived",
        NoKeys::CacheFull => "the keys of this issuer do not fit into jwt_sso.key_cache_size",
    }
}

fn unknown_key(kid: Option<&str>, issuer_keys: usize, mismatch: KeyMismatch) -> String {
    let kid = kid.map_or("no kid".to_owned(), |kid| format!("kid {}", quote(kid)));
    match mismatch {
        KeyMismatch::NoSuchKid => format!("{kid} is none of the issuer's {issuer_keys} keys"),
        KeyMismatch::Unfit => {
            format!("{kid}: type, curve, alg or use of the key do not fit the token's algorithm")
        }
        KeyMismatch::Ambiguous(fitting) => format!(
            "the token has no kid, and {fitting} of the issuer's {issuer_keys} keys fit its algorithm"
        ),
    }
}

/// Each within half of what a value in the log may have.
pub fn audience(found: &[String], accepted: &[String]) -> String {
    format!("token audience {}, accepted {}", brief(found, 70), brief(accepted, 70))
}

/// `exp 2026-…, now 2026-…`.
pub fn times(claim: &str, at: UnixTime, now: UnixTime) -> String {
    format!("{claim} {at}, now {now}")
}

/// As a JSON array, of which anyone may have written any number of elements.
pub fn list(texts: &[String]) -> String {
    brief(texts, 1000)
}

/// As a JSON array, cut where it takes more than about `limit` bytes.
fn brief(texts: &[String], limit: usize) -> String {
    let mut written = String::from("[");
    for (i, text) in texts.iter().enumerate() {
        if written.len() > limit {
            written.push_str(",...");
            break;
        }
        if i > 0 {
            written.push(',');
        }
        written.push_str(&quote(text));
    }
    written.push(']');
    written
}

/// Cut to the length of a value in the log.
pub fn cut(text: &str) -> &str {
    let end = (0..=VALUE_LIMIT.min(text.len())).rev().find(|i| text.is_char_boundary(*i));
    &text[..end.unwrap_or(0)]
}

/// ` name="value"`, the value escaped as JSON does and cut at [`VALUE_LIMIT`].
pub fn field(line: &mut String, name: &str, value: &str) {
    let _ = write!(line, " {name}=\"{}\"", escaped(value, VALUE_LIMIT));
}
