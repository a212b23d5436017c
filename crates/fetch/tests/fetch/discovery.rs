//! Discovery documents.

use crate::scene::{JWKS, Scene, fetched};
use jwt_sso_e2e::faulty_issuer::{Answer, FaultyIssuer};
use jwt_sso_fetch::{Place, Request};
use serde_json::json;

/// The cause where the document is this text, in which `BASE` is the issuer's URL.
fn cause(document: &str) -> String {
    let scene = Scene::new();
    let document = document.replace("BASE", &scene.issuer.base);
    scene.issuer.answer("/.well-known/openid-configuration", Answer::json(document));
    let error = scene.error(&scene.discover());
    assert_eq!(error.url, "BASE/.well-known/openid-configuration");
    assert_eq!(error.status, Some(200));
    assert_eq!(scene.issuer.count("/jwks"), 0);
    error.cause
}

#[test]
fn documents_that_are_none() {
    for (document, expected) in [
        (
            "<html>",
            "the discovery document is not usable: not JSON: expected value at line 1 column 1",
        ),
        (
            "",
            "the discovery document is not usable: not JSON: EOF while parsing a value at line 1 column 0",
        ),
        ("[]", "the discovery document is an array, not an object"),
        ("{}", "the discovery document has no \"issuer\""),
        (r#"{"issuer":1}"#, "\"issuer\" of the discovery document is a number, not a string"),
        (
            r#"{"issuer":"BASE","issuer":"BASE"}"#,
            "the discovery document is not usable: duplicate member \"issuer\"",
        ),
        (r#"{"issuer":"BASE"}"#, "the discovery document has no \"jwks_uri\""),
        (
            r#"{"issuer":"BASE","jwks_uri":null}"#,
            "\"jwks_uri\" of the discovery document is null, not a string",
        ),
    ] {
        assert_eq!(cause(document), expected);
    }
}

/// OpenID Connect Discovery 1.0 §4.3: the value must be identical.
#[test]
fn documents_of_another_issuer() {
    for issuer in ["https://evil.example", "BASE/", "BASE/tenant", "", "HTTPS://localhost"] {
        let document = json!({"issuer": issuer, "jwks_uri": "BASE/jwks"}).to_string();
        assert_eq!(
            cause(&document),
            format!("the discovery document is of issuer {issuer:?}, not of \"BASE\"")
        );
    }
    let endless = json!({"issuer": "x\n".repeat(10_000), "jwks_uri": "BASE/jwks"}).to_string();
    assert!(cause(&endless).len() < 500);
}

#[test]
fn any_of_the_accepted_issuers_will_do() {
    let scene = Scene::new();
    let document = json!({"issuer": "accounts.example", "jwks_uri": scene.issuer.url("/jwks")});
    scene.issuer.answer("/other", Answer::json(document));
    let accept = |names: &[&str]| Request {
        place: Place::Discovery {
            url: scene.issuer.url("/other"),
            accepted_issuers: names.iter().map(|name| name.to_string()).collect(),
        },
        ..scene.discover()
    };
    fetched(&accept(&["https://accounts.example", "accounts.example"]));
    let error = scene.error(&accept(&["https://accounts.example", "a"]));
    assert_eq!(
        error.cause,
        "the discovery document is of issuer \"accounts.example\", \
         not of \"https://accounts.example\" or \"a\""
    );
}

#[test]
fn key_sets_where_none_may_be() {
    for (uri, why) in [
        ("/jwks", "not an absolute URL"),
        ("http://idp.example/jwks", "an http URL of a host that is not this one"),
        ("file:///etc/passwd", "not a URL"),
        ("https://user@idp.example/jwks", "a URL with a user name"),
        ("https://idp.example/jwks#x", "a URL with a fragment"),
        ("", "not a URL"),
    ] {
        let document = json!({"issuer": "BASE", "jwks_uri": uri}).to_string();
        assert_eq!(
            cause(&document),
            format!("\"jwks_uri\" of the discovery document is {why}: {uri:?}")
        );
    }
}

/// Google publishes its keys on another host than its discovery document.
#[test]
fn key_sets_on_another_host() {
    let scene = Scene::new();
    let other = FaultyIssuer::https(scene.authority.localhost());
    other.publish(r#"{"keys":["other"]}"#);
    let document = json!({"issuer": scene.issuer.base, "jwks_uri": other.url("/jwks")});
    scene.issuer.answer("/.well-known/openid-configuration", Answer::json(document));
    let result = fetched(&scene.discover());
    assert_eq!(result.jwks_uri, other.url("/jwks"));
    assert_ne!(result.body, JWKS.as_bytes());
}
