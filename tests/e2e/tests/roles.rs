//! Who may be whom, once a token is proven:
//! 1. `role_not_mapped`: another role, another case, a regex that matches only a part, an
//!    issuer without a line, a name that core has cut
//! 2. `reserved_role`: superuser, pg_*, replication
//! 3. the same two let in by `allow_superuser` and `allow_replication`; pg_* never
//! 4. before the signature is proven, nothing tells a missing role from one that is there
//! 5. after it: a mapped role that is missing or may not log in gets core's own error

use std::sync::LazyLock;

use jwt_sso_e2e::expect::{Refusal, Terms};
use jwt_sso_e2e::token::tampered;
use jwt_sso_e2e::{Client, Cluster, Issuer, Token, accepted, refused};
use serde_json::{Value, json};

/// The server of all tests but the third.
struct World {
    cluster: Cluster,
    main: Issuer,
    mail: Issuer,
    lineless: Issuer,
    keyless: Issuer,
}

static WORLD: LazyLock<World> = LazyLock::new(World::start);

impl World {
    fn start() -> World {
        let issuer = |name: &str| Issuer::new(&format!("https://{name}.example"));
        let world = World {
            cluster: Cluster::builder().start(),
            main: issuer("issuer"),
            mail: issuer("mail"),
            lineless: issuer("lineless"),
            keyless: issuer("keyless"),
        };
        let mut entries = json!({"https://keyless.example": {}});
        for issuer in [&world.main, &world.mail, &world.lineless] {
            let jwks: Value = serde_json::from_str(&issuer.jwks()).unwrap();
            entries[&issuer.iss] = json!({"jwks": jwks});
        }
        let map = json!([
            r"https://issuer.example /^(.*)$ \1",
            r"https://mail.example /(.*)@corp\.example \1",
            "https://keyless.example alice alice",
        ]);
        for role in ["alice LOGIN", "bob LOGIN", "sleeper NOLOGIN", "root SUPERUSER LOGIN"] {
            world.cluster.sql(&format!("CREATE ROLE {role}"));
        }
        world.cluster.sql("CREATE ROLE standby REPLICATION LOGIN");
        world.cluster.configure(&[
            ("jwt_sso.enabled", "on"),
            ("jwt_sso.audience", "postgres"),
            ("jwt_sso.issuers", &json!({"issuers": entries}).to_string()),
            ("jwt_sso.identity_map", &map.to_string()),
        ]);
        world
    }
}

/// A good token of the main issuer.
fn token(subject: &str) -> Token {
    WORLD.main.token(subject)
}

#[track_caller]
fn refuse(role: &str, token: &str, reason: &str) -> Refusal {
    let login = Client::new(&WORLD.cluster, role).login(token);
    refused(&WORLD.cluster, role, &login, reason)
}

#[track_caller]
fn assert_detail(refusal: &Refusal, facts: &[&str]) {
    for fact in facts {
        let detail = &refusal.error.detail;
        assert!(detail.contains(fact), "the client is not told {fact}: {detail}");
    }
}

