//! 1. psql gets in with an ID token and an access token of every algorithm; a login waits for
//!    the first fetch; the views tell of it
//! 2. who may see the views and call `refresh()`
//! 3. `issuer_jwks_map` asks for no discovery document
//! 4. an issuer's own `jwks_uri` is fetched though the switch is off
//! 5. an issuer's own `jwks` is static though the switch is on: nothing is asked for

use jwt_sso_e2e::provider::{ALGORITHMS, RESOURCE, client, keys};
use jwt_sso_e2e::{Algorithm, Cluster};
use serde_json::json;

use crate::{FETCHED, STATIC, World};

#[track_caller]
fn psql(cluster: &Cluster, role: &str, token: &str) {
    let run = cluster.psql().user(role).token(token).run("SELECT current_user");
    assert!(run.success, "{}\n{}", run.stderr, cluster.log_tail());
    assert_eq!(run.stdout, role);
}

#[test]
fn s1_every_algorithm() {
    let mut world = World::start();
    for algorithm in ALGORITHMS {
        let token = world.provider.id_token(algorithm, "alice");
        psql(&world.cluster, "alice", &token);
        let role = client(algorithm);
        psql(&world.cluster, &role, &world.provider.access_token(algorithm));
    }
    assert_eq!(world.provider.key_requests(), (1, 1));

    let (url, uri) = (world.provider.url(), world.provider.jwks_uri());
    let row = world.cluster.sql(
        "SELECT issuer, source, jwks_uri, state, keys, last_error IS NULL,
            last_success = last_attempt, now() - last_success < '1 min', next_refresh > now()
         FROM jwt_sso.issuers",
    );
    assert_eq!(row, format!("{url}|discovery|{uri}|fresh|4|t|t|t|t"));
    let rows = world.cluster.sql(
        r#"SELECT issuer, kid, kty, alg, "use", bits, usable, note, first_seen = last_seen
           FROM jwt_sso.keys ORDER BY kid"#,
    );
    let expected = [
        "first-eddsa|OKP|EdDSA|sig|256|t||t",
        "first-es256|EC|ES256|sig|256|t||t",
        "first-ps256|RSA|PS256|sig|2048|t||t",
        "first-rs256|RSA|RS256|sig|2048|t||t",
    ]
    .map(|row| format!("{url}|{row}"));
    assert_eq!(rows.lines().collect::<Vec<_>>(), expected);

    let row = world.cluster.sql("SELECT * FROM jwt_sso.refresh()");
    assert_eq!(row, format!("{url}|t|4 keys from {uri}"));
    let row = world.cluster.sql(&format!("SELECT * FROM jwt_sso.refresh('{url}')"));
    assert_eq!(row, format!("{url}|t|4 keys from {uri}"));
    assert_eq!(world.provider.key_requests(), (3, 3));
    let unknown = world.cluster.try_sql("SELECT jwt_sso.refresh('https://other.example')");
    assert!(unknown.unwrap_err().contains("https://other.example"));
}

#[test]
fn s2_privileges() {
    let world = World::start();
    world.accepts(&world.alice());
    let views = ["SELECT issuer FROM jwt_sso.issuers", "SELECT DISTINCT issuer FROM jwt_sso.keys"];
    let as_alice = |sql: &str| world.cluster.try_sql(&format!("SET ROLE alice; {sql}"));
    let denied = |sql: &str| {
        let error = as_alice(sql).expect_err(sql);
        assert!(error.contains("permission denied"), "{error}");
    };
    views.into_iter().for_each(denied);
    denied("SELECT jwt_sso.refresh()");
    world.cluster.sql("GRANT pg_monitor TO alice");
    for view in views {
        assert_eq!(as_alice(view).unwrap(), world.provider.url());
    }
    denied("SELECT jwt_sso.refresh()");
    world.cluster.sql("GRANT EXECUTE ON FUNCTION jwt_sso.refresh(text) TO alice");
    assert_eq!(as_alice("SELECT ok FROM jwt_sso.refresh()").unwrap(), "t");
}

#[test]
fn s3_map_of_key_sets() {
    let mut world = World::start_with(&[STATIC]);
    let (url, uri) = (world.provider.url(), world.provider.jwks_uri());
    let map = json!({"issuer_jwks_map": {&url: &uri}}).to_string();
    world.cluster.configure(&[("jwt_sso.issuers", &map), FETCHED]);
    world.accepts(&world.alice());
    assert_eq!(world.provider.key_requests(), (0, 1));
    let row = world.issuer_column("issuer, source, state, keys");
    assert_eq!(row, format!("{url}|jwks_uri|fresh|4"));
}

#[test]
fn s4_own_uri_with_the_switch_off() {
    let mut world = World::start_with(&[STATIC]);
    world.refuses(&world.alice(), "keys_unavailable");
    let (url, uri) = (world.provider.url(), world.provider.jwks_uri());
    let entry = json!({"issuers": {&url: {"jwks_uri": uri, "audience": RESOURCE}}}).to_string();
    world.cluster.configure(&[("jwt_sso.issuers", &entry)]);
    let role = client(Algorithm::Ps256);
    psql(&world.cluster, &role, &world.provider.access_token(Algorithm::Ps256));
    // The entry's audience counts, not the global one.
    world.refuses(&world.alice(), "audience_mismatch");
    assert_eq!(world.provider.key_requests(), (0, 1));
    assert_eq!(world.issuer_column("source, jwks_uri, state"), format!("jwks_uri|{uri}|fresh"));
}

#[test]
fn s5_own_keys_with_the_switch_on() {
    let mut world = World::start();
    world.accepts(&world.alice());
    let requests = world.provider.key_requests();
    let jwks: serde_json::Value = serde_json::from_str(&world.provider.issuer().jwks()).unwrap();
    let entry = json!({"issuers": {world.provider.url(): {"jwks": jwks}}}).to_string();
    world.cluster.configure(&[("jwt_sso.issuers", &entry)]);
    world.accepts(&world.alice());
    assert_eq!(world.issuer_column("source, state, keys, jwks_uri IS NULL"), "entry|static|4|t");
    let row = world.cluster.sql("SELECT ok, detail FROM jwt_sso.refresh()");
    assert!(row.starts_with("t|static keys"), "{row}");
    world.provider.rotate(&keys("second"));
    world.refuses(&world.alice(), "unknown_key");
    assert_eq!(world.provider.key_requests(), requests);
}
