use crate::minting::{ED25519, RSA};
use crate::scene::{ABSENT, ISSUER, NOW, Scene, claims, jwks, map};
use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::decision::Transport;
use jwt_sso_core::deny::DenyList;
use jwt_sso_core::issuers::Issuers;
use jwt_sso_core::refusal::Reason;
use std::sync::Arc;

/// Every check, in order, with what its fault is called. `crit` comes after
/// `alg` though both belong to check 2, and an issuer's own algorithms after check 3.
const FAULTS: [Reason; 22] = [
    Reason::Misconfigured,
    Reason::Disabled,
    Reason::InsecureTransport,
    Reason::NoToken,
    Reason::MalformedToken,
    Reason::UnsupportedAlgorithm,
    Reason::MalformedToken,
    Reason::UnknownIssuer,
    Reason::UnsupportedAlgorithm,
    Reason::KeysUnavailable,
    Reason::UnknownKey,
    Reason::BadSignature,
    Reason::Expired,
    Reason::NotYetValid,
    Reason::IssuedInFuture,
    Reason::LifetimeTooLong,
    Reason::AudienceMismatch,
    Reason::RequiredClaim,
    Reason::MissingClaim,
    Reason::RoleNotMapped,
    Reason::ReservedRole,
    Reason::Denied,
];

/// A login with every fault of [`FAULTS`] but the first `mended` ones.
fn login(mended: usize) -> (Scene, String) {
    (scene(mended), token(mended))
}

fn scene(mended: usize) -> Scene {
    let broken = |fault: usize| fault >= mended;
    let mut scene = Scene::new().wanting(b"postgres");
    if broken(2) {
        scene.connection.transport = Transport::Plain;
    }
    let policy = scene.settings();
    policy.enabled = !broken(1);
    policy.allow_superuser = !broken(20);
    policy.max_token_lifetime = if broken(15) { 1 } else { 0 };
    let algorithms = if broken(8) { r#""algorithms":["RS256"],"# } else { "" };
    let demand = if broken(17) { "\"x\"" } else { "\"example.com\"" };
    policy.issuers = Arc::new(
        Issuers::parse(&format!(
            r#"{{"issuers":{{"{ISSUER}":{{{algorithms}"required_claims":{{"hd":{demand}}}}}}}}}"#
        ))
        .expect("an entry"),
    );
    policy.jwks = if broken(9) { Arc::default() } else { jwks(&[ED25519.jwk(r#","kid":"k1""#)]) };
    let identity = if broken(19) { "bob" } else { "alice" };
    policy.identity_map = map(&format!("{ISSUER} {identity} postgres"));
    let denied = if broken(21) { r#"[{"principal":"alice"}]"# } else { "[]" };
    policy.deny = Arc::new(DenyList::parse(denied).expect("a list"));
    if broken(0) {
        scene.policy = Err(vec!["jwt_sso.audience".into()]);
    }
    scene
}

fn token(mended: usize) -> String {
    let broken = |fault: usize| fault >= mended;
    let pick = |fault: usize, bad: &'static str, good: &'static str| {
        if broken(fault) { bad } else { good }
    };
    match () {
        () if broken(3) => return String::new(),
        () if broken(4) => return "x".into(),
        () => {}
    }
    let header = format!(
        r#"{{"alg":"{}",{}"kid":"{}"}}"#,
        pick(5, "HS256", "EdDSA"),
        pick(6, r#""crit":["x"],"#, ""),
        pick(10, "k9", "k1"),
    );
    let future = (NOW + 31).to_string();
    let past = (NOW - 10).to_string();
    let soon = (NOW + 60).to_string();
    let claims = claims(&[
        ("iss", pick(7, "\"https://elsewhere.example\"", "\"https://idp.example\"")),
        ("exp", if broken(12) { "1" } else { &soon }),
        ("nbf", if broken(13) { &future } else { &past }),
        ("iat", if broken(14) { &future } else { &past }),
        ("aud", pick(16, "\"mail\"", "\"db\"")),
        ("hd", "\"example.com\""),
        ("sub", pick(18, ABSENT, "\"alice\"")),
    ]);
    if broken(11) {
        RSA.token(Algorithm::Rs256, &header, claims)
    } else {
        ED25519.token(Algorithm::EdDsa, &header, claims)
    }
}

#[test]
fn the_first_fault_decides_whatever_else_is_wrong() {
    for (mended, fault) in FAULTS.into_iter().enumerate() {
        let (scene, token) = login(mended);
        assert_eq!(scene.reason(&token), Some(fault), "with {mended} faults mended: {token}");
    }
    let (scene, token) = login(FAULTS.len());
    assert_eq!(scene.reason(token), None, "all mended");
}
