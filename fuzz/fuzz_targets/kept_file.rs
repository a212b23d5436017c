//! The file of the last good keys: as it comes (`0`), or behind a fingerprint
//! that is right (`1`).
//!
//! - What is read has no time in the future and sound keys only, and comes back
//!   when it is written.
//! - With any byte changed, or cut, it counts for nothing.
#![no_main]

use jwt_sso_core::digest::Digest;
use jwt_sso_core::held_keys::{HeldKeys, seen_keys};
use jwt_sso_core::kept_file::{self, KeptSet};
use jwt_sso_core::signature;
use jwt_sso_core::time::UnixTime;
use jwt_sso_fuzz::keys::assert_possible;
use jwt_sso_fuzz::{minting, seeds};
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(seconds).expect("in range")
}

/// As the module writes it, told by what it writes of nothing.
fn file(body: &[u8]) -> Vec<u8> {
    let fingerprint = Digest::of(&[b"jwt_sso kept keys, version 1", body]);
    let hex: String = fingerprint.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let head = format!(r#"{{"version":1,"sha256":"{hex}","sets":"#);
    [head.as_bytes(), body, b"}\n"].concat()
}

fn seed() {
    assert_eq!(kept_file::write(&[]).as_bytes(), file(b"[]"), "the form has changed");
    let mut all = vec![file(b"[]"), b"[]".to_vec()];
    for (number, document) in seeds::key_sets().iter().take(40).enumerate() {
        let Ok(seen) = seen_keys(document) else { continue };
        let mut held = HeldKeys::default();
        held.merge(seen, at(1_000), Duration::from_secs(60), Duration::from_secs(60));
        held.merge(key(), at(1_060), Duration::from_millis(1500), Duration::from_secs(600));
        let set = KeptSet {
            source: Digest::of(&[&[number as u8]]),
            issuer: "https://idp.example".to_owned(),
            jwks_uri: "https://idp.example/keys".to_owned(),
            held,
        };
        let text = kept_file::write(&[set]);
        let body = &text[file(b"").len() - 2..text.len() - 2];
        assert_eq!(file(body.as_bytes()), text.as_bytes());
        all.push([b"\x01", body.as_bytes()].concat());
        all.push([b"\0", text.as_bytes()].concat());
    }
    seeds::write(all);
}

fn key() -> Vec<jwt_sso_core::held_keys::SeenKey> {
    let key = minting::P256.jwk(r#","kid":"ours","alg":"ES256","use":"sig""#);
    seen_keys(format!(r#"{{"keys":[{key},{{"kty":"oct","kid":"s"}}]}}"#).as_bytes()).expect("a set")
}

fuzz_target!(init: seed(), |data: &[u8]| {
    match data.split_first() {
        Some((0, text)) => read(text, text.len() * 2 / 3),
        Some((place, body)) => read(&file(body), usize::from(*place) * body.len() / 128),
        None => {}
    }
});

fn read(text: &[u8], place: usize) {
    let now = at(1_500);
    let kept = match kept_file::read(text, now) {
        Ok(kept) => kept,
        Err(damage) => return assert!(!damage.0.is_empty()),
    };
    for set in &kept.sets {
        assert!(set.held.last_success.is_some_and(|time| time <= now));
        for held in &set.held.keys {
            assert!(held.first_seen <= now && held.last_seen <= now);
            assert!(held.vanished.is_none_or(|time| time <= now));
            if let Ok(key) = &held.key.public {
                assert_possible(key);
                assert!(signature::is_sound(&key.material));
            }
        }
        let usable = set.held.usable(now, Duration::from_secs(600));
        assert!(usable.len() <= set.held.keys.len());
        assert!(usable.iter().all(|(_, until)| *until > now));
    }
    let written = kept_file::write(&kept.sets);
    let again = kept_file::read(written.as_bytes(), now).expect("what was written is read");
    assert!(again.sets == kept.sets && again.dropped.is_empty());
    assert_eq!(kept_file::write(&again.sets), written);

    let mut changed = text.to_vec();
    let place = place.min(text.len() - 1);
    changed[place] ^= 1 << (place % 8);
    assert!(kept_file::read(&changed, now).is_err(), "byte {place} changed");
    assert!(kept_file::read(&text[..place], now).is_err(), "cut after byte {place}");
}
