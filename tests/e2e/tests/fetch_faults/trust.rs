//! Certificates: of another CA, expired, not valid yet, of another host; and the CA changed
//! by a reload, which ends the use of keys that were fetched under the old one.

use jwt_sso_e2e::authority::{Authority, Validity};

use crate::scene::{Idp, Scene};

#[test]
fn certificates_that_prove_nothing() {
    let scene = Scene::start(&[]);
    let another = Authority::new();
    let mine = &scene.authority;
    let hosts = &["localhost"];
    let faulty = [
        ("not trusted: none of the custom CA's", Idp::new(another.localhost())),
        ("not trusted: it expired at 2021-01-01", Idp::new(mine.certify(hosts, Validity::Past))),
        (
            "not trusted: it is not valid before 2999",
            Idp::new(mine.certify(hosts, Validity::Future)),
        ),
        (
            "not trusted: it is not for \"localhost\", but for \"idp.example\"",
            Idp::new(mine.certify(&["idp.example"], Validity::Now)),
        ),
    ];
    faulty.iter().for_each(|(_, idp)| idp.publish());
    scene.trust(faulty.iter().map(|(_, idp)| &idp.issuer));
    for (error, idp) in &faulty {
        eprintln!("== {error}");
        scene.never_fetched(idp, error);
        assert_eq!(idp.server.count("/jwks"), 0, "nothing is asked of a stranger");
    }
}

#[test]
fn another_ca() {
    let scene = Scene::start(&[]);
    scene.accepts(&scene.healthy.token());
    scene.cluster.write_file("issuers_ca.pem", Authority::new().pem().as_bytes());
    scene.cluster.reload();
    scene.refuses(&scene.healthy.token(), "keys_unavailable");
    let row = scene.wait_row(&scene.healthy.issuer, "the failure", |row| row["state"] == "never");
    assert!(row["keys"] == 0 && row["last_success"].is_null(), "{row}");
    let refused = |row: &serde_json::Value| {
        row["last_error"].as_str().is_some_and(|error| error.contains("is not trusted"))
    };
    scene.wait_row(&scene.healthy.issuer, "the failure", refused);
    scene.cluster.write_file("issuers_ca.pem", scene.authority.pem().as_bytes());
    scene.cluster.reload();
    scene.accepts(&scene.healthy.token());
}
