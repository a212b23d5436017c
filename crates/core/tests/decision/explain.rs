use crate::minting::ED25519;
use crate::reasons::{Case, cases};
use crate::scene::{ABSENT, HEADER, Scene, claims, signed, token};
use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::decision::Phase;
use jwt_sso_core::decision::explain::{Check, Fact, Outcome};
use jwt_sso_core::refusal::{Reason, Refusal};
use proptest::prelude::*;

fn outcome(rows: &[(Check, Outcome)], check: Check) -> &Outcome {
    &rows.iter().find(|(found, _)| *found == check).expect("each check has a row").1
}

fn first_failure(rows: &[(Check, Outcome)]) -> Option<&Refusal> {
    rows.iter().find_map(|(_, outcome)| match outcome {
        Outcome::Failed(refusal) => Some(refusal),
        _ => None,
    })
}

fn failures(rows: &[(Check, Outcome)]) -> Vec<Check> {
    let failed = |(_, outcome): &&(Check, Outcome)| matches!(outcome, Outcome::Failed(_));
    rows.iter().filter(failed).map(|(check, _)| *check).collect()
}

fn not_reached(rows: &[(Check, Outcome)]) -> Vec<Check> {
    let skipped = |(_, outcome): &&(Check, Outcome)| *outcome == Outcome::NotReached;
    rows.iter().filter(skipped).map(|(check, _)| *check).collect()
}

#[test]
fn a_good_token_passes_every_check() {
    let rows = Scene::new().explain(token(&[]));
    let checks: Vec<Check> = rows.iter().map(|(check, _)| *check).collect();
    assert_eq!(checks, Check::ALL);
    assert!(rows.iter().all(|(_, outcome)| matches!(outcome, Outcome::Passed(_))), "{rows:?}");
    let identity = Outcome::Passed(Fact::Identity(vec!["alice".to_owned()]));
    assert_eq!(*outcome(&rows, Check::Identity), identity);
    let db = || vec!["db".to_owned()];
    let audience = Outcome::Passed(Fact::Audience { found: db(), accepted: db() });
    assert_eq!(*outcome(&rows, Check::Audience), audience);
}

#[test]
fn the_first_failure_is_that_of_a_login() {
    for Case { reason, scene, token, .. } in cases() {
        let refused = scene.decide(&token).expect_err(reason.code()).refusal;
        let rows = scene.explain(&token);
        assert_eq!(first_failure(&rows), Some(&refused), "{rows:?}");
    }
}

#[test]
fn it_goes_on_after_a_failure() {
    let mut scene = Scene::new().wanting(b"postgres");
    scene.settings().enabled = false;
    let bad = token(&[("exp", "1"), ("aud", "\"mail\"")]);
    let rows = scene.explain(&bad);
    let failed = [Check::Enabled, Check::Time, Check::Audience, Check::IdentityMap, Check::Role];
    assert_eq!(failures(&rows), failed);
    assert_eq!(not_reached(&rows), []);
}

#[test]
fn what_cannot_be_asked_is_not_reached() {
    let mut unsound = Scene::new();
    unsound.policy = Err(vec!["jwt_sso.claim".to_owned()]);
    assert_eq!(not_reached(&unsound.explain(token(&[]))), Check::ALL[1..]);
    let rows = Scene::new().explain("no token");
    assert_eq!(failures(&rows), [Check::Form]);
    assert_eq!(not_reached(&rows), Check::ALL[3..12]);
    assert!(matches!(outcome(&rows, Check::Role), Outcome::Passed(_)));
    // Without an issuer only the times and the role say something.
    let rows = Scene::new().explain(token(&[("iss", "\"other\"")]));
    assert_eq!(failures(&rows), [Check::Issuer]);
    assert!(matches!(outcome(&rows, Check::Time), Outcome::Passed(_)));
    assert!(matches!(outcome(&rows, Check::Role), Outcome::Passed(_)));
    assert_eq!(*outcome(&rows, Check::Audience), Outcome::NotReached);
    let rows = Scene::new().explain(token(&[("sub", ABSENT)]));
    assert_eq!(failures(&rows), [Check::Identity]);
    assert_eq!(not_reached(&rows), [Check::IdentityMap]);
}

#[test]
fn a_token_without_its_signature_is_taken() {
    let whole = token(&[]);
    let (with_dot, _) = whole.split_at(whole.rfind('.').expect("a dot") + 1);
    for cut in [with_dot, with_dot.trim_end_matches('.')] {
        let rows = Scene::new().explain(cut);
        assert_eq!(*outcome(&rows, Check::Signature), Outcome::NotChecked);
        assert!(matches!(outcome(&rows, Check::Key), Outcome::Passed(_)));
        assert_eq!(failures(&rows), []);
        // It opens nothing.
        let refused = Scene::new().decide(cut).expect_err("no signature").refusal;
        assert!(matches!(refused.reason(), Reason::BadSignature | Reason::MalformedToken));
    }
}

#[test]
fn phases_begin_in_order() {
    let scene = Scene::new();
    let _ = scene.decide(token(&[])).expect("granted");
    let all = [Phase::Keys, Phase::Signature, Phase::Claims, Phase::Mapping, Phase::Role];
    assert_eq!(*scene.phases.borrow(), all);
    let scene = Scene::new();
    let _ = scene.decide("x").expect_err("malformed");
    assert_eq!(*scene.phases.borrow(), []);
}

proptest! {
    /// Whatever is wrong with a token, both name the same thing first.
    #[test]
    fn a_login_and_the_dry_run_agree(
        exp in prop::sample::select(vec!["1", "\"1\"", "1800000300", ABSENT]),
        aud in prop::sample::select(vec!["\"db\"", "[\"x\",\"db\"]", "\"x\"", "1", ABSENT]),
        iss in prop::sample::select(vec!["\"https://idp.example\"", "\"x\"", "null", ABSENT]),
        sub in prop::sample::select(vec!["\"alice\"", "\"bob\"", "7", "[]", ABSENT]),
        header in prop::sample::select(vec![
            HEADER, r#"{"alg":"none"}"#, r#"{"alg":"EdDSA"}"#, r#"{"alg":"EdDSA","kid":"k2"}"#,
            r#"{"alg":"EdDSA","kid":"k1","crit":[]}"#,
        ]),
        role in prop::sample::select(vec![&b"alice"[..], b"postgres", b"pg_monitor"]),
        enabled: bool,
        forged: bool,
    ) {
        let payload = claims(&[("exp", exp), ("aud", aud), ("iss", iss), ("sub", sub)]);
        let mut token = signed(header, &payload);
        if forged {
            let other = ED25519.token(Algorithm::EdDsa, header, "{}");
            token = format!("{}{}", &token[..=token.rfind('.').unwrap()],
                &other[other.rfind('.').unwrap() + 1..]);
        }
        let scene = Scene::with(|policy| policy.enabled = enabled).wanting(role);
        let login = scene.decide(&token).err().map(|refused| refused.refusal);
        let rows = scene.explain(&token);
        prop_assert_eq!(first_failure(&rows), login.as_ref());
    }
}
