//! An issuer behind HTTPS, and requests of its keys.

use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::faulty_issuer::{Answer, FaultyIssuer};
use jwt_sso_fetch::{FetchError, Fetched, Place, Request, fetch};
use std::time::Duration;

pub const JWKS: &str = r#"{"keys":[]}"#;

/// Long enough for every answer that comes at all.
const AMPLE: Duration = Duration::from_secs(60);

pub struct Scene {
    pub authority: Authority,
    pub issuer: FaultyIssuer,
}

impl Scene {
    /// A sound issuer that publishes [`JWKS`].
    pub fn new() -> Scene {
        let authority = Authority::new();
        let issuer = FaultyIssuer::https(authority.localhost());
        issuer.publish(JWKS);
        Scene { authority, issuer }
    }

    /// An issuer whose key set is answered so.
    pub fn with_jwks(answer: Answer) -> Scene {
        let scene = Scene::new();
        scene.issuer.answer("/jwks", answer);
        scene
    }

    /// Asks for a URL without discovery.
    pub fn ask(&self, url: &str) -> Request {
        self.request(Place::Jwks { url: url.to_owned() })
    }

    /// Asks for `/jwks` without discovery.
    pub fn ask_jwks(&self) -> Request {
        self.ask(&self.issuer.url("/jwks"))
    }

    /// Asks by discovery.
    pub fn discover(&self) -> Request {
        self.request(Place::Discovery {
            url: self.issuer.url("/.well-known/openid-configuration"),
            accepted_issuers: vec![self.issuer.base.clone()],
        })
    }

    fn request(&self, place: Place) -> Request {
        Request {
            issuer: self.issuer.base.clone(),
            place,
            custom_ca: Some(self.authority.pem().into_bytes().into()),
            timeout: AMPLE,
        }
    }

    /// The error, in which the issuer's own URL is `BASE`.
    pub fn error(&self, request: &Request) -> FetchError {
        let error = fetch(request).expect_err("this must fail");
        let line = error.to_string();
        assert!(line.starts_with("GET ") && !line.contains(char::is_control), "{line:?}");
        let shorten = |text: String| text.replace(&self.issuer.base, "BASE");
        FetchError { url: shorten(error.url), cause: shorten(error.cause), ..error }
    }

    /// The cause of the error for `/jwks`, and its status.
    pub fn jwks_error(&self) -> (Option<u16>, String) {
        let error = self.error(&self.ask_jwks());
        assert_eq!(error.url, "BASE/jwks");
        (error.status, error.cause)
    }
}

/// The result of a request that must succeed.
pub fn fetched(request: &Request) -> Fetched {
    match fetch(request) {
        Ok(fetched) => fetched,
        Err(error) => panic!("{error}"),
    }
}
