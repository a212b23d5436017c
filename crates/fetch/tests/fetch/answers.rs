//! Answers that are no key set, or hide one.

use crate::scene::{JWKS, Scene, fetched};
use jwt_sso_e2e::faulty_issuer::Answer;
use jwt_sso_fetch::MAX_BODY;

#[test]
fn a_sound_answer() {
    let scene = Scene::new();
    let result = fetched(&scene.discover());
    assert_eq!(result.jwks_uri, scene.issuer.url("/jwks"));
    assert_eq!(result.body, JWKS.as_bytes());
    assert_eq!((result.lifetime, result.clock_offset), (None, None));

    let requests = scene.issuer.requests();
    let [discovery, jwks] = &requests[..] else { panic!("{requests:?}") };
    let discovery = discovery.to_ascii_lowercase();
    assert!(discovery.starts_with("get /.well-known/openid-configuration http/1.1\r\n"));
    assert!(discovery.contains("\r\naccept: application/json\r\n"), "{discovery}");
    let version = env!("CARGO_PKG_VERSION");
    assert!(discovery.contains(&format!("\r\nuser-agent: jwt_sso/{version}\r\n")), "{discovery}");
    assert!(discovery.contains("\r\naccept-encoding: identity\r\n"), "{discovery}");
    let jwks = jwks.to_ascii_lowercase();
    assert!(jwks.contains("\r\naccept: application/jwk-set+json, application/json\r\n"), "{jwks}");
}

#[test]
fn sends_no_cookies_back() {
    let scene = Scene::new();
    let document = format!(
        r#"{{"issuer":{:?},"jwks_uri":{:?}}}"#,
        scene.issuer.base,
        scene.issuer.url("/jwks")
    );
    let answer = Answer::json(document).header("Set-Cookie", "session=1; Path=/");
    scene.issuer.answer("/.well-known/openid-configuration", answer);
    fetched(&scene.discover());
    let requests = scene.issuer.requests().concat().to_ascii_lowercase();
    assert!(!requests.contains("cookie"), "{requests}");
}

#[test]
fn statuses() {
    for (status, cause) in [
        (500, "500 Internal Server Error"),
        (503, "503 Service Unavailable"),
        (403, "403 Forbidden"),
        (404, "404 Not Found"),
        (429, "429 Too Many Requests"),
        (201, "201 Created"),
        (204, "204 No Content"),
        (304, "304 Not Modified"),
        (300, "300 Multiple Choices"),
        (599, "599"),
    ] {
        let body = if matches!(status, 204 | 304) { "" } else { JWKS };
        let scene = Scene::with_jwks(Answer::status(status).body(body));
        assert_eq!(scene.jwks_error(), (Some(status), cause.to_owned()));
    }
}

#[test]
fn the_discovery_document_is_named_where_it_fails() {
    let scene = Scene::new();
    scene.issuer.answer("/.well-known/openid-configuration", Answer::status(503));
    let error = scene.error(&scene.discover());
    assert_eq!(
        error.to_string(),
        "GET BASE/.well-known/openid-configuration: 503 Service Unavailable"
    );
    assert_eq!(scene.issuer.count("/jwks"), 0);
}

#[test]
fn bodies_up_to_the_limit() {
    let scene = Scene::with_jwks(Answer::status(200).body(vec![b' '; MAX_BODY]));
    assert_eq!(fetched(&scene.ask_jwks()).body.len(), MAX_BODY);

    let too_long = (Some(200), "the body is longer than 1 MiB".to_owned());
    for length in [MAX_BODY + 1, 10 * MAX_BODY] {
        let scene = Scene::with_jwks(Answer::status(200).body(vec![b' '; length]));
        assert_eq!(scene.jwks_error(), too_long);
    }
    // Without a length to be warned by.
    for head in ["", "Transfer-Encoding: chunked\r\n"] {
        let mut bytes = format!("HTTP/1.1 200 OK\r\n{head}\r\n").into_bytes();
        if !head.is_empty() {
            bytes.extend_from_slice(format!("{:x}\r\n", 10 * MAX_BODY).as_bytes());
        }
        bytes.resize(bytes.len() + 10 * MAX_BODY, b' ');
        assert_eq!(Scene::with_jwks(Answer::Raw(bytes)).jwks_error(), too_long);
    }
}

#[test]
fn bodies_that_end_too_early() {
    for raw in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"keys\":",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{\"keys\":",
    ] {
        let scene = Scene::with_jwks(Answer::Raw(raw.into()));
        assert_eq!(
            scene.jwks_error(),
            (Some(200), "the connection was closed before the answer was complete".to_owned())
        );
    }
}

#[test]
fn encodings_that_were_not_asked_for() {
    let gzip = Answer::json(JWKS).header("Content-Encoding", "gzip");
    assert_eq!(
        Scene::with_jwks(gzip).jwks_error(),
        (Some(200), "the body is encoded as \"gzip\", which was not asked for".to_owned())
    );
    let plain = Answer::json(JWKS).header("Content-Encoding", "Identity");
    assert_eq!(fetched(&Scene::with_jwks(plain).ask_jwks()).body, JWKS.as_bytes());
}

/// What a body means is for the reader of key sets to say.
#[test]
fn bodies_are_handed_on_unread() {
    for body in ["", "{}", "<html>", "{\"keys\":[{\"kty\":\"oct\"}]}", "\u{feff}\u{7}"] {
        let scene = Scene::with_jwks(Answer::status(200).body(body));
        assert_eq!(fetched(&scene.ask_jwks()).body, body.as_bytes());
    }
}

#[test]
fn sets_that_flap() {
    let scene = Scene::new();
    let sets = ["{\"keys\":[1]}", "{\"keys\":[2]}", "{\"keys\":[1]}"];
    scene.issuer.answers("/jwks", sets.map(Answer::json).to_vec());
    for set in sets {
        assert_eq!(fetched(&scene.ask_jwks()).body, set.as_bytes());
    }
    assert_eq!(scene.issuer.count("/jwks"), 3);
}

#[test]
fn answers_that_are_not_http() {
    let ok = "HTTP/1.1 200 OK\r\n";
    let headers = |text: &str| format!("{ok}{text}\r\n\r\nxy");
    for (answer, what) in [
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), "http parse fail: invalid HTTP version"),
        ("\0\u{1}\r\n\r\n".to_owned(), "http parse fail: invalid HTTP version"),
        ("HTTP/9.9 200 OK\r\n\r\n".to_owned(), "http parse fail: invalid HTTP version"),
        ("HTTP/1.1 9999 X\r\n\r\n".to_owned(), "http parse fail: invalid response status"),
        (headers("Content-Length: -1"), "content-length header not a number"),
        (headers("Content-Length: 1\r\nContent-Length: 2"), "conflicting content-length headers"),
        (headers(&"X: y\r\n".repeat(10_000)), "http parse resulted in too many headers"),
    ] {
        let scene = Scene::with_jwks(Answer::Raw(answer.into_bytes()));
        assert_eq!(scene.jwks_error(), (None, format!("the answer is not HTTP: {what}")));
    }

    let chunks = headers("Transfer-Encoding: chunked\r\n\r\nzz");
    assert_eq!(
        Scene::with_jwks(Answer::Raw(chunks.into_bytes())).jwks_error().1,
        "the answer is not HTTP: chunk length cannot be read as a number"
    );
    let endless = format!("{ok}X: {}", "y".repeat(1 << 20));
    assert_eq!(
        Scene::with_jwks(Answer::Raw(endless.into_bytes())).jwks_error(),
        (None, "the headers of the answer are too long".to_owned())
    );
}
