//! 1. the provider stops, PostgreSQL restarts: people get in with the kept keys; the provider is
//!    back with other keys: new tokens get in, and `refresh()` ends the old keys
//! 2. the kept keys serve for `jwks_max_stale` and no longer; the view says stale, then expired
//! 3. without any keys a login is refused without delay, and the client hears nothing of why

use std::fs;
use std::os::unix::fs::PermissionsExt;

use jwt_sso_e2e::provider::{ALGORITHMS, client, keys};
use jwt_sso_e2e::{Algorithm, Client, SigningKey, refused};

use crate::{FETCHED, STATIC, World};

#[test]
fn s1_restart_during_an_outage() {
    let mut world = World::start();
    let old = world.alice();
    world.accepts(&old);
    let access =
        ALGORITHMS.map(|algorithm| (client(algorithm), world.provider.access_token(algorithm)));
    let mode = |name: &str| {
        let metadata = fs::metadata(world.cluster.data_dir().join(name)).unwrap();
        metadata.permissions().mode() & 0o7777
    };
    world
        .cluster
        .until("the kept file", || world.cluster.data_dir().join("jwt_sso/keys.json").exists());
    assert_eq!((mode("jwt_sso"), mode("jwt_sso/keys.json")), (0o700, 0o600));
    assert_eq!(fs::read_dir(world.cluster.data_dir().join("jwt_sso")).unwrap().count(), 1);

    world.provider.stop();
    let mark = world.cluster.log_mark();
    world.cluster.restart();
    world.accepts(&old);
    for (role, token) in &access {
        Client::new(&world.cluster, role).login(token).session();
    }
    let line = world.fetch_fails(mark);
    let url = format!("GET {}/.well-known/openid-configuration", world.provider.url());
    assert!(line.contains(&url) && line.contains("the last good ones serve until"), "{line}");
    let row = world.issuer_column("state, keys, last_success <= last_attempt, last_error");
    assert!(row.starts_with(&format!("fresh|4|t|{url}")), "{row}");
    let (ok, detail) = world.refresh();
    assert!(!ok && detail.contains(&url), "{detail}");
    // A failed refresh takes nothing away.
    world.accepts(&old);
    let stranger = SigningKey::generate("nobody-knows", Algorithm::Es256);
    world.refuses(&world.issuer_with(&stranger).token("alice").sign(), "unknown_key");

    let mark = world.cluster.log_mark();
    world.provider.start_again(&keys("second"));
    let new = world.alice();
    world.soon_accepts(&new);
    world.cluster.wait_log(mark, "jwt_sso: the keys of issuer .* are fetched again");
    world.accepts(&old);
    world.refreshed();
    world.refuses(&old, "unknown_key");
    world.accepts(&new);
}

#[test]
fn s2_keys_run_out() {
    let mut world = World::start_with(&[
        ("jwt_sso.jwks_refresh_interval", "1s"),
        ("jwt_sso.jwks_max_stale", "3s"),
    ]);
    let token = world.alice();
    world.accepts(&token);
    world.provider.stop();
    world.cluster.until("stale keys", || world.issuer_column("state") == "stale");
    world.cluster.until("the end of the keys", || world.issuer_column("state") == "expired");
    assert_eq!(world.issuer_column("keys"), "0");
    world.refuses(&token, "keys_unavailable");
    // The file does not prolong their life.
    world.cluster.restart();
    world.refuses(&token, "keys_unavailable");
    world.cluster.alter_system("jwt_sso.jwks_max_stale", "1h");
    world.cluster.reload();
    world.accepts(&token);
    assert_eq!(world.issuer_column("state, keys"), "stale|4");
    let keys = keys("first");
    world.provider.start_again(&keys);
    world.soon_accepts(&world.alice());
    assert_eq!(world.issuer_column("state"), "fresh");
}

#[test]
fn s3_no_keys_at_all() {
    let mut world = World::start_with(&[STATIC]);
    let token = world.alice();
    world.provider.stop();
    let mark = world.cluster.log_mark();
    world.cluster.configure(&[FETCHED]);
    let line = world.fetch_fails(mark);
    assert!(line.contains("there are none to serve"), "{line}");
    let login = Client::new(&world.cluster, "alice").login(&token);
    let refusal = refused(&world.cluster, "alice", &login, "keys_unavailable");
    let url = world.provider.url();
    let port = url.rsplit(':').next().unwrap();
    for word in [url.as_str(), port, "refused (", "Connection", "fetch", "key"] {
        let heard = &refusal.error.raw;
        assert!(!heard.contains(word), "{word}: {heard}");
    }
    assert_eq!(world.issuer_column("state, keys, last_success IS NULL"), "never|0|t");
}
