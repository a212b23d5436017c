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
use jwt_sso_core::refusal::{Malformed, Reason, Refusal, Reserved};
use pgrx::PgSqlErrorCode;
use std::fmt::Write;
use words::{cut, field, list, log_detail, quote};

pub use jwt_sso_core::door::Door;
pub use jwt_sso_core::refusal::words::{self, escaped};

/// What a refused client is told.
pub type ClientError = Message;

/// The DETAIL of every refusal whose cause an unproven client must not learn.
const BLAND: &str = "The server did not accept this login; its log says why.";

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
    client_error(login, &client_detail(refusal), client_hint(refusal, length), &reference)
}

/// The log line of a session that was told to end, and why.
pub fn session_ended(row: &Row, why: &str) -> String {
    let mut line = format!("jwt_sso: ended session reason={why} pid={}", row.pid);
    let _ = write!(line, " door={}", row.door.name());
    field(&mut line, "user", &row.role.to_string());
    field(&mut line, "issuer", &row.issuer.to_string());
    field(&mut line, "principal", &row.principal.to_string());
    if row.subject.kid.is_some() {
        field(&mut line, "kid", &row.kid.to_string());
    }
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

/// A PAM service of ours let the client in, and the module was not asked.
pub fn pam_module_not_asked(login: &Login<'_>, service: &str) -> ClientError {
    let detail = format!(
        "the PAM service {service:?} let the client in without asking jwt_sso: its file \
         /etc/pam.d/{service} is missing, or other modules stand before pam_jwt_sso.so"
    );
    internal(login, MISCONFIGURED, &detail)
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

/// The fact for the client: bland until the signature is proven.
fn client_detail(refusal: &Refusal) -> String {
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
            "What the client sent is not a well-formed JSON Web Token.".to_owned()
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
        Refusal::Misconfigured { settings } if settings.is_empty() => {
            "Try again in a moment; if that does not help, connect anew, or ask for a reload."
        }
        _ => "",
    }
}
