//! 1. keys rotated while people log in: nobody is refused, six logins with an unknown `kid` at
//!    once make one fetch, and `refresh()` ends the old keys
//! 2. a rotation is found by the scheduled fetch too, before anybody asks
//! 3. 1,000 logins with known keys make no connection to the provider

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jwt_sso_e2e::builder::DEADLINE;
use jwt_sso_e2e::provider::keys;
use jwt_sso_e2e::{Algorithm, Client};

use crate::World;

#[test]
fn s1_while_people_log_in() {
    let mut world = World::start();
    let old = world.alice();
    world.accepts(&old);
    let before = world.provider.key_requests();
    let (done, logins) = (AtomicBool::new(false), AtomicU32::new(0));
    let World { cluster, provider } = &mut world;
    let lets_in = |token: &str| {
        let login = Client::new(cluster, "alice").login(token);
        login.session().query("SELECT 1").unwrap();
        logins.fetch_add(1, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    lets_in(&old);
                }
            });
        }
        // Ends the others whatever happens here.
        let rotate = scope.spawn(|| {
            wait_for(&logins, 20);
            provider.rotate(&keys("second"));
            let new = provider.id_token(Algorithm::Es256, "alice");
            let barrier = Barrier::new(6);
            thread::scope(|scope| {
                for _ in 0..6 {
                    scope.spawn(|| {
                        barrier.wait();
                        lets_in(&new);
                    });
                }
            });
            wait_for(&logins, logins.load(Ordering::Relaxed) + 20);
        });
        let ended = rotate.join();
        done.store(true, Ordering::Relaxed);
        ended.unwrap();
    });
    assert_eq!(world.provider.key_requests(), (before.0 + 1, before.1 + 1));

    let counts = "SELECT count(*), count(*) FILTER (WHERE note ~ 'not in the issuer''s set since')
        FROM jwt_sso.keys WHERE usable";
    assert_eq!(world.cluster.sql(counts), "8|4");
    let new = world.alice();
    world.accepts(&old);
    world.accepts(&new);
    world.refreshed();
    assert_eq!(world.cluster.sql(counts), "4|0");
    world.refuses(&old, "unknown_key");
    world.accepts(&new);
}

/// Waits until there were so many logins.
fn wait_for(logins: &AtomicU32, count: u32) {
    let end = Instant::now() + DEADLINE;
    while logins.load(Ordering::Relaxed) < count {
        assert!(Instant::now() < end, "{} logins, not {count}", logins.load(Ordering::Relaxed));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn s2_on_schedule() {
    let mut world = World::start_with(&[("jwt_sso.jwks_refresh_interval", "1s")]);
    world.accepts(&world.alice());
    world.provider.rotate(&keys("second"));
    let second = "SELECT count(*) FROM jwt_sso.keys WHERE kid LIKE 'second-%' AND usable";
    world.cluster.until("the new keys", || world.cluster.sql(second) == "4");
    world.accepts(&world.alice());
    assert_eq!(world.issuer_column("state, keys"), "fresh|8");
}

#[test]
fn s3_a_thousand_logins() {
    let mut world = World::start();
    let token = world.alice();
    world.accepts(&token);
    let before = world.provider.requests("connections");
    let (mark, start) = (world.cluster.log_mark(), Instant::now());
    let (logging_in, token) = (&world, &token);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || (0..250).for_each(|_| logging_in.accepts(token)));
        }
    });
    let took = start.elapsed();
    let accepted = world.cluster.log_since(mark).matches("jwt_sso: accepted ").count();
    let calls = world.provider.requests("connections") - before;
    println!("{accepted} logins in {took:?}: {calls} connections to the provider");
    assert_eq!((accepted, calls), (1000, 0));
}
