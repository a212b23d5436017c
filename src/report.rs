//! The only place that speaks about a login: what the client is told, what the
//! log gets, SQLSTATE and hints.
//!
//! The client's message never varies. Its DETAIL repeats only what the client
//! sent or what a proven token says, and ends with a reference that the log
//! line carries too. No text here ever holds a token.

use crate::counters::{self, Outcome};
use crate::decide::Login;
use crate::pg::message::{self, Message};
use crate::pg::process;
use crate::recent;
use crate::session::Row;
use jwt_sso_core::decision::{Facts, Grant};
use jwt_sso_core::refusal::{
    IssuerMismatch, KeyMismatch, Malformed, MapFor, NoKeys, Reason, Refusal, Reserved,
};
use jwt_sso_core::time::UnixTime;
use pgrx::PgSqlErrorCode;
use std::fmt::Write;

/// What a refused client is told.
pub type ClientError = Message;

/// The door that a log line names.
#[derive(Clone, Copy, Debug)]
pub enum Door {
    /// The ClientAuthentication hook.
    Hook,
    /// The PAM module.
    Pam,
    /// The OAuth validator (PostgreSQL 18).
    Oauth,
    /// `jwt_sso.renew()`, in an open session.
    Renew,
}

impl Door {
    /// Every door; each is at the index of its number.
    pub const ALL: [Door; 4] = [Door::Hook, Door::Pam, Door::Oauth, Door::Renew];

    /// As the log and the views have it.
    pub fn name(self) -> &'static str {
        match self {
            Door::Hook => "hook",
            Door::Pam => "pam",
            Door::Oauth => "oauth",
            Door::Renew => "renew",
        }
    }

    /// What a client sends its token as.
    fn carrier(self) -> &'static str {
        match self {
            Door::Hook | Door::Pam => "password",
            Door::Oauth => "bearer token",
            Door::Renew => "text",
        }
    }
}

/// The DETAIL of every refusal whose cause an unproven client must not learn.
const BLAND: &str = "The server did not accept this login; its log says why.";

/// The longest value in a log line, in bytes, as escaped.
const VALUE_LIMIT: usize = 200;

/// What psql's interactive prompt leaves of a longer token on a Linux terminal.
const PROMPT_LIMIT: usize = 4095;

/// Logs that the client was let in.
pub fn accepted(login: &Login<'_>, grant: &Grant) {
    let mut line = format!("jwt_sso: accepted door={}", login.door.name());
    field(&mut line, "user", &lossy_role(login));
    field(&mut line, "issuer", &grant.issuer);
    field(&mut line, "principal", &grant.principal);
    if let Some(kid) = &grant.kid {
        field(&mut line, "kid", kid);
    }
    field(&mut line, "expires", &grant.expires.to_string());
    message::log(&line);
}

/// Logs that the client was let in by the role's stored password.
pub fn accepted_by_password(login: &Login<'_>) {
    let mut line = format!("jwt_sso: accepted door={}", login.door.name());
    field(&mut line, "user", &lossy_role(login));
    field(&mut line, "by", "password");
    message::log(&line);
}

/// Logs a refusal and says what the client is to be told. `length` is the
/// token's in bytes, 0 where none came.
pub fn refused(login: &Login<'_>, refusal: &Refusal, facts: &Facts, length: usize) -> ClientError {
    let reference = process::random_reference();
    let reason = refusal.reason().code();
    let mut line = log_head(login, reason, &reference);
    let known = [("issuer", &facts.issuer), ("kid", &facts.kid), ("principal", &facts.principal)];
    for (name, value) in known {
        if let Some(value) = value {
            field(&mut line, name, value);
        }
    }
    field(&mut line, "detail", &log_detail(refusal));
    message::log(&line);
    recent::push(login.door, &lossy_role(login), reason, &reference, facts);
    let detail = client_detail(refusal, login.door.carrier());
    client_error(login, &detail, client_hint(refusal, length), &reference)
}

/// The log line of a session that was told to end, and why.
pub fn session_ended(row: &Row, why: &str) -> String {
    let mut line = format!("jwt_sso: ended session reason={why} pid={}", row.pid);
    let _ = write!(line, " door={}", row.door.name());
    field(&mut line, "user", &row.role.to_string());
    field(&mut line, "issuer", &row.issuer.to_string());
    field(&mut line, "principal", &row.principal.to_string());
    field(&mut line, "kid", &row.kid.to_string());
    field(&mut line, "expires", &row.expires.to_string());
    line
}

/// A panic or an error inside the decision.
pub fn broken(login: &Login<'_>, place: &str) -> ClientError {
    internal(login, Outcome::Broken, place)
}

