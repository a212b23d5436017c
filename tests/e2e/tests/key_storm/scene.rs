//! A cluster with room for many connections, and the one issuer that it fetches from.

use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::faulty_issuer::{Answer, FaultyIssuer};
use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::wire::{Login, Wire};
use jwt_sso_e2e::{Client, Cluster, Issuer};

/// `jwt_sso.client_timeout`.
pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(8);

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// The cluster and the issuer.
pub struct Scene {
    /// The cluster.
    pub cluster: Cluster,
    /// Where the keys are.
    pub server: FaultyIssuer,
    /// Who signs.
    pub issuer: Issuer,
}

/// How a login ended, and how long it took from the token to there.
pub type Ended = (Login, Duration);

impl Scene {
    /// With an issuer that publishes its keys.
    pub fn with_keys() -> Scene {
        let scene = Scene::start(|server, issuer| server.publish(issuer.jwks()));
        scene.cluster.until("the keys", || {
            scene.cluster.sql("SELECT state FROM jwt_sso.issuers") == "fresh"
        });
        scene
    }

    /// With an issuer that takes questions and never answers.
    pub fn hanging() -> Scene {
        Scene::start(|server, _| server.answer(DISCOVERY, Answer::Silence))
    }

    fn start(arrange: impl Fn(&FaultyIssuer, &Issuer)) -> Scene {
        let authority = Authority::new();
        let server = FaultyIssuer::https(authority.localhost());
        let issuer = Issuer::new(&server.base);
        arrange(&server, &issuer);
        let builder = Cluster::builder().conf("max_connections = 600").conf("log_connections = on");
        // The first connections stand open while the last ones are opened.
        let cluster = builder.conf("authentication_timeout = 5min").start();
        cluster.sql("CREATE EXTENSION jwt_sso; CREATE ROLE alice LOGIN");
        cluster.write_file("issuers_ca.pem", authority.pem().as_bytes());
        cluster.configure(&[
            ("jwt_sso.client_timeout", &CLIENT_TIMEOUT.as_secs().to_string()),
            ("jwt_sso.enabled", "on"),
            ("jwt_sso.audience", "postgres"),
            ("jwt_sso.jwks_auto_fetch_enabled", "on"),
            ("jwt_sso.issuer_custom_ca", "issuers_ca.pem"),
            ("jwt_sso.issuers", &issuer.iss),
        ]);
        Scene { cluster, server, issuer }
    }

    /// A sound token.
    pub fn token(&self) -> String {
        self.issuer.token("alice").sign()
    }

    /// So many connections that were asked for a token.
    pub fn prompted(&self, count: usize) -> Vec<Wire> {
        let client = Client::new(&self.cluster, "alice");
        let open = || {
            let mut wire = client.open();
            wire.prompt();
            wire
        };
        std::iter::repeat_with(open).take(count).collect()
    }

    /// A fetch that hangs, begun by an administrator, whatever the back-off is.
    pub fn hanging_fetch<'s>(&'s self, scope: &'s Scope<'s, '_>) -> ScopedJoinHandle<'s, String> {
        let asked = self.server.requests().len();
        let refresh = scope.spawn(|| self.cluster.sql("SELECT detail FROM jwt_sso.refresh()"));
        self.cluster.until("the fetch", || self.server.requests().len() > asked);
        refresh
    }
}

/// Answers a prompt.
pub fn send(wire: &mut Wire, token: &str) {
    wire.send(&frame(b'p', format!("{token}\0").as_bytes())).expect("the connection stands");
}

/// Sends each its token at once; how they end comes in the order in which they do.
pub fn send_all(wires: Vec<Wire>, token: impl Fn(usize) -> String) -> Receiver<Ended> {
    let (sender, ended) = channel();
    let tokens: Vec<String> = (0..wires.len()).map(token).collect();
    for (mut wire, token) in wires.into_iter().zip(tokens) {
        let sender = sender.clone();
        thread::spawn(move || {
            let start = Instant::now();
            send(&mut wire, &token);
            sender.send((wire.finish(b""), start.elapsed())).ok();
        });
    }
    ended
}
