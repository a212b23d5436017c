//! The value of a setting, whichever: `number of the setting, one byte`, then
//! the text, which is a file's content where the setting names a file.
//!
//! - What is taken is within its bounds and makes the same policy each time.
//! - What is taken comes back from its own words.
//! - An error is short, and repeats no long value.
#![no_main]

use jwt_sso_core::algorithm_list;
use jwt_sso_core::issuers::{IssuerKeys, Issuers, MAX_ISSUERS};
use jwt_sso_core::policy::{FetchPlace, KeySource, Policy};
use jwt_sso_core::setting_text::{MAX_FILE_BYTES, MAX_TEXT_BYTES};
use jwt_sso_core::settings::compile;
use jwt_sso_core::settings::{Id, Kind, TABLE};
use jwt_sso_core::time::UnixTime;
use jwt_sso_fuzz::{minting, seeds, world};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;

const ISSUERS: [&str; 6] = [
    "https://accounts.google.com",
    r#"["https://a","b","https://c/.well-known/openid-configuration"]"#,
    r#"{"issuer_jwks_map":{"https://a":"https://a/keys","b":"http://[::1]:8/k"}}"#,
    r#"{"issuers":{"https://a":{"jwks_uri":"https://a/k","audience":["x"],"claim":"/a/b","algorithms":["ES256"]}}}"#,
    r#"{"issuers":{"https://a":{"required_claims":{"email_verified":true,"/a/~1b":[1,1.0e2,"x",null]}}}}"#,
    r#"{"issuers":{"https://a":{"jwks":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}}}"#,
];

