//! docs/troubleshooting.md, run: each of its ten refusals is made, found by the reference that
//! the client was told, compared with the document's texts, cured by the document's commands,
//! and then the user logs in.
//! 1. `expired` 2. `audience_mismatch` 3. `unknown_issuer` 4. `role_not_mapped`
//! 5. `missing_claim` 6. `reserved_role` 7. `keys_unavailable` 8. `unknown_key`
//! 9. `insecure_transport` 10. `misconfigured`
//! 11. the document has these ten and no others

mod document;
mod walk;

use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::faulty_issuer::FaultyIssuer;
use jwt_sso_e2e::token::now;
use jwt_sso_e2e::{Algorithm, Cluster, Issuer, SigningKey};
use walk::Walk;

/// The issuer that the document names.
fn issuer() -> Issuer {
    Issuer::new("https://idp.example")
}

/// The set-up of the document, with some settings as they are in one of its cases.
fn start(issuer: &Issuer, settings: &[(&str, &str)]) -> Cluster {
    let cluster = Cluster::builder().start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    issuer.install(&cluster, &["alice"]);
    cluster.configure(settings);
    cluster
}

#[test]
fn s01_expired() {
    let issuer = issuer();
    let cluster = start(&issuer, &[]);
    let old = issuer.token("alice").claim("exp", now() - 1000).sign();
    Walk::new(&cluster, "1. expired").refused(&old).cured(&issuer.token("alice").sign());
}

#[test]
fn s02_audience_mismatch() {
    let issuer = issuer();
    let cluster = start(&issuer, &[]);
    let token = issuer.token("alice").claim("aud", "api://db").sign();
    Walk::new(&cluster, "2. audience_mismatch").refused(&token).cured(&token);
}

#[test]
fn s03_unknown_issuer() {
    let issuer = issuer();
    let cluster = start(&issuer, &[]);
    let token = issuer.token("alice").claim("iss", "https://idp.example/").sign();
    Walk::new(&cluster, "3. unknown_issuer").refused(&token).cured(&token);
}

#[test]
fn s04_role_not_mapped() {
    let issuer = issuer();
    let map = r#"["https://idp.example /^(.*)@corp\\.example$ \\1"]"#;
    let cluster = start(&issuer, &[("jwt_sso.identity_map", map)]);
    let token = issuer.token("alice@partner.example").sign();
    Walk::new(&cluster, "4. role_not_mapped").refused(&token).cured(&token);
}

#[test]
fn s05_missing_claim() {
    let issuer = issuer();
    let cluster = start(&issuer, &[("jwt_sso.claim", "email")]);
    let token = issuer.token("alice").sign();
    Walk::new(&cluster, "5. missing_claim").refused(&token).cured(&token);
}

#[test]
fn s06_reserved_role() {
    let issuer = issuer();
    let cluster = start(&issuer, &[]);
    cluster.sql("ALTER ROLE alice SUPERUSER");
    let token = issuer.token("alice").sign();
    Walk::new(&cluster, "6. reserved_role").refused(&token).cured(&token);
}

#[test]
fn s07_keys_unavailable() {
    let authority = Authority::new();
    let provider = FaultyIssuer::https(authority.localhost());
    let issuer = Issuer::new(&provider.base);
    provider.publish(issuer.jwks());
    let cluster = start(&issuer, &[("jwt_sso.jwks_auto_fetch_enabled", "on")]);
    let ca = cluster.write_file("idp-ca.pem", authority.pem().as_bytes());
    let token = issuer.token("alice").sign();
    Walk::new(&cluster, "7. keys_unavailable")
        .here("https://idp.example", &provider.base)
        .here("/etc/postgresql/15/main/idp-ca.pem", &ca.to_string_lossy())
        .refused(&token)
        .cured(&token);
}

#[test]
fn s08_unknown_key() {
    let provider = FaultyIssuer::http();
    let old = Issuer::new(&provider.base);
    let new = Issuer::with_key(&provider.base, SigningKey::generate("k2", Algorithm::Es256));
    provider.publish(new.jwks());
    let file = [("jwt_sso.jwks", "{\"keys\":[]}"), ("jwt_sso.jwks_file", "idp.jwks")];
    let cluster = start(&old, &[]);
    let path = cluster.write_file("idp.jwks", old.jwks().as_bytes());
    cluster.configure(&file);
    let token = new.token("alice").sign();
    Walk::new(&cluster, "8. unknown_key")
        .here("https://idp.example", &provider.base)
        .here("/var/lib/postgresql/15/main/idp.jwks", &path.to_string_lossy())
        .refused(&token)
        .cured(&token);
}

#[test]
fn s09_insecure_transport() {
    let issuer = issuer();
    let cluster = start(&issuer, &[]);
    let token = issuer.token("alice").sign();
    Walk::new(&cluster, "9. insecure_transport").refused(&token).cured(&token);
}

#[test]
fn s10_misconfigured() {
    let issuer = issuer();
    let cluster = start(&issuer, &[]);
    cluster.append_conf("jwt_sso.clock_skew = 999999");
    cluster.restart();
    let token = issuer.token("alice").sign();
    Walk::new(&cluster, "10. misconfigured").refused(&token).cured(&token);
}

#[test]
fn s11_ten() {
    let headings = document::headings();
    let numbered: Vec<_> = headings.iter().filter(|heading| heading.contains(". ")).collect();
    assert_eq!(numbered.len(), 10, "{numbered:?}");
    assert_eq!(numbered[9], "10. misconfigured");
}
