use super::*;

const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn key(extra: &str) -> String {
    format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"{extra}}}"#)
}

fn refused(text: &str) -> SettingError {
    match StaticJwks::parse(text) {
        Err(error) => error,
        Ok(set) => panic!("accepted: {:?}", set.text),
    }
}

#[test]
fn no_keys_is_not_configured() {
    for text in ["", " \n", "[]", " [ ] ", r#"{"keys":[]}"#, r#"{ "keys" : [ ] }"#] {
        let set = StaticJwks::parse(text).unwrap();
        assert!(!set.is_configured(), "{text:?}");
        assert_eq!(set.digest, StaticJwks::default().digest);
        assert!(set.keys().is_empty());
    }
}

#[test]
fn a_set_or_a_single_key() {
    let single = StaticJwks::parse(&key(r#","kid":"a""#)).unwrap();
    assert_eq!(single.keys()[0].kid.as_deref(), Some("a"));
    let set = format!(r#"{{"keys":[{},{}],"note":1}}"#, key(r#","kid":"a""#), key(""));
    let set = StaticJwks::parse(&set).unwrap();
    assert!(set.is_configured());
    assert_eq!(set.keys().len(), 2);
    assert_ne!(set.digest, single.digest);
}

#[test]
fn keys_that_cannot_verify_are_left_out_and_named() {
    let text = format!(r#"{{"keys":[{},{}]}}"#, key(r#","use":"enc","kid":"e""#), key(""));
    let set = StaticJwks::parse(&text).unwrap();
    assert_eq!(set.keys().len(), 1);
    assert_eq!(set.unusable()[0].kid.as_deref(), Some("e"));
    assert_eq!(set.unusable()[0].to_string(), r#"key 1 (index 0): its "use" is "enc", not "sig""#);
}

#[test]
fn a_malformed_key_refuses_the_whole_and_is_named() {
    let error = refused(&format!(r#"{{"keys":[{},{{}}]}}"#, key("")));
    assert_eq!(error.detail, r#"key 2 (index 1): member "kty" is missing"#);
    assert_eq!(refused("{}").detail, r#"key 1 (index 0): member "kty" is missing"#);
}

#[test]
fn a_secret_key_is_refused_and_not_repeated() {
    for jwk in [key(r#","d":"c2VjcmV0""#), r#"{"kty":"oct","k":"c2VjcmV0"}"#.to_owned()] {
        let error = refused(&format!(r#"{{"keys":[{jwk}]}}"#));
        assert_eq!(error.detail, "key 1 (index 0) is a private or symmetric key");
        assert!(!format!("{error:?}").contains("c2VjcmV0"));
    }
}

#[test]
fn other_documents_are_refused() {
    for (text, detail) in [
        ("https://idp/jwks", "neither a JWK set nor a JWK: it does not begin with \"{\""),
        ("5", "neither a JWK set nor a JWK: it does not begin with \"{\""),
        ("[{}]", "neither a JWK set nor a JWK: it is an array"),
        (r#"{"keys":{}}"#, "member \"keys\" is an object, not an array"),
        (r#"{"keys":[],"kty":"EC"}"#, "neither a JWK set nor a JWK: it has \"keys\" and \"kty\""),
        (r#"{"keys":[],"keys":[]}"#, "duplicate member \"keys\""),
    ] {
        assert_eq!(refused(text).detail, detail, "{text}");
    }
    assert!(refused(r#"{"keys":["#).detail.starts_with("not JSON: "));
}
