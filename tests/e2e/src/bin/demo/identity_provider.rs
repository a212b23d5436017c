//! The provider of the demo, and how a user gets a token from it.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_sso_e2e::provider::client;
use jwt_sso_e2e::{Algorithm, Cluster, Issuer, Provider, SigningKey};

/// The CA's certificate, in the data directory of the server.
pub const CA_FILE: &str = "idp-ca.pem";

/// oidc-provider with one key.
pub struct IdentityProvider {
    provider: Provider,
    /// Whether the command that gets a token was shown.
    shown: bool,
}

impl IdentityProvider {
    /// Starts it with the key `demo-1`.
    pub fn start() -> IdentityProvider {
        IdentityProvider { provider: Provider::start(&[key("demo-1")]), shown: false }
    }

    /// Says where it is, and hands its CA's certificate to the server's administrator.
    pub fn introduce(&self, cluster: &Cluster) {
        let pem = fs::read(self.provider.ca_path()).expect("written at the start");
        cluster.write_file(CA_FILE, &pem);
        let url = self.provider.url();
        println!("The identity provider: oidc-provider at {url}, with a CA of its own");
        println!("  {:17} the CA's certificate, in the data directory", format!("{CA_FILE}:"));
    }

    /// Replaces its key by `demo-2`.
    pub fn rotate(&mut self) {
        self.provider.rotate(&[key("demo-2")]);
    }

    /// Stops it.
    pub fn stop(&mut self) {
        self.provider.stop();
    }

    /// What stands in its tokens, and its key.
    pub fn issuer(&self) -> Issuer {
        Issuer { audience: client(Algorithm::Es256), ..self.provider.issuer() }
    }

    /// Gets an ID token as a user's program does; prints how, and what the token says.
    pub fn token(&mut self, name: &str) -> String {
        let user = format!("{name}@corp.example");
        let ask = if self.shown { "…".to_owned() } else { self.command(&user) };
        self.shown = true;
        println!("$ curl {ask} | jq -r .id_token");
        let token = self.provider.id_token(Algorithm::Es256, &user);
        println!("token: {}", payload(&token));
        token
    }

    fn command(&self, user: &str) -> String {
        format!(
            "-s --cacert {} -u {}:secret -d grant_type=password -d scope=openid -d username={user} \
             -d password=secret {}/token",
            self.provider.ca_path().display(),
            client(Algorithm::Es256),
            self.provider.url()
        )
    }
}

fn key(kid: &str) -> SigningKey {
    SigningKey::generate(kid, Algorithm::Es256)
}

fn payload(token: &str) -> String {
    let part = token.split('.').nth(1).unwrap_or_default();
    String::from_utf8_lossy(&URL_SAFE_NO_PAD.decode(part).unwrap_or_default()).into_owned()
}
