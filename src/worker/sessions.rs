//! Sessions that are to end: their token expired, or they are denied since.

use crate::clock;
use crate::pg::{message, proc};
use crate::report;
use crate::session::{self, Row};
use jwt_sso_core::policy::Policy;
use jwt_sso_core::session_expiry::{SessionExpiry, due};
use jwt_sso_core::time::UnixTime;
use std::time::Duration;

/// How often the table of sessions is looked at, where that may end one.
const INTERVAL: Duration = Duration::from_secs(1);

/// When to look next, where there is anything to look for. A login does not
/// wake the worker: it is found within the interval, and so is a session that
/// a backend opened by the policy before.
pub fn next_look(policy: &Policy) -> Option<Duration> {
    let looks = policy.session_expiry != SessionExpiry::Ignore || !policy.deny.is_empty();
    looks.then_some(INTERVAL)
}

/// Ends every session that is to end by this policy, each with a log line.
pub fn end_due(policy: &Policy) {
    if next_look(policy).is_none() {
        return;
    }
    let now = clock::now();
    let denied =
        |row: &Row| row.subjects().any(|subject| policy.deny.find(&subject, now).is_some());
    for row in session::end(denied) {
        message::log(&report::session_ended(&row, "denied"));
    }
    for row in session::end(|row| has_expired(policy, row, now)) {
        message::log(&report::session_ended(&row, "expired"));
    }
}

fn has_expired(policy: &Policy, row: &Row, now: UnixTime) -> bool {
    let over = now >= due(row.expires, policy.session_expiry_grace, row.draw);
    match policy.session_expiry {
        SessionExpiry::Ignore => false,
        SessionExpiry::Terminate => over,
        SessionExpiry::TerminateIdle => over && !row.replication && proc::is_idle(row.number),
    }
}
