//! 1. SIGTERM ends the worker: it is back within 5 s, and neither a session nor a login with
//!    known keys notices
//! 2. a login that needs a fetch while the worker is away waits for it
//! 3. kill -9 of a backend restarts all of PostgreSQL: people get in with the kept keys while
//!    the provider is down
//! 4. kill -9 of the worker does the same
//! 5. the worker ends, there is no kept file and the provider is down: the keys in shared memory
//!    go on

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jwt_sso_e2e::Client;
use jwt_sso_e2e::installation::output_of;
use jwt_sso_e2e::provider::keys;
use jwt_sso_e2e::wire::Wire;

use crate::World;

fn signal(signal: &str, pid: &str) {
    output_of(Command::new("kill").args(["-s", signal, pid]));
}

#[test]
fn s1_worker_ends() {
    let mut world = World::start();
    let token = world.alice();
    let mut session = Client::new(&world.cluster, "alice").login(&token).session();
    // So that no fetch can help.
    world.provider.stop();
    let first = world.cluster.worker_pid().expect("a worker");
    let mark = world.cluster.log_mark();
    let (done, logins) = (AtomicBool::new(false), AtomicU32::new(0));
    let slowest = thread::scope(|scope| {
        let people = scope.spawn(|| {
            let mut slowest = Duration::ZERO;
            while !done.load(Ordering::Relaxed) {
                let start = Instant::now();
                world.accepts(&token);
                slowest = slowest.max(start.elapsed());
                logins.fetch_add(1, Ordering::Relaxed);
            }
            slowest
        });
        let mut before = first;
        for _ in 0..3 {
            signal("TERM", &before.to_string());
            let start = Instant::now();
            let back = || world.cluster.worker_pid().filter(|pid| *pid != before);
            while back().is_none() && start.elapsed() < Duration::from_secs(60) {
                thread::sleep(Duration::from_millis(5));
            }
            println!("the worker is back after {:?}", start.elapsed());
            if start.elapsed() >= Duration::from_secs(5) {
                done.store(true, Ordering::Relaxed);
                panic!("the worker was away for {:?}", start.elapsed());
            }
            before = back().unwrap_or(before);
            // Long enough for it to publish, whatever that may break.
            thread::sleep(Duration::from_millis(300));
        }
        done.store(true, Ordering::Relaxed);
        people.join().expect("every login is accepted")
    });
    println!("{} logins meanwhile, the slowest in {slowest:?}", logins.into_inner());
    assert_eq!(session.query("SELECT current_user").unwrap(), [["alice"]]);
    let log = world.cluster.log_since(mark);
    assert!(!log.contains("refused reason"), "{log}");
    assert!(!log.contains("reinitializing"), "{log}");
}

#[test]
fn s2_fetch_without_a_worker() {
    let mut world = World::start();
    let old = world.alice();
    world.accepts(&old);
    world.provider.rotate(&keys("second"));
    let new = world.alice();
    let first = world.cluster.worker_pid().expect("a worker");
    signal("TERM", &first.to_string());
    world.cluster.until("the worker's end", || world.cluster.worker_pid() != Some(first));
    world.accepts(&new);
    world.accepts(&old);
}

#[test]
fn s3_backend_killed() {
    killed(|_, session| session.query("SELECT pg_backend_pid()").unwrap()[0][0].clone());
}

#[test]
fn s4_worker_killed() {
    killed(|world, _| world.cluster.worker_pid().expect("a worker").to_string());
}

#[test]
fn s5_worker_ends_without_a_file() {
    let mut world = World::start();
    let token = world.alice();
    world.accepts(&token);
    let path = world.cluster.data_dir().join("jwt_sso/keys.json");
    world.cluster.until("the kept file", || path.exists());
    world.provider.stop();
    fs::remove_file(&path).unwrap();
    let first = world.cluster.worker_pid().expect("a worker");
    signal("TERM", &first.to_string());
    let mark = world.cluster.log_mark();
    world.cluster.until("a worker", || world.cluster.worker_pid().is_some_and(|pid| pid != first));
    // By then it has published what it has.
    world.fetch_fails(mark);
    world.accepts(&token);
}

fn killed(victim: impl Fn(&World, &mut Wire) -> String) {
    let mut world = World::start();
    let token = world.alice();
    let mut session = Client::new(&world.cluster, "alice").login(&token).session();
    world.provider.stop();
    // The tests' servers commit asynchronously: the crash is not to take the roles along.
    world.cluster.sql("CHECKPOINT");
    let mark = world.cluster.log_mark();
    let pid = victim(&world, &mut session);
    signal("KILL", &pid);
    world.cluster.wait_log(mark, "all server processes terminated; reinitializing");
    world.cluster.until("the restart", || world.cluster.try_sql("SELECT 1").is_ok());
    world.accepts(&token);
    let line = world.fetch_fails(mark);
    assert!(line.contains("the last good ones serve until"), "{line}");
    assert_eq!(world.issuer_column("state, keys"), "fresh|4");
}
