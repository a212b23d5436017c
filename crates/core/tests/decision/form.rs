use crate::minting::base64url;
use crate::scene::{HEADER, ISSUER, Scene, claims, signed, token};
use jwt_sso_core::algorithm::{Algorithm, AlgorithmSet};
use jwt_sso_core::issuers::Issuers;
use jwt_sso_core::json::JsonError;
use jwt_sso_core::refusal::{Malformed, Reason, Refusal};
use std::sync::Arc;

fn malformed(token: impl AsRef<[u8]>) -> Malformed {
    match Scene::new().refusal(token) {
        Refusal::MalformedToken(what) => what,
        other => panic!("{other:?}"),
    }
}

/// Every token here is signed by the issuer's key: the form alone refuses it.
#[test]
fn a_signature_does_not_excuse_bad_form() {
    let good = token(&[]);
    for changed in [
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("{good}="),
        format!("{good}."),
        format!("Bearer {good}"),
        good.replacen('.', "=.", 1),
        good.replacen('.', "..", 1),
    ] {
        assert_eq!(Scene::new().reason(&changed), Some(Reason::MalformedToken), "{changed}");
    }
    assert_eq!(malformed(good.replacen('.', "\0.", 1)), Malformed::Base64("header"));
}

#[test]
fn parts_come_before_base64url_and_that_before_json() {
    assert_eq!(malformed("!.!"), Malformed::Parts(2));
    assert_eq!(malformed("e30.e30.!"), Malformed::Base64("signature"));
    assert!(matches!(malformed("eA.eA."), Malformed::Json("header", JsonError::Syntax(_))));
    assert!(matches!(malformed("e30.eA."), Malformed::Json("payload", JsonError::Syntax(_))));
}