/// The session is about to begin, and nobody decided on it.
pub fn bypassed(login: &Login<'_>) -> ClientError {
    let detail = "a trust line let the client in and the hook was not called: another library \
                  replaced ClientAuthentication_hook without calling it";
    internal(login, MISCONFIGURED, detail)
}

/// A login at a door that the server opened although the library is not preloaded.
#[cfg(feature = "pg18")]
pub fn not_preloaded(login: &Login<'_>) -> ClientError {
    internal(login, MISCONFIGURED, "jwt_sso is not in shared_preload_libraries")
}

/// A message of another type came instead of a password.
pub fn unexpected_message() -> ClientError {
    violation("expected password response, got another message type")
}

/// The packet does not end in its only NUL.
pub fn malformed_packet() -> ClientError {
    violation("invalid password packet size")
}

fn violation(text: &str) -> ClientError {
    Message { sqlstate: PgSqlErrorCode::ERRCODE_PROTOCOL_VIOLATION, ..Message::plain(text) }
}

/// The server is set up wrongly, which no check of the decision could see.
const MISCONFIGURED: Outcome = Outcome::Refused(Reason::Misconfigured);

fn internal(login: &Login<'_>, outcome: Outcome, detail: &str) -> ClientError {
    let reference = process::random_reference();
    let reason = outcome.reason().unwrap_or_default();
    let mut line = log_head(login, reason, &reference);
    field(&mut line, "detail", detail);
    message::log(&line);
    counters::count(outcome, login.door, None);
    recent::push(login.door, &lossy_role(login), reason, &reference, &Facts::default());
    client_error(login, BLAND, "", &reference)
}

fn client_error(login: &Login<'_>, detail: &str, hint: &str, reference: &str) -> ClientError {
    // The role in the client's own bytes, as core repeats them.
    let mut text = b"JWT authentication failed for user \"".to_vec();
    text.extend_from_slice(login.role.to_bytes());
    text.push(b'"');
    Message {
        sqlstate: PgSqlErrorCode::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
        message: text,
        detail: format!("{detail} (reference {reference})"),
        hint: hint.to_owned(),
    }
}

fn log_head(login: &Login<'_>, reason: &str, reference: &str) -> String {
    let door = login.door.name();
    let mut line = format!("jwt_sso: refused reason={reason} ref={reference} door={door}");
    field(&mut line, "user", &lossy_role(login));
    line
}

fn lossy_role(login: &Login<'_>) -> String {
    String::from_utf8_lossy(login.role.to_bytes()).into_owned()
}

/// ` name="value"`, the value escaped as JSON does and cut at [`VALUE_LIMIT`].
fn field(line: &mut String, name: &str, value: &str) {
    let _ = write!(line, " {name}=\"{}\"", escaped(value, VALUE_LIMIT));
}

/// A stranger's text, escaped as JSON does, and cut between two characters
/// before it has more than `limit` bytes.
pub fn escaped(value: &str, limit: usize) -> String {
    let mut text = String::new();
    let mut escaped = String::new();
    for character in value.chars() {
        escaped.clear();
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if c.is_control() || is_invisible(c) => {
                let _ = write!(escaped, "\\u{:04x}", c as u32);
            }
            c => escaped.push(c),
        }
        if text.len() + escaped.len() > limit {
            break;
        }
        text.push_str(&escaped);
    }
    text
}

