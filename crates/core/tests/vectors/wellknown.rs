use crate::folder::{find, json, say};
use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::jwk::Unusable;
use jwt_sso_core::jwks::StaticJwks;

/// Issuer, usable keys, keys in all. PayPal's other one is for X25519.
const SETS: [(&str, usize, usize); 6] = [
    ("apple", 3, 3),
    ("docker", 2, 2),
    ("entra-common", 7, 7),
    ("gitlab", 2, 2),
    ("google", 2, 2),
    ("paypal", 14, 15),
];

#[test]
fn key_sets_of_real_issuers() {
    for (issuer, usable, all) in SETS {
        let Some(path) = find(&format!("wellknown/{issuer}.jwks.json")) else { return };
        let text = std::fs::read_to_string(path).expect("vectors are readable");
        let set = StaticJwks::parse(&text).unwrap_or_else(|error| panic!("{issuer}: {error}"));
        assert_eq!((set.keys().len(), set.unusable().len()), (usable, all - usable), "{issuer}");
        assert!(set.keys().iter().all(|key| key.kid.is_some()));
        for key in &set.unusable() {
            assert_eq!(key.why, Unusable::Curve("X25519".into()));
        }
        say(format_args!("wellknown: {issuer}: {usable} of {all} keys can verify"));
    }
}

/// Entra's keys name no algorithm, so each fits the whole family.
#[test]
fn keys_without_alg_are_usable() {
    let Some(path) = find("wellknown/entra-common.jwks.json") else { return };
    let text = std::fs::read_to_string(path).expect("vectors are readable");
    let keys = StaticJwks::parse(&text).expect("a key set").keys();
    assert!(keys.iter().all(|key| key.algorithm.is_none()));
    assert!(keys.iter().all(|key| key.fits(Algorithm::Rs256)));
}

/// Every key that Google has published in the recorded time can be read.
#[test]
fn google_over_time() {
    let Some(history) = json("wellknown/rotation/google.json") else { return };
    let keys = history["keys"].as_object().expect("keys");
    let mut usable = 0;
    for (kid, key) in keys {
        let read = StaticJwks::parse(&key.to_string()).expect("a key").keys();
        assert_eq!(read[0].kid.as_ref(), Some(kid));
        usable += read.len();
    }
    say(format_args!("wellknown: google over time: {usable} of {} keys can verify", keys.len()));
    assert_eq!((usable, keys.len()), (20, 20));
}
