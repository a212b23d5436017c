//! A cluster that fetches the keys of a healthy issuer, and of others.

use std::sync::Arc;

use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::expect::Refusal;
use jwt_sso_e2e::faulty_issuer::FaultyIssuer;
use jwt_sso_e2e::{Client, Cluster, Issuer, refused};
use regex::Regex;
use rustls::ServerConfig;
use serde_json::{Value, json};

/// An issuer and the web server that publishes its keys.
pub struct Idp {
    /// The web server.
    pub server: FaultyIssuer,
    /// Who signs.
    pub issuer: Issuer,
}

impl Idp {
    /// With one ES256 key; it publishes nothing yet.
    pub fn new(tls: Arc<ServerConfig>) -> Idp {
        let server = FaultyIssuer::https(tls);
        let issuer = Issuer::new(&server.base);
        Idp { server, issuer }
    }

    /// Publishes the issuer's keys as they are now.
    pub fn publish(&self) {
        self.server.publish(self.issuer.jwks());
    }

    /// A sound token for alice.
    pub fn token(&self) -> String {
        self.issuer.token("alice").sign()
    }
}

/// A running cluster with the healthy issuer's keys.
pub struct Scene {
    /// The cluster.
    pub cluster: Cluster,
    /// The CA of `jwt_sso.issuer_custom_ca`.
    pub authority: Authority,
    /// An issuer without a fault.
    pub healthy: Idp,
}

impl Scene {
    /// Starts a cluster that trusts the healthy issuer alone; `settings` come on top.
    pub fn start(settings: &[(&str, &str)]) -> Scene {
        let authority = Authority::new();
        let healthy = Idp::new(authority.localhost());
        healthy.publish();
        let cluster = Cluster::builder().start();
        cluster.sql("CREATE EXTENSION jwt_sso; CREATE ROLE alice LOGIN");
        cluster.write_file("issuers_ca.pem", authority.pem().as_bytes());
        cluster.configure(&[
            ("jwt_sso.enabled", "on"),
            ("jwt_sso.audience", "postgres"),
            ("jwt_sso.jwks_auto_fetch_enabled", "on"),
            ("jwt_sso.issuer_custom_ca", "issuers_ca.pem"),
            ("jwt_sso.issuers", &healthy.issuer.iss),
        ]);
        cluster.configure(settings);
        let scene = Scene { cluster, authority, healthy };
        scene.wait_row(&scene.healthy.issuer, "the healthy keys", |row| row["state"] == "fresh");
        scene
    }

    /// An issuer whose certificate is in order, and which publishes nothing yet.
    pub fn idp(&self) -> Idp {
        Idp::new(self.authority.localhost())
    }

