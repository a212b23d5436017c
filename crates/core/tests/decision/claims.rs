use crate::scene::{ABSENT, NOW, Scene, token};
use jwt_sso_core::refusal::{Reason, Refusal};
use jwt_sso_core::time::UnixTime;
use std::sync::Arc;

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(seconds).expect("in range")
}

fn reason_at(now: u64, skew: u64, changes: &[(&str, &str)]) -> Option<Reason> {
    let mut scene = Scene::with(|policy| policy.clock_skew = skew);
    scene.now = now;
    scene.reason(token(changes))
}

#[test]
fn expired_from_exp_and_skew_on() {
    let exp = [("exp", "1800000000")];
    assert_eq!(reason_at(NOW - 1, 0, &exp), None);
    assert_eq!(reason_at(NOW, 0, &exp), Some(Reason::Expired));
    assert_eq!(reason_at(NOW + 29, 30, &exp), None);
    assert_eq!(reason_at(NOW + 30, 30, &exp), Some(Reason::Expired));
    assert_eq!(reason_at(NOW + 299, 300, &exp), None);
    let fraction = [("exp", "1800000000.999")];
    assert_eq!(reason_at(NOW, 0, &fraction), Some(Reason::Expired), "the fraction is cut");
    let mut scene = Scene::new();
    scene.now = NOW + 30;
    assert_eq!(scene.refusal(token(&exp)), Refusal::Expired { at: at(NOW), now: at(NOW + 30) });
}

#[test]
fn not_before_and_issued_at_have_the_skew_too() {
    for (claim, reason) in [("nbf", Reason::NotYetValid), ("iat", Reason::IssuedInFuture)] {
        let ahead = (NOW + 30).to_string();
        assert_eq!(reason_at(NOW, 30, &[(claim, &ahead)]), None);
        assert_eq!(reason_at(NOW, 29, &[(claim, &ahead)]), Some(reason));
        assert_eq!(reason_at(NOW, 0, &[(claim, "1800000000")]), None, "{claim} is now");
        assert_eq!(reason_at(NOW, 30, &[(claim, ABSENT)]), None);
    }
}

#[test]
fn the_far_ends_of_time() {
    let last = "253402300799";
    assert_eq!(reason_at(NOW, 300, &[("exp", last)]), None);
    assert_eq!(reason_at(253_402_300_799, 300, &[("exp", last), ("nbf", last)]), None);
    assert_eq!(reason_at(253_402_300_799, 0, &[("exp", last)]), Some(Reason::Expired));
    assert_eq!(reason_at(0, 300, &[("exp", "0"), ("iat", "0")]), None);
}

#[test]
fn only_an_absent_exp_is_missing() {
    assert_eq!(Scene::new().reason(token(&[("exp", ABSENT)])), Some(Reason::MissingExpiry));
    for value in ["null", "\"9999999999\"", "true", "[]", "{}", "1e999", "-1", "253402300800"] {
        for claim in ["exp", "nbf", "iat"] {
            let refusal = Scene::new().refusal(token(&[(claim, value)]));
            assert!(
                matches!(&refusal, Refusal::InvalidClaim { claim: named, .. } if named == claim),
                "{claim} {value}: {refusal:?}"
            );
        }
    }
    assert_eq!(Scene::new().reason(token(&[("exp", "1.8000003e9")])), None);
}

#[test]
fn the_longest_lifetime() {
    let scene = |longest| Scene::with(|policy| policy.max_token_lifetime = longest);
    let times = [("exp", "1800000300"), ("iat", "1799999990")];
    assert_eq!(scene(310).reason(token(&times)), None);
    let too_long = Refusal::LifetimeTooLong { seconds: 310, longest: 309 };
    assert_eq!(scene(309).refusal(token(&times)), too_long);
    let without_iat = [("exp", "1800000300"), ("iat", ABSENT)];
    assert_eq!(scene(300).reason(token(&without_iat)), None);
    let too_long = Refusal::LifetimeTooLong { seconds: 300, longest: 299 };
    assert_eq!(scene(299).refusal(token(&without_iat)), too_long);
    assert_eq!(scene(0).reason(token(&[("exp", "253402300799")])), None, "0 is no bound");
}

