//! The claims of a token: `path NUL payload`.
//!
//! - Times: what is accepted expires later than now, and is refused from then
//!   on; more leeway refuses nothing that less accepted, a bound on the lifetime
//!   accepts nothing that none refused.
//! - Audience: accepted means that one of the accepted ones is in the token.
//! - Claims meet themselves as demands.
//! - An identity is never empty, and is what the token says at that path.
#![no_main]

use jwt_sso_core::claim_path::ClaimPath;
use jwt_sso_core::claims::{Claims, TimeRules};
use jwt_sso_core::issuers::Issuers;
use jwt_sso_core::json::Node;
use jwt_sso_core::refusal::Refusal;
use jwt_sso_core::time::UnixTime;
use jwt_sso_core::token::CompactJws;
use jwt_sso_fuzz::{json, parts, seeds, text, world};
use libfuzzer_sys::fuzz_target;

fn seed() {
    let with_path = |path: &str, payload: &[u8]| [path.as_bytes(), b"\0", payload].concat();
    let mut all: Vec<Vec<u8>> = vec![
        with_path("sub", world::claims("alice").as_bytes()),
        with_path("/ids/mail", world::second_claims().as_bytes()),
        with_path("/a~1b/0", br#"{"a/b":[12345678901234567890123],"exp":1e9,"iat":0.5}"#),
        with_path("scope", br#"{"scope":"openid mail","aud":[],"n":[1,1.0,10e-1],"x":{"y":null}}"#),
    ];
    for token in seeds::tokens() {
        if let Ok(jws) = CompactJws::decode(token.as_bytes()) {
            all.push(with_path("sub", jws.payload()));
        }
    }
    seeds::write(all);
}

fuzz_target!(init: seed(), |data: &[u8]| {
    let [path, payload] = parts(data);
    let Ok(claims) = Claims::parse(payload) else { return };
    let node = json::read(payload).expect("claims are JSON");
    assert_eq!(claims.issuer(), node.get("iss").and_then(Node::as_str));
    assert_eq!(claims.subject(), node.get("sub").and_then(Node::as_str));
    times(&claims, &node);
    audience(&claims);
    demands(&claims, &node);
    if let Some(path) = text(path).and_then(|path| ClaimPath::parse(path).ok()) {
        identities(&claims, &node, &path);
    }
});

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(seconds).expect("in range")
}

fn times(claims: &Claims<'_>, node: &Node<'_>) {
    for claim in ["exp", "nbf", "iat"] {
        let Ok(Some(time)) = claims.numeric_date(claim) else { continue };
        let Some(Node::Number(digits)) = node.get(claim) else { panic!("a date is a number") };
        let number: f64 = digits.parse().expect("a number");
        let whole = time.seconds() as f64;
        assert!(whole <= number && number <= whole + 1.0, "{digits} was read as {whole}");
    }
    let rules = |skew, max_lifetime| TimeRules { skew, max_lifetime };
    for now in [0, 1, world::NOW, UnixTime::LAST.seconds()].map(at) {
        let Ok(exp) = claims.check_times(rules(0, None), now) else { continue };
        assert!(exp > now);
        let after = claims.check_times(rules(0, None), exp);
        assert!(matches!(after, Err(Refusal::Expired { .. })));
        for skew in [1, 30, u64::MAX] {
            assert_eq!(claims.check_times(rules(skew, None), now), Ok(exp));
        }
        let bounded = claims.check_times(rules(0, Some(300)), now);
        assert!(bounded == Ok(exp) || matches!(bounded, Err(Refusal::LifetimeTooLong { .. })));
        if bounded.is_ok() {
            assert!(exp.seconds() - now.seconds() <= 300, "iat is not in the future");
        }
    }
}

fn audience(claims: &Claims<'_>) {
    assert!(claims.check_audience(&[]).is_err());
    let found = claims.audience();
    for audience in &found {
        assert!(claims.check_audience(&["none".to_owned(), (*audience).to_owned()]).is_ok());
        let longer = format!("{audience}x");
        let met = claims.check_audience(std::slice::from_ref(&longer)).is_ok();
        assert_eq!(met, found.contains(&longer.as_str()));
    }
}

/// The claims as the `required_claims` of an entry, where a setting takes them.
fn demands(claims: &Claims<'_>, node: &Node<'_>) {
    let entry = format!(r#"{{"issuers":{{"i":{{"required_claims":{node}}}}}}}"#);
    let Ok(issuers) = Issuers::parse(&entry) else { return };
    let required = &issuers.get("i").expect("the issuer").required_claims;
    let Node::Object(members) = node else { panic!("claims are an object") };
    assert_eq!(required.len(), members.len());
    // A name with a slash before it is a pointer here, and leads elsewhere.
    if !members.keys().any(|name| name.starts_with('/')) {
        assert_eq!(claims.check_required(required), Ok(()));
    }
}

fn identities(claims: &Claims<'_>, node: &Node<'_>, path: &ClaimPath) {
    assert_eq!(ClaimPath::parse(&path.to_string()).as_ref(), Ok(path));
    let Ok(identities) = claims.identities(path) else { return };
    assert!(!identities.is_empty() && identities.iter().all(|identity| !identity.is_empty()));
    match path.find(node).expect("the claim") {
        Node::String(text) => assert_eq!(identities, [text.as_str()]),
        Node::Number(digits) => {
            assert_eq!(identities, [*digits]);
            assert!(digits.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()));
        }
        Node::Array(items) => assert_eq!(identities.len(), items.len()),
        other => panic!("an identity from {}", other.kind()),
    }
}
