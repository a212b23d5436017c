//! The keys in shared memory, where anything may stand: an image as it comes
//! (`0`, bytes), or a good one with bytes changed (`1`, then place, place, byte)
//! or with entries of keys that lead where other ones do (`2`, then from, to).
//!
//! - A login finds keys of the `kid` that it asked for only, and keys of a
//!   length that such keys have; none of a set that has served its time.
//! - Neither a login nor a view makes more of an image than it has bytes.
//! - What the views read can be written and read again.
#![no_main]

use jwt_sso_core::digest::Digest;
use jwt_sso_core::image::{self, KeyRecord, KeySet, Lookup, Status};
use jwt_sso_core::jwk::PublicKey;
use jwt_sso_core::jwks::StaticJwks;
use jwt_sso_fuzz::keys::{assert_possible, weight};
use jwt_sso_fuzz::{seeds, world::WORLD};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

fn source(name: &str) -> Digest {
    Digest::of(&[name.as_bytes()])
}

/// Small, with an Ed25519 and a P-256 key, of which one is named twice.
static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let keys: Vec<PublicKey> = WORLD.policy.jwks.keys();
    let named = |name: &str| keys.iter().find(|key| key.kid.as_deref() == Some(name)).cloned();
    let (ed, p256) = (named("ed").expect("a key"), named("p256").expect("a key"));
    let again = PublicKey { kid: Some("ed".to_owned()), ..p256.clone() };
    let bare = PublicKey { kid: None, ..ed.clone() };
    // Longer than all the rest, so that it counts where others lead to it.
    let long = PublicKey { kid: Some("k".repeat(900)), ..ed.clone() };
    let keys = vec![ed, p256, again, bare, long];
    let mut fetched = KeySet::of_settings(source("b"), "https://b", keys);
    fetched.about.fetched = true;
    fetched.about.last_error = "no answer".to_owned();
    fetched.about.clock_offset = Some(-3);
    fetched.about.serves_until = 1_000;
    fetched.keys[1].until = 500;
    fetched.keys[2].key = None;
    let out = KeySet { left_out: true, ..KeySet::of_settings(source("c"), "", Vec::new()) };
    let one = KeySet::of_settings(source("a"), "", StaticJwks::default().keys());
    image::encode(&Status { policy: source("policy"), refused: 5 }, &[fetched, one, out])
});

fn seed() {
    let raw = |image: &[u8]| [&[0], image].concat();
    let empty = image::encode(&Status::default(), &[]);
    seeds::write([raw(&GOOD), raw(&empty), vec![1], vec![1, 0, 4, 255, 0, 8, 1], vec![2, 0, 1]]);
}

fuzz_target!(init: seed(), |data: &[u8]| {
    match data.split_first() {
        Some((0, image)) => read(image),
        Some((2, changes)) => {
            let mut image = GOOD.clone();
            let entries = u32::from_le_bytes(image[8..12].try_into().expect("four bytes")) as usize;
            for pair in changes.chunks_exact(2) {
                let [from, to] = [pair[0], pair[1]].map(|n| entries + usize::from(n % 5) * 4);
                image.copy_within(from..from + 4, to);
            }
            read(&image);
        }
        Some((_, changes)) => {
            let mut image = GOOD.clone();
            for change in changes.chunks_exact(3) {
                let place = usize::from(u16::from_be_bytes([change[0], change[1]])) % image.len();
                image[place] = change[2];
            }
            if changes.len() < 3 {
                let sources: Vec<Digest> = image::sets(&image).iter().map(|set| set.source).collect();
                assert_eq!(sources.len(), 3, "the good image is read whole");
            }
            read(&image);
        }
        None => {}
    }
});

fn read(image: &[u8]) {
    let sets = image::sets(image);
    assert!(sets.is_empty() || image::status(image).is_some());
    let all: usize = sets.iter().map(set_weight).sum();
    assert!(all <= image.len(), "{all} bytes of an image of {}", image.len());
    let mut sources: Vec<Digest> = sets.iter().map(|set| set.source).take(4).collect();
    sources.extend(["a", "b", "c", "none"].map(source));
    for source in sources {
        let first = sets.iter().find(|set| set.source == source).and_then(|set| set.keys.first());
        let own = first.and_then(|key| key.kid.as_deref());
        for kid in [None, Some("ed"), Some(""), own] {
            for now in [0, 700, u64::MAX] {
                login(image, &source, kid, now);
            }
        }
    }
    for key in sets.iter().flat_map(|set| &set.keys).filter_map(|record| record.key.as_ref()) {
        assert_possible(key);
    }
    again(image, &sets);
}

fn login(image: &[u8], source: &Digest, kid: Option<&str>, now: u64) {
    let Lookup::Found { of_kid, .. } = image::lookup(image, source, kid, now) else { return };
    for key in &of_kid {
        assert!(kid.is_none() || key.kid.as_deref() == kid, "another key than was asked for");
        assert_possible(key);
    }
    assert!(of_kid.iter().map(weight).sum::<usize>() <= image.len());
    assert!(now < u64::MAX || of_kid.is_empty(), "no key verifies for ever and ever");
}

fn again(image: &[u8], sets: &[KeySet]) {
    let status = image::status(image).unwrap_or_default();
    let once = image::encode(&status, sets);
    assert_eq!(once.len(), image::EMPTY_LEN + sets.iter().map(KeySet::encoded_len).sum::<usize>());
    assert_eq!(image::status(&once), Some(status));
    let read = image::sets(&once);
    assert_eq!(read.len(), sets.len());
    assert_eq!(image::sets(&image::encode(&status, &read)), read);
}

fn set_weight(set: &KeySet) -> usize {
    let about = &set.about;
    about.issuer.len()
        + about.jwks_uri.len()
        + about.last_error.len()
        + set.keys.iter().map(record_weight).sum::<usize>()
}

fn record_weight(record: &KeyRecord) -> usize {
    let about = &record.about;
    let texts = about.kty.len() + about.alg.len() + about.use_.len() + about.note.len();
    let kid = record.kid.as_ref().map_or(0, String::len);
    texts + record.key.as_ref().map_or(kid, weight)
}