#[test]
fn objects_without_duplicates_at_any_level() {
    for claims in [
        claims(&[("x", r#"1,"x":1"#)]),
        claims(&[("x", r#"[{"a":1,"a":1}]"#)]),
        claims(&[("x", r#"{"a":{"b":1,"\u0062":2}}"#)]),
    ] {
        let found = malformed(signed(HEADER, &claims));
        assert!(
            matches!(found, Malformed::Json("payload", JsonError::DuplicateMember(_))),
            "{claims}"
        );
    }
    let header = r#"{"alg":"EdDSA","kid":"k1","x":{"a":1,"a":2}}"#;
    let found = malformed(signed(header, claims(&[])));
    assert!(matches!(found, Malformed::Json("header", JsonError::DuplicateMember(_))));
    for (payload, part) in [("[]", "payload"), ("\"a\"", "payload"), ("7", "payload")] {
        assert_eq!(malformed(signed(HEADER, payload)), Malformed::NotAnObject(part));
    }
}

#[test]
fn nesting_is_bounded_at_32_levels() {
    let nested = |levels: usize| {
        let value = format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        signed(HEADER, claims(&[("x", &value)]))
    };
    assert_eq!(Scene::new().reason(nested(32)), None);
    assert_eq!(malformed(nested(33)), Malformed::Json("payload", JsonError::TooDeep));
    assert_eq!(malformed(nested(20_000)), Malformed::Json("payload", JsonError::TooDeep));
}

#[test]
fn text_is_valid_utf_8() {
    let payload = claims(&[]).into_bytes();
    let bad = [&payload[..payload.len() - 1], b",\"x\":\"\xff\"}"].concat();
    assert!(matches!(
        malformed(signed(HEADER, bad)),
        Malformed::Json("payload", JsonError::NotUtf8(_))
    ));
    let surrogate = claims(&[("x", r#""\ud800""#)]);
    assert!(matches!(malformed(signed(HEADER, surrogate)), Malformed::Json("payload", _)));
    let marked = [b"\xef\xbb\xbf", payload.as_slice()].concat();
    assert!(matches!(malformed(signed(HEADER, marked)), Malformed::Json("payload", _)));
}

#[test]
fn registered_claims_have_their_types_whatever_the_settings_need() {
    for (claim, value) in [
        ("iss", "null"),
        ("iss", "[\"https://idp.example\"]"),
        ("sub", "7"),
        ("sub", "null"),
        ("aud", "7"),
        ("aud", "null"),
        ("aud", "[\"db\",7]"),
        ("aud", "{\"db\":true}"),
    ] {
        let found = malformed(token(&[(claim, value)]));
        assert!(matches!(found, Malformed::MemberType { member, .. } if member == claim));
    }
}

#[test]
fn an_empty_third_part_is_well_formed() {
    for alg in ["none", "None", "NONE", "HS256", "RS256 ", "ES256K"] {
        let header = base64url(format!(r#"{{"alg":"{alg}"}}"#));
        let token = format!("{header}.{}.", base64url(claims(&[])));
        let refusal = Scene::new().refusal(token);
        assert!(
            matches!(refusal, Refusal::UnsupportedAlgorithm { alg: found, .. } if found.as_deref() == Some(alg))
        );
    }
    let unsigned = format!("{}.{}.", base64url(HEADER), base64url(claims(&[])));
    assert_eq!(Scene::new().reason(unsigned), Some(Reason::BadSignature));
}

#[test]
fn header_members_are_checked_types_first_then_alg_then_crit_then_typ() {
    let refused = |header: &str| Scene::new().refusal(signed(header, claims(&[])));
    let of = |what| Refusal::MalformedToken(what);
    let typ = Malformed::MemberType { member: "typ", found: "a number" };
    assert_eq!(refused(r#"{"alg":"none","typ":1}"#), of(typ));
    let header = r#"{"alg":"none","crit":["exp"],"typ":"JWE"}"#;
    assert!(matches!(refused(header), Refusal::UnsupportedAlgorithm { .. }));
    assert_eq!(refused(r#"{"alg":"EdDSA","crit":["exp"],"typ":"JWE"}"#), of(Malformed::Critical));
    let typ = Malformed::Type("JWE".into());
    assert_eq!(refused(r#"{"alg":"EdDSA","typ":"JWE"}"#), of(typ));
}

#[test]
fn typ_is_one_of_three_in_any_case() {
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"] {
        let header = format!(r#"{{"alg":"EdDSA","kid":"k1","typ":"{typ}"}}"#);
        assert_eq!(Scene::new().reason(signed(&header, claims(&[]))), None, "{typ}");
    }
    let header = r#"{"alg":"EdDSA","kid":"k1"}"#;
    assert_eq!(Scene::new().reason(signed(header, claims(&[]))), None, "absent");
    for typ in ["dpop+jwt", "logout+jwt", "JOSE", "JWT2", ""] {
        let header = format!(r#"{{"alg":"EdDSA","kid":"k1","typ":"{typ}"}}"#);
        let found = malformed(signed(&header, claims(&[])));
        assert_eq!(found, Malformed::Type(typ.into()));
    }
}

/// `alg` must be in the global list or in some entry's; the issuer's own list
/// is held after check 3.
#[test]
fn algorithm_lists() {
    let rs256 = AlgorithmSet::EMPTY.with(Algorithm::Rs256);
    let mut scene = Scene::with(|policy| policy.algorithms = rs256);
    assert_eq!(scene.reason(token(&[])), Some(Reason::UnsupportedAlgorithm));
    let entry = |iss: &str| {
        Arc::new(
            Issuers::parse(&format!(
                r#"{{"issuers":{{"{iss}":{{"algorithms":["EdDSA"]}},"https://b.example":{{}}}}}}"#
            ))
            .expect("entries"),
        )
    };
    scene.settings().issuers = entry(ISSUER);
    assert_eq!(scene.reason(token(&[])), None, "the entry's list is its own");
    scene.settings().issuers = entry("https://c.example");
    let issuer = |iss: &str| token(&[("iss", &format!("\"{iss}\""))]);
    assert_eq!(scene.reason(issuer(ISSUER)), Some(Reason::UnknownIssuer));
    let expected = Refusal::UnsupportedAlgorithm { alg: Some("EdDSA".into()), accepted: rs256 };
    assert_eq!(scene.refusal(issuer("https://b.example")), expected);
    assert_eq!(scene.lookups.get(), 1, "for the one that was granted");
}

#[test]
fn tokens_of_every_length_up_to_65530_bytes() {
    for wanted in [4_095, 8_192, 65_529, 65_530] {
        let token = of_length(wanted);
        assert_eq!(Scene::new().reason(&token), None, "{wanted} bytes");
    }
    assert_eq!(malformed(of_length(65_531)), Malformed::TooLong(65_531));
}

fn of_length(wanted: usize) -> String {
    for in_header in 0..4 {
        let pad = "p".repeat(in_header);
        let header = format!(r#"{{"alg":"EdDSA","kid":"k1","pad":"{pad}"}}"#);
        let of =
            |len: usize| signed(&header, claims(&[("pad", &format!("\"{}\"", "p".repeat(len)))]));
        let missing = (wanted - of(0).len()) * 3 / 4;
        if let Some(token) = (missing - 3..missing + 4).map(of).find(|t| t.len() == wanted) {
            return token;
        }
    }
    panic!("no token of {wanted} bytes");
}
