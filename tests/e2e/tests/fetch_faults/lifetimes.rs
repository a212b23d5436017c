//! What the response's headers say decides when the next fetch is due (RFC 9111 section 4.2),
//! within 60 s and 1 h; where they say nothing, or not to reuse, `jwks_refresh_interval` does.

use jwt_sso_e2e::faulty_issuer::Answer;

use crate::scene::{Idp, Scene};

/// Headers of the key set, and the lifetime in seconds that they amount to.
const HEADERS: &[(&[(&str, &str)], u32)] = &[
    (&[], 1),
    (&[("Cache-Control", "no-cache")], 1),
    (&[("Cache-Control", "no-store")], 1),
    (&[("Cache-Control", "no-cache, max-age=600")], 1),
    (&[("Cache-Control", "max-age=0")], 60),
    (&[("Cache-Control", "max-age=5")], 60),
    (&[("Cache-Control", "public, max-age=600")], 600),
    (&[("Cache-Control", "max-age=600"), ("Age", "300")], 300),
    (&[("Cache-Control", "max-age=86400")], 3600),
    (
        &[("Date", "Sat, 21 Nov 2026 10:00:00 GMT"), ("Expires", "Sat, 21 Nov 2026 10:15:00 GMT")],
        // What its clock says counts between the two only.
        900,
    ),
    (&[("Expires", "0")], 60),
];

#[test]
fn next_fetch() {
    let scene = Scene::start(&[("jwt_sso.jwks_refresh_interval", "1s")]);
    let idps: Vec<Idp> = HEADERS
        .iter()
        .map(|(headers, _)| {
            let idp = scene.idp();
            idp.publish();
            let answer = headers
                .iter()
                .fold(Answer::json(idp.issuer.jwks()), |answer, (n, v)| answer.header(n, v));
            idp.server.answer("/jwks", answer);
            idp
        })
        .collect();
    scene.trust(idps.iter().map(|idp| &idp.issuer));
    for (idp, (headers, lifetime)) in idps.iter().zip(HEADERS) {
        let spread = format!(
            "SELECT extract(epoch FROM next_refresh - last_success) FROM jwt_sso.issuers
             WHERE issuer = '{}' AND next_refresh IS NOT NULL",
            idp.issuer.iss
        );
        let mut pause = String::new();
        scene.cluster.until("a schedule", || {
            pause = scene.cluster.sql(&spread);
            !pause.is_empty()
        });
        eprintln!("{headers:?}: {lifetime} s, the next fetch after {pause} s");
        let pause: f64 = pause.parse().expect("a number");
        // Between 75 % and 90 % of it; both times are cut or rounded to seconds.
        let lifetime = f64::from(*lifetime);
        assert!(pause >= 0.75 * lifetime - 1.0 && pause <= 0.9 * lifetime + 2.0, "{pause}");
        scene.accepts(&idp.token());
    }
    for (idp, (headers, lifetime)) in idps.iter().zip(HEADERS) {
        let count = || idp.server.count("/jwks");
        match lifetime {
            1 => scene.cluster.until("three fetches", || count() > 2),
            _ => assert_eq!(count(), 1, "{headers:?}"),
        }
    }
}
