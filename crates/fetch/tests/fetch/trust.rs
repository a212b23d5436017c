//! Certificates of servers, and those that are believed.

use crate::scene::{JWKS, Scene, fetched};
use jwt_sso_e2e::authority::{Authority, Validity};
use jwt_sso_e2e::faulty_issuer::FaultyIssuer;
use jwt_sso_fetch::{Request, check_ca};

/// The cause where the server has a certificate for `hosts` of a believed CA.
fn cause(hosts: &[&str], validity: Validity) -> String {
    let authority = Authority::new();
    let issuer = FaultyIssuer::https(authority.certify(hosts, validity));
    issuer.publish(JWKS);
    let scene = Scene { authority, issuer };
    let (status, cause) = scene.jwks_error();
    assert_eq!((status, scene.issuer.requests().len()), (None, 0));
    cause
}

#[test]
fn certificates_of_another_ca() {
    let scene = Scene { authority: Authority::new(), ..Scene::new() };
    assert_eq!(
        scene.jwks_error(),
        (
            None,
            "certificate of the server is not trusted: \
             none of the custom CA's certificates signed it"
                .to_owned()
        )
    );
}

#[test]
fn the_system_does_not_know_our_ca() {
    let scene = Scene::new();
    let error = scene.error(&Request { custom_ca: None, ..scene.ask_jwks() });
    let known = [
        "certificate of the server is not trusted: \
         none of the system's root certificates signed it",
        // In a container without them.
        "the system has no root certificates",
    ];
    assert!(known.contains(&error.cause.as_str()), "{error}");
    assert!(scene.issuer.requests().is_empty());
}

#[test]
fn certificates_out_of_time() {
    assert_eq!(
        cause(&["localhost"], Validity::Past),
        "certificate of the server is not trusted: it expired at 2021-01-01T00:00:00Z"
    );
    assert_eq!(
        cause(&["localhost"], Validity::Future),
        "certificate of the server is not trusted: it is not valid before 2999-01-01T00:00:00Z"
    );
}

#[test]
fn certificates_of_other_hosts() {
    assert_eq!(
        cause(&["idp.example", "*.idp.example"], Validity::Now),
        "certificate of the server is not trusted: it is not for \"localhost\", \
         but for \"idp.example\", \"*.idp.example\""
    );
}

#[test]
fn several_custom_cas() {
    let scene = Scene::new();
    let bundle = format!("# ours\n{}\n{}", Authority::new().pem(), scene.authority.pem());
    check_ca(bundle.as_bytes()).unwrap();
    let request = Request { custom_ca: Some(bundle.into_bytes().into()), ..scene.ask_jwks() };
    assert_eq!(fetched(&request).body, JWKS.as_bytes());
}

#[test]
fn custom_cas_that_are_none() {
    let scene = Scene::new();
    let good = scene.authority.pem();
    let not_x509 = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    for (pem, expected) in [
        (String::new(), "no certificate in it"),
        ("text".to_owned(), "no certificate in it"),
        (good.replace("CERTIFICATE", "PRIVATE KEY"), "no certificate in it"),
        (format!("{good}{not_x509}"), "certificate 2: not an X.509 certificate: "),
        (good.replace('M', "?"), "certificate 1: not PEM: "),
        (format!("{good}{}", &good[..100]), "certificate 2: not PEM: "),
    ] {
        let error = check_ca(pem.as_bytes()).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
        let request = Request { custom_ca: Some(pem.into_bytes().into()), ..scene.ask_jwks() };
        assert_eq!(
            scene.error(&request).to_string(),
            format!("GET BASE/jwks: the custom CA is not sound: {error}")
        );
    }
    assert_eq!(check_ca(b"\xff\xfe\0"), Err("no certificate in it".to_owned()));
    assert!(scene.issuer.requests().is_empty());
}
