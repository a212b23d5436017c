//! Ends an exchange whose time is over, whatever it is waiting for.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Instant;
use ureq::Agent;

/// As long as it is held, the agent's connections are closed at the deadline.
pub(crate) struct Watchdog {
    _alive: Sender<()>,
}

/// Watches over `agent` from a thread of its own, which inherits the signal mask.
/// Where no thread can be had, ureq's own timeouts remain.
pub(crate) fn set(agent: Agent, deadline: Instant) -> Watchdog {
    let (alive, gone) = mpsc::channel();
    let watch = move || {
        let remaining = deadline.saturating_duration_since(Instant::now());
        if gone.recv_timeout(remaining) == Err(RecvTimeoutError::Timeout) {
            agent.shutdown();
        }
    };
    drop(thread::Builder::new().name("jwt_sso watchdog".to_owned()).spawn(watch));
    Watchdog { _alive: alive }
}
