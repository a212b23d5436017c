//! Faults before and beside the answer: the connection and the time.

use crate::scene::{JWKS, Scene, fetched};
use jwt_sso_e2e::faulty_issuer::{Answer, FaultyIssuer, Reception};
use jwt_sso_fetch::Request;
use rustls::crypto::CryptoProvider;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

fn impatient(request: Request, millis: u64) -> Request {
    Request { timeout: Duration::from_millis(millis), ..request }
}

#[test]
fn hangs_at_connect() {
    let scene = Scene::new();
    scene.issuer.receive(Reception::Silent);
    let error = scene.error(&impatient(scene.ask_jwks(), 300));
    assert_eq!(error.to_string(), "GET BASE/jwks: no answer within 300 ms");
    assert_eq!(error.status, None);
}

#[test]
fn hangs_at_headers() {
    let scene = Scene::with_jwks(Answer::Silence);
    let error = scene.error(&impatient(scene.ask_jwks(), 1000));
    assert_eq!(error.to_string(), "GET BASE/jwks: no answer within 1 s");
    // The second of two requests.
    let error = scene.error(&impatient(scene.discover(), 1500));
    assert_eq!(error.to_string(), "GET BASE/jwks: no answer within 1.5 s");
}

#[test]
fn ends_in_the_headers() {
    let scene = Scene::with_jwks(Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()));
    assert_eq!(
        scene.jwks_error(),
        (None, "the connection was closed before the answer was complete".to_owned())
    );
}

#[test]
fn drips() {
    let scene = Scene::with_jwks(Answer::Drip(vec![b' '; 1000], Duration::from_millis(20)));
    let error = scene.error(&impatient(scene.ask_jwks(), 2000));
    assert_eq!(error.to_string(), "GET BASE/jwks: no complete answer within 2 s");
    assert_eq!(error.status, Some(200));
}

/// Each alone would be in time.
#[test]
fn the_time_is_for_both_answers_together() {
    let scene = Scene::new();
    let pause = Duration::from_millis(15);
    let document = format!(
        r#"{{"issuer":{:?},"jwks_uri":{:?}, "scopes_supported":["openid"]}}"#,
        scene.issuer.base,
        scene.issuer.url("/jwks")
    );
    scene
        .issuer
        .answer("/.well-known/openid-configuration", Answer::Drip(document.into_bytes(), pause));
    scene.issuer.answer("/jwks", Answer::Drip(format!("{JWKS:100}").into_bytes(), pause));
    let error = scene.error(&impatient(scene.discover(), 2500));
    assert_eq!(error.cause, "no complete answer within 2.5 s");
    assert_eq!(fetched(&scene.discover()).body.len(), 100);
}

#[test]
fn a_timeout_of_nothing_is_over_at_once() {
    let scene = Scene::new();
    assert_eq!(scene.error(&impatient(scene.ask_jwks(), 0)).cause, "no answer within 0 s");
    let endless = Request { timeout: Duration::MAX, ..scene.ask_jwks() };
    assert_eq!(fetched(&endless).body, JWKS.as_bytes());
}

#[test]
fn nobody_listens() {
    let scene = Scene::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = scene.error(&scene.ask(&format!("https://127.0.0.1:{port}/jwks")));
    assert_eq!((error.status, error.cause.as_str()), (None, "connection refused"));
}

#[test]
fn closes_at_once() {
    let scene = Scene::new();
    scene.issuer.receive(Reception::Closed);
    let (status, cause) = scene.jwks_error();
    // The kernel says one or the other, by whose packet came first.
    let known = ["connection reset", "the connection was closed before the answer was complete"];
    assert!(status.is_none() && known.contains(&cause.as_str()), "{cause}");
}

#[test]
fn the_host_has_no_address() {
    let scene = Scene::new();
    // RFC 6761 §6.4: never a name.
    let error = scene.error(&scene.ask("https://idp.invalid/jwks"));
    assert_eq!(error.url, "https://idp.invalid/jwks");
    assert!(
        error.cause.contains("lookup address") || error.cause.contains("no address"),
        "{error}"
    );
}

#[test]
fn https_and_http_are_not_mixed_up() {
    let scene = Scene::new();
    let plain = FaultyIssuer::http();
    plain.publish(JWKS);
    assert_eq!(fetched(&scene.ask(&plain.url("/jwks"))).body, JWKS.as_bytes());

    let error = scene.error(&scene.ask(&scene.issuer.url("/jwks").replace("https:", "http:")));
    assert!(error.cause.starts_with("the answer is not HTTP: "), "{error}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        // Until the client goes, lest it sees a reset first.
        while stream.read(&mut [0; 512]).is_ok_and(|n| n > 0) {}
    });
    let error = scene.error(&scene.ask(&format!("https://localhost:{port}/jwks")));
    assert!(error.cause.starts_with("TLS failed: "), "{error}");
    server.join().unwrap();
}

#[test]
fn asks_no_url_that_it_may_not() {
    let scene = Scene::new();
    for (url, cause) in [
        ("http://idp.example/keys", "an http URL of a host that is not this one"),
        ("https://user:secret@idp.example/keys", "a URL with a user name"),
        ("ftp://idp.example/keys", "not an https URL"),
        ("", "not a URL"),
    ] {
        let error = scene.error(&scene.ask(url));
        assert_eq!((error.url.as_str(), error.cause.as_str()), (url, cause));
    }
}

/// In a server, other libraries of the process may have a say in that.
#[test]
fn installs_no_tls_provider_in_the_process() {
    let scene = Scene::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(fetched(&scene.discover()).body, JWKS.as_bytes()));
        }
    });
    assert!(CryptoProvider::get_default().is_none());
}
