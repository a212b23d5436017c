use super::*;
use crate::json::JsonError;

fn encode(part: &str) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

fn malformed(token: &str) -> Malformed {
    CompactJws::decode(token.as_bytes()).expect_err(token)
}

fn header(json: &str) -> Header {
    Header::parse(json.as_bytes()).expect(json)
}

#[test]
fn cuts_and_decodes() {
    let token = format!("{}.{}.{}", encode("{\"a\":1}"), encode("{}"), encode("sig"));
    let jws = CompactJws::decode(token.as_bytes()).unwrap();
    assert_eq!(jws.header(), b"{\"a\":1}");
    assert_eq!(jws.payload(), b"{}");
    assert_eq!(jws.signature(), b"sig");
    assert_eq!(jws.signing_input(), &token.as_bytes()[..token.rfind('.').unwrap()]);
}

#[test]
fn three_parts_and_no_other_number() {
    for (token, count) in [("", 1), ("e30", 1), ("e30.e30", 2), ("...", 4), ("a.b.c.d.e", 5)] {
        assert_eq!(malformed(token), Malformed::Parts(count));
    }
    assert!(CompactJws::decode(b"..").is_ok(), "empty parts are base64url of nothing");
    let dots = ".".repeat(MAX_BYTES);
    assert_eq!(malformed(&dots), Malformed::Parts(MAX_BYTES + 1));
}

#[test]
fn base64url_is_strict() {
    for bad in ["e30=", "e3 0", " e30", "e30\n", "e3+/", "e31", "e", "e30\0", "é30", "e30A="] {
        assert_eq!(malformed(&format!("{bad}.e30.AA")), Malformed::Base64("header"), "{bad:?}");
        assert_eq!(malformed(&format!("e30.{bad}.AA")), Malformed::Base64("payload"), "{bad:?}");
        assert_eq!(malformed(&format!("e30.e30.{bad}")), Malformed::Base64("signature"), "{bad:?}");
    }
    assert_eq!(CompactJws::decode(b"e30.e30.\xff").unwrap_err(), Malformed::Base64("signature"));
}

#[test]
fn length_is_bounded() {
    let token = |len: usize| format!("e30.e30.{}", "A".repeat(len - 8));
    assert!(CompactJws::decode(token(65_530).as_bytes()).is_ok());
    assert_eq!(malformed(&token(65_532)), Malformed::TooLong(65_532));
}

#[test]
fn a_header_is_an_object_with_members_of_the_right_type() {
    let refused = |json: &str| Header::parse(json.as_bytes()).expect_err(json);
    assert!(matches!(refused(""), Malformed::Json("header", JsonError::Syntax(_))));
    assert!(matches!(
        refused(r#"{"alg":"RS256","alg":"none"}"#),
        Malformed::Json("header", JsonError::DuplicateMember(_))
    ));
    assert_eq!(refused(r#"["alg"]"#), Malformed::NotAnObject("header"));
    for member in ["kid", "typ"] {
        for (value, found) in [("1", "a number"), ("null", "null"), ("[\"JWT\"]", "an array")] {
            let json = format!(r#"{{"alg":"RS256","{member}":{value}}}"#);
            assert_eq!(refused(&json), Malformed::MemberType { member, found });
        }
    }
}

#[test]
fn the_algorithm_comes_before_crit_and_crit_before_typ() {
    let all = AlgorithmSet::ALL;
    for alg in ["none", "None", "HS256", "HS512", "RS1", "ES256K", "rs256", "Ed25519", ""] {
        let json = format!(r#"{{"alg":"{alg}","crit":["b64"],"typ":"JWE"}}"#);
        let expected = Refusal::UnsupportedAlgorithm { alg: Some(alg.to_owned()), accepted: all };
        assert_eq!(header(&json).check(all), Err(expected));
    }
    for json in ["{}", r#"{"alg":1}"#, r#"{"alg":null,"crit":[]}"#, r#"{"alg":["RS256"]}"#] {
        let expected = Refusal::UnsupportedAlgorithm { alg: None, accepted: all };
        assert_eq!(header(json).check(all), Err(expected), "{json}");
    }
    for crit in ["[\"b64\"]", "[]", "null", "false"] {
        let json = format!(r#"{{"alg":"RS256","crit":{crit},"typ":"JWE"}}"#);
        assert_eq!(header(&json).check(all), Err(Refusal::MalformedToken(Malformed::Critical)));
    }
    let other = header(r#"{"alg":"RS256","typ":"JWE"}"#).check(all);
    assert_eq!(other, Err(Refusal::MalformedToken(Malformed::Type("JWE".into()))));
}

#[test]
fn only_listed_algorithms_are_accepted() {
    let only = AlgorithmSet::EMPTY.with(Algorithm::Es256);
    assert_eq!(header(r#"{"alg":"ES256"}"#).check(only), Ok(Algorithm::Es256));
    assert!(header(r#"{"alg":"RS256"}"#).check(only).is_err());
}

#[test]
fn typ_is_absent_or_one_of_three_in_any_case() {
    for typ in ["JWT", "jwt", "Jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"]
    {
        let json = format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#);
        assert_eq!(header(&json).check(AlgorithmSet::ALL), Ok(Algorithm::Rs256), "{typ}");
    }
    for typ in ["", "JOSE", "dpop+jwt", "application/jwt", "logout+jwt", "JWT ", "secevent+jwt"] {
        let json = format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#);
        assert!(header(&json).check(AlgorithmSet::ALL).is_err(), "{typ}");
    }
}

#[test]
fn members_that_point_to_keys_are_ignored() {
    let json =
        r#"{"alg":"RS256","kid":"a","jku":1,"jwk":{"kty":"oct"},"x5u":[],"x5c":0,"b64":true}"#;
    assert_eq!(header(json).check(AlgorithmSet::ALL), Ok(Algorithm::Rs256));
    assert_eq!(header(json).kid(), Some("a"));
}

/// A JWE's header asks for work before anything is proven: hashes by the billion (`p2c`), bytes
/// that grow (`zip`).
#[test]
fn nothing_of_an_encrypted_token_is_worked_on() {
    let json =
        r#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2s":"AA","p2c":2147483647,"zip":"DEF"}"#;
    assert_eq!(malformed(&format!("{}.e30.e30.e30.e30", encode(json))), Malformed::Parts(5));
    let alg = Some("PBES2-HS256+A128KW".to_owned());
    let accepted = AlgorithmSet::ALL;
    let expected = Refusal::UnsupportedAlgorithm { alg, accepted };
    assert_eq!(header(json).check(accepted), Err(expected));
    // In a signed token these members mean nothing, and the payload is what it is.
    let json = r#"{"alg":"RS256","p2c":2147483647,"zip":"DEF"}"#;
    assert_eq!(header(json).check(accepted), Ok(Algorithm::Rs256));
}

#[test]
fn every_fault_of_a_header_can_be_seen() {
    let header = Header::parse(br#"{"alg":"none","crit":["b64"],"typ":"JWE"}"#).unwrap();
    let faults: Vec<Malformed> = header.faults().collect();
    assert_eq!(faults, [Malformed::Critical, Malformed::Type("JWE".to_owned())]);
    assert_eq!(Header::parse(br#"{"typ":"at+JWT"}"#).unwrap().faults().count(), 0);
}
