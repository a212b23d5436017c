use crate::minting::OTHER_RSA;
use crate::scene::{
    ABSENT, HEADER, ISSUER, NOW, Scene, claims, deny, map, scene_of, signed, token,
};
use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::decision::{Facts, Transport};
use jwt_sso_core::refusal::{Reason, Refusal};
use jwt_sso_core::time::UnixTime;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A login that fails for one reason alone. What is known by then: nothing,
/// the claimed issuer and `kid`, or the identity as well.
pub struct Case {
    pub reason: Reason,
    known: Known,
    pub scene: Scene,
    pub token: String,
}

#[derive(Clone, Copy)]
enum Known {
    Nothing,
    Claimed,
    Identity,
}

fn case(reason: Reason, known: Known, scene: Scene, token: String) -> Case {
    Case { reason, known, scene, token }
}

fn before_the_signature() -> Vec<Case> {
    use Known::{Claimed, Nothing};
    let good = || token(&[]);
    let mut unsound = Scene::new();
    unsound.policy = Err(vec!["jwt_sso.claim".into()]);
    let mut plain = Scene::new();
    plain.connection.transport = Transport::Plain;
    let no_keys = Scene::with(|policy| policy.jwks = Arc::default());
    let (other_key, _) = scene_of(Algorithm::Rs256);
    vec![
        case(Reason::Misconfigured, Nothing, unsound, good()),
        case(Reason::Disabled, Nothing, Scene::with(|policy| policy.enabled = false), good()),
        case(Reason::InsecureTransport, Nothing, plain, good()),
        case(Reason::NoToken, Nothing, Scene::new(), String::new()),
        case(Reason::MalformedToken, Nothing, Scene::new(), "password".into()),
        case(
            Reason::UnsupportedAlgorithm,
            Claimed,
            Scene::new(),
            signed(r#"{"alg":"HS256","kid":"k1"}"#, claims(&[])),
        ),
        case(Reason::UnknownIssuer, Claimed, Scene::new(), token(&[("iss", "\"other\"")])),
        case(Reason::KeysUnavailable, Claimed, no_keys, good()),
        case(Reason::UnknownKey, Claimed, other_key, good()),
        case(
            Reason::BadSignature,
            Claimed,
            Scene::new(),
            with_signature_of(&good(), &token(&[("jti", "1")])),
        ),
    ]
}

fn with_signature_of(token: &str, other: &str) -> String {
    let (input, _) = token.rsplit_once('.').expect("a signature");
    let (_, signature) = other.rsplit_once('.').expect("a signature");
    format!("{input}.{signature}")
}

fn after_the_signature() -> Vec<Case> {
    use Known::{Claimed, Identity};
    let future = (NOW + 31).to_string();
    let hour = Scene::with(|policy| policy.max_token_lifetime = 300);
    let demand = Scene::with_entry(r#"{"required_claims":{"hd":"example.com"}}"#);
    vec![
        case(Reason::MissingExpiry, Identity, Scene::new(), token(&[("exp", ABSENT)])),
        case(Reason::Expired, Identity, Scene::new(), token(&[("exp", "1")])),
        case(Reason::NotYetValid, Identity, Scene::new(), token(&[("nbf", &future)])),
        case(Reason::IssuedInFuture, Identity, Scene::new(), token(&[("iat", &future)])),
        case(Reason::LifetimeTooLong, Identity, hour, token(&[])),
        case(Reason::AudienceMismatch, Identity, Scene::new(), token(&[("aud", "\"mail\"")])),
        case(Reason::RequiredClaim, Identity, demand, token(&[])),
        case(Reason::MissingClaim, Claimed, Scene::new(), token(&[("sub", ABSENT)])),
        case(Reason::InvalidClaim, Claimed, Scene::new(), token(&[("sub", "\"\"")])),
        case(Reason::RoleNotMapped, Identity, Scene::new().wanting(b"bob"), token(&[])),
        case(
            Reason::ReservedRole,
            Identity,
            Scene::with(|policy| policy.identity_map = map(&format!("{ISSUER} alice postgres")))
                .wanting(b"postgres"),
            token(&[]),
        ),
        case(
            Reason::Denied,
            Identity,
            Scene::with(|policy| policy.deny = deny(r#"[{"kid":"k2"},{"principal":"alice"}]"#)),
            token(&[]),
        ),
    ]
}

/// A login for each reason.
pub fn cases() -> Vec<Case> {
    let mut cases = before_the_signature();
    cases.extend(after_the_signature());
    cases
}

#[test]
fn each_reason_has_its_login_and_its_facts() {
    let cases = cases();
    for Case { reason, known, scene, token } in &cases {
        let refused = scene.decide(token).expect_err(reason.code());
        assert_eq!(refused.refusal.reason(), *reason, "{:?}", refused.refusal);
        let claimed_issuer = if *reason == Reason::UnknownIssuer { "other" } else { ISSUER };
        let claimed = |text: &str| Some(text.to_owned());
        let expected = match known {
            Known::Nothing => Facts::default(),
            Known::Claimed => {
                Facts { issuer: claimed(claimed_issuer), kid: claimed("k1"), principal: None }
            }
            Known::Identity => {
                Facts { issuer: claimed(ISSUER), kid: claimed("k1"), principal: claimed("alice") }
            }
        };
        assert_eq!(*refused.facts, expected, "{reason}");
    }
    let seen: BTreeSet<Reason> = cases.iter().map(|case| case.reason).collect();
    assert_eq!(seen, Reason::ALL.into_iter().collect(), "every reason has a case");
}

#[test]
fn a_grant_carries_its_terms() {
    let grant = Scene::new().decide(token(&[])).expect("granted");
    assert_eq!(grant.issuer, ISSUER);
    assert_eq!(grant.principal, "alice");
    assert_eq!(grant.kid.as_deref(), Some("k1"));
    assert_eq!(Some(grant.expires), UnixTime::from_seconds(NOW + 300));
    assert_eq!(grant.role, b"alice");
    assert_eq!(grant.jti, None);
    assert_eq!(grant.claims, claims(&[]));
    let named = Scene::new().decide(token(&[("jti", "\"t1\"")])).expect("granted");
    assert_eq!(named.jti.as_deref(), Some("t1"));
    let number = Scene::new().decide(token(&[("jti", "1")])).expect("granted");
    assert_eq!(number.jti, None);
}

#[test]
fn a_refused_setting_is_named_and_no_other_check_is_made() {
    let mut scene = Scene::new();
    scene.policy = Err(vec!["jwt_sso.audience".into(), "jwt_sso.jwks_file".into()]);
    scene.connection.transport = Transport::Plain;
    let settings = vec!["jwt_sso.audience".to_owned(), "jwt_sso.jwks_file".to_owned()];
    assert_eq!(scene.refusal(""), Refusal::Misconfigured { settings });
}

#[test]
fn transports() {
    let mut scene = Scene::new();
    scene.connection.transport = Transport::UnixSocket;
    assert_eq!(scene.reason(token(&[])), None);
    scene.connection.transport = Transport::Plain;
    assert_eq!(scene.reason(""), Some(Reason::InsecureTransport), "before the token is asked for");
    scene.settings().require_tls = false;
    assert_eq!(scene.reason(token(&[])), None);
}

#[test]
fn by_default_nobody_gets_in() {
    let mut scene = Scene::new();
    scene.policy = Ok(Default::default());
    assert_eq!(scene.reason(token(&[])), Some(Reason::Disabled));
    scene.settings().enabled = true;
    assert_eq!(scene.reason(token(&[])), Some(Reason::UnknownIssuer));
}

#[test]
fn an_unproven_token_never_looks_anything_up() {
    for bad in
        ["", "x", "a.b.c", &signed(r#"{"alg":"none"}"#, claims(&[])), &token(&[("iss", "1")])]
    {
        let scene = Scene::new();
        assert!(scene.decide(bad).is_err());
        assert_eq!(scene.lookups.get(), 0, "{bad}");
    }
    let foreign = OTHER_RSA.token(Algorithm::Rs256, HEADER, claims(&[]));
    assert_eq!(Scene::new().reason(foreign), Some(Reason::BadSignature));
}
