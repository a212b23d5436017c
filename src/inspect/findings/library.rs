//! What `check()` finds of the library's own parts: its hook and its worker.

use super::{Finding, error, warning};
use crate::pg::places::{self, Publisher};
use crate::pg::{auth_hook, process};

/// A worker that began so short ago, and is not the first, may end again.
const SETTLED: i64 = 60 * 1_000_000;

/// A hook in front of ours, a worker that does not run or does not stay.
pub fn findings() -> Vec<Finding> {
    let mut findings = Vec::from_iter(auth_hook::in_front().map(|library| hook(&library)));
    findings.extend(places::publisher().and_then(worker));
    findings
}

fn hook(library: &str) -> Finding {
    warning(
        format!(
            "{library} was loaded after jwt_sso and is asked about each login first: where it does \
             not call on, every token session is ended"
        ),
        "Write jwt_sso as the last of shared_preload_libraries and restart the server.",
    )
}

fn worker(publisher: Publisher) -> Option<Finding> {
    if publisher.starts == 0 {
        return None; // it has published nothing either, which is found elsewhere
    }
    let hint = "The server log says why it ended: grep 'jwt_sso' and 'background worker' in it.";
    if !publisher.runs {
        let text = "the key worker does not run: no key is fetched, no session is ended";
        return Some(error(text, hint));
    }
    let age = process::now().saturating_sub(publisher.since);
    (publisher.starts > 1 && age < SETTLED).then(|| {
        let (starts, seconds) = (publisher.starts, age / 1_000_000);
        warning(format!("the key worker was started {starts} times, {seconds} s ago last"), hint)
    })
}
