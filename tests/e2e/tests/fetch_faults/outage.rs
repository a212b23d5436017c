//! An issuer that answered and then does not: its keys serve on (stale), also over a restart,
//! for `jwks_max_stale`, then no more (expired), and come back by themselves.

use jwt_sso_e2e::faulty_issuer::Answer;
use serde_json::json;

use crate::scene::Scene;

#[test]
fn stale_expired_and_back() {
    let scene = Scene::start(&[("jwt_sso.jwks_refresh_interval", "1s")]);
    let idp = scene.idp();
    idp.publish();
    scene.trust([&idp.issuer]);
    scene.wait_row(&idp.issuer, "the keys", |row| row["state"] == "fresh");
    let mark = scene.cluster.log_mark();
    idp.server.answer("/jwks", Answer::status(500));

    let row = scene.wait_row(&idp.issuer, "staleness", |row| row["state"] == "stale");
    assert!(row["keys"] == 1 && row["last_error"].is_string(), "{row}");
    let iss = regex::escape(&json!(idp.issuer.iss).to_string());
    let line = format!("the keys of issuer {iss} could not be fetched: GET .*; the last good ones");
    eprintln!("{}", scene.cluster.wait_log(mark, &format!("{line} serve until 20.*Z$")));
    scene.accepts(&idp.token());
    found(&scene, "warning", &[&idp.issuer.iss, "stale since"]);

    scene.cluster.restart();
    scene.accepts(&idp.token());
    scene.accepts(&scene.healthy.token());

    scene.cluster.configure(&[("jwt_sso.jwks_max_stale", "2s")]);
    let row = scene.wait_row(&idp.issuer, "expiry", |row| row["state"] == "expired");
    assert!(row["keys"] == 0 && row["last_success"].is_string(), "{row}");
    let refusal = scene.refuses(&idp.token(), "keys_unavailable");
    eprintln!("{}", refusal.log);
    found(&scene, "error", &[&idp.issuer.iss, "expired at"]);
    scene.accepts(&scene.healthy.token());

    let mark = scene.cluster.log_mark();
    idp.publish();
    scene.cluster.wait_log(mark, &format!("the keys of issuer {iss} are fetched again"));
    scene.wait_row(&idp.issuer, "fresh keys", |row| row["state"] == "fresh");
    scene.accepts(&idp.token());
    not_found(&scene, &idp.issuer.iss);
}

/// Holds `check()` to have such a row.
#[track_caller]
fn found(scene: &Scene, severity: &str, words: &[&str]) {
    let rows = scene.cluster.sql("SELECT * FROM jwt_sso.check()");
    let is_it =
        |row: &&str| row.starts_with(severity) && words.iter().all(|word| row.contains(word));
    eprintln!("{}", rows.lines().find(is_it).unwrap_or_else(|| panic!("no {words:?} in {rows}")));
}

#[track_caller]
fn not_found(scene: &Scene, word: &str) {
    let rows = scene.cluster.sql("SELECT * FROM jwt_sso.check()");
    assert!(!rows.contains(word), "{rows}");
}
