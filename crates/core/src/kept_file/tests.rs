use super::*;
use crate::held_keys::seen_keys;
use std::time::Duration;

const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"ed \"1\"","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const P256: &str = r#"{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;
/// RFC 7520 §3.1.
const P521: &str = r#"{"kty":"EC","crv":"P-521","kid":"bilbo","x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt","y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"}"#;
/// The modulus of RFC 7517 appendix A.1 with a leading zero byte, and padded.
const RSA: &str = r#"{"kty":"RSA","kid":"r","use":"sig","e":"AQAB","n":"ANL8e2oKHmxnEErrj4iyV2abTfZ53a0Jm1xKbNmogBW1oTO_C4VseHG23wALVU_Os8LtUSu2jxRcboQ0dS-rUqHPwSRAj3m1ikV4wWQohVeJ96JJ44TLLZ-uLWf9lvuSbBmOB3OZ_cgVwK8Jfd5are_0TecOgn9IeEMkOb_uuWBo0EdPxQ1tkL86mN-vEEDInALWkqs7PCiWYJ2G_XO3dM4HQGR87uqjEL0S-YWo659Z_dQmzqWyEg9PKjS8q3ZLfmxU1oQCOLzEBYelnmbtHzOJRXdjXEcK91z5LCDR2kPhv8QZ4iKm8NC7NYxeOPnLBQrq_pBIFPGsGqScyp6gyoM="}"#;
const SECRET: &str = r#"{"kty":"oct","kid":"s","k":"c2VjcmV0LXNlY3JldA"}"#;

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(1_000_000 + seconds).unwrap()
}

fn set(issuer: &str, fetches: &[(u64, &[&str])]) -> KeptSet {
    let mut held = HeldKeys::default();
    for (seconds, keys) in fetches {
        let seen = seen_keys(format!("{{\"keys\":[{}]}}", keys.join(",")).as_bytes()).unwrap();
        held.merge(seen, at(*seconds), Duration::from_secs(60), Duration::from_secs(3_600));
    }
    KeptSet {
        source: Digest::of(&[issuer.as_bytes()]),
        issuer: issuer.to_owned(),
        jwks_uri: format!("{issuer}/keys?\"a\"=\u{1}"),
        held,
    }
}

/// Keys of every type, unusable ones, a vanished one, an empty set.
fn sample() -> Vec<KeptSet> {
    vec![
        set("https://a", &[(0, &[RSA, P256, "{}"]), (9, &[ED25519, P521, P256, SECRET])]),
        set("https://b", &[(5, &[])]),
    ]
}

fn damage(text: &[u8]) -> String {
    read(text, at(100)).unwrap_err().to_string()
}

#[test]
fn what_is_written_is_read() {
    let sets = sample();
    assert!(sets[0].held.keys.iter().any(|key| !key.present()));
    assert_eq!(sets[0].held.usable(at(9), Duration::ZERO).len(), 4);
    let text = write(&sets);
    assert_eq!(read(text.as_bytes(), at(9)), Ok(Kept { sets, dropped: vec![] }));
    assert!(json::parse(text.as_bytes()).is_ok(), "the file is JSON");
    assert!(!text.contains("c2VjcmV0"));
}

#[test]
fn nothing_is_kept_of_nothing() {
    let never = KeptSet { held: HeldKeys::default(), ..set("https://a", &[]) };
    assert_eq!(read(write(&[never]).as_bytes(), at(0)), Ok(Kept::default()));
}

#[test]
fn a_time_in_the_future_drops_its_set_only() {
    let text = write(&sample());
    let kept = read(text.as_bytes(), at(8)).unwrap();
    assert_eq!(kept.sets, sample()[1..]);
    assert_eq!(
        kept.dropped,
        [
            r#"the keys of issuer "https://a" were dropped: their time 1970-01-12T13:46:49Z is in the future"#
        ]
    );
}

