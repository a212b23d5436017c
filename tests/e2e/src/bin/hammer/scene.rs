//! The server under fire, and the issuer that it trusts.

use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::builder::TOKEN_LINES;
use jwt_sso_e2e::faulty_issuer::FaultyIssuer;
use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::token::{Token, now};
use jwt_sso_e2e::{Algorithm, Client, Cluster, Issuer, SigningKey, Transport, pam};
use serde_json::json;

use crate::kinds::{self, Kind};

/// Who logs in really.
pub const GOOD: &str = "alice";

/// A way to a door, and how the table names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// The hook door over TLS.
    Tls,
    /// The hook door over the Unix socket.
    Socket,
    /// The PAM door over TLS.
    Pam,
}

impl Way {
    /// All, in the order of the table.
    pub const ALL: [Way; 3] = [Way::Tls, Way::Socket, Way::Pam];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Way::Tls => "the hook door over TLS",
            Way::Socket => "the hook door over the Unix socket",
            Way::Pam => "the PAM door",
        }
    }
}

/// All of it.
pub struct Scene {
    /// The server.
    pub cluster: Cluster,
    /// Where it fetches keys from.
    pub server: FaultyIssuer,
    /// What is sent.
    pub kinds: Vec<Kind>,
    /// Tokens that must get in as [`GOOD`].
    pub good: Vec<String>,
}

/// The path that no token may make the server ask for.
pub const FORBIDDEN: &str = "/evil";

impl Scene {
    /// A server with keys, roles and three doors.
    pub fn start(connections: u64) -> Scene {
        let authority = Authority::new();
        let server = FaultyIssuer::https(authority.localhost());
        let issuer = issuer(&server.base);
        server.publish(issuer.jwks());
        let kinds = kinds::all(&issuer, &server.url(FORBIDDEN));
        let cluster = start_server(connections);
        cluster.write_file("issuers_ca.pem", authority.pem().as_bytes());
        cluster.sql(&format!("CREATE EXTENSION jwt_sso; CREATE ROLE {GOOD} LOGIN"));
        for kind in &kinds {
            let superuser = if kind.superuser { "SUPERUSER" } else { "" };
            cluster.sql(&format!("CREATE ROLE \"{}\" LOGIN {superuser}", kind.name));
        }
        cluster.configure(&[
            ("jwt_sso.enabled", "on"),
            ("jwt_sso.challenge_local", "on"),
            ("jwt_sso.audience", &issuer.audience),
            ("jwt_sso.jwks_auto_fetch_enabled", "on"),
            ("jwt_sso.issuer_custom_ca", "issuers_ca.pem"),
            ("jwt_sso.issuers", &issuer.iss),
            ("jwt_sso.deny", &json!([{"principal": "denied"}]).to_string()),
        ]);
        cluster.until("the keys", || cluster.sql("SELECT state FROM jwt_sso.issuers") == "fresh");
        let good = (0..32).map(|n| good_token(&issuer, n)).collect();
        Scene { cluster, server, kinds, good }
    }

    /// A client of a role that comes this way.
    pub fn client(&self, role: &str, way: Way) -> Client<'_> {
        let client = Client::new(&self.cluster, role);
        match way {
            Way::Tls => client,
            Way::Socket => client.by(Transport::Socket),
            Way::Pam => client.at("pam").parameter("database", "template1"),
        }
    }

    /// What the server's log must not have a part of.
    pub fn secrets(&self) -> Vec<&[u8]> {
        let packets = self.kinds.iter().flat_map(|kind| &kind.packets).map(Vec::as_slice);
        let marks = self.kinds.iter().flat_map(|kind| &kind.marks).map(String::as_bytes);
        packets.chain(marks).chain(self.good.iter().map(String::as_bytes)).collect()
    }
}

/// An issuer with a key of each sort.
fn issuer(base: &str) -> Issuer {
    use Algorithm::{EdDsa, Es256, Rs256};
    let key = |(kid, algorithm)| SigningKey::generate(kid, algorithm);
    let keys = [("k-es", Es256), ("k-rs", Rs256), ("k-ed", EdDsa)].map(key).to_vec();
    Issuer { iss: base.to_owned(), audience: "postgres".to_owned(), keys }
}

/// Whether this server can have the PAM door.
pub fn with_pam() -> bool {
    Installation::get().with_pam
}

fn start_server(connections: u64) -> Cluster {
    let pam_line = format!("hostssl template1 all all pam pamservice={}\n", pam::SERVICE);
    let pam_line = if with_pam() { pam_line } else { String::new() };
    Cluster::builder()
        .token_hba(&format!("{pam_line}{TOKEN_LINES}local all all trust\n"))
        // Backends of clients that hung up may stay a moment.
        .conf(&format!("max_connections = {}", 100 + 4 * connections))
        .start()
}

/// Signed by one of the keys, and good for a day.
fn good_token(issuer: &Issuer, number: usize) -> String {
    let token = lasting(issuer.token(GOOD)).key(&issuer.keys[number % issuer.keys.len()]);
    // The RSA key's other scheme, too.
    if number % 6 == 1 { token.algorithm(Algorithm::Ps256).sign() } else { token.sign() }
}

/// A long run must not outlive its tokens.
pub fn lasting(token: Token) -> Token {
    token.claim("exp", now() + 86_400)
}
