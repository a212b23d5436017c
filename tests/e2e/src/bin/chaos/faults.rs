//! The faults.

mod disk;
mod processes;
mod providers;
mod server;

use crate::Result;
use crate::scene::Scene;

/// Which server a fault happens to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// The ordinary one.
    Main,
    /// The one whose clock can be set.
    Clock,
    /// A new standby of the ordinary one.
    Standby,
}

/// One of them.
#[derive(Debug)]
pub struct Fault {
    /// What happens.
    pub name: &'static str,
    /// Whether PostgreSQL itself ends every session for it.
    pub restarts: bool,
    /// Where it happens.
    pub place: Place,
    /// Makes it happen, and holds what is special about it.
    pub run: fn(&Scene) -> Result,
}

/// All, in the order in which they are tried.
pub fn all() -> Vec<Fault> {
    let main = |name, run| Fault { name, restarts: false, place: Place::Main, run };
    let crash = |name, run| Fault { restarts: true, ..main(name, run) };
    vec![
        crash("kill -9 of the worker", processes::worker_killed),
        main("SIGTERM of the worker", processes::worker_terminated),
        crash("kill -9 of a backend at the prompt", processes::killed_at_the_prompt),
        crash("kill -9 of a backend waiting for keys", processes::killed_waiting),
        main("SIGTERM of 10 backends waiting for keys", processes::terminated_waiting),
        main("provider away, rotating, back", providers::away_and_back),
        main("every place to wait taken", providers::places_taken),
        main("more keys than shared memory has room", providers::too_many_keys),
        main("disk full when keys are kept", disk::full),
        main("reloads of good and bad settings", server::reloads),
        crash("pg_ctl restart -m immediate", server::immediate_restart),
        Fault { place: Place::Clock, ..main("clock jumps", server::clock_jumps) },
        Fault { place: Place::Standby, ..main("promotion of a standby", server::promotion) },
    ]
}
