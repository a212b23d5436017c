//! The console's log: one line on standard error for each event. No token,
//! code, state or cookie is ever in it.

use jwt_sso_core::refusal::words;
use std::fmt::Display;
use std::io::Write;

/// `2026-11-21T19:00:00Z jwt-sso console: …`. Where it cannot be written, on a
/// full disk say, people get their tokens all the same.
pub fn line(text: impl Display) {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let line = format!("{now} jwt-sso console: {text}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// A stranger's text in double quotes, escaped and cut.
pub fn quoted(text: &str) -> String {
    words::quote(text)
}