#[test]
fn s1_role_not_mapped() {
    let refusal = refuse("bob", &token("alice").sign(), "role_not_mapped");
    assert_detail(&refusal, &["alice", "does not map"]);
    assert!(refusal.log.contains(r#"principal="alice""#), "{}", refusal.log);
    // The regex is to match the whole identity.
    let outside = WORLD.mail.token("alice@corp.example.org").sign();
    refuse("alice", &outside, "role_not_mapped");
    let inside = WORLD.mail.token("alice@corp.example").sign();
    Client::new(&WORLD.cluster, "alice").login(&inside).session();
    // With any map, an issuer without a line maps to nothing.
    refuse("alice", &WORLD.lineless.token("alice").sign(), "role_not_mapped");
    refuse("Alice", &token("alice").sign(), "role_not_mapped");
    // A name that core cuts at 63 bytes is not the role that it is cut to.
    let long = "a".repeat(70);
    let login = Client::new(&WORLD.cluster, &long).login(&token(&long).sign());
    refused(&WORLD.cluster, &long[..63], &login, "role_not_mapped");
}

#[test]
fn s2_reserved_role() {
    for role in ["root", "postgres", "pg_monitor"] {
        refuse(role, &token(role).sign(), "reserved_role");
    }
    for replication in ["true", "database"] {
        let client = Client::new(&WORLD.cluster, "standby").parameter("replication", replication);
        let login = client.login(&token("standby").sign());
        refused(&WORLD.cluster, "standby", &login, "reserved_role");
    }
}

#[test]
fn s3_reserved_roles_allowed() {
    let cluster = Cluster::builder().start();
    let issuer = Issuer::example();
    issuer.install(&cluster, &["alice"]);
    cluster.sql("CREATE ROLE standby REPLICATION LOGIN");
    let login = |role: &str| Client::new(&cluster, role).login(&issuer.token(role).sign());
    refused(&cluster, "postgres", &login("postgres"), "reserved_role");
    cluster.configure(&[("jwt_sso.allow_superuser", "on"), ("jwt_sso.allow_replication", "on")]);

    let mark = cluster.log_mark();
    let terms = Terms { issuer: &issuer.iss, principal: "postgres", kid: "k1" };
    let mut session = accepted(&cluster, mark, "postgres", login("postgres"), &terms);
    assert_eq!(session.query("SELECT current_user").unwrap(), [["postgres"]]);
    refused(&cluster, "pg_monitor", &login("pg_monitor"), "reserved_role");
    for replication in ["true", "database"] {
        let client = Client::new(&cluster, "standby").parameter("replication", replication);
        let mut walsender = client.login(&issuer.token("standby").sign()).session();
        assert_eq!(walsender.query("IDENTIFY_SYSTEM").unwrap().len(), 1);
    }
}

#[test]
fn s4_missing_role_tells_nothing() {
    let unproven = [
        ("x.y".to_owned(), "malformed_token"),
        (token("alice").header("alg", "none").sign(), "unsupported_algorithm"),
        (token("alice").claim("iss", "https://o.example").sign(), "unknown_issuer"),
        (WORLD.keyless.token("alice").sign(), "keys_unavailable"),
        (token("alice").header("kid", "k9").sign(), "unknown_key"),
        (tampered(&token("alice").sign()), "bad_signature"),
    ];
    let masked = |role: &str, token: &str, reason: &str| {
        let error = refuse(role, token, reason).error;
        let detail = error.detail.rsplit_once("(reference ").expect("a reference").0.to_owned();
        (error.code, error.message.replace(role, "ROLE"), detail, error.hint)
    };
    let mut bland = Vec::new();
    for (token, reason) in &unproven {
        let known = masked("alice", token, reason);
        bland.push(known.clone());
        for role in ["ghost", "bob", "root", "pg_monitor", "sleeper"] {
            assert_eq!(masked(role, token, reason), known, "{role} {reason}");
        }
    }
    // From the issuer on, the reasons themselves read alike: the log tells them apart.
    assert!(bland[2..].iter().all(|answer| *answer == bland[2]), "{bland:#?}");
    // A proven token that does not map here learns no more about a role.
    let proven = token("someone").sign();
    assert_eq!(
        masked("ghost", &proven, "role_not_mapped"),
        masked("bob", &proven, "role_not_mapped")
    );
}

#[test]
fn s5_mapped_role_that_cannot_log_in() {
    for (role, message) in [("ghost", "does not exist"), ("sleeper", "is not permitted to log in")]
    {
        let mark = WORLD.cluster.log_mark();
        let login = Client::new(&WORLD.cluster, role).login(&token(role).sign());
        assert!(login.error().message.contains(message), "{:?}", login.error());
        let line = format!("jwt_sso: accepted door=hook user=\"{role}\" ");
        WORLD.cluster.wait_log(mark, &line);
    }
}
