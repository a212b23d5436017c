use super::*;
use crate::algorithm::Algorithm;
use crate::refusal::NoKeys;

fn ed(kid: Option<&str>, byte: u8) -> PublicKey {
    let material = Material::Ed25519 { x: vec![byte; 32] };
    PublicKey { kid: kid.map(str::to_owned), algorithm: Some(Algorithm::EdDsa), material }
}

fn rsa(kid: &str) -> PublicKey {
    let material = Material::Rsa { n: vec![0x87; 256], e: vec![1, 0, 1] };
    PublicKey { kid: Some(kid.to_owned()), algorithm: None, material }
}

fn source(name: &str) -> Digest {
    Digest::of(&[name.as_bytes()])
}

fn one() -> KeySet {
    let keys = vec![ed(Some("b"), 1), rsa("a"), ed(None, 2), ed(Some("b"), 3)];
    KeySet::of_settings(source("one"), "https://one", keys)
}

/// Four keys: usable, vanished and out of its grace, without use, usable.
fn fetched() -> KeySet {
    let mut set = KeySet::of_settings(
        source("fetched"),
        "https://f",
        vec![ed(Some("k"), 1), ed(Some("old"), 2), ed(Some("weak"), 3), ed(Some("k"), 4)],
    );
    set.keys[1].until = 1000;
    set.keys[2].key = None;
    set.keys[2].about.note = "too short".to_owned();
    set.attempts = 7;
    set.brake_until = 99;
    set.about = About {
        issuer: "https://f".to_owned(),
        fetched: true,
        jwks_uri: "https://f/keys".to_owned(),
        last_success: 1,
        last_attempt: 2,
        next_refresh: 3,
        fresh_until: 4,
        serves_until: 5000,
        last_error: "no answer".to_owned(),
        clock_offset: Some(-3),
    };
    set
}

fn sample() -> Vec<u8> {
    let many = (0..100).map(|i| rsa(&format!("k{i}"))).collect();
    let many = KeySet::of_settings(source("many"), "", many);
    let out = KeySet { left_out: true, ..KeySet::of_settings(source("out"), "", Vec::new()) };
    encode(&Status { policy: source("policy"), refused: 5 }, &[one(), many, out, fetched()])
}

fn of_kid(image: &[u8], name: &str, kid: Option<&str>, now: u64) -> Vec<PublicKey> {
    match lookup(image, &source(name), kid, now) {
        Lookup::Found { of_kid, .. } => of_kid,
        other => panic!("{other:?}"),
    }
}

#[test]
fn finds_by_source_and_kid() {
    let image = sample();
    assert_eq!(of_kid(&image, "one", Some("a"), 0), [rsa("a")]);
    assert_eq!(of_kid(&image, "one", Some("c"), 0), []);
    assert_eq!(of_kid(&image, "one", Some("b"), 0).len(), 2);
    assert_eq!(of_kid(&image, "one", None, 0).len(), 4);
    for i in 0..100 {
        let kid = format!("k{i}");
        assert_eq!(of_kid(&image, "many", Some(&kid), 0), [rsa(&kid)]);
    }
    assert_eq!(lookup(&image, &source("out"), None, 0), Lookup::LeftOut);
    assert_eq!(lookup(&image, &source("other"), None, 0), Lookup::NoSet);
    assert_eq!(status(&image), Some(Status { policy: source("policy"), refused: 5 }));
}

#[test]
fn a_key_verifies_until_its_time_and_a_weak_one_never() {
    let image = sample();
    assert_eq!(of_kid(&image, "fetched", Some("old"), 999), [ed(Some("old"), 2)]);
    assert_eq!(of_kid(&image, "fetched", Some("old"), 1000), []);
    assert_eq!(of_kid(&image, "fetched", Some("weak"), 0), []);
    let found = lookup(&image, &source("fetched"), Some("k"), 0);
    let Lookup::Found { usable: 3, attempts: 7, brake_until: 99, of_kid, .. } = found else {
        panic!("{found:?}")
    };
    assert_eq!(of_kid.len(), 2);
    let expired = lookup(&image, &source("fetched"), Some("k"), 5000);
    assert!(matches!(expired, Lookup::Found { usable: 0, why_none: NoKeys::Expired, .. }));
}

