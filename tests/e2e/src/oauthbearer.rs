//! A small client of SASL's OAUTHBEARER (RFC 7628), as PostgreSQL 18 speaks it. It may say
//! what no library would.

use std::io::Write;

use serde_json::Value;

use crate::builder::ClusterBuilder;
use crate::cluster::Cluster;
use crate::installation::Installation;
use crate::message::{AUTH_OK, AUTH_SASL, AUTH_SASL_CONTINUE, AUTH_SASL_FINAL, ServerError, frame};
use crate::wire::{Client, End, Login};

/// The door's name in the log.
const DOOR: &str = "oauth";
/// The only answer that a client may give to an error (RFC 7628 section 3.2.3).
const DUMMY: &[u8] = b"\x01";

/// An exchange and how it ended.
pub struct Exchange {
    /// The server's error, as its JSON says it (RFC 7628 section 3.2.2).
    pub error: Option<Value>,
    /// The login; `prompted` says whether the server offered OAUTHBEARER.
    pub login: Login,
}

/// Whether the server under test has an OAuth door. Where it has none, the test that asks has
/// nothing to test, and says so.
pub fn offered() -> bool {
    let major = Installation::get().major;
    if major < 18 {
        // Past the test runner, which swallows what a passing test prints.
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        writeln!(std::io::stderr(), "SKIPPED: {test}: PostgreSQL {major} has no OAUTHBEARER").ok();
    }
    major >= 18
}

/// A server with these lines in pg_hba.conf, whose validator we are, and no door of ours but
/// theirs.
pub fn builder(lines: &str) -> ClusterBuilder {
    let builder = Cluster::builder().without_token_hba().core_hba(lines);
    builder.conf("oauth_validator_libraries = 'jwt_sso'")
}

/// What stands on an `oauth` line after the address, for this issuer and with these options.
pub fn method(issuer: &str, options: &str) -> String {
    format!("oauth issuer=\"{issuer}\" scope=\"db:connect\" {options}")
}

/// Logs in with a bearer token.
pub fn login(client: &Client, token: &str) -> Exchange {
    exchange(client, &response(&format!("Bearer {token}")))
}

/// Asks which issuer to go to, as libpq does before it has a token.
pub fn discover(client: &Client) -> Exchange {
    exchange(client, &response(""))
}

/// The client's initial response with this `auth` value (RFC 7628 section 3.1).
pub fn response(auth: &str) -> Vec<u8> {
    format!("n,,\x01auth={auth}\x01\x01").into_bytes()
}

/// Logs in with this initial response, as it is.
pub fn exchange(client: &Client, response: &[u8]) -> Exchange {
    exchange_messages(client, &[&initial("OAUTHBEARER", response), &frame(b'p', DUMMY)])
}

/// A SASLInitialResponse.
pub fn initial(mechanism: &str, response: &[u8]) -> Vec<u8> {
    let mut body = format!("{mechanism}\0").into_bytes();
    body.extend_from_slice(&(response.len() as u32).to_be_bytes());
    body.extend_from_slice(response);
    frame(b'p', &body)
}

/// Logs in, sending one of these messages, as they are, each time the server waits for one.
/// The client hangs up where none is left.
pub fn exchange_messages(client: &Client, messages: &[&[u8]]) -> Exchange {
    let mut wire = client.open();
    let mut messages = messages.iter();
    let (mut prompted, mut error) = (false, None);
    let end = loop {
        let Some(message) = wire.read() else { break End::Closed };
        match (message.tag, message.authentication()) {
            (_, Some(AUTH_OK | AUTH_SASL_FINAL)) => continue,
            (_, Some(AUTH_SASL)) => {
                assert_eq!(&message.body[4..], b"OAUTHBEARER\0\0", "the mechanisms");
                prompted = true;
            }
            (_, Some(AUTH_SASL_CONTINUE)) => {
                let text = &message.body[4..];
                assert!(error.is_none(), "a second error: {message:?}");
                // Empty where the client sent no initial response.
                if !text.is_empty() {
                    error = Some(serde_json::from_slice(text).expect("an error is JSON"));
                }
            }
            (_, Some(other)) => panic!("authentication request {other}"),
            (b'E', _) => break End::Refused(Box::new(ServerError::parse(&message.body))),
            (b'Z', _) => break End::Accepted(wire),
            _ => continue,
        }
        let Some(answer) = messages.next() else {
            wire.hang_up();
            break End::Closed;
        };
        // The server may close while a hostile message is still on its way.
        wire.send(answer).ok();
    };
    Exchange { error, login: Login { door: DOOR, prompted, end } }
}
