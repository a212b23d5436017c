//! A key set never outlives a change of what it came from, in memory and in the kept file; and
//! serves again when the change is taken back:
//! 1. another CA  2. another `jwks_uri`  3. another issuer  4. the switch turned off

use std::fs;

use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::provider::keys;
use jwt_sso_e2e::{Issuer, Provider};
use serde_json::json;

use crate::World;

/// Changes a setting: alice is refused for `reason` at once, and the old value lets her in again
/// at once, all that again while the provider is down; and the change counts after a restart too.
fn changed(world: &mut World, setting: &str, value: &str, reason: &str) {
    let old = world.cluster.sql(&format!("SHOW {setting}"));
    let token = world.alice();
    world.accepts(&token);
    world.cluster.configure(&[(setting, value)]);
    world.refuses(&token, reason);
    world.cluster.configure(&[(setting, &old)]);
    world.accepts(&token);
    world.provider.stop();
    world.cluster.configure(&[(setting, value)]);
    world.refuses(&token, reason);
    world.cluster.configure(&[(setting, &old)]);
    world.accepts(&token);
    world.cluster.alter_system(setting, value);
    world.cluster.restart();
    world.refuses(&token, reason);
}

#[test]
fn s1_authority() {
    let mut world = World::start();
    let other = world.cluster.write_file("other-ca.pem", Authority::new().pem().as_bytes());
    world.accepts(&world.alice());
    let mark = world.cluster.log_mark();
    let path = other.display().to_string();
    changed(&mut world, "jwt_sso.issuer_custom_ca", &path, "keys_unavailable");
    let line = world.fetch_fails(mark);
    assert!(line.contains("certificate"), "{line}");

    // The same path with another content is another CA.
    let mut world = World::start();
    let ca = fs::read(world.provider.ca_path()).unwrap();
    world.cluster.write_file("ca.pem", &ca);
    world.cluster.configure(&[("jwt_sso.issuer_custom_ca", "ca.pem")]);
    let token = world.alice();
    world.accepts(&token);
    world.cluster.write_file("ca.pem", Authority::new().pem().as_bytes());
    world.cluster.reload();
    world.refuses(&token, "keys_unavailable");
    world.provider.stop();
    world.cluster.write_file("ca.pem", &ca);
    world.cluster.reload();
    world.accepts(&token);
}

#[test]
fn s2_uri() {
    let mut world = World::start();
    let other = Provider::start(&keys("other"));
    let both = [world.provider.ca_path(), other.ca_path()].map(|path| fs::read(path).unwrap());
    world.cluster.write_file("both.pem", &both.concat());
    let entry =
        |uri: &str| json!({"issuers": {world.provider.url(): {"jwks_uri": uri}}}).to_string();
    let (own, others) = (entry(&world.provider.jwks_uri()), entry(&other.jwks_uri()));
    world.cluster.configure(&[("jwt_sso.issuer_custom_ca", "both.pem"), ("jwt_sso.issuers", &own)]);
    changed(&mut world, "jwt_sso.issuers", &others, "unknown_key");
    // Now the other provider's keys count, under the first one's name.
    world.cluster.configure(&[("jwt_sso.issuers", &others)]);
    let issuer = Issuer { keys: other.issuer().keys, ..world.provider.issuer() };
    world.accepts(&issuer.token("alice").sign());
}

#[test]
fn s3_issuer() {
    let mut world = World::start();
    let mut other = Provider::start(&keys("other"));
    let both = [world.provider.ca_path(), other.ca_path()].map(|path| fs::read(path).unwrap());
    world.cluster.write_file("both.pem", &both.concat());
    world.cluster.configure(&[("jwt_sso.issuer_custom_ca", "both.pem")]);
    changed(&mut world, "jwt_sso.issuers", &other.url(), "unknown_issuer");
    let both = json!([world.provider.url(), other.url()]).to_string();
    world.cluster.configure(&[("jwt_sso.issuers", &both)]);
    let token = other.id_token(jwt_sso_e2e::Algorithm::Ps256, "alice");
    world.accepts(&token);
    // One issuer's keys verify nothing in another's name.
    let issuer = Issuer { keys: other.issuer().keys, ..world.provider.issuer() };
    world.refuses(&issuer.token("alice").sign(), "unknown_key");
    let requests = other.key_requests();
    // What does not change stays, and is not fetched anew.
    world.cluster.configure(&[("jwt_sso.issuers", &json!([other.url()]).to_string())]);
    world.accepts(&token);
    assert_eq!(other.key_requests(), requests);
}

#[test]
fn s4_switch() {
    let mut world = World::start();
    changed(&mut world, "jwt_sso.jwks_auto_fetch_enabled", "off", "keys_unavailable");
}
