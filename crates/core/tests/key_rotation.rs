//! Schedule, lifetime and held keys together, against issuers that rotate.
//!
//! 1. Google's real rotations of half a year: a login with a key that was just
//!    published gets it, an old key ends with its grace, none pile up.
//! 2. Entra's real keys behind front ends that each know only some of them.
//! 3. Invented front ends that answer in any order at any distance: a key
//!    verifies exactly while it is in the set and ten minutes longer.

#[path = "vectors/folder.rs"]
mod folder;

use folder::{json, say};
use jwt_sso_core::held_keys::{GRACE, HeldKeys, SeenKey, seen_keys};
use jwt_sso_core::jwk::{Material, PublicKey};
use jwt_sso_core::lifetime::lifetime;
use jwt_sso_core::schedule::{Asked, Schedule, Tick};
use jwt_sso_core::time::UnixTime;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

const MAX_STALE: Duration = Duration::from_secs(86_400);
/// What Google and Entra state in their headers is longer than what counts.
const STATED: Duration = Duration::from_secs(6 * 3_600);

/// A worker with one issuer, and an invented clock in seconds since 1970.
struct Worker {
    schedule: Schedule,
    held: HeldKeys,
    fetches: usize,
}

impl Worker {
    fn new(now: u64) -> Worker {
        Worker { schedule: Schedule::new(tick(now)), held: HeldKeys::default(), fetches: 0 }
    }

    /// Fetches the set that is published at that moment.
    fn fetch(&mut self, now: u64, set: &[u8]) {
        let fresh = lifetime(Some(STATED), Duration::from_secs(600));
        self.schedule.started(tick(now));
        self.held.merge(seen_keys(set).expect("a key set"), time(now), fresh, MAX_STALE);
        self.schedule.succeeded(tick(now), fresh, 0.5);
        self.fetches += 1;
    }

    /// The seconds from which a fetch is due.
    fn due(&self) -> u64 {
        self.schedule.due().expect("nothing is in flight").0.div_ceil(1_000)
    }

    fn usable(&self, now: u64) -> BTreeSet<&str> {
        let keys = self.held.usable(time(now), MAX_STALE);
        keys.into_iter().filter_map(|(key, _)| key.kid.as_deref()).collect()
    }
}

fn tick(seconds: u64) -> Tick {
    Tick(seconds * 1_000)
}

fn time(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(seconds).expect("before the year 10000")
}

/// What the issuer published from when on.
struct Published {
    from: u64,
    kids: BTreeSet<String>,
    document: Vec<u8>,
}

fn google() -> Option<Vec<Published>> {
    let history = json("wellknown/rotation/google.json")?;
    let published = |snapshot: &Value| {
        let from = humantime::parse_rfc3339(snapshot["at"].as_str().expect("a time"))
            .expect("RFC 3339")
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970");
        let kids: BTreeSet<String> = snapshot["kids"]
            .as_array()
            .expect("kids")
            .iter()
            .map(|kid| kid.as_str().expect("a kid").to_owned())
            .collect();
        let keys: Vec<&Value> = kids.iter().map(|kid| &history["keys"][kid]).collect();
        let document = serde_json::json!({ "keys": keys }).to_string().into_bytes();
        Published { from: from.as_secs(), kids, document }
    };
    Some(history["snapshots"].as_array().expect("snapshots").iter().map(published).collect())
}

#[test]
fn google_rotates() {
    let Some(history) = google() else { return };
    assert!(history.windows(2).all(|pair| pair[0].from < pair[1].from));
    let mut worker = Worker::new(history[0].from);
    let (mut forced, mut vanished) = (0, 0);
    for (at, current) in history.iter().enumerate() {
        // Somebody logs in with the newest key as soon as it is published.
        let login = |kid: &String| !worker.usable(current.from).contains(kid.as_str());
        if current.kids.iter().any(login) && worker.due() > current.from {
            assert_eq!(
                worker.schedule.unknown_kid(tick(current.from), worker.schedule.ended()),
                Asked::FetchNow
            );
            worker.fetch(current.from, &current.document);
            forced += 1;
        }
        let end = history.get(at + 1).map_or(current.from + 86_400, |next| next.from);
        while worker.due() < end {
            let now = worker.due().max(current.from);
            let before: BTreeSet<String> =
                worker.usable(now).into_iter().map(str::to_owned).collect();
            worker.fetch(now, &current.document);
            for kid in &current.kids {
                assert!(worker.usable(now).contains(kid.as_str()));
                assert!(worker.usable(worker.due()).contains(kid.as_str()));
            }
            for gone in before.difference(&current.kids) {
                vanished += 1;
                assert!(worker.usable(now + GRACE - 1).contains(gone.as_str()), "{gone}");
                assert!(!worker.usable(now + GRACE).contains(gone.as_str()), "{gone}");
            }
        }
        assert!(worker.held.keys.len() <= current.kids.len() + 2, "old keys pile up");
    }
    let hours = (history[history.len() - 1].from - history[0].from) / 3_600;
    say(format_args!(
        "google: {hours} hours, {} fetches, {forced} forced, {vanished} keys vanished",
        worker.fetches
    ));
    assert!(forced > 10 && vanished > 10);
    assert!(worker.fetches as u64 <= 2 * hours, "more than the lifetime makes");
}

