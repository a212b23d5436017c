//! Keys fetched from a real OpenID provider, oidc-provider over HTTPS with a CA of its own.
//! - [`fetching`]: discovery, every algorithm, views, `refresh()`, the ways to say where keys are
//! - [`rotation`]: keys that change while people log in, and logins that fetch nothing
//! - [`outages`]: the provider stopped, PostgreSQL restarted, keys that run out
//! - [`kept_file`]: the file of the last good keys, sound and damaged
//! - [`changes`]: keys never outlive a change of what they came from
//! - [`processes`]: the worker ended, a backend killed
//!
//! scripts/client-deps.sh installs the provider.

mod changes;
mod fetching;
mod kept_file;
mod outages;
mod processes;
mod rotation;

use jwt_sso_e2e::cluster::LogMark;
use jwt_sso_e2e::provider::{ALGORITHMS, audience, client, keys};
use jwt_sso_e2e::{Algorithm, Client, Cluster, End, Issuer, Provider, SigningKey, refused};

/// Nothing is fetched with this setting alone.
const STATIC: (&str, &str) = ("jwt_sso.jwks_auto_fetch_enabled", "off");
/// Its opposite.
const FETCHED: (&str, &str) = ("jwt_sso.jwks_auto_fetch_enabled", "on");

/// A provider, and a server that fetches its keys.
struct World {
    cluster: Cluster,
    provider: Provider,
}

impl World {
    /// With the keys `first-…`.
    fn start() -> World {
        World::start_with(&[])
    }

    /// With more settings, or others; [`STATIC`] keeps the worker from fetching.
    fn start_with(settings: &[(&str, &str)]) -> World {
        let provider = Provider::start(&keys("first"));
        let cluster = Cluster::builder().start();
        for role in ["alice".to_owned()].into_iter().chain(ALGORITHMS.map(client)) {
            cluster.sql(&format!("CREATE ROLE {role} LOGIN"));
        }
        cluster.sql("CREATE EXTENSION jwt_sso");
        let world = World { cluster, provider };
        let ca = world.provider.ca_path().display().to_string();
        for (name, value) in [
            ("jwt_sso.enabled", "on"),
            ("jwt_sso.issuers", &world.provider.url()),
            ("jwt_sso.audience", &audience()),
            FETCHED,
            ("jwt_sso.issuer_custom_ca", &ca),
        ] {
            world.cluster.alter_system(name, value);
        }
        world.cluster.configure(settings);
        world
    }

    /// A token of alice's that the provider signs with ES256 now.
    fn alice(&self) -> String {
        self.provider.id_token(Algorithm::Es256, "alice")
    }

    /// The same issuer with this key, whether the provider publishes it or not.
    fn issuer_with(&self, key: &SigningKey) -> Issuer {
        Issuer { keys: vec![key.clone()], ..self.provider.issuer() }
    }

    #[track_caller]
    fn accepts(&self, token: &str) {
        let login = Client::new(&self.cluster, "alice").login(token);
        let refused = matches!(login.end, End::Refused(_));
        assert!(!refused, "{:?}\n{}", login.error(), self.cluster.log_tail());
        assert_eq!(login.session().query("SELECT current_user").unwrap(), [["alice"]]);
    }

    #[track_caller]
    fn refuses(&self, token: &str, reason: &str) {
        refused(&self.cluster, "alice", &Client::new(&self.cluster, "alice").login(token), reason);
    }

    /// Whether alice gets in.
    fn lets_in(&self, token: &str) -> bool {
        let login = Client::new(&self.cluster, "alice").login(token);
        matches!(login.end, End::Accepted(_))
    }

    /// Waits until alice gets in.
    #[track_caller]
    fn soon_accepts(&self, token: &str) {
        self.cluster.until("a login", || self.lets_in(token));
    }

    /// A column of the only row of the view `issuers`.
    fn issuer_column(&self, column: &str) -> String {
        self.cluster.sql(&format!("SELECT {column} FROM jwt_sso.issuers"))
    }

    /// What `refresh()` says of the only issuer: ok and detail.
    fn refresh(&self) -> (bool, String) {
        let row = self.cluster.sql("SELECT ok, detail FROM jwt_sso.refresh()");
        let (ok, detail) = row.split_once('|').expect("two columns");
        (ok == "t", detail.to_owned())
    }

    /// [`World::refresh`], which must succeed.
    #[track_caller]
    fn refreshed(&self) {
        let (ok, detail) = self.refresh();
        assert!(ok, "{detail}");
    }

    /// Waits for the log line of a failed fetch after `mark`.
    #[track_caller]
    fn fetch_fails(&self, mark: LogMark) -> String {
        self.cluster.wait_log(mark, "jwt_sso: the keys of issuer .* could not be fetched: ")
    }
}
