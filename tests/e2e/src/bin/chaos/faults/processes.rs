//! Processes that end in the middle of what they do.

use std::process::Command;
use std::thread::{self, sleep};
use std::time::Duration;

use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::wire::Wire;

use crate::Result;
use crate::scene::Scene;

/// So many logins can wait at once.
pub const PLACES: usize = 32;

fn signal(name: &str, pid: u32) -> Result {
    let status = Command::new("kill").args(["-s", name, &pid.to_string()]).status();
    if status.is_ok_and(|status| status.success()) { Ok(()) } else { Err(format!("kill {pid}")) }
}

/// Kills while the provider is down, and waits until PostgreSQL has noticed.
fn crash(scene: &Scene, pid: u32) -> Result {
    scene.idp.down();
    // The tests' servers commit asynchronously: the crash is not to take the roles along.
    scene.cluster.sql("CHECKPOINT");
    let mark = scene.cluster.log_mark();
    signal("KILL", pid)?;
    scene.within("the restart", || scene.cluster.log_since(mark).contains("reinitializing"))
}

pub fn worker_killed(scene: &Scene) -> Result {
    crash(scene, scene.worker()?)
}

pub fn worker_terminated(scene: &Scene) -> Result {
    scene.idp.down();
    let before = scene.worker()?;
    signal("TERM", before)?;
    scene.within("another worker", || scene.cluster.worker_pid().is_some_and(|pid| pid != before))
}

pub fn killed_at_the_prompt(scene: &Scene) -> Result {
    let wire = scene.prompted()?;
    crash(scene, scene.backend(&wire)?)
}

pub fn killed_waiting(scene: &Scene) -> Result {
    waiting(scene, 1, |wires| crash(scene, scene.backend(&wires[0])?))
}

pub fn terminated_waiting(scene: &Scene) -> Result {
    waiting(scene, 10, |wires| {
        for wire in &wires {
            signal("TERM", scene.backend(wire)?)?;
        }
        for mut wire in wires {
            while wire.read().is_some() {}
        }
        Ok(())
    })
}

/// Acts while so many logins wait for the keys of the provider that never answers.
pub fn waiting(scene: &Scene, count: usize, act: impl FnOnce(Vec<Wire>) -> Result) -> Result {
    let mut wires = (0..count).map(|_| scene.prompted()).collect::<Result<Vec<Wire>>>()?;
    let mark = scene.cluster.log_mark();
    let asked = scene.idp.silent.requests().len();
    let refresh = format!("SELECT detail FROM jwt_sso.refresh('{}')", scene.idp.silent.base);
    thread::scope(|scope| {
        // A fetch that hangs, whatever the back-off is. A crash ends it with an error.
        let refresh = scope.spawn(|| drop(scene.cluster.try_sql(&refresh)));
        scene.within("a fetch", || scene.idp.silent.requests().len() > asked)?;
        let packet = frame(b'p', format!("{}\0", scene.idp.of_silent()).as_bytes());
        for wire in &mut wires {
            wire.send(&packet).map_err(|error| error.to_string())?;
        }
        sleep(Duration::from_millis(300));
        // Which of too many get no place is anybody's guess.
        let log = scene.cluster.log_since(mark);
        let answered = log.matches("jwt_sso: refused reason=keys_unavailable").count();
        if refresh.is_finished() || answered > count.saturating_sub(PLACES) {
            return Err(format!("{answered} of {count} logins did not wait"));
        }
        act(wires)
    })
}