/// Two front ends, each without two of the seven keys that the other has.
#[test]
fn entra_flaps() {
    let Some(all) = json("wellknown/entra-common.jwks.json") else { return };
    let all = all["keys"].as_array().expect("keys");
    let front_end = |without: &[usize]| {
        let keys = all.iter().enumerate().filter(|(at, _)| !without.contains(at));
        let keys: Vec<&Value> = keys.map(|(_, key)| key).collect();
        serde_json::json!({ "keys": keys }).to_string().into_bytes()
    };
    let fronts = [front_end(&[0, 1]), front_end(&[2, 3])];
    let mut worker = Worker::new(1_000_000);
    worker.fetch(1_000_000, &fronts[0]);
    worker.fetch(1_000_599, &fronts[1]);
    let first_seen = worker.held.keys.iter().map(|key| key.first_seen).max();
    for fetch in 2..50 {
        let now = 1_000_000 + fetch * 599;
        assert_eq!(worker.usable(now).len(), all.len(), "before fetch {fetch}");
        worker.fetch(now, &fronts[(fetch % 2) as usize]);
        assert_eq!(worker.usable(now).len(), all.len(), "after fetch {fetch}");
    }
    assert_eq!(worker.held.keys.iter().map(|key| key.first_seen).max(), first_seen);
    assert_eq!(worker.held.keys.len(), all.len());

    // An hour later the other front end answers: what it lacks has its grace.
    let now = 1_000_000 + 49 * 599 + 3_000;
    assert_eq!(worker.usable(now).len(), all.len() - 2);
    worker.fetch(now, &fronts[0]);
    assert_eq!(worker.usable(now).len(), all.len());
}

fn invented(number: u8) -> SeenKey {
    let kid = Some(format!("k{number}"));
    let material = Material::Ed25519 { x: vec![number; 32] };
    let public = Ok(PublicKey { kid: kid.clone(), algorithm: None, material });
    SeenKey { kid, kty: Some("OKP".into()), alg: None, use_: None, bits: Some(256), public }
}

proptest! {
    /// For each key and moment, by looking at all fetches so far: the key is in
    /// the last set, or the first set without it is less than ten minutes old.
    #[test]
    fn a_key_verifies_while_published_and_ten_minutes_longer(
        fetches in proptest::collection::vec(
            (1..1_500u64, proptest::collection::vec(any::<bool>(), 5)), 1..40),
        waits in proptest::collection::vec(0..1_500u64, 40),
    ) {
        let mut held = HeldKeys::default();
        let mut now = 1_000_000;
        let mut in_force_until = [None; 5];
        for ((pause, has), wait) in fetches.iter().zip(waits) {
            now += pause;
            let set = (0..5).filter(|key| has[*key as usize]).map(invented).collect();
            held.merge(set, time(now), Duration::from_secs(3_600), MAX_STALE);
            for (until, has) in in_force_until.iter_mut().zip(has) {
                *until = match (*has, *until) {
                    (true, _) => Some(u64::MAX),
                    (false, Some(u64::MAX)) => Some(now + GRACE),
                    (false, until) => until,
                };
            }
            for probe in [now, now + wait] {
                let usable: BTreeSet<String> = held
                    .usable(time(probe), MAX_STALE)
                    .into_iter()
                    .filter_map(|(key, _)| key.kid.clone())
                    .collect();
                let expected: BTreeSet<String> = (0..5)
                    .filter(|key| in_force_until[*key].is_some_and(|until| probe < until))
                    .map(|key| format!("k{key}"))
                    .collect();
                prop_assert_eq!(usable, expected, "at {}", probe);
            }
        }
    }
}
