//! The servers that are measured.
//!
//! With the library preloaded every TCP connection by a `trust` line is a token connection, so a
//! `trust` login over TLS needs a server without it. That is also the honest comparison: what a
//! login costs with us, the bigger postmaster included, against what it costs without us.

use jwt_sso_e2e::faulty_issuer::{Answer, FaultyIssuer};
use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::oauthbearer;
use jwt_sso_e2e::token::now;
use jwt_sso_e2e::{Algorithm, Cluster, Issuer, SigningKey};
use serde_json::{Map, Value, json};

/// The length of a usual token.
pub const TOKEN_BYTES: usize = 1_500;
/// What the `scram` role's password is.
pub const PASSWORD: &str = "correct horse battery staple";
/// Roles, each with a line of its own in the HBA file. All have five letters.
pub const ROLES: [&str; 6] = ["trust", "scram", "clear", "hooks", "pluga", "oauth"];
/// Why a row is left out.
pub const NO_DOOR: &str = "this server has no such door";

/// An issuer with an RSA key, and where its key set is.
pub struct Provider {
    /// The key set's server, which counts what it is asked.
    pub server: FaultyIssuer,
    /// Who signs.
    pub issuer: Issuer,
}

/// What a server has besides the one issuer and the one line.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Issuers, each of whose key sets is fetched.
    pub issuers: usize,
    /// Lines of the identity map.
    pub lines: usize,
}

/// The least that a login needs.
pub const ONE: Sizes = Sizes { issuers: 1, lines: 1 };

impl Provider {
    /// A new key and its server, over plain HTTP on loopback.
    pub fn new() -> Provider {
        let server = FaultyIssuer::http();
        let key = SigningKey::generate("key-2026-11", Algorithm::Rs256);
        let issuer = Issuer::with_key("https://tenant0.idp.example", key);
        // Fresh for an hour, so that no scheduled fetch is counted.
        let jwks = Answer::json(issuer.jwks()).header("Cache-Control", "max-age=3600");
        server.answer("/keys", jwks);
        Provider { server, issuer }
    }

    /// A token of a usual length that is good for hours, for one of [`ROLES`].
    pub fn token(&self, role: &str) -> String {
        let subject = format!("{role}@example.com");
        self.issuer.token(&subject).claim("exp", now() + 36_000).padded(TOKEN_BYTES)
    }

    fn issuers(&self, count: usize) -> String {
        let entry = |n| (format!("https://tenant{n}.idp.example"), json!(self.server.url("/keys")));
        let map: Map<String, Value> = (0..count).map(entry).collect();
        json!({ "issuer_jwks_map": map }).to_string()
    }

    /// A map whose last line is the one that counts; the others are literal ones.
    fn map(&self, lines: usize) -> String {
        let iss = &self.issuer.iss;
        let literals = (1..lines).map(|n| format!("{iss} user{n}@example.com user{n}\n"));
        literals.collect::<String>() + &format!("{iss} /^(.*)@example\\.com$ \\1\n")
    }
}

/// A server without the library: `trust`, SCRAM, and a cleartext password.
pub fn plain() -> Cluster {
    let lines = "hostssl all trust all trust\n\
                 hostssl all scram all scram-sha-256\n\
                 hostssl all clear all password\n";
    let cluster = Cluster::builder().plain().core_hba(lines).start();
    make_roles(&cluster);
    // To compare a cleartext password with this takes next to no time.
    let md5 = "SET password_encryption = 'md5'; ALTER ROLE clear PASSWORD";
    cluster.sql(&format!("{md5} '{PASSWORD}'"));
    // As the other server is reloaded when it is configured. The postmaster frees much at that,
    // and each login then puts the free pieces in order.
    cluster.reload();
    cluster
}

/// A server with the library and all of its doors. It has its keys when this returns.
pub fn with_library(provider: &Provider, sizes: Sizes) -> Cluster {
    let mut lines = "hostssl all hooks all trust\n\
                     hostssl all pluga all pam pamservice=jwt_sso\n\
                     hostssl all scram all scram-sha-256\n"
        .to_owned();
    let mut builder = Cluster::builder();
    if has_oauth() {
        let method = oauthbearer::method(&provider.issuer.iss, "validator=jwt_sso");
        lines.push_str(&format!("hostssl all oauth all {method} delegate_ident_mapping=1\n"));
        builder = builder.conf("oauth_validator_libraries = 'jwt_sso'");
    }
    let cluster = builder.conf("jwt_sso.key_cache_size = '8MB'").token_hba(&lines).start();
    make_roles(&cluster);
    cluster.sql("CREATE EXTENSION jwt_sso");
    cluster.write_file("bench_map", provider.map(sizes.lines).as_bytes());
    cluster.configure(&[
        ("jwt_sso.enabled", "on"),
        ("jwt_sso.audience", &provider.issuer.audience),
        ("jwt_sso.identity_map_file", "bench_map"),
        ("jwt_sso.issuers", &provider.issuers(sizes.issuers)),
    ]);
    let fresh = "SELECT count(*) FROM jwt_sso.issuers WHERE state = 'fresh'";
    cluster.until("all keys", || cluster.sql(fresh) == sizes.issuers.to_string());
    cluster
}

/// Whether this server has OAUTHBEARER.
pub fn has_oauth() -> bool {
    Installation::get().major >= 18
}

fn make_roles(cluster: &Cluster) {
    for role in ROLES {
        cluster.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"));
    }
}