#[test]
fn the_age_survives() {
    let kept = read(write(&sample()).as_bytes(), at(5_000)).unwrap();
    let a = &kept.sets[0].held;
    assert_eq!(a.serves_until(Duration::from_secs(3_600)), Some(at(9 + 3_601)));
    assert!(a.usable(at(5_000), Duration::from_secs(3_600)).is_empty());
}

#[test]
fn any_changed_byte_is_damage() {
    let text = write(&sample()[..1]);
    for at_byte in 0..text.len() {
        for mask in [1, 0x20, 0x80] {
            let mut changed = text.clone().into_bytes();
            changed[at_byte] ^= mask;
            assert!(read(&changed, at(100)).is_err(), "byte {at_byte}");
        }
    }
}

#[test]
fn any_cut_is_damage() {
    let text = write(&sample());
    for end in 0..text.len() {
        assert!(read(&text.as_bytes()[..end], at(100)).is_err(), "{end}");
    }
    assert!(read(format!("{text}\n").as_bytes(), at(100)).is_err());
    assert_eq!(damage(b""), "it is cut, or of another version");
    assert_eq!(damage(b"\xff"), "it is not UTF-8");
}

/// What somebody else wrote, with a fingerprint that is right.
fn signed(body: &str) -> String {
    format!("{HEAD}{}{MIDDLE}{body}{TAIL}", entry::hex(&fingerprint(body)))
}

fn body_with(members: &str) -> String {
    let source = "0".repeat(64);
    format!(
        r#"[{{"source":"{source}","issuer":"i","jwks_uri":"u","fetched_at":9,"lifetime_ms":5,{members}}}]"#
    )
}

#[test]
fn reading_is_strict_behind_a_right_fingerprint_too() {
    assert!(read(signed(&body_with(r#""keys":[]"#)).as_bytes(), at(0)).is_ok());
    let times = r#""first_seen":1,"last_seen":2,"vanished":null"#;
    let keys = |key: &str| body_with(&format!(r#""keys":[{{{times},{key}}}]"#));
    for (body, reason) in [
        ("{}".to_owned(), "the content is an object, not an array"),
        ("[7]".to_owned(), "a number stands where an object should"),
        ("[{}]".to_owned(), r#"member "keys" is missing or wrong"#),
        ("[".to_owned(), "not JSON"),
        (body_with(r#""keys":7"#), r#""keys" is a number, not an array"#),
        (body_with(r#""keys":[],"more":1"#), r#"member "more" is not known"#),
        (body_with(r#""keys":[],"issuer":"j""#), r#"duplicate member "issuer""#),
        (body_with(r#""keys":[{}]"#), r#"member "note" is missing or wrong"#),
        (keys(r#""note":7"#), r#"member "note" is missing or wrong"#),
        (keys(r#""note":"n","bits":5000000000"#), r#"member "bits" is missing or wrong"#),
        (keys(r#""note":"n","jwk":{}"#), r#"member "note" is not known"#),
        (keys(r#""jwk":{}"#), r#"a key in it is none: member "kty" is missing"#),
        (keys(&format!(r#""jwk":{SECRET}"#)), "a key in it is none: a private or symmetric key"),
        (
            body_with(r#""keys":[]"#).replace('9', "-9"),
            r#"member "fetched_at" is missing or wrong"#,
        ),
        (body_with(r#""keys":[]"#).replace("00", "0é"), r#"member "source" is missing or wrong"#),
        (body_with(r#""keys":[]"#).replace("00", "+0"), r#"member "source" is missing or wrong"#),
    ] {
        let found = damage(signed(&body).as_bytes());
        assert!(found.starts_with(reason), "{body}: {found}");
    }
}

#[test]
fn another_version_is_not_read() {
    let text = write(&sample()).replace(r#""version":1"#, r#""version":2"#);
    assert_eq!(damage(text.as_bytes()), "it is cut, or of another version");
}
