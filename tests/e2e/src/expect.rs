//! The two verdicts: what the client must hear, and what the log must have.

use regex::Regex;

use crate::cluster::{Cluster, LogMark};
use crate::message::ServerError;
use crate::wire::{Login, Wire};

/// A refusal that was found in order.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What the client got.
    pub error: ServerError,
    /// The server's own line.
    pub log: String,
}

/// Holds a login to be refused for `reason`: FATAL, SQLSTATE 28000, the one message, a
/// reference at the end of DETAIL, and exactly one log line with that reference.
#[track_caller]
pub fn refused(cluster: &Cluster, role: &str, login: &Login, reason: &str) -> Refusal {
    let error = login.error().clone();
    assert_eq!(error.severity, "FATAL", "{error:?}");
    assert_eq!(error.code, "28000", "{error:?}");
    assert_eq!(error.message, format!("JWT authentication failed for user \"{role}\""));
    let reference = reference(&error.detail);
    let mark = LogMark::start();
    let log = cluster.wait_log(mark, &format!("jwt_sso: refused .*ref={reference} "));
    let all = cluster.log_since(mark);
    let tag = format!("ref={reference} ");
    let lines = all.lines().filter(|line| line.contains("jwt_sso: ") && line.contains(&tag));
    assert_eq!(lines.count(), 1, "one line for {reference}");
    let head = format!(
        "jwt_sso: refused reason={reason} ref={reference} door={} user={}",
        login.door,
        serde_json::Value::from(role)
    );
    assert!(log.contains(&head), "expected: {head}\nlogged: {log}\nclient: {error:?}");
    Refusal { error, log }
}

/// The eight hex digits at the end of a DETAIL.
#[track_caller]
fn reference(detail: &str) -> &str {
    let form = Regex::new(r"\(reference ([0-9a-f]{8})\)$").expect("a valid pattern");
    let found = form.captures(detail).unwrap_or_else(|| panic!("no reference: {detail:?}"));
    found.get(1).expect("one group").as_str()
}

/// Holds a login to be accepted, with its one log line after `mark`; returns the session.
#[track_caller]
pub fn accepted(cluster: &Cluster, mark: LogMark, role: &str, login: Login, terms: &Terms) -> Wire {
    let door = login.door;
    let session = login.session();
    let json = |text: &str| regex::escape(&serde_json::Value::from(text).to_string());
    let line = format!(
        r#"LOG:  jwt_sso: accepted door={door} user={} issuer={} principal={} kid={} expires="{}""#,
        json(role),
        json(terms.issuer),
        json(terms.principal),
        json(terms.kid),
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    );
    cluster.wait_log(mark, &line);
    session
}

/// Reads on until the server has ended the session, by the words of pg_terminate_backend.
#[track_caller]
pub fn ended(session: &mut Wire) {
    let mut last = None;
    while let Some(message) = session.read() {
        if message.tag == b'E' {
            last = Some(ServerError::parse(&message.body));
        }
    }
    assert_eq!(last.expect("a last word").code, "57P01");
}

/// Holds a session to be open.
#[track_caller]
pub fn alive(session: &mut Wire) {
    assert_eq!(session.query("SELECT 1").expect("alive"), [["1"]]);
}

/// What the line of an accepted login names.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// The identity.
    pub principal: &'a str,
    /// Of the key.
    pub kid: &'a str,
}
