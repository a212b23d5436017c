use crate::scene::{ISSUER, NOW, Scene, claim, map, token};
use jwt_sso_core::decision::{Demands, Mapping};
use jwt_sso_core::issuers::Issuers;
use jwt_sso_core::refusal::{IssuerMismatch, MapFor, Reason, Refusal, Reserved};
use std::cell::RefCell;
use std::sync::Arc;

const OTHER: &str = "https://other.example";

/// Two issuers are configured, with the same keys.
fn scene() -> Scene {
    let text = format!(r#"["{ISSUER}","{OTHER}"]"#);
    Scene::with(|policy| policy.issuers = Arc::new(Issuers::parse(&text).expect("two issuers")))
}

fn of(iss: &str) -> String {
    token(&[("iss", &format!("\"{iss}\""))])
}

fn refusal(scene: &Scene, demands: Demands<'_>, token: &str) -> Refusal {
    scene.decide_demanding(demands, token).expect_err("a refusal").refusal
}

#[test]
fn only_the_demanded_issuer_is_believed() {
    let demands = Demands { issuer: Some(OTHER), ..Demands::default() };
    assert_eq!(scene().decide_demanding(demands, of(OTHER)).expect("granted").issuer, OTHER);
    let scene = scene();
    let refused = scene.decide_demanding(demands, of(ISSUER)).expect_err("a refusal");
    let mismatch = IssuerMismatch::NotDemanded(OTHER.to_owned());
    let issuer = Some(ISSUER.to_owned());
    assert_eq!(refused.refusal, Refusal::UnknownIssuer { issuer, mismatch });
    assert_eq!(refused.refusal.reason(), Reason::UnknownIssuer);
    assert_eq!(scene.lookups.get(), 0, "no key is looked up");
    for nearly in ["https://other.example/", "http://other.example", "HTTPS://other.example", ""] {
        let demands = Demands { issuer: Some(nearly), ..Demands::default() };
        let mismatch = IssuerMismatch::NotDemanded(nearly.to_owned());
        let issuer = Some(OTHER.to_owned());
        let expected = Refusal::UnknownIssuer { issuer, mismatch };
        assert_eq!(refusal(&scene, demands, &of(OTHER)), expected);
    }
}

#[test]
fn a_demanded_issuer_must_be_configured_all_the_same() {
    let foreign = "https://foreign.example";
    let demands = Demands { issuer: Some(foreign), ..Demands::default() };
    let mismatch = IssuerMismatch::NotConfigured;
    let issuer = Some(foreign.to_owned());
    assert_eq!(
        refusal(&scene(), demands, &of(foreign)),
        Refusal::UnknownIssuer { issuer, mismatch }
    );
}

#[test]
fn the_servers_map_stands_in_the_place_of_ours() {
    let mut scene = scene().wanting(b"reader");
    scene.settings().identity_map = map(&format!("{ISSUER} alice reader"));
    let nobody = Demands { mapping: Mapping::Server(&|_| false), ..Demands::default() };
    assert_eq!(
        refusal(&scene, nobody, &token(&[])),
        Refusal::RoleNotMapped { principals: vec!["alice".to_owned()], map: MapFor::Server }
    );
    let scene = scene.wanting(b"writer");
    assert_eq!(scene.reason(token(&[])), Some(Reason::RoleNotMapped));
    let alice = |identity: &str| identity == "alice";
    let demands = Demands { mapping: Mapping::Server(&alice), ..Demands::default() };
    assert_eq!(scene.decide_demanding(demands, token(&[])).expect("granted").principal, "alice");
}

#[test]
fn the_servers_map_is_asked_until_an_identity_maps() {
    let mut scene = scene();
    scene.settings().claim = claim("groups");
    let groups = [("groups", r#"["staff","dba","auditor"]"#)];
    let asked = RefCell::new(Vec::new());
    let dba = |identity: &str| {
        asked.borrow_mut().push(identity.to_owned());
        identity == "dba"
    };
    let demands = Demands { mapping: Mapping::Server(&dba), ..Demands::default() };
    assert_eq!(scene.decide_demanding(demands, token(&groups)).expect("granted").principal, "dba");
    assert_eq!(*asked.borrow(), ["staff", "dba"]);
}

#[test]
fn the_servers_map_sees_proven_tokens_only() {
    let asked = |_: &str| panic!("asked about an identity that nobody has proven");
    let demands = Demands { mapping: Mapping::Server(&asked), ..Demands::default() };
    let expired = token(&[("exp", &(NOW - 100).to_string())]);
    for bad in ["x.y.z".to_owned(), expired, token(&[("aud", "\"mail\"")]), of("foreign")] {
        let _ = refusal(&scene(), demands, &bad);
    }
}

#[test]
fn the_servers_map_opens_no_reserved_role() {
    let scene = scene().wanting(b"postgres");
    let demands = Demands { mapping: Mapping::Server(&|_| true), ..Demands::default() };
    let refused = refusal(&scene, demands, &token(&[]));
    assert_eq!(refused, Refusal::ReservedRole(Reserved::Superuser));
}