    /// Trusts these issuers beside the healthy one.
    pub fn trust<'i>(&self, others: impl IntoIterator<Item = &'i Issuer>) {
        let mut names = vec![self.healthy.issuer.iss.as_str()];
        names.extend(others.into_iter().map(|issuer| issuer.iss.as_str()));
        self.cluster.configure(&[("jwt_sso.issuers", &json!(names).to_string())]);
    }

    /// The issuer's row of `jwt_sso.issuers`, as an object.
    pub fn row(&self, issuer: &Issuer) -> Value {
        let sql = "SELECT row_to_json(i) FROM jwt_sso.issuers AS i WHERE issuer =";
        let row = self.cluster.sql(&format!("{sql} '{}'", issuer.iss));
        serde_json::from_str(&row).unwrap_or_else(|_| panic!("no row of {}: {row}", issuer.iss))
    }

    /// Waits until the issuer's row is as it should be; returns it.
    pub fn wait_row(&self, issuer: &Issuer, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut row = Value::Null;
        self.cluster.until(&format!("{what} of {}", issuer.iss), || {
            let before = std::mem::replace(&mut row, self.row(issuer));
            if before != row {
                eprintln!("{row}");
            }
            is_so(&row)
        });
        row
    }

    /// The issuer's rows of `jwt_sso.keys`, as objects.
    pub fn keys(&self, issuer: &Issuer) -> Vec<Value> {
        let sql = "SELECT row_to_json(k) FROM jwt_sso.keys AS k WHERE issuer =";
        let rows = self.cluster.sql(&format!("{sql} '{}'", issuer.iss));
        rows.lines().map(|row| serde_json::from_str(row).expect("JSON of the server")).collect()
    }

    /// `jwt_sso.refresh()` of this issuer: whether it went well, and what it says.
    pub fn refresh(&self, issuer: &Issuer) -> (bool, String) {
        let sql = format!("SELECT ok, detail FROM jwt_sso.refresh('{}')", issuer.iss);
        let row = self.cluster.sql(&sql);
        let (ok, detail) = row.split_once('|').unwrap_or_else(|| panic!("no row: {row}"));
        (ok == "t", detail.to_owned())
    }

    /// Holds a token to be accepted.
    #[track_caller]
    pub fn accepts(&self, token: &str) {
        let mut session = Client::new(&self.cluster, "alice").login(token).session();
        assert_eq!(session.query("SELECT current_user").unwrap(), [["alice"]]);
    }

    /// Holds a token to be refused for `reason`, with nothing about keys in what the client hears.
    #[track_caller]
    pub fn refuses(&self, token: &str, reason: &str) -> Refusal {
        let refusal = refused(
            &self.cluster,
            "alice",
            &Client::new(&self.cluster, "alice").login(token),
            reason,
        );
        let heard = format!("{:?}", refusal.error);
        assert!(!heard.contains("https:") && !heard.contains("localhost"), "{heard}");
        refusal
    }

    /// Holds the healthy issuer to be as it was at first.
    #[track_caller]
    pub fn healthy_goes_on(&self) {
        self.accepts(&self.healthy.token());
        let row = self.row(&self.healthy.issuer);
        assert!(row["state"] == "fresh" && row["last_error"].is_null(), "{row}");
    }

    /// Waits until the issuer's first fetch has failed with an error that matches, and holds
    /// everything else to be as such a failure should leave it.
    pub fn never_fetched(&self, idp: &Idp, error: &str) {
        let iss = &idp.issuer.iss;
        let pattern = Regex::new(&format!("^GET {}.*{error}", regex::escape(iss))).unwrap();
        let row = self.wait_row(&idp.issuer, "the failure", |row| row["last_error"].is_string());
        let said = row["last_error"].as_str().expect("a string");
        assert!(pattern.is_match(said), "expected {pattern}, found {said}");
        assert!(row["state"] == "never" && row["keys"] == 0, "{row}");
        assert!(row["last_success"].is_null() && row["last_attempt"].is_string(), "{row}");
        let line = format!(
            "LOG:  jwt_sso: the keys of issuer {} could not be fetched: {}; \
             there are none to serve$",
            regex::escape(&json!(iss).to_string()),
            regex::escape(said),
        );
        self.cluster.wait_log(jwt_sso_e2e::cluster::LogMark::start(), &line);
        self.refuses(&idp.token(), "keys_unavailable");
        self.healthy_goes_on();
    }

    /// Publishes the issuer's keys, asks for a refresh, and holds all to be well.
    pub fn mended(&self, idp: &Idp) {
        let mark = self.cluster.log_mark();
        idp.publish();
        let (ok, detail) = self.refresh(&idp.issuer);
        assert!(ok, "{}: {detail}", idp.issuer.iss);
        self.accepts(&idp.token());
        let row = self.row(&idp.issuer);
        assert!(row["state"] == "fresh" && row["last_error"].is_null(), "{row}");
        let iss = regex::escape(&json!(idp.issuer.iss).to_string());
        self.cluster
            .wait_log(mark, &format!("jwt_sso: the keys of issuer {iss} are fetched again"));
    }
}
