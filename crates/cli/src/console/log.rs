//! The console's log: one line on standard error for each event. No token,
//! code, state or cookie is ever in it.

use anstream::eprintln;
use jwt_sso_core::refusal::words;
use std::fmt::Display;

/// `2026-11-21T19:00:00Z jwt-sso console: …`
pub fn line(text: impl Display) {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    eprintln!("{now} jwt-sso console: {text}");
}

/// A stranger's text in double quotes, escaped and cut.
pub fn quoted(text: &str) -> String {
    words::quote(text)
}
