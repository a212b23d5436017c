//! Sessions that are to end: their token expired, or they are denied since.

use crate::clock;
use crate::pg::{message, proc};
use crate::report;
use crate::session::{self, Row};
use jwt_sso_core::policy::Policy;
use jwt_sso_core::schedule::Tick;
use jwt_sso_core::session_expiry::{SessionExpiry, due};
use jwt_sso_core::time::UnixTime;
use std::time::Duration;

/// How often the table of sessions is looked at, where that may end one.
const INTERVAL: Duration = Duration::from_secs(1);

/// When the table is looked at.
pub struct Looks {
    next: Tick,
}

impl Looks {
    /// From now on.
    pub fn new() -> Looks {
        Looks { next: clock::tick() }
    }

    /// At once: the policy has changed.
    pub fn soon(&mut self) {
        self.next = clock::tick();
    }

    /// How long until the next look, where there is anything to look for. A
    /// login does not wake the worker: it is found within the interval, and so
    /// is a session that a backend opened by the policy before.
    pub fn next(&self, policy: &Policy) -> Option<Duration> {
        let looks = policy.session_expiry != SessionExpiry::Ignore || !policy.deny.is_empty();
        looks.then(|| clock::tick().until(self.next))
    }

    /// Looks, where that is due: not at every wake, since one look may be
    /// thousands of comparisons.
    pub fn look_if_due(&mut self, policy: &Policy) {
        if self.next(policy).is_some_and(|left| left.is_zero()) {
            self.next = clock::tick().plus(INTERVAL);
            end_due(policy);
        }
    }
}

/// Ends every session that is to end by this policy, each with a log line.
fn end_due(policy: &Policy) {
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
        SessionExpiry::TerminateIdle => over && proc::is_idle(row.number),
    }
}
