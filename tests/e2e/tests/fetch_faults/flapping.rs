//! Front ends that answer differently (Entra's do):
//! 1. keys that come and go verify all the while; refresh() forgets the one that is away
//! 2. one `kid` with two materials: both verify
//! 3. a set that turns empty, or to an error document, does not end the keys before it; refresh() does

use jwt_sso_e2e::faulty_issuer::Answer;
use jwt_sso_e2e::{Algorithm, SigningKey};
use serde_json::json;

use crate::scene::{Idp, Scene};

/// An issuer with two keys whose sets have one of them each, in turn.
fn flapping(scene: &Scene, kids: [&str; 2]) -> Idp {
    let mut idp = scene.idp();
    idp.issuer.keys = kids.map(|kid| SigningKey::generate(kid, Algorithm::Es256)).to_vec();
    idp.publish();
    let sets = [0, 1].map(|n| Answer::json(json!({"keys": [idp.issuer.keys[n].jwk()]})));
    idp.server.answers("/jwks", sets.iter().cycle().take(1000).cloned().collect());
    scene.trust([&idp.issuer]);
    idp
}

fn tokens(idp: &Idp) -> [String; 2] {
    [0, 1].map(|n| idp.issuer.token("alice").key(&idp.issuer.keys[n]).sign())
}

#[test]
fn s1_two_keys() {
    let scene = Scene::start(&[("jwt_sso.jwks_refresh_interval", "1s")]);
    let idp = flapping(&scene, ["a", "b"]);
    scene.wait_row(&idp.issuer, "both keys", |row| row["keys"] == 2);
    let seen = idp.server.count("/jwks");
    while idp.server.count("/jwks") < seen + 4 {
        tokens(&idp).iter().for_each(|token| scene.accepts(token));
    }
    let keys = scene.keys(&idp.issuer);
    let away = |key: &&serde_json::Value| {
        key["note"].as_str().is_some_and(|note| note.starts_with("not in the issuer's set since"))
    };
    eprintln!("{keys:?}");
    assert!(keys.len() == 2 && keys.iter().filter(away).count() == 1, "{keys:?}");
    scene.healthy_goes_on();

    idp.server.answer("/jwks", Answer::json(json!({"keys": [idp.issuer.keys[0].jwk()]})));
    let (ok, detail) = scene.refresh(&idp.issuer);
    assert!(ok, "{detail}");
    let [a, b] = tokens(&idp);
    scene.accepts(&a);
    scene.refuses(&b, "unknown_key");
    assert_eq!(scene.keys(&idp.issuer).len(), 1);
}

#[test]
fn s2_one_kid() {
    let scene = Scene::start(&[("jwt_sso.jwks_refresh_interval", "1s")]);
    let idp = flapping(&scene, ["same", "same"]);
    scene.wait_row(&idp.issuer, "both keys", |row| row["keys"] == 2);
    let seen = idp.server.count("/jwks");
    while idp.server.count("/jwks") < seen + 4 {
        tokens(&idp).iter().for_each(|token| scene.accepts(token));
    }
    assert_eq!(scene.keys(&idp.issuer).len(), 2);
}

#[test]
fn s3_sets_that_turn_bad() {
    let scene = Scene::start(&[("jwt_sso.jwks_refresh_interval", "1s")]);
    let idp = scene.idp();
    idp.publish();
    scene.trust([&idp.issuer]);
    scene.wait_row(&idp.issuer, "the keys", |row| row["state"] == "fresh");
    idp.server.answer("/jwks", Answer::json(r#"{"keys": []}"#));
    let seen = idp.server.count("/jwks");
    scene.cluster.until("two fetches", || idp.server.count("/jwks") > seen + 1);
    scene.accepts(&idp.token());
    for bad in ["{}", r#"{"error": "try again"}"#, "null"] {
        let seen = idp.server.count("/jwks");
        idp.server.answer("/jwks", Answer::json(bad));
        scene.cluster.until("a fetch", || idp.server.count("/jwks") > seen);
        scene.wait_row(&idp.issuer, "the error", |row| row["last_error"].is_string());
        scene.accepts(&idp.token());
    }
    let row = scene.row(&idp.issuer);
    assert!(row["keys"] == 1, "{row}");
    // At an administrator's word the vanished key is gone at once, fetch or no fetch.
    let (ok, detail) = scene.refresh(&idp.issuer);
    assert!(!ok && detail.contains("not a JWK set"), "{detail}");
    scene.refuses(&idp.token(), "keys_unavailable");
}
