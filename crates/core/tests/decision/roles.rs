use crate::scene::{ABSENT, ISSUER, Scene, claim, map, token};
use jwt_sso_core::refusal::{MapFor, Reason, Refusal, Reserved};

fn mapped(lines: &str) -> Scene {
    Scene::with(|policy| policy.identity_map = map(lines))
}

#[test]
fn without_a_map_an_identity_is_the_role_of_its_name() {
    assert_eq!(Scene::new().reason(token(&[])), None);
    for role in [&b"Alice"[..], b"alic", b"alice ", b"", b"bob", b"\xff"] {
        let scene = Scene { role, ..Scene::new() };
        assert_eq!(scene.reason(token(&[])), Some(Reason::RoleNotMapped), "{role:?}");
    }
}

#[test]
fn with_a_map_only_its_lines_count() {
    let scene = mapped(&format!("{ISSUER} alice reader\nhttps://other.example bob alice"));
    assert_eq!(scene.reason(token(&[])), Some(Reason::RoleNotMapped), "its own name no more");
    assert_eq!(scene.wanting(b"reader").reason(token(&[])), None);
    let foreign = mapped("https://other.example alice alice");
    let refusal = foreign.refusal(token(&[]));
    let principals = vec!["alice".to_owned()];
    assert_eq!(refusal, Refusal::RoleNotMapped { principals, map: MapFor::NoLine });
}

#[test]
fn any_element_of_an_array_may_serve() {
    let groups = r#"["staff","dba","auditor"]"#;
    let mut scene = mapped(&format!("{ISSUER} dba admin\n{ISSUER} auditor viewer"));
    scene.settings().claim = claim("groups");
    let admin = scene.wanting(b"admin");
    let grant = admin.decide(token(&[("groups", groups)])).expect("granted");
    assert_eq!(grant.principal, "dba", "the element that maps");
    let viewer = admin.wanting(b"viewer");
    assert_eq!(viewer.decide(token(&[("groups", groups)])).expect("granted").principal, "auditor");
    let refused = viewer.wanting(b"owner").decide(token(&[("groups", groups)])).unwrap_err();
    assert_eq!(refused.facts.principal.as_deref(), Some(r#"["staff","dba","auditor"]"#));
    let principals = ["staff", "dba", "auditor"].map(str::to_owned).to_vec();
    assert_eq!(refused.refusal, Refusal::RoleNotMapped { principals, map: MapFor::Lines });
}

#[test]
fn the_identity_claim_is_a_name_or_a_pointer() {
    let account = r#"{"serviceaccount":{"name":"alice"}}"#;
    let scene = Scene::with(|p| p.claim = claim("/kubernetes.io/serviceaccount/name"));
    assert_eq!(scene.reason(token(&[("kubernetes.io", account)])), None);
    assert_eq!(scene.reason(token(&[])), Some(Reason::MissingClaim));
    let own = Scene::with_entry(r#"{"claim":"email"}"#);
    assert_eq!(own.reason(token(&[("email", "\"alice\"")])), None);
    assert_eq!(own.reason(token(&[])), Some(Reason::MissingClaim), "in place of the global one");
}

#[test]
fn integers_are_identities_digit_by_digit() {
    let mut scene = mapped(&format!("{ISSUER} 1232316645658094244789 roach"));
    scene.settings().claim = claim("id");
    let scene = scene.wanting(b"roach");
    assert_eq!(scene.reason(token(&[("id", "1232316645658094244789")])), None);
    assert_eq!(scene.reason(token(&[("id", "\"1232316645658094244789\"")])), None);
    let near = token(&[("id", "1232316645658094244790")]);
    assert_eq!(scene.reason(near), Some(Reason::RoleNotMapped));
}

#[test]
fn other_types_are_invalid_and_absence_is_missing() {
    let scene = Scene::with(|policy| policy.claim = claim("id"));
    assert_eq!(scene.reason(token(&[("id", ABSENT)])), Some(Reason::MissingClaim));
    for value in [
        "null",
        "true",
        "1.0",
        "1e3",
        "1E3",
        "{}",
        "\"\"",
        "[]",
        "[\"\"]",
        "[\"alice\",\"\"]",
        "[\"alice\",null]",
        "[\"alice\",1.5]",
        "[\"alice\",{}]",
        "[[\"alice\"]]",
        "[7]",
    ] {
        let refusal = scene.refusal(token(&[("id", value)]));
        assert_eq!(refusal.reason(), Reason::InvalidClaim, "{value}");
    }
}

#[test]
fn superusers_need_a_setting() {
    let mut scene = mapped(&format!("{ISSUER} alice postgres")).wanting(b"postgres");
    assert_eq!(scene.refusal(token(&[])), Refusal::ReservedRole(Reserved::Superuser));
    scene.settings().allow_superuser = true;
    assert_eq!(scene.reason(token(&[])), None);
}

#[test]
fn replication_needs_a_setting() {
    let mut scene = Scene::new();
    scene.connection.replication = true;
    assert_eq!(scene.refusal(token(&[])), Refusal::ReservedRole(Reserved::Replication));
    scene.settings().allow_replication = true;
    assert_eq!(scene.reason(token(&[])), None);
}

#[test]
fn predefined_roles_are_refused_always() {
    for role in [&b"pg_monitor"[..], b"pg_", b"pg_no_such_role", b"pg_\xff"] {
        let lines = format!(
            "{ISSUER} alice pg_monitor\n{ISSUER} alice pg_\n{ISSUER} alice pg_no_such_role"
        );
        let mut scene = Scene { role, ..mapped(&lines) };
        scene.settings().allow_superuser = true;
        scene.settings().allow_replication = true;
        let expected = match role {
            b"pg_\xff" => Reason::RoleNotMapped,
            _ => Reason::ReservedRole,
        };
        assert_eq!(scene.reason(token(&[])), Some(expected));
    }
    let other = mapped(&format!("{ISSUER} alice pgadmin")).wanting(b"pgadmin");
    assert_eq!(other.reason(token(&[])), None);
}

/// A role that is not mapped is refused before anything is said about it.
#[test]
fn who_is_not_mapped_learns_nothing_of_the_role() {
    for role in [&b"postgres"[..], b"pg_monitor", b"no_such_role"] {
        let scene = Scene { role, ..Scene::new() };
        assert_eq!(scene.reason(token(&[])), Some(Reason::RoleNotMapped));
    }
}
