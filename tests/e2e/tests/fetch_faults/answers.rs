//! 1. answers that are no key set: each named in view and log, refused as `keys_unavailable`
//! 2. the same failure again is not logged again
//! 3. one bad key among good ones is left out, never the set
//! 4. a modulus with a leading zero byte, and with padding, verifies
//! 5. an empty set is a set without keys

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use jwt_sso_e2e::faulty_issuer::Answer;
use jwt_sso_e2e::{Algorithm, Issuer, SigningKey};
use serde_json::json;

use crate::scene::{Idp, Scene};

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// A fault, what the administrator is to read of it, and how it is made.
type Fault = (&'static str, fn(&Idp));

const FAULTS: &[Fault] = &[
    ("/jwks: 500 Internal Server Error", |idp| idp.server.answer("/jwks", Answer::status(500))),
    ("/jwks: 403 Forbidden", |idp| idp.server.answer("/jwks", Answer::status(403))),
    ("openid-configuration: 404 Not Found", |idp| {
        idp.server.answer(DISCOVERY, Answer::status(404))
    }),
    ("openid-configuration: 503 Service Unavailable", |idp| {
        idp.server.answer(DISCOVERY, Answer::status(503));
    }),
    // The sound keys are there, at another host (and another name of this one).
    ("/jwks: redirect refused, to .*127.0.0.1", |idp| {
        let there = format!("https://127.0.0.1:{}/moved", idp.server.address.port());
        idp.server.answer("/moved", Answer::json(idp.issuer.jwks()));
        idp.server.answer("/jwks", Answer::redirect(&there));
    }),
    ("openid-configuration: redirect refused, to ", |idp| {
        idp.server.answer(DISCOVERY, Answer::redirect("https://idp.example/"));
    }),
    ("/jwks: .*longer than 1 MiB", |idp| {
        let padded = format!("{}{}", idp.issuer.jwks(), " ".repeat(10 << 20));
        idp.server.answer("/jwks", Answer::json(padded));
    }),
    ("/jwks: .*not a JWK set", |idp| {
        idp.server.answer("/jwks", Answer::json("<html>Please log in</html>"));
    }),
    ("/jwks: .*no member \"keys\"", |idp| idp.server.answer("/jwks", Answer::json("{}"))),
    ("/jwks: .*\"keys\" is not an array", |idp| {
        idp.server.answer("/jwks", Answer::json(r#"{"keys": {}}"#));
    }),
    ("openid-configuration: .*not usable", |idp| idp.server.answer(DISCOVERY, Answer::json("<"))),
    ("openid-configuration: .*no \"issuer\"", |idp| {
        idp.server.answer(DISCOVERY, Answer::json("{}"));
    }),
    ("openid-configuration: .*of issuer \"https://evil.example\", not of ", |idp| {
        let jwks = idp.server.url("/jwks");
        let document = json!({"issuer": "https://evil.example", "jwks_uri": jwks});
        idp.server.answer(DISCOVERY, Answer::json(document));
    }),
    ("/jwks: .*closed before the answer was complete", |idp| {
        let short = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{\"keys\":";
        idp.server.answer("/jwks", Answer::Raw(short.to_vec()));
    }),
    ("/jwks: .*not HTTP", |idp| idp.server.answer("/jwks", Answer::Raw(b"SSH-2.0-x\r\n".to_vec()))),
];

#[test]
fn s1_no_key_set_s2_logged_once() {
    let scene = Scene::start(&[]);
    let faulty: Vec<(&str, Idp)> = FAULTS
        .iter()
        .map(|(error, arrange)| {
            let idp = scene.idp();
            idp.publish();
            arrange(&idp);
            (*error, idp)
        })
        .collect();
    scene.trust(faulty.iter().map(|(_, idp)| &idp.issuer));
    for (error, idp) in &faulty {
        eprintln!("== {error}");
        scene.never_fetched(idp, error);
    }
    // Each has been tried again by now, or is before long.
    for (_, idp) in &faulty {
        scene.cluster.until("a second attempt", || idp.server.requests().len() > 2);
        let (ok, detail) = scene.refresh(&idp.issuer);
        assert!(!ok && scene.row(&idp.issuer)["last_error"] == *detail, "{detail}");
        let log = scene.cluster.whole_log();
        let tag = format!("\"{}\" could not be fetched", idp.issuer.iss);
        assert_eq!(log.lines().filter(|line| line.contains(&tag)).count(), 1, "{log}");
    }
    for (_, idp) in &faulty {
        scene.mended(idp);
    }
    scene.healthy_goes_on();
}

/// The issuer with that key set, once it is fetched.
fn fetched(scene: &Scene, idp: &Idp, keys: serde_json::Value) -> serde_json::Value {
    idp.server.publish(json!({ "keys": keys }));
    scene.trust([&idp.issuer]);
    scene.wait_row(&idp.issuer, "the keys", |row| row["state"] == "fresh")
}

#[test]
fn s3_bad_keys_among_good_ones() {
    let scene = Scene::start(&[]);
    let idp = scene.idp();
    let point = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "point"});
    let private =
        SigningKey::generate("private", Algorithm::Es256).with("d", json!("c2VjcmV0")).jwk();
    let keys = json!([
        {},
        7,
        {"kty": "RSA", "kid": "half", "e": "AQAB"},
        point,
        private,
        {"kty": "oct", "k": "c2VjcmV0", "kid": "symmetric"},
        SigningKey::generate("enc", Algorithm::Rs256).with("use", json!("enc")).jwk(),
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AQAB", "kid": "future"},
        idp.issuer.keys[0].jwk(),
    ]);
    let row = fetched(&scene, &idp, keys);
    assert!(row["keys"] == 1 && row["last_error"].is_null(), "{row}");
    scene.accepts(&idp.token());
    let rows = scene.keys(&idp.issuer);
    for row in &rows {
        eprintln!("{row}");
        let good = row["kid"] == "k1";
        assert!(row["usable"] == good && row["note"].is_null() == good, "{row}");
        assert!(!row.to_string().contains("c2VjcmV0"), "{row}");
    }
    for kid in ["half", "point", "private", "symmetric", "enc", "future", "k1"] {
        assert_eq!(rows.iter().filter(|row| row["kid"] == kid).count(), 1, "{kid}");
    }
    assert!(!scene.cluster.whole_log().contains("c2VjcmV0"));
    scene.healthy_goes_on();
}

#[test]
fn s4_modulus_with_leading_zero_and_padding() {
    let scene = Scene::start(&[]);
    let key = SigningKey::generate("rsa", Algorithm::Rs256);
    let mut idp = scene.idp();
    idp.issuer = Issuer::with_key(&idp.server.base, key);
    let mut jwk = idp.issuer.keys[0].jwk();
    let n = format!("{}==", jwk["n"].as_str().expect("a string"));
    let mut modulus = vec![0];
    modulus.extend(URL_SAFE.decode(n).expect("what was encoded"));
    // 257 bytes need one `=`.
    jwk["n"] = json!(URL_SAFE.encode(modulus));
    assert!(jwk["n"].as_str().is_some_and(|n| n.starts_with('A') && n.ends_with('=')), "{jwk}");
    let row = fetched(&scene, &idp, json!([jwk]));
    assert_eq!(row["keys"], 1, "{row}");
    scene.accepts(&idp.token());
    let rows = scene.keys(&idp.issuer);
    assert!(rows.len() == 1 && rows[0]["bits"] == 2048 && rows[0]["kty"] == "RSA", "{rows:?}");
}

#[test]
fn s5_empty_set() {
    let scene = Scene::start(&[]);
    let idp = scene.idp();
    let row = fetched(&scene, &idp, json!([]));
    assert!(row["keys"] == 0 && row["last_error"].is_null(), "{row}");
    let refusal = scene.refuses(&idp.token(), "keys_unavailable");
    // They did arrive; there are none.
    assert!(refusal.log.contains("holds no key"), "{}", refusal.log);
    scene.healthy_goes_on();
    idp.publish();
    assert!(scene.refresh(&idp.issuer).0);
    scene.accepts(&idp.token());
}
