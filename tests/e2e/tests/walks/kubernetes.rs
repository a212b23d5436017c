//! Kubernetes service accounts. The issuers are not reachable from outside of their clusters, so
//! each entry has its own keys (`kubectl get --raw /openid/v1/jwks`), audience and claim.
//! 1. the name of the service account, from below "kubernetes.io"; `aud` is an array
//! 2. another namespace, another audience, another cluster's key
//! 3. an ordinary issuer beside them, with the global audience and claim

use jwt_sso_e2e::{Algorithm, Cluster, Issuer, SigningKey, Token};
use serde_json::{Value, json};

use crate::{enters, refused, server};

struct World {
    cluster: Cluster,
    production: Issuer,
    staging: Issuer,
    company: Issuer,
}

/// An issuer of one RSA key as Kubernetes publishes it.
fn kubernetes(iss: &str, kid: &str) -> Issuer {
    let key = SigningKey::generate(kid, Algorithm::Rs256);
    Issuer::with_key(iss, key.with("use", json!("sig")).with("alg", json!("RS256")))
}

/// A projected token: no `typ`, `aud` an array, the account in a nested object.
fn service_account(issuer: &Issuer, namespace: &str, name: &str) -> Token {
    let token = issuer.token(&format!("system:serviceaccount:{namespace}:{name}"));
    let account = json!({
        "namespace": namespace,
        "node": {"name": "node-1", "uid": "9a4a7a3e-0d0e-4c3e-8a5e-7c8c1f0f7e55"},
        "pod": {"name": format!("{name}-7d9f"), "uid": "eac1c7f3-0f7d-4b0f-a3f2-2a0c0f6f9b1c"},
        "serviceaccount": {"name": name, "uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798"},
    });
    token
        .without_header("typ")
        .claim("aud", json!(["https://kubernetes.default.svc", "orders-db"]))
        .claim("jti", "0f9c7e7e-7a0e-4f6e-9a5c-0d5c5d3b7d6a")
        .claim("kubernetes.io", account)
}

impl World {
    fn start() -> World {
        let world = World {
            cluster: server(&["billing", "staging_billing", "ann"]),
            production: kubernetes("https://kubernetes.default.svc.cluster.local", "prod-1"),
            staging: kubernetes("https://kubernetes.staging.internal", "staging-1"),
            company: Issuer::new("https://idp.example"),
        };
        let entry = |issuer: &Issuer| {
            let jwks: Value = serde_json::from_str(&issuer.jwks()).unwrap();
            json!({
                "jwks": jwks,
                "audience": ["orders-db"],
                "claim": "/kubernetes.io/serviceaccount/name",
                "required_claims": {"/kubernetes.io/namespace": "shop"},
            })
        };
        let issuers = json!({"issuers": {
            world.production.iss.clone(): entry(&world.production),
            world.staging.iss.clone(): entry(&world.staging),
            world.company.iss.clone(): {},
        }});
        let map = json!([
            "https://kubernetes.default.svc.cluster.local billing billing",
            r"https://kubernetes.staging.internal /^(.*)$ staging_\1",
            r"https://idp.example /^(.*)@corp\.example$ \1",
        ]);
        world.cluster.configure(&[
            ("jwt_sso.enabled", "on"),
            ("jwt_sso.issuers", &issuers.to_string()),
            ("jwt_sso.audience", "postgres"),
            ("jwt_sso.jwks", &world.company.jwks()),
            ("jwt_sso.identity_map", &map.to_string()),
        ]);
        world
    }
}

#[test]
fn s1_service_account() {
    let world = World::start();
    let token = service_account(&world.production, "shop", "billing").sign();
    enters(&world.cluster, "billing", &token);
    refused(&world.cluster, "staging_billing", &token, "role_not_mapped");
    let staging = service_account(&world.staging, "shop", "billing").sign();
    enters(&world.cluster, "staging_billing", &staging);
    refused(&world.cluster, "billing", &staging, "role_not_mapped");
}

#[test]
fn s2_other_places() {
    let World { cluster, production, staging, .. } = World::start();
    let namespace = service_account(&production, "sandbox", "billing");
    refused(&cluster, "billing", &namespace.sign(), "required_claim");
    let token = service_account(&production, "shop", "billing");
    let audience = token.clone().claim("aud", json!(["https://kubernetes.default.svc"]));
    refused(&cluster, "billing", &audience.sign(), "audience_mismatch");
    // The entry's audience stands in the place of the global one, not beside it.
    let global = token.clone().claim("aud", "postgres");
    refused(&cluster, "billing", &global.sign(), "audience_mismatch");
    refused(&cluster, "billing", &token.clone().key(&staging.keys[0]).sign(), "unknown_key");
    let renamed = staging.keys[0].clone().with("kid", json!("prod-1"));
    refused(&cluster, "billing", &token.clone().key(&renamed).sign(), "bad_signature");
    let nameless = token.claim("kubernetes.io", json!({"namespace": "shop"}));
    refused(&cluster, "billing", &nameless.sign(), "missing_claim");
}

#[test]
fn s3_ordinary_issuer_beside() {
    let World { cluster, company, .. } = World::start();
    enters(&cluster, "ann", &company.token("ann@corp.example").sign());
    let audience = company.token("ann@corp.example").claim("aud", "orders-db");
    refused(&cluster, "ann", &audience.sign(), "audience_mismatch");
}
