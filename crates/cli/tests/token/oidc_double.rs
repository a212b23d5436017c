//! A provider that misbehaves: discovery and keys are sound, the rest is the test's.

use std::net::TcpListener;

use jwt_sso_e2e::Issuer;
use serde_json::{Value, json};

use crate::double::{Answer, Double, Request, json as answer};

pub struct OidcDouble {
    pub double: Double,
    /// Signs what the double gives out.
    pub issuer: Issuer,
}

impl OidcDouble {
    /// `members` are more of the metadata, or others; `behaviour` is asked for all but the
    /// metadata and the keys.
    pub fn start(
        members: Value,
        behaviour: impl Fn(&Issuer, &Request, usize) -> Answer + Send + Sync + 'static,
    ) -> OidcDouble {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = listener.local_addr().expect("bound").port();
        let url = format!("http://127.0.0.1:{port}");
        let issuer = Issuer { audience: "cli".to_owned(), ..Issuer::new(&url) };
        let mut metadata = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/auth"),
            "token_endpoint": format!("{url}/token"),
            "device_authorization_endpoint": format!("{url}/device"),
            "jwks_uri": format!("{url}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        });
        for (name, value) in members.as_object().expect("an object") {
            metadata[name] = value.clone();
        }
        let signer = issuer.clone();
        let double = Double::on(listener, move |request, before| match request.path.as_str() {
            "/.well-known/openid-configuration" => answer(&metadata),
            "/jwks" => Answer(200, "Content-Type: application/json\r\n", signer.jwks()),
            _ => behaviour(&signer, request, before),
        });
        OidcDouble { double, issuer }
    }

    /// The requests of one path.
    pub fn asked(&self, path: &str) -> Vec<Request> {
        self.double.asked().into_iter().filter(|request| request.path == path).collect()
    }

    /// Arguments that name it.
    pub fn arguments<'a>(&'a self, source: &'a str) -> Vec<&'a str> {
        vec![source, "--issuer", &self.issuer.iss, "--client-id", "cli"]
    }
}

/// An error of the token endpoint (RFC 6749 §5.2).
pub fn error(code: &str, description: &str) -> Answer {
    let body = json!({"error": code, "error_description": description});
    Answer(400, "Content-Type: application/json\r\n", body.to_string())
}

/// What the device endpoint gives: no pause between two questions that a test would notice.
pub fn codes() -> Answer {
    answer(&json!({
        "device_code": "dev", "user_code": "WDJB-MJHT", "interval": 1, "expires_in": 600,
        "verification_uri": "https://idp.example/device",
    }))
}

/// What the token endpoint gives.
pub fn tokens(access_token: &str, id_token: Option<&str>) -> Answer {
    let mut body = json!({"access_token": access_token, "token_type": "Bearer"});
    if let Some(token) = id_token {
        body["id_token"] = json!(token);
    }
    answer(&body)
}
