use crate::folder::{json, say};
use crate::verdict::accepts;
use jwt_sso_core::algorithm::AlgorithmSet;
use jwt_sso_core::decision::{
    Connection, Demands, Found, Keys, Surroundings, Transport, admit, decide,
};
use jwt_sso_core::issuers::{Issuer, Issuers};
use jwt_sso_core::jwk::PublicKey;
use jwt_sso_core::jwks::StaticJwks;
use jwt_sso_core::policy::{KeySource, Policy};
use jwt_sso_core::refusal::{Malformed, Reason, Refusal};
use jwt_sso_core::time::UnixTime;
use jwt_sso_core::token::{CompactJws, Header};
use std::sync::Arc;

/// The asymmetric examples verify; `none`, HMAC, `crit` and JWE are refused,
/// whatever key is at hand.
#[test]
fn examples_of_rfc_7515_7519_8037() {
    let Some(document) = json("rfc/rfc_jws_vectors.json") else { return };
    let vectors = document["vectors"].as_array().expect("vectors");
    let mut verified = 0;
    for vector in vectors {
        let alg = vector["alg"].as_str().expect("alg");
        let expected = vector["expect"] == "valid" && !alg.starts_with("HS");
        let token = vector["jws"].as_str().expect("a token");
        assert_eq!(accepts(&vector["jwk"].to_string(), token), expected, "{}", vector["id"]);
        verified += usize::from(expected);
    }
    say(format_args!("rfc: {} of {} as expected", vectors.len(), vectors.len()));
    assert_eq!((verified, vectors.len()), (4, 11));
}

/// Each refusal is the right one: an unsecured token is well-formed, a JWE is not.
#[test]
fn refusals_name_what_is_wrong() {
    let Some(document) = json("rfc/rfc_jws_vectors.json") else { return };
    for vector in document["vectors"].as_array().expect("vectors") {
        let decoded = CompactJws::decode(vector["jws"].as_str().expect("a token").as_bytes());
        match vector["alg"].as_str().expect("alg") {
            "JWE" | "JWE-nested" => assert_eq!(decoded.unwrap_err(), Malformed::Parts(5)),
            "none" | "crit" | "HS256" => {
                let jws = decoded.expect("three parts of base64url");
                let header = Header::parse(jws.header()).expect("a header");
                let refusal = header.check(AlgorithmSet::ALL);
                assert!(matches!(refusal, Err(Refusal::UnsupportedAlgorithm { .. })));
            }
            _ => assert!(decoded.is_ok()),
        }
    }
}

struct OneKey(PublicKey);

impl Keys for OneKey {
    fn find(&self, _: &Issuer, _: &KeySource, _: Option<&str>) -> Found {
        Found::Keys { of_kid: vec![self.0.clone()], issuer_keys: 1 }
    }
}

/// RFC 7515 appendix A.2 and A.3 through the whole decision: the signature is
/// good, and the tokens of "joe" expired in 2011.
#[test]
fn the_tokens_of_joe_have_expired() {
    let Some(document) = json("rfc/rfc_jws_vectors.json") else { return };
    let vectors = document["vectors"].as_array().expect("vectors").iter();
    for vector in vectors.filter(|v| v["id"] == "rfc7515-A.2" || v["id"] == "rfc7515-A.3") {
        let jwks = StaticJwks::parse(&vector["jwk"].to_string()).expect("a key");
        let keys = OneKey(jwks.keys().remove(0));
        let policy = Policy {
            enabled: true,
            issuers: Arc::new(Issuers::parse("joe").expect("an issuer")),
            jwks: Arc::new(jwks),
            ..Policy::default()
        };
        let refusal_at = |now: u64| {
            let connection = Connection { transport: Transport::Tls, replication: false };
            let admitted = admit(Ok(&policy), connection).expect("admitted");
            let token = vector["jws"].as_str().expect("a token").as_bytes();
            let now = UnixTime::from_seconds(now).expect("in range");
            let around = Surroundings {
                keys: &keys,
                is_superuser: &|_| false,
                now: &|| now,
                begins: &|_| (),
            };
            decide(admitted, token, b"joe", Demands::default(), around)
                .expect_err("refused")
                .refusal
        };
        let exp = 1_300_819_380;
        assert_eq!(refusal_at(exp + 30).reason(), Reason::Expired);
        assert_eq!(refusal_at(exp - 1).reason(), Reason::AudienceMismatch, "it has no audience");
    }
}
