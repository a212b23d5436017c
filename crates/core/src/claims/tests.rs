use super::*;
use crate::refusal::Reason;

const NOW: u64 = 1_800_000_000;
const RULES: TimeRules = TimeRules { skew: 30, max_lifetime: None };

fn claims(json: &str) -> Claims<'_> {
    Claims::parse(json.as_bytes()).expect(json)
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(seconds).expect("in range")
}

fn times(json: &str) -> Result<u64, Reason> {
    let outcome = claims(json).check_times(RULES, at(NOW));
    outcome.map(UnixTime::seconds).map_err(|refusal| refusal.reason())
}

fn lifetime(json: &str, longest: u64) -> Result<UnixTime, Refusal> {
    let rules = TimeRules { max_lifetime: Some(longest), ..RULES };
    claims(json).check_times(rules, at(NOW))
}

#[test]
fn subject_and_expiry_are_to_be_had_by_themselves() {
    let token = claims(r#"{"sub":"alice","exp":1800000000.9}"#);
    assert_eq!((token.subject(), token.expiry()), (Some("alice"), Ok(at(NOW))));
    assert_eq!(claims("{}").subject(), None);
    assert_eq!(claims("{}").expiry(), Err(Refusal::MissingExpiry));
    let soon = claims(r#"{"exp":"soon"}"#).expiry();
    assert_eq!(soon.map_err(|refusal| refusal.reason()), Err(Reason::InvalidClaim));
}

#[test]
fn registered_claims_have_their_types() {
    for fine in [
        "{}",
        r#"{"iss":"a","sub":"b","aud":"c"}"#,
        r#"{"aud":[]}"#,
        r#"{"aud":["a","b"]}"#,
        r#"{"exp":"soon","jti":7}"#,
    ] {
        claims(fine);
    }
    for (json, member, found) in [
        (r#"{"iss":1}"#, "iss", "a number"),
        (r#"{"iss":null}"#, "iss", "null"),
        (r#"{"iss":["a"]}"#, "iss", "an array"),
        (r#"{"sub":42}"#, "sub", "a number"),
        (r#"{"aud":null}"#, "aud", "null"),
        (r#"{"aud":{"a":1}}"#, "aud", "an object"),
        (r#"{"aud":["a",1]}"#, "aud", "an array with something else than strings"),
    ] {
        let error = Claims::parse(json.as_bytes()).expect_err(json);
        assert_eq!(error, Malformed::MemberType { member, found });
    }
    assert_eq!(Claims::parse(b"\"a\"").unwrap_err(), Malformed::NotAnObject("payload"));
}

#[test]
fn expiry_counts_from_exp_and_skew_on() {
    let token = |exp: u64| format!(r#"{{"exp":{exp}}}"#);
    assert_eq!(times(&token(NOW + 1)), Ok(NOW + 1));
    assert_eq!(times(&token(NOW - 29)), Ok(NOW - 29));
    assert_eq!(times(&token(NOW - 30)), Err(Reason::Expired), "now = exp + skew");
    assert_eq!(times(&token(0)), Err(Reason::Expired));
    assert_eq!(times(&token(253_402_300_799)), Ok(253_402_300_799));
    assert_eq!(times("{}"), Err(Reason::MissingExpiry));
}

#[test]
fn nbf_and_iat_may_lie_as_far_ahead_as_the_skew() {
    let token =
        |claim: &str, ahead: u64| format!(r#"{{"exp":{},"{claim}":{}}}"#, NOW + 60, NOW + ahead);
    for (claim, reason) in [("nbf", Reason::NotYetValid), ("iat", Reason::IssuedInFuture)] {
        assert_eq!(times(&token(claim, 30)), Ok(NOW + 60));
        assert_eq!(times(&token(claim, 31)), Err(reason));
    }
}

#[test]
fn times_are_checked_in_the_order_exp_nbf_iat_lifetime() {
    let late = NOW + 1000;
    assert_eq!(times(&format!(r#"{{"nbf":{late},"iat":"x"}}"#)), Err(Reason::MissingExpiry));
    assert_eq!(times(&format!(r#"{{"exp":1,"nbf":"x","iat":{late}}}"#)), Err(Reason::Expired));
    assert_eq!(
        times(&format!(r#"{{"exp":{late},"nbf":{late},"iat":"x"}}"#)),
        Err(Reason::NotYetValid)
    );
    assert_eq!(
        times(&format!(r#"{{"exp":{late},"nbf":"x","iat":{late}}}"#)),
        Err(Reason::InvalidClaim)
    );
    let future = lifetime(&format!(r#"{{"exp":{},"iat":{late}}}"#, late + 9999), 60);
    assert_eq!(future.unwrap_err().reason(), Reason::IssuedInFuture);
}

#[test]
fn numeric_dates() {
    for (text, seconds) in [
        ("0", 0),
        ("-0", 0),
        ("0.0", 0),
        ("-0.0", 0),
        ("1.8e9", 1_800_000_000),
        ("18E8", 1_800_000_000),
        ("1.5", 1),
        ("1799999999.9999999999999", 1_799_999_999),
        ("253402300799", 253_402_300_799),
        ("253402300799.000", 253_402_300_799),
    ] {
        assert_eq!(numeric_date(text).map(UnixTime::seconds), Some(seconds), "{text}");
    }
    for text in [
        "-1",
        "-0.5",
        "-1e-9",
        "1e999",
        "-1e999",
        "253402300800",
        "253402300799.5",
        "1e12",
        "18446744073709551616",
        "99999999999999999999999999",
    ] {
        assert_eq!(numeric_date(text), None, "{text}");
    }
}

#[test]
fn wrong_types_of_times_are_invalid_claims() {
    for value in ["null", "\"1800000100\"", "true", "[1800000100]", "{}", "1e999", "-1"] {
        assert_eq!(
            times(&format!(r#"{{"exp":{value}}}"#)),
            Err(Reason::InvalidClaim),
            "exp {value}"
        );
        for claim in ["nbf", "iat"] {
            let json = format!(r#"{{"exp":{},"{claim}":{value}}}"#, NOW + 60);
            assert_eq!(times(&json), Err(Reason::InvalidClaim), "{claim} {value}");
        }
    }
}

#[test]
fn the_lifetime_is_bounded_from_iat_or_else_from_now() {
    let from_iat = format!(r#"{{"exp":{},"iat":{}}}"#, NOW + 100, NOW - 500);
    assert!(lifetime(&from_iat, 600).is_ok());
    assert_eq!(
        lifetime(&from_iat, 599),
        Err(Refusal::LifetimeTooLong { seconds: 600, longest: 599 })
    );
    let from_now = format!(r#"{{"exp":{}}}"#, NOW + 100);
    assert!(lifetime(&from_now, 100).is_ok());
    assert_eq!(
        lifetime(&from_now, 99),
        Err(Refusal::LifetimeTooLong { seconds: 100, longest: 99 })
    );
    let backwards = format!(r#"{{"exp":{},"iat":{}}}"#, NOW - 5, NOW + 20);
    assert!(lifetime(&backwards, 1).is_ok(), "exp before iat does not overflow");
}

#[test]
fn audiences_meet_when_one_is_shared() {
    let accepted = ["db".to_owned(), "other".to_owned()];
    for json in [r#"{"aud":"db"}"#, r#"{"aud":["x","other"]}"#] {
        assert_eq!(claims(json).check_audience(&accepted), Ok(()));
    }
    for (json, found) in [
        (r#"{"aud":"DB"}"#, vec!["DB"]),
        ("{}", vec![]),
        (r#"{"aud":[]}"#, vec![]),
        (r#"{"aud":"db other"}"#, vec!["db other"]),
    ] {
        let found = found.into_iter().map(str::to_owned).collect();
        let expected = Refusal::AudienceMismatch { found, accepted: accepted.to_vec() };
        assert_eq!(claims(json).check_audience(&accepted), Err(expected), "{json}");
    }
    assert!(claims(r#"{"aud":"db"}"#).check_audience(&[]).is_err(), "none configured");
    assert!(claims("{}").check_audience(&[]).is_err(), "none on either side");
}

#[test]
fn identities_are_strings_arrays_of_them_or_integers() {
    for (value, expected) in [
        (r#""alice""#, vec!["alice"]),
        (r#"" ""#, vec![" "]),
        (r#"["a","b"]"#, vec!["a", "b"]),
        ("1232316645658094244789", vec!["1232316645658094244789"]),
        ("0", vec!["0"]),
        ("-7", vec!["-7"]),
    ] {
        let json = format!(r#"{{"who":{value}}}"#);
        let found = claims(&json).identities(&ClaimPath::parse("who").unwrap());
        assert_eq!(found.unwrap(), expected, "{value}");
    }
}

#[test]
fn other_identities_are_invalid_and_absent_ones_missing() {
    for (value, found) in [
        ("null", "null"),
        ("true", "a boolean"),
        ("1.0", "a number that is not an integer in plain decimal"),
        ("1e3", "a number that is not an integer in plain decimal"),
        ("{}", "an object"),
        (r#""""#, "an empty string"),
        ("[]", "an empty array"),
        (r#"["a",""]"#, "an array with an empty string"),
        (r#"["a",null]"#, "an array with null"),
        (r#"["a",7]"#, "an array with a number"),
        (r#"[["a"]]"#, "an array with an array"),
        (r#"[true,"a"]"#, "an array with a boolean"),
    ] {
        let json = format!(r#"{{"who":{value}}}"#);
        let refusal = claims(&json).identities(&ClaimPath::parse("who").unwrap()).unwrap_err();
        let expected = Refusal::InvalidClaim { claim: "who".into(), found: found.into() };
        assert_eq!(refusal, expected, "{value}");
    }
    let refusal = claims("{}").identities(&ClaimPath::parse("/a/b").unwrap()).unwrap_err();
    assert_eq!(refusal, Refusal::MissingClaim { claim: "/a/b".into() });
}

#[test]
fn any_claim_can_be_asked_for_as_a_time() {
    let claims = claims(r#"{"auth_time":1800000000,"iat":"now"}"#);
    assert_eq!(claims.numeric_date("auth_time"), Ok(Some(at(NOW))));
    assert_eq!(claims.numeric_date("nbf"), Ok(None));
    let wrong = claims.numeric_date("iat").map_err(|refusal| refusal.reason());
    assert_eq!(wrong, Err(Reason::InvalidClaim));
}