/// Characters that change how a line looks and cannot be seen: line separators,
/// zero-width and bidirectional ones.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The fact for the client: bland until the signature is proven. `carrier` is
/// what the client sent its token as.
fn client_detail(refusal: &Refusal, carrier: &str) -> String {
    match refusal {
        Refusal::Misconfigured { .. }
        | Refusal::Disabled
        | Refusal::UnknownIssuer { .. }
        | Refusal::KeysUnavailable(_)
        | Refusal::UnknownKey { .. }
        | Refusal::BadSignature { .. } => BLAND.to_owned(),
        Refusal::InsecureTransport => "A token is accepted over TLS only.".to_owned(),
        Refusal::NoToken => "The password was empty; it must be a JSON Web Token.".to_owned(),
        Refusal::MalformedToken(Malformed::WrongPassword) => {
            "The password is neither a JSON Web Token nor the role's stored password.".to_owned()
        }
        Refusal::MalformedToken(_) => {
            format!("The {carrier} is not a well-formed JSON Web Token.")
        }
        Refusal::UnsupportedAlgorithm { alg: Some(alg), .. } => {
            format!("The token's algorithm {} is not accepted.", quote(alg))
        }
        Refusal::UnsupportedAlgorithm { alg: None, .. } => {
            "The token names no algorithm.".to_owned()
        }
        Refusal::MissingExpiry => "The token has no claim \"exp\".".to_owned(),
        Refusal::Expired { at, .. } => format!("The token expired at {at}."),
        Refusal::NotYetValid { from, .. } => format!("The token is not valid before {from}."),
        Refusal::IssuedInFuture { at, .. } => {
            format!("The token says it was issued at {at}, which lies in the future.")
        }
        Refusal::LifetimeTooLong { seconds, .. } => {
            format!("The token's lifetime of {seconds} seconds is too long.")
        }
        Refusal::AudienceMismatch { found, .. } if found.is_empty() => {
            "The token has no audience.".to_owned()
        }
        Refusal::AudienceMismatch { found, .. } => {
            format!("The token's audience was {}.", list(found))
        }
        Refusal::RequiredClaim { claim, found: None, .. } | Refusal::MissingClaim { claim } => {
            format!("The token has no claim {}.", quote(claim))
        }
        Refusal::RequiredClaim { claim, found: Some(found), .. } => {
            format!("The token's claim {} was {}.", quote(claim), cut(found))
        }
        Refusal::InvalidClaim { claim, found } => {
            format!("The token's claim {} was {found}.", quote(claim))
        }
        Refusal::RoleNotMapped { principals, .. } => format!(
            "The token was issued for {}, which does not map to the requested role.",
            list(principals)
        ),
        Refusal::ReservedRole(Reserved::Replication) => {
            "The token does not open replication connections.".to_owned()
        }
        Refusal::ReservedRole(_) => "The requested role cannot be used with a token.".to_owned(),
        Refusal::Denied { .. } => "The server's administrator denies this login.".to_owned(),
    }
}

fn client_hint(refusal: &Refusal, length: usize) -> &'static str {
    match refusal {
        Refusal::InsecureTransport => "Connect with sslmode=verify-full.",
        Refusal::Expired { .. } => "Get a new token and try again.",
        Refusal::MalformedToken(_) | Refusal::BadSignature { .. } if length == PROMPT_LIMIT => {
            "The token is exactly 4095 bytes long, where psql's interactive prompt cuts what is \
             typed or pasted; use PGPASSWORD."
        }
        _ => "",
    }
}

/// What was found and what was expected, for the administrator.
fn log_detail(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Misconfigured { settings } => {
            format!("no policy is in force: refused when it was read: {}", settings.join(", "))
        }
        Refusal::Disabled => "jwt_sso.enabled is off".to_owned(),
        Refusal::InsecureTransport => {
            "neither TLS nor a Unix socket; use a hostssl line, or see jwt_sso.require_tls"
                .to_owned()
        }
        Refusal::NoToken => "the password was empty".to_owned(),
        Refusal::MalformedToken(what) => malformed(what),
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
        Refusal::AudienceMismatch { found, accepted } => {
            // Each within half of what a value in the log may have.
            format!("token audience {}, accepted {}", brief(found, 70), brief(accepted, 70))
        }
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

fn malformed(what: &Malformed) -> String {
    match what {
        Malformed::TooLong(length) => format!("{length} bytes are too long for a token"),
        Malformed::Parts(count) => {
            format!("a token has three parts separated by dots, this one {count}")
        }
        Malformed::Base64(part) => format!("the {part} is not strict base64url"),
        Malformed::Json(part, error) => format!("the {part} is not strict JSON: {error}"),
        Malformed::NotAnObject(part) => format!("the {part} is not a JSON object"),
        Malformed::MemberType { member, found } => format!("{} is {found}", quote(member)),
        Malformed::WrongPassword => {
            "no token, and not the role's stored password, which jwt_sso.allow_password takes"
                .to_owned()
        }
        Malformed::Critical => "the header has crit, and no extension is understood".to_owned(),
        Malformed::Type(typ) => format!("the header's typ is {}, not JWT or at+jwt", quote(typ)),
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

fn times(claim: &str, at: UnixTime, now: UnixTime) -> String {
    format!("{claim} {at}, now {now}")
}

/// For the client, who may have sent any number of them.
fn list(texts: &[String]) -> String {
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

/// In double quotes, escaped as JSON does, cut to a length that a person reads.
fn quote(text: &str) -> String {
    let mut quoted = String::new();
    field(&mut quoted, "", text);
    quoted.split_off(2)
}

fn cut(text: &str) -> &str {
    let end = (0..=VALUE_LIMIT.min(text.len())).rev().find(|i| text.is_char_boundary(*i));
    &text[..end.unwrap_or(0)]
}
