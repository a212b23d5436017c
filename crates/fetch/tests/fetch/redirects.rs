//! Redirects: to the same host only, and not for ever.

use crate::scene::{JWKS, Scene, fetched};
use jwt_sso_e2e::faulty_issuer::{Answer, FaultyIssuer};

#[test]
fn follows_within_the_host() {
    for status in [301, 302, 303, 307, 308] {
        let scene = Scene::with_jwks(Answer::status(status).header("Location", "keys/current"));
        scene.issuer.answer("/keys/current", Answer::redirect(&scene.issuer.url("/new")));
        scene.issuer.answer("/new", Answer::json(JWKS).header("Cache-Control", "max-age=60"));
        let result = fetched(&scene.discover());
        assert_eq!(result.body, JWKS.as_bytes());
        assert!(result.lifetime.is_some());
        assert_eq!(result.jwks_uri, scene.issuer.url("/jwks"));
    }
}

#[test]
fn follows_five() {
    let chain = |length: usize| {
        let scene = Scene::with_jwks(Answer::redirect("/1"));
        for i in 1..length {
            scene.issuer.answer(&format!("/{i}"), Answer::redirect(&format!("/{}", i + 1)));
        }
        scene.issuer.answer(&format!("/{length}"), Answer::json(JWKS));
        scene
    };
    assert_eq!(fetched(&chain(5).ask_jwks()).body, JWKS.as_bytes());
    let scene = chain(6);
    assert_eq!(scene.jwks_error(), (Some(302), "more than 5 redirects".to_owned()));
    assert_eq!(scene.issuer.count("/6"), 0);

    let round = Scene::with_jwks(Answer::redirect("/jwks"));
    assert_eq!(round.jwks_error().1, "more than 5 redirects");
    assert_eq!(round.issuer.count("/jwks"), 6);
}

#[test]
fn refuses_other_hosts() {
    let other = FaultyIssuer::http();
    other.publish(JWKS);
    let elsewhere = other.url("/jwks");
    let port = elsewhere.replace("http:", "https:");
    for (location, why) in [
        ("https://evil.example/jwks", "another host"),
        ("//evil.example/jwks", "another host"),
        ("https://127.0.0.1/jwks", "another host"),
        (port.as_str(), "another port"),
        (elsewhere.as_str(), "another scheme"),
        ("http://evil.example/jwks", "an http URL of a host that is not this one"),
        ("https://user@localhost/jwks", "a URL with a user name"),
        ("file:/etc/passwd", "not a URL"),
        ("https://[/", "not a URL"),
    ] {
        let scene = Scene::with_jwks(Answer::redirect(location));
        let expected = format!("redirect refused, to {why}: {location:?}");
        assert_eq!(scene.jwks_error(), (Some(302), expected));
    }
    assert!(other.requests().is_empty());
}

#[test]
fn needs_a_place_to_go() {
    let scene = Scene::with_jwks(Answer::status(302));
    assert_eq!(scene.jwks_error(), (Some(302), "302 Found".to_owned()));
}

#[test]
fn names_the_url_that_failed() {
    let scene = Scene::with_jwks(Answer::redirect("/moved"));
    scene.issuer.answer("/moved", Answer::status(500));
    assert_eq!(
        scene.error(&scene.ask_jwks()).to_string(),
        "GET BASE/moved: 500 Internal Server Error"
    );
}
