//! The key sets that Google and Entra really publish, with a key of our own among them: what
//! they contain keeps nobody out.

use std::path::{Path, PathBuf};

use jwt_sso_e2e::{Algorithm, Issuer, SigningKey};
use serde_json::Value;

use crate::{enters, server};

/// The folder of collected test data; it is no part of this repository.
fn vectors() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    std::env::var_os("JWT_SSO_VECTORS").map_or(beside, PathBuf::from)
}

fn walk(name: &str) {
    let path = vectors().join("wellknown").join(name);
    let Ok(published) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: {} is missing", path.display());
        return;
    };
    let key = SigningKey::generate("ours", Algorithm::Rs256);
    let issuer = Issuer::with_key("https://idp.example", key);
    let mut set: Value = serde_json::from_str(&published).unwrap();
    set["keys"].as_array_mut().expect("a key set").push(issuer.keys[0].jwk());
    let cluster = server(&[]);
    issuer.install(&cluster, &["alice"]);
    let token = issuer.token("alice").sign();
    cluster.configure(&[("jwt_sso.jwks", &set.to_string())]);
    enters(&cluster, "alice", &token);

    // As published, by file; ours alone in the setting.
    cluster.write_file("published.json", published.as_bytes());
    let ours = issuer.jwks();
    cluster.configure(&[("jwt_sso.jwks", &ours), ("jwt_sso.jwks_file", "published.json")]);
    enters(&cluster, "alice", &token);
}

#[test]
fn s1_google() {
    walk("google.jwks.json");
}

#[test]
fn s2_entra() {
    walk("entra-common.jwks.json");
}
