//! The background worker: it owns the keys, and says in the log what the
//! postmaster, which must not stop for it, leaves unsaid.

use crate::pg::background::{self, Wake};
use crate::pg::message;
use crate::settings;
use crate::{hba, keyring};
use jwt_sso_core::advice::Advice;
use jwt_sso_core::image::Status;
use jwt_sso_core::policy::Policy;
use jwt_sso_core::rounds::SettingSet;
use std::time::Duration;

/// After it ended, whatever the cause.
const RESTART: Duration = Duration::from_secs(1);

/// Registers the worker. Only while the library is preloaded.
pub fn init() {
    background::register("jwt_sso worker", RESTART, main);
}

fn main() {
    settings::become_owner();
    background::attach();
    publish();
    let mut advice = say_advice(&[]);
    let mut lines = say_trust_lines(&[]);
    while background::wait() == Wake::Reload {
        let before = settings::refused();
        settings::reload();
        let refused = settings::refused();
        if !refused.is_empty() {
            say_refused(refused);
        } else if !before.is_empty() {
            message::log("jwt_sso: every setting is accepted again; the new policy is in force");
        }
        publish();
        advice = say_advice(&advice);
        lines = say_trust_lines(&lines);
    }
}

fn publish() {
    let refused = settings::refused().bits();
    settings::in_force(|policy| {
        let policy = policy.ok();
        let fingerprint = policy.map(Policy::fingerprint).unwrap_or_default();
        let status = Status { policy: fingerprint, refused };
        keyring::publish(policy, status, settings::key_cache_bytes());
    });
}

/// Names each line by which tokens are asked for and that was not `said` before.
fn say_trust_lines(said: &[String]) -> Vec<String> {
    let lines: Vec<String> =
        hba::trust_lines_in_force().iter().map(|place| place.to_string()).collect();
    for line in lines.iter().filter(|line| !said.contains(line)) {
        message::log(&format!("jwt_sso: token connections arrive by {line}"));
    }
    lines
}

fn say_refused(refused: SettingSet) {
    let names = settings::names(refused).join(", ");
    let consequence = if settings::is_sound() {
        "the whole previous policy stays in force"
    } else {
        "there is no policy in force, and every token login is refused as misconfigured"
    };
    message::log(&format!("jwt_sso: refused in this reload: {names}; {consequence}"));
}

/// Warns of what is unwise in the policy in force and was not `said` before.
fn say_advice(said: &[Advice]) -> Vec<Advice> {
    let advice = settings::in_force(|policy| policy.map(Policy::advice).unwrap_or_default());
    for new in advice.iter().filter(|advice| !said.contains(advice)) {
        message::warning(&settings::advice_message(new));
    }
    advice
}