const OTHERS: [(Id, &str); 14] = [
    (Id::Audience, "postgres"),
    (Id::Audience, r#"["a","b"]"#),
    (Id::Claim, "/realm_access/roles/0"),
    (Id::Algorithms, "RS256, EdDSA"),
    (Id::Algorithms, r#"["ES512"]"#),
    (Id::SessionExpiry, "Terminate_Idle"),
    (Id::Deny, r#"[{"principal":"alice","until":"2026-12-31T00:00:00Z"},{"kid":"k","jti":"1"}]"#),
    (Id::IdentityMap, "i x r\ni /(.*)@a \\1"),
    (Id::HbaFile, "sso/hba.conf"),
    (Id::OidcProviderUrl, "https://idp.example"),
    (Id::OidcRedirectUrl, "http://localhost:8081/callback"),
    (Id::OidcScopes, "openid email"),
    (Id::OidcGenerateClusterSsoTokenUseToken, "access_token"),
    (Id::SqlHost, "::1"),
];

fn seed() {
    let of = |id: Id, text: &[u8]| [&[id as u8], text].concat();
    let mut all: Vec<Vec<u8>> =
        ISSUERS.iter().map(|text| of(Id::Issuers, text.as_bytes())).collect();
    all.extend(OTHERS.iter().map(|(id, text)| of(*id, text.as_bytes())));
    for set in seeds::key_sets().into_iter().take(20).chain([minting::RSA.jwk("").into_bytes()]) {
        all.push(of(Id::Jwks, &set));
    }
    let ca = include_bytes!("../../crates/core/src/custom_ca/test_ca.pem");
    all.push(of(Id::IssuerCustomCa, ca));
    seeds::write(all);
}

fuzz_target!(init: seed(), |data: &[u8]| {
    let Some((number, value)) = data.split_first() else { return };
    let setting = &TABLE[usize::from(*number) % TABLE.len()];
    let Ok(text) = std::str::from_utf8(value) else { return };
    let is_file = matches!(setting.id, Id::JwksFile | Id::IdentityMapFile | Id::IssuerCustomCa);
    let compiled = || match setting.kind {
        Kind::Bool { .. } => Ok(compile::boolean(setting.id, text.len() % 2 == 1)),
        Kind::Int { .. } => Ok(compile::integer(setting.id, text.parse().unwrap_or(-1))),
        Kind::Text { .. } if is_file => compile::file(setting.id, "the file", Some(text)),
        Kind::Text { .. } => compile::text(setting.id, text),
    };
    let change = match compiled() {
        Ok(change) => change,
        Err(error) => {
            assert!(!error.detail.is_empty() && error.detail.len() < 8192, "{}", error.detail);
            assert!(text.len() < 1024 || !error.detail.contains(text));
            assert!(compiled().is_err());
            return;
        }
    };
    assert!(text.len() <= if is_file { MAX_FILE_BYTES } else { MAX_TEXT_BYTES });
    let mut policy = Policy::default();
    change(&mut policy);
    let mut again = Policy::default();
    compiled().expect("taken a second time")(&mut again);
    assert_eq!(policy.fingerprint(), again.fingerprint());
    of_policy(&policy);
    if matches!(setting.kind, Kind::Text { .. }) && !is_file {
        let forbidden = |c: char| c.is_control() && c != '\n' && c != '\t';
        assert!(!text.contains(forbidden), "a control character");
        round_trip(setting.id, &policy);
    }
});

fn of_policy(policy: &Policy) {
    for advice in policy.advice() {
        assert!(!format!("{advice:?}").is_empty());
    }
    let now = UnixTime::from_seconds(world::NOW).expect("in range");
    for (number, until) in policy.deny.over(now) {
        assert!(number > 0 && until <= now);
    }
    assert!(policy.issuers.len() <= MAX_ISSUERS);
    for issuer in policy.issuers.iter() {
        assert!(!issuer.iss.is_empty() && !issuer.iss.contains(char::is_whitespace));
        assert_eq!(policy.issuers.get(&issuer.iss).map(|found| &found.iss), Some(&issuer.iss));
        assert_eq!(policy.fetch_place(issuer).is_some(), matches!(issuer.keys, IssuerKeys::Uri(_)));
        let source = policy.key_source(issuer);
        match &issuer.keys {
            IssuerKeys::Uri(uri) => {
                assert!(matches!(source, KeySource::Fetched(_)));
                assert_eq!(policy.fetch_place(issuer), Some(FetchPlace::Jwks(uri.clone())));
                assert!(jwt_sso_fetch::fuzzing::address(uri).is_some() || uri.len() > 2048);
            }
            IssuerKeys::Static(_) => assert!(matches!(source, KeySource::Entry(_))),
            IssuerKeys::Global => assert_eq!(source, KeySource::None),
        }
        assert!(
            policy.algorithms_of_any().union(policy.algorithms_of(issuer))
                == policy.algorithms_of_any()
        );
    }
}

fn round_trip(id: Id, policy: &Policy) {
    let taken = |id, text: &str| {
        let mut other = Policy::default();
        compile::text(id, text).expect("its own words")(&mut other);
        other.fingerprint()
    };
    match id {
        Id::Claim => assert_eq!(taken(id, &policy.claim.to_string()), policy.fingerprint()),
        Id::Algorithms => {
            let written = policy.algorithms.to_string();
            assert_eq!(algorithm_list::parse(&written), Ok(policy.algorithms));
        }
        Id::Audience => {
            let written = serde_json::to_string(&*policy.audience).expect("strings");
            assert_eq!(taken(id, &written), policy.fingerprint());
        }
        Id::SessionExpiry => {
            assert_eq!(taken(id, policy.session_expiry.name()), policy.fingerprint());
        }
        Id::Issuers => {
            let names: Vec<&str> =
                policy.issuers.iter().map(|issuer| issuer.iss.as_str()).collect();
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "named twice");
            // A name that ends so even after one such ending was dropped loses another.
            if !names.iter().any(|name| name.ends_with("/.well-known/openid-configuration")) {
                let written = serde_json::to_string(&names).expect("strings");
                let again = Issuers::parse(&written).expect("the names alone");
                assert!(again.iter().map(|issuer| issuer.iss.as_str()).eq(names));
            }
        }
        _ => {}
    }
}
