use super::*;

/// The Ed25519 key of RFC 8037 appendix A.2 and the P-256 key of RFC 7517
/// appendix A.1.
const ED25519: &str =
    r#"{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const P256: &str = r#"{"kty":"EC","crv":"P-256","kid":"ec","use":"sig","alg":"ES256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;

fn of(keys: &[&str]) -> Vec<SeenKey> {
    let document = format!(r#"{{"issued":"today","keys":[{}]}}"#, keys.join(", "));
    seen_keys(document.as_bytes()).unwrap()
}

fn problem(document: &[u8]) -> String {
    match seen_keys(document) {
        Err(problem) => problem.to_string(),
        Ok(keys) => panic!("{keys:?}"),
    }
}

#[test]
fn reads_what_the_views_show() {
    let keys = of(&[P256, ED25519]);
    let shown = |key: &SeenKey| {
        [key.kid.clone(), key.kty.clone(), key.alg.clone(), key.use_.clone()]
            .map(Option::unwrap_or_default)
    };
    assert_eq!(shown(&keys[0]), ["ec", "EC", "ES256", "sig"]);
    assert_eq!(shown(&keys[1]), ["ed", "OKP", "", ""]);
    assert_eq!([keys[0].bits, keys[1].bits], [Some(256), Some(256)]);
    assert!(keys.iter().all(|key| key.public.is_ok()));
}

#[test]
fn a_bad_key_is_left_out_and_the_set_is_not() {
    let small = format!(r#"{{"kty":"RSA","e":"AQAB","n":"_{}"}}"#, "A".repeat(170));
    let deep = format!(r#"{{"kty":"EC","x5c":{}{}}}"#, "[".repeat(40), "]".repeat(40));
    let bad = [
        (r#"{}"#, r#"member "kty" is missing"#),
        ("7", "a key is an object, not a number"),
        ("null", "a key is an object, not null"),
        (r#"{"kty":"EC","kty":"EC"}"#, r#"duplicate member "kty""#),
        (r#"{"kty":"\ud800"}"#, "not JSON"),
        (&deep, "nested deeper"),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"!"}"#, r#"member "x" is not base64url"#),
        (r#"{"kty":"OKP","crv":"Ed25519","kid":5,"x":"AA"}"#, r#"member "kid" is a number"#),
        (r#"{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}"#, r#"key type "AKP" is not known"#),
        (&small, "RSA key of 1024 bits"),
    ];
    for (jwk, note) in bad {
        let keys = of(&[P256, jwk, ED25519]);
        assert!(keys[0].public.is_ok() && keys[2].public.is_ok(), "{jwk}");
        let found = keys[1].public.as_ref().unwrap_err();
        assert!(found.contains(note), "{jwk}: {found}");
    }
    assert_eq!(of(&[&small])[0].bits, Some(1_024));
}

#[test]
fn nothing_is_kept_of_a_secret_key() {
    let secret = [
        r#"{"kty":"oct","kid":"s","k":"c2VjcmV0LXNlY3JldA"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","kid":"s","x":"11qY","d":"c2VjcmV0LXNlY3JldA"}"#,
    ];
    for jwk in secret {
        let keys = of(&[jwk, ED25519]);
        assert_eq!(keys[0].public, Err("a private or symmetric key".to_owned()));
        assert_eq!(keys[0].kid.as_deref(), Some("s"));
        assert!(!format!("{:?}", keys[0]).contains("c2Vjc"));
        assert!(keys[1].public.is_ok());
    }
}

#[test]
fn what_is_no_set_is_refused_with_its_reason() {
    for (document, reason) in [
        (&b""[..], "not JSON: EOF"),
        (b"<html>", "not JSON: expected value at line 1 column 1"),
        (b"{\"keys\":[}", "not JSON"),
        (b"{\"keys\":[]} x", "not JSON: trailing characters"),
        (b"{\"keys\":[\"\xff\"]}", "not UTF-8 at byte 11"),
        (b"{}", "it has no member \"keys\""),
        (b"{\"error\":\"server_error\"}", "it has no member \"keys\""),
        (b"{\"keys\":{}}", "its member \"keys\" is not an array"),
        (b"{\"keys\":null}", "its member \"keys\" is not an array"),
        (b"[]", "it is an array, not an object"),
        (b" \"keys\" ", "it is a string, not an object"),
        (b"true", "it is a boolean, not an object"),
        (b"null", "it is null, not an object"),
        (b"-1", "it is a number, not an object"),
    ] {
        let found = problem(document);
        assert!(found.starts_with(&format!("not a JWK set: {reason}")), "{found}");
    }
}

#[test]
fn an_empty_set_is_a_set() {
    assert_eq!(seen_keys(b" { \"keys\" : [ ] } \n"), Ok(Vec::new()));
}

#[test]
fn sets_are_bounded() {
    let set = |count: usize| format!(r#"{{"keys":[{}]}}"#, vec!["{}"; count].join(","));
    assert_eq!(seen_keys(set(MAX_KEYS).as_bytes()).unwrap().len(), MAX_KEYS);
    assert_eq!(
        problem(set(MAX_KEYS + 1).as_bytes()),
        "not a JWK set: it has 1001 keys, more than 1000"
    );
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(seen_keys(deep.as_bytes()), Err(JwksProblem::NotAnObject("an array")));
    let deep = format!(r#"{{"keys":[{deep}]}}"#);
    assert!(seen_keys(deep.as_bytes()).unwrap()[0].public.is_err());
}

/// RFC 7517 §5: refused or the last one, never the first.
#[test]
fn of_two_key_members_the_last_counts() {
    let keys = seen_keys(format!(r#"{{"keys":[],"keys":[{P256}]}}"#).as_bytes()).unwrap();
    assert_eq!(keys.len(), 1);
}