#[test]
fn the_audience_must_meet() {
    let scene = Scene::with(|policy| policy.audience = Arc::from(["a".to_owned(), "b".to_owned()]));
    for aud in ["\"a\"", "\"b\"", "[\"x\",\"b\"]", "[\"a\",\"a\"]"] {
        assert_eq!(scene.reason(token(&[("aud", aud)])), None, "{aud}");
    }
    for aud in [ABSENT, "\"\"", "[]", "\"A\"", "\"a \"", "\"a b\"", "[\"x\"]"] {
        assert_eq!(scene.reason(token(&[("aud", aud)])), Some(Reason::AudienceMismatch), "{aud}");
    }
    let refusal = scene.refusal(token(&[("aud", "[\"x\",\"y\"]")]));
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    let expected =
        Refusal::AudienceMismatch { found: texts(&["x", "y"]), accepted: texts(&["a", "b"]) };
    assert_eq!(refusal, expected);
}

#[test]
fn no_audience_configured_accepts_none() {
    let scene = Scene::with(|policy| policy.audience = Arc::from([]));
    for aud in [ABSENT, "\"\"", "[]", "\"db\""] {
        assert_eq!(scene.reason(token(&[("aud", aud)])), Some(Reason::AudienceMismatch), "{aud}");
    }
    let own = Scene::with_entry(r#"{"audience":"app"}"#);
    assert_eq!(own.reason(token(&[("aud", "\"app\"")])), None);
    assert_eq!(
        own.reason(token(&[])),
        Some(Reason::AudienceMismatch),
        "in place of the global one"
    );
}

#[test]
fn required_claims_are_equal_as_json() {
    let demands = |json: &str| Scene::with_entry(&format!(r#"{{"required_claims":{json}}}"#));
    let verified = demands(r#"{"email_verified":true}"#);
    assert_eq!(verified.reason(token(&[("email_verified", "true")])), None);
    for other in ["\"true\"", "1", "false", "null", ABSENT] {
        let token = token(&[("email_verified", other)]);
        assert_eq!(verified.reason(token), Some(Reason::RequiredClaim), "{other}");
    }
    let any = demands(r#"{"hd":["a.example","b.example"]}"#);
    assert_eq!(any.reason(token(&[("hd", "\"b.example\"")])), None);
    assert_eq!(any.reason(token(&[("hd", "\"c.example\"")])), Some(Reason::RequiredClaim));
    let group = demands(r#"{"groups":"dba"}"#);
    assert_eq!(group.reason(token(&[("groups", r#"["x","dba"]"#)])), None);
    assert_eq!(group.reason(token(&[("groups", r#""x dba""#)])), Some(Reason::RequiredClaim));
    let nested = demands(r#"{"/realm/roles/0":"db"}"#);
    assert_eq!(nested.reason(token(&[("realm", r#"{"roles":["db"]}"#)])), None);
    let all = demands(r#"{"a":1,"b":2}"#);
    assert_eq!(all.reason(token(&[("a", "1"), ("b", "2")])), None);
    assert_eq!(all.reason(token(&[("a", "1")])), Some(Reason::RequiredClaim), "each is required");
}

#[test]
fn scope_and_scp_are_words() {
    for claim in ["scope", "scp"] {
        let scene = Scene::with_entry(&format!(r#"{{"required_claims":{{"{claim}":"db.read"}}}}"#));
        for value in ["\"db.read\"", "\"openid db.read\"", r#"["openid","db.read"]"#] {
            assert_eq!(scene.reason(token(&[(claim, value)])), None, "{value}");
        }
        for value in ["\"db.readwrite\"", "\"openid\"", "\"DB.READ\""] {
            assert_eq!(scene.reason(token(&[(claim, value)])), Some(Reason::RequiredClaim));
        }
    }
}

#[test]
fn what_was_found_and_required_is_told() {
    let scene = Scene::with_entry(r#"{"required_claims":{"hd":"a.example"}}"#);
    let refusal = |found: Option<&str>| Refusal::RequiredClaim {
        claim: "hd".into(),
        found: found.map(str::to_owned),
        required: "\"a.example\"".into(),
    };
    assert_eq!(scene.refusal(token(&[("hd", "[1]")])), refusal(Some("[1]")));
    assert_eq!(scene.refusal(token(&[])), refusal(None));
}
