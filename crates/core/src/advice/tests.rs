//! One test for each finding: when it comes, and what it says.

use super::*;
use crate::claim_path::ClaimPath;
use crate::issuers::Issuers;
use std::sync::Arc;

const WEAK: &str = r#"{"kty":"AKP","kid":"weak","alg":"ML-DSA-44","pub":"AA"}"#;
const GOOD: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;

fn with_issuers(text: &str) -> Policy {
    Policy { issuers: Arc::new(Issuers::parse(text).unwrap()), ..Policy::default() }
}

fn findings(policy: &Policy) -> Vec<String> {
    policy.advice().iter().map(Advice::to_string).collect()
}

#[test]
fn a_sound_policy_gets_none() {
    assert_eq!(Policy::default().advice(), []);
    assert_eq!(with_issuers(r#"["https://a","https://b"]"#).advice(), []);
    let entries =
        format!(r#"{{"issuers":{{"https://a":{{"jwks":{GOOD}}},"https://b":{{"jwks":{GOOD}}}}}}}"#);
    let policy = Policy {
        jwks: Arc::new(StaticJwks::parse(GOOD).unwrap()),
        identity_map: Arc::new(IdentityMap::parse(r"i /^(.*)@a\.b$ \1").unwrap()),
        ..with_issuers(&entries)
    };
    assert_eq!(policy.advice(), []);
}

#[test]
fn keys_that_cannot_verify() {
    let jwks = Arc::new(StaticJwks::parse(&format!("{{\"keys\":[{GOOD},{WEAK}]}}")).unwrap());
    let entry = format!(r#"{{"issuers":{{"https://a":{{"jwks":{WEAK}}}}}}}"#);
    let policy =
        Policy { jwks: Arc::clone(&jwks), jwks_file: Arc::clone(&jwks), ..with_issuers(&entry) };
    let starts = [
        "jwt_sso.jwks holds keys that cannot verify tokens: key 2",
        "jwt_sso.jwks_file holds keys that cannot verify tokens: key 2",
        "jwt_sso.issuers, in the entry of https://a, holds keys that cannot verify tokens: key 1",
    ];
    let found = findings(&policy);
    assert_eq!(found.len(), starts.len());
    for (finding, start) in found.iter().zip(starts) {
        assert!(finding.starts_with(start), "{finding}");
    }
    let about: Vec<&[Id]> = policy.advice().iter().map(Advice::settings).collect();
    assert_eq!(about, [&[Id::Jwks], &[Id::JwksFile], &[Id::Issuers]]);
}

#[test]
fn issuers_over_http() {
    let policy = with_issuers(r#"["http://a","https://b","c","http://d"]"#);
    assert_eq!(findings(&policy), ["jwt_sso.issuers names issuers over http: http://a, http://d"]);
}

#[test]
fn dots_between_letters() {
    let dotted = IdentityMap::parse("i /a@b.c r\ni a.b r\ni /a\\.b r\ni /c.d r").unwrap();
    let file = IdentityMap::parse_file("i /1.2 r").unwrap();
    let policy = Policy {
        identity_map: Arc::new(dotted),
        identity_map_file: Arc::new(file),
        ..Policy::default()
    };
    let finding = "has a regex with an unescaped dot between letters in";
    assert_eq!(
        findings(&policy),
        [
            format!("jwt_sso.identity_map {finding} lines 1, 4"),
            format!("jwt_sso.identity_map_file {finding} line 1"),
        ]
    );
    assert!(policy.advice()[0].hint().contains(r"write \. for a dot"));
}

#[test]
fn shared_keys() {
    let jwks = Arc::new(StaticJwks::parse(GOOD).unwrap());
    let one = Policy { jwks: Arc::clone(&jwks), ..with_issuers("https://a") };
    assert_eq!(one.advice(), []);
    let two = Policy { jwks_file: jwks, ..with_issuers(r#"["https://a","https://b"]"#) };
    assert_eq!(two.advice(), [Advice::SharedKeys(2)]);
    assert!(two.advice()[0].hint().contains("jwt_sso.issuers"));
}

#[test]
fn mutable_claims_of_entries() {
    let entry =
        |members: &str| with_issuers(&format!("{{\"issuers\":{{\"https://a\":{{{members}}}}}}}"));
    for claim in ["email", "preferred_username", "upn", "unique_name", "/email", "/user/email"] {
        let advice = entry(&format!("\"claim\":\"{claim}\"")).advice();
        assert_eq!(advice.len(), 1, "{claim}");
        assert!(advice[0].to_string().ends_with("required claims of https://a"), "{}", advice[0]);
        assert!(advice[0].hint().contains("\"required_claims\":{\"email_verified\":true}"));
        let verified = r#""required_claims":{"email_verified":true}"#;
        assert_eq!(entry(&format!("\"claim\":\"{claim}\",{verified}")).advice(), [], "{claim}");
    }
    assert_eq!(entry(r#""claim":"oid""#).advice(), []);
}

#[test]
fn a_mutable_global_claim() {
    let claim = Arc::new(ClaimPath::parse("email").unwrap());
    let alone = Policy { claim: Arc::clone(&claim), ..Policy::default() };
    let expected = |issuers: &[&str]| Advice::MutableClaim {
        claim: "email".to_owned(),
        issuers: issuers.iter().map(|iss| (*iss).to_owned()).collect(),
    };
    assert_eq!(alone.advice(), [expected(&[])]);
    assert_eq!(alone.advice()[0].settings(), [Id::Claim, Id::Issuers]);
    let entries = r#"{"issuers":{"https://a":{"claim":"sub"},"https://b":{}}}"#;
    let policy = Policy { claim, ..with_issuers(entries) };
    assert_eq!(policy.advice(), [expected(&["https://b"])]);
}

#[test]
fn long_lists_are_counted() {
    assert_eq!(listed(&[1, 2, 3], ", "), "1, 2, 3");
    assert_eq!(listed(&[1, 2, 3, 4, 5], ", "), "1, 2, 3, and 2 more");
}