#[test]
fn the_views_get_back_what_was_written() {
    let sets = sets(&sample());
    assert_eq!(sets.len(), 4);
    for mut expected in [one(), fetched()] {
        expected.keys.sort_by(|a, b| a.kid.cmp(&b.kid));
        assert!(sets.contains(&expected), "{expected:?}");
    }
    assert_eq!(one().keys[1].about.bits, 2048);
}

#[test]
fn an_empty_kid_is_not_a_missing_one() {
    let set = KeySet::of_settings(source("s"), "", vec![ed(Some(""), 1), ed(None, 2)]);
    let image = encode(&Status::default(), &[set]);
    assert_eq!(of_kid(&image, "s", Some(""), 0), [ed(Some(""), 1)]);
}

#[test]
fn lengths_add_up() {
    let sets = [one(), fetched()];
    let sum = EMPTY_LEN + sets.iter().map(KeySet::encoded_len).sum::<usize>();
    assert_eq!(encode(&Status::default(), &sets).len(), sum);
}

#[test]
fn nothing_is_found_in_nothing() {
    assert_eq!(lookup(&[], &source("one"), None, 0), Lookup::NoSet);
    assert_eq!(status(&[]), None);
    assert_eq!(status(&[0; 200]), None);
    assert_eq!(sets(&[]), []);
}

#[test]
fn cut_or_changed_images_never_panic() {
    let image = sample();
    for end in 0..image.len().min(4000) {
        lookup(&image[..end], &source("one"), Some("b"), 0);
        sets(&image[..end]);
    }
    for at in 0..image.len().min(2000) {
        for value in [0, 0x7f, 0xff] {
            let mut hostile = image.clone();
            hostile[at] = value;
            for set in ["one", "many", "out", "fetched"] {
                lookup(&hostile, &source(set), None, 0);
                lookup(&hostile, &source(set), Some("b"), 0);
            }
            sets(&hostile);
        }
    }
}

/// A login took such keys as far as the signature. Found in writing fuzz/fuzz_targets/image.rs.
#[test]
fn a_key_of_a_length_that_no_key_has_is_not_found() {
    let key = |material| PublicKey { kid: None, algorithm: None, material };
    let point = |curve, length| Material::Ec { curve, point: vec![4; length] };
    let rsa = |n: &[u8], e: &[u8]| Material::Rsa { n: n.to_vec(), e: e.to_vec() };
    let found = |material| {
        let set = KeySet::of_settings(source("s"), "", vec![key(material)]);
        let image = encode(&Status::default(), &[set]);
        (of_kid(&image, "s", None, 0).len(), sets(&image)[0].keys.len())
    };
    for material in [
        Material::Ed25519 { x: vec![1; 31] },
        Material::Ed25519 { x: vec![1; 33] },
        point(Curve::P256, 64),
        point(Curve::P256, 97),
        Material::Ec { curve: Curve::P384, point: vec![2; 97] },
        point(Curve::P521, 0),
        rsa(&[0x87; 255], &[3]),
        rsa(&[0x87; 1025], &[3]),
        rsa(&[0; 256], &[3]),
        rsa(&[0x87; 256], &[1]),
        rsa(&[0x87; 256], &[]),
        rsa(&[], &[3]),
    ] {
        assert_eq!(found(material.clone()), (0, 0), "{material:?}");
    }
    assert_eq!(found(point(Curve::P521, 133)), (1, 1));
    assert_eq!(found(rsa(&[0x87; 256], &[1, 0, 1])), (1, 1));
}

/// A view or a login could make far more of an image than it has bytes, where
/// records share them. Found in writing fuzz/fuzz_targets/image.rs.
#[test]
fn records_that_share_their_bytes_are_damage() {
    let long = "k".repeat(10_000);
    let keys = (0..50).map(|i| ed(Some(&long), i)).collect();
    let mut image = encode(&Status::default(), &[KeySet::of_settings(source("s"), "", keys)]);
    assert_eq!(of_kid(&image, "s", Some(&long), 0).len(), 50);
    // Every entry leads to the first record.
    let entries = u32::from_le_bytes(image[8..12].try_into().unwrap()) as usize;
    let first: [u8; KEY_ENTRY] = image[entries..entries + KEY_ENTRY].try_into().unwrap();
    for i in 0..50 {
        image[entries + i * KEY_ENTRY..][..KEY_ENTRY].copy_from_slice(&first);
    }
    assert_eq!(of_kid(&image, "s", None, 0).len(), 1);
    assert_eq!(of_kid(&image, "s", Some(&long), 0).len(), 1);
    assert_eq!(sets(&image)[0].keys.len(), 1);
}
