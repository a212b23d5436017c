//! What `make chaos` does once jwt_sso is installed: real faults, one after the other, while people
//! log in with good and with forged tokens. After each fault, with the provider down, a token of a
//! key that was known before must still get in.
//!
//! `ROUNDS` (10), how often each fault is tried, and `FAULT`, a part of the name of those to try
//! (all), are variables of the environment.

mod faults;
mod idp;
mod scene;
mod tally;
mod traffic;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crate::faults::{Fault, Place};
use crate::idp::Idp;
use crate::scene::Scene;
use crate::tally::Tally;
use crate::traffic::under_traffic;

/// What went wrong, in words.
type Result<T = ()> = std::result::Result<T, String>;

fn main() -> ExitCode {
    // A panic of any part is a promise that did not hold, and is told by the last line, too.
    let result = thread::spawn(run).join().unwrap_or_else(|_| Err("it panicked, see above".into()));
    match result {
        Ok(held) => {
            println!("\nchaos: held: {held}");
            ExitCode::SUCCESS
        }
        Err(what) => {
            println!("\nchaos: BROKEN: {what}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String> {
    let rounds = env::var("ROUNDS").unwrap_or_else(|_| "10".to_owned());
    let rounds: u32 = rounds.parse().map_err(|_| format!("ROUNDS={rounds} is not a number"))?;
    let wanted = env::var("FAULT").unwrap_or_default();
    let faults: Vec<Fault> =
        faults::all().into_iter().filter(|fault| fault.name.contains(&wanted)).collect();
    if rounds == 0 || faults.is_empty() {
        return Err("ROUNDS is at least 1, FAULT a part of a fault's name".to_owned());
    }
    let start = Instant::now();
    let idp = Arc::new(Idp::start());
    let main = Scene::start(&idp, None);
    let clock = Scene::with_clock(&idp)?;
    println!(
        "jwt_sso on PostgreSQL {}: {} faults, {rounds} times each",
        main.cluster.sql("SHOW server_version"),
        faults.len()
    );
    let mut tallies: Vec<Tally> = faults.iter().map(|_| Tally::default()).collect();
    for round in 1..=rounds {
        println!("round {round} of {rounds}, after {:.0} s", start.elapsed().as_secs_f64());
        for (fault, tally) in faults.iter().zip(&mut tallies) {
            idp.set_round(round);
            let tried = match fault.place {
                Place::Main => attempt(fault, tally, &main),
                Place::Clock => attempt(fault, tally, &clock),
                Place::Standby => attempt(fault, tally, &main.standby()?),
            };
            if let Err(what) = tried {
                println!("  ! {}: {what}", fault.name);
                tally.failures.push(what);
            }
            idp.up();
        }
    }
    tally::judge(&faults, &tallies, start.elapsed())
}

/// One fault, once, with logins going on.
fn attempt(fault: &Fault, tally: &mut Tally, scene: &Scene) -> Result {
    scene.idp.up();
    scene.settled()?;
    tally.times += 1;
    let mut session = scene.enter(&scene.idp.good()).map_err(|end| format!("before: {end:?}"))?;
    let (count, result) = under_traffic(scene, || {
        (fault.run)(scene)?;
        scene.logins_work()
    });
    tally.add(&count);
    result?;
    // With the provider down, keys that were had before must let people in: from the kept file
    // after what restarts the server, else from shared memory.
    scene.idp.down();
    if let Err(end) = scene.enter(&scene.idp.good()) {
        tally.kept_keys_lost += 1;
        return Err(format!("a token of a kept key: {end:?}"));
    }
    scene.idp.up();
    tally.sessions += 1;
    let alive = session.query("SELECT 1").is_ok_and(|rows| rows == [["1"]]);
    tally.sessions_lost += u32::from(!alive);
    Ok(())
}
