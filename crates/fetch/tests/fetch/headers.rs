//! That the headers of the key set count, and not those of the discovery document.
//! The table of cases is with `freshness`.

use crate::scene::{JWKS, Scene, fetched};
use jwt_sso_e2e::faulty_issuer::Answer;
use serde_json::json;
use std::time::Duration;

#[test]
fn lifetime_is_of_the_key_set() {
    let scene = Scene::new();
    let document = json!({"issuer": scene.issuer.base, "jwks_uri": scene.issuer.url("/jwks")});
    let discovery = Answer::json(document).header("Cache-Control", "max-age=86400");
    scene.issuer.answer("/.well-known/openid-configuration", discovery);
    for (field, value, seconds) in [
        ("Cache-Control", "max-age=300", Some(300)),
        ("Cache-Control", "no-store", None),
        ("Expires", "0", Some(0)),
        ("X-Nothing", "to say", None),
    ] {
        scene.issuer.answer("/jwks", Answer::json(JWKS).header(field, value));
        let lifetime = fetched(&scene.discover()).lifetime;
        assert_eq!(lifetime, seconds.map(Duration::from_secs), "{field}: {value}");
    }
}

#[test]
fn fields_may_come_twice_and_with_an_age() {
    let answer = Answer::json(JWKS)
        .header("Cache-Control", "public")
        .header("Cache-Control", "max-age=300")
        .header("Age", "100");
    let result = fetched(&Scene::with_jwks(answer).ask_jwks());
    assert_eq!(result.lifetime, Some(Duration::from_secs(200)));
}

#[test]
fn the_clock_of_the_issuer() {
    let answer = Answer::json(JWKS).header("Date", "Thu, 01 Jan 1970 00:00:00 GMT");
    let offset = fetched(&Scene::with_jwks(answer).ask_jwks()).clock_offset;
    // Our clock is past 2020 and before 2100.
    assert!(offset.is_some_and(|o| (-4_102_444_800..-1_577_836_800).contains(&o)), "{offset:?}");
}
