//! A key set, as a setting and as an issuer's answer.
//!
//! - Every key that is read has numbers of a length that such keys have, and
//!   verifies no signature of zeros.
//! - What the setting takes the answer of an issuer may be too, with the same keys.
//! - A set that is carried from an issuer into the setting has all of its keys there.
//! - Keys come out of the image and out of the kept file as they went in.
#![no_main]

use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::digest::Digest;
use jwt_sso_core::held_keys::{HeldKeys, MAX_KEYS, SeenKey, seen_keys};
use jwt_sso_core::image::{self, KeySet, Lookup, Status};
use jwt_sso_core::jwk::PublicKey;
use jwt_sso_core::jwks::StaticJwks;
use jwt_sso_core::kept_file::{self, Kept, KeptSet};
use jwt_sso_core::published_set::PublishedSet;
use jwt_sso_core::signature;
use jwt_sso_core::time::UnixTime;
use jwt_sso_fuzz::keys::assert_possible;
use jwt_sso_fuzz::{minting, seeds, text};
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

fn seed() {
    let own = Algorithm::ALL.map(|alg| {
        let key = minting::signer(alg).jwk(&format!(r#","kid":"{alg}","use":"sig""#));
        format!(r#"{{"keys":[{key},{{"kty":"oct"}},{{"kty":"RSA","n":"AQAB","e":"Aw"}}]}}"#)
    });
    seeds::write(own.map(String::into_bytes).into_iter().chain(seeds::key_sets()));
}

fuzz_target!(init: seed(), |data: &[u8]| {
    let seen = seen_keys(data);
    if let Ok(seen) = &seen {
        assert!(seen.len() <= MAX_KEYS);
        kept(seen);
    }
    let usable = |seen: &[SeenKey]| -> Vec<PublicKey> {
        seen.iter().filter_map(|key| key.public.clone().ok()).collect()
    };
    if let Some(text) = text(data) {
        match StaticJwks::parse(text) {
            Ok(set) => {
                let keys = set.keys();
                each(&keys);
                in_image(&keys);
                assert_eq!(set.is_configured(), !keys.is_empty() || !set.unusable().is_empty());
                if let (Ok(seen), true) = (&seen, set.is_configured()) {
                    assert_eq!(usable(seen), keys);
                }
            }
            Err(error) => assert!(!error.detail.contains(text) || text.len() < 64),
        }
    }
    if let Ok(published) = PublishedSet::read(data) {
        let text = published.text();
        assert!(text.is_ascii() && published.count() > 0 && published.has_keys_of(&published));
        let taken = StaticJwks::parse(&text).expect("the setting takes it");
        assert_eq!((taken.keys().len(), taken.unusable().len()), (published.count(), 0));
        assert_eq!(taken.keys(), usable(&seen.expect("a set")));
        let again = PublishedSet::read(text.as_bytes()).expect("the set as it was written");
        assert!(again.text() == text && again.left_out.is_empty());
    }
});

fn each(keys: &[PublicKey]) {
    for (number, key) in keys.iter().enumerate() {
        assert_possible(key);
        assert!(signature::is_sound(&key.material));
        if number < 2 {
            for alg in Algorithm::ALL {
                assert!(!signature::verify(key, alg, b"message", &[0; 64]));
            }
        }
    }
}

fn in_image(keys: &[PublicKey]) {
    let source = Digest::of(&[b"source"]);
    let image =
        image::encode(&Status::default(), &[KeySet::of_settings(source, "i", keys.to_vec())]);
    let found = |kid: Option<&str>| match image::lookup(&image, &source, kid, 0) {
        Lookup::Found { of_kid, usable, .. } => {
            assert_eq!(usable, keys.len());
            of_kid
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(found(None).len(), keys.len());
    for key in keys {
        let wanted: Vec<PublicKey> = match &key.kid {
            None => found(None).into_iter().filter(|found| found.kid.is_none()).collect(),
            Some(kid) => found(Some(kid)),
        };
        let expected: Vec<PublicKey> =
            keys.iter().filter(|other| other.kid == key.kid).cloned().collect();
        assert_eq!(wanted, expected);
    }
}

fn kept(seen: &[SeenKey]) {
    let now = UnixTime::from_seconds(1_000_000).expect("in range");
    let mut held = HeldKeys::default();
    held.merge(seen.to_vec(), now, Duration::from_secs(60), Duration::from_secs(600));
    held.merge(seen[seen.len() / 2..].to_vec(), now, Duration::ZERO, Duration::from_secs(600));
    assert!(held.keys.len() <= 2 * MAX_KEYS);
    let set = KeptSet {
        source: Digest::of(&[b"source"]),
        issuer: "https://i".to_owned(),
        jwks_uri: "https://i/keys".to_owned(),
        held,
    };
    let file = kept_file::write(std::slice::from_ref(&set));
    assert_eq!(
        kept_file::read(file.as_bytes(), now),
        Ok(Kept { sets: vec![set], dropped: vec![] })
    );
}
