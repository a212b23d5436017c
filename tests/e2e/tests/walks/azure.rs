//! An Azure managed identity: an application without any secret asks the metadata service for a
//! token and hands it over as the password. CockroachDB 22.2.0 failed here, because Entra's keys
//! have no `alg`.

use jwt_sso_e2e::issuer::encode;
use jwt_sso_e2e::token::now;
use jwt_sso_e2e::{Algorithm, Issuer, SigningKey, Token};
use serde_json::json;

use crate::{enters, refused, server};

const TENANT: &str = "5c5aa4a4-8d4f-4f5c-9f0e-0a6b4b7a6a11";
/// The app registration whose tokens the database takes.
const APPLICATION: &str = "96be4b7a-defb-4dc2-a31f-49ee6145d5ab";
/// `sub` of a managed identity is its object id.
const IDENTITY: &str = "f1c5b0a7-5b19-4ad4-8a0c-7d0f6d5b7c3e";

/// Entra's key: `use`, `x5t` and `x5c`, but no `alg`.
fn entra() -> Issuer {
    let kid = "2ZQpJ3UpbjAYXYGaXEJl8lV0TOI";
    let certificate = "MIIC/TCCAeWgAwIBAgIIQ".repeat(40);
    let key = SigningKey::generate(kid, Algorithm::Rs256).with("use", json!("sig"));
    let key = key.with("x5t", json!(kid)).with("x5c", json!([certificate]));
    let mut issuer = Issuer::with_key(&format!("https://sts.windows.net/{TENANT}/"), key);
    issuer.audience = APPLICATION.to_owned();
    issuer
}

/// The claims of a version 1 token, which is good for a day and about 1.7 KB long.
fn managed_identity(entra: &Issuer, object: &str) -> Token {
    let token = entra.token(object).header("x5t", entra.keys[0].kid.clone());
    let token = token.claim("nbf", now()).claim("exp", now() + 86_400);
    token
        .claim("aio", encode("an opaque value of Entra's own, at some length"))
        .claim("appid", "0b6a2c5f-3d0f-4c7e-9f0d-0c3f8f1d7b7e")
        .claim("appidacr", "2")
        .claim("idp", format!("https://sts.windows.net/{TENANT}/"))
        .claim("idtyp", "app")
        .claim("oid", object)
        .claim("rh", "1.AXQApKRaXE-NXE-fDgprS3pqEXpLvpb73sJNox9J7mFF1avHAAB0AA.")
        .claim("tid", TENANT)
        .claim("uti", "k1hQ2m0uV0Cq1Q3v9hAcAA")
        .claim("ver", "1.0")
        .claim("xms_mirid", "/subscriptions/2c3d/resourcegroups/app/providers/vm/app-1")
}

#[test]
fn s1_managed_identity() {
    let entra = entra();
    let cluster = server(&["orders"]);
    assert!(!entra.jwks().contains("\"alg\""), "Entra's keys have none");
    cluster.configure(&[
        ("jwt_sso.enabled", "on"),
        ("jwt_sso.issuers", &format!("https://sts.windows.net/{TENANT}/")),
        ("jwt_sso.audience", APPLICATION),
        ("jwt_sso.jwks", &entra.jwks()),
        ("jwt_sso.identity_map", &format!("https://sts.windows.net/{TENANT}/ {IDENTITY} orders")),
    ]);
    enters(&cluster, "orders", &managed_identity(&entra, IDENTITY).padded(1700));

    let another = "00000000-5b19-4ad4-8a0c-7d0f6d5b7c3e";
    let another = managed_identity(&entra, another).padded(1700);
    refused(&cluster, "orders", &another, "role_not_mapped");
    let graph = managed_identity(&entra, IDENTITY).claim("aud", "https://graph.microsoft.com");
    refused(&cluster, "orders", &graph.padded(1700), "audience_mismatch");
    let version_2 = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let version_2 = managed_identity(&entra, IDENTITY).claim("iss", version_2);
    refused(&cluster, "orders", &version_2.padded(1700), "unknown_issuer");
}

#[test]
fn s2_without_the_slash() {
    let entra = entra();
    let cluster = server(&[IDENTITY]);
    cluster.configure(&[
        ("jwt_sso.enabled", "on"),
        ("jwt_sso.issuers", &format!("https://sts.windows.net/{TENANT}")),
        ("jwt_sso.audience", APPLICATION),
        ("jwt_sso.jwks", &entra.jwks()),
    ]);
    let token = managed_identity(&entra, IDENTITY).padded(1700);
    let line = refused(&cluster, IDENTITY, &token, "unknown_issuer");
    let (_, detail) = line.split_once("detail=").expect("a detail");
    assert!(detail.contains("slash"), "{line}");
    cluster.configure(&[("jwt_sso.issuers", &entra.iss)]);
    enters(&cluster, IDENTITY, &token);
}
