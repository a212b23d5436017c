//! The way through a proxy, to a host that only the proxy can find.

use crate::scene::{JWKS, Scene};
use jwt_sso_e2e::authority::{Authority, Validity};
use jwt_sso_e2e::connect_proxy::{ConnectProxy, Manner};
use jwt_sso_e2e::faulty_issuer::FaultyIssuer;
use jwt_sso_fetch::{FetchError, Fetched, Proxies, Request, fetch_through};
use std::time::Duration;

const URL: &str = "https://idp.example:8443/jwks";

struct Detour {
    scene: Scene,
    proxy: ConnectProxy,
}

impl Detour {
    fn new(manner: Manner) -> Detour {
        let authority = Authority::new();
        let issuer = FaultyIssuer::https(authority.certify(&["idp.example"], Validity::Now));
        issuer.publish(JWKS);
        let proxy = ConnectProxy::start(issuer.address, manner);
        Detour { scene: Scene { authority, issuer }, proxy }
    }

    fn fetch(&self, request: &Request, no_proxy: &str) -> Result<Fetched, FetchError> {
        let proxies = Proxies::read(|name| match name {
            "HTTPS_PROXY" => Some(format!("http://me:pass%20word@{}", self.proxy.address)),
            "no_proxy" => Some(no_proxy.to_owned()),
            _ => None,
        });
        fetch_through(request, &proxies)
    }

    fn error(&self, request: &Request) -> String {
        let error = self.fetch(request, "").unwrap_err().to_string();
        error.replace(&self.proxy.address.to_string(), "PROXY")
    }
}

#[test]
fn goes_through_the_proxy() {
    let detour = Detour::new(Manner::Willing);
    let result = detour.fetch(&detour.scene.ask(URL), "").unwrap();
    assert_eq!((result.jwks_uri.as_str(), &result.body[..]), (URL, JWKS.as_bytes()));
    let requests = detour.proxy.requests();
    assert!(requests[0].starts_with("CONNECT idp.example:8443 HTTP/1.1\r\n"), "{requests:?}");
    // "me:pass word" in Base64 (RFC 7617 §2).
    assert!(requests[0].contains("Proxy-Authorization: Basic bWU6cGFzcyB3b3Jk\r\n"));
    // The issuer itself is asked inside TLS, and not for the password.
    assert!(!detour.scene.issuer.requests()[0].contains("roxy"));
}

#[test]
fn exceptions_and_this_host_go_straight() {
    let detour = Detour::new(Manner::Willing);
    // RFC 6761 §6.4: never a name.
    let unfindable = detour.scene.ask("https://idp.invalid/jwks");
    let error = detour.fetch(&unfindable, "idp.invalid").unwrap_err();
    assert!(error.cause.contains("address"), "{error}");
    let error = detour.fetch(&detour.scene.ask_jwks(), "").unwrap_err();
    assert!(error.cause.contains("it is not for \"localhost\""), "{error}");
    assert!(detour.proxy.requests().is_empty());
}

#[test]
fn says_that_the_proxy_refused() {
    let detour = Detour::new(Manner::Refusing(407));
    assert_eq!(
        detour.error(&detour.scene.ask(URL)),
        format!(
            "GET {URL}: no tunnel: proxy server responded 407/407 (through proxy http://PROXY)"
        )
    );
}

#[test]
fn the_time_bounds_the_proxy_too() {
    let detour = Detour::new(Manner::Dribbling);
    let request = Request { timeout: Duration::from_secs(1), ..detour.scene.ask(URL) };
    assert_eq!(detour.error(&request), format!("GET {URL}: no answer within 1 s"));
}

#[test]
fn believes_no_server_behind_the_proxy_that_it_would_not_believe_without() {
    let mut detour = Detour::new(Manner::Willing);
    detour.scene.authority = Authority::new();
    assert_eq!(
        detour.error(&detour.scene.ask(URL)),
        format!(
            "GET {URL}: certificate of the server is not trusted: none of the custom CA's \
             certificates signed it (through proxy http://PROXY)"
        )
    );
}
