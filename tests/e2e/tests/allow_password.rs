//! `jwt_sso.allow_password`: stored passwords at the hook door and the PAM door.
//! 1. off by default: a stored password is `malformed_token`
//! 2. on: SCRAM and MD5 passwords let in, `by="password"`; SYSTEM_USER (16+) is the role
//! 3. a wrong password, a role without one, one past VALID UNTIL and a role that does not exist
//!    are one refusal with one text
//! 4. superusers, replication and pg_* stay reserved, known only to who has the password
//! 5. tokens work as before, and what looks like a token is never tried as a password
//! 6. an empty password; transport and `enabled` count as for tokens
//! 7. `check()` warns; no password is in the log

use jwt_sso_e2e::expect::Terms;
use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::pam;
use jwt_sso_e2e::token::tampered;
use jwt_sso_e2e::wire::Login;
use jwt_sso_e2e::{Client, Cluster, Issuer, Transport, accepted, refused};

/// The doors of the server under test; a connection to the database of that name goes there.
fn doors() -> &'static [&'static str] {
    if Installation::get().with_pam { &["hook", "pam"] } else { &["hook"] }
}

const PASSWORD: &str = "correct.horse.battery";

fn start() -> Cluster {
    let mut lines = String::new();
    for kind in ["hostssl", "host"] {
        if doors().contains(&"pam") {
            lines += &format!("{kind} pam all all pam pamservice={}\n", pam::SERVICE);
        }
        lines += &format!("{kind} hook all all trust\n");
    }
    let cluster = Cluster::builder().token_hba(&lines).conf("log_connections = on").start();
    Issuer::example().install(&cluster, &["alice"]);
    for door in doors() {
        cluster.sql(&format!("CREATE DATABASE {door}"));
    }
    let role = |name: &str, rest: &str| {
        cluster.sql(&format!("CREATE ROLE {name} LOGIN {rest}"));
    };
    role("scram", &format!("PASSWORD '{PASSWORD}'"));
    cluster.sql(&format!(
        "SET password_encryption = md5; CREATE ROLE md5 LOGIN PASSWORD '{PASSWORD}'"
    ));
    role("expired", &format!("PASSWORD '{PASSWORD}' VALID UNTIL '2020-01-01'"));
    role("root", &format!("SUPERUSER PASSWORD '{PASSWORD}'"));
    role("standby", &format!("REPLICATION PASSWORD '{PASSWORD}'"));
    cluster
}

fn allowing() -> Cluster {
    let cluster = start();
    cluster.configure(&[("jwt_sso.allow_password", "on")]);
    cluster
}

fn client<'a>(cluster: &'a Cluster, door: &'static str, role: &str) -> Client<'a> {
    Client::new(cluster, role).parameter("database", door).at(door)
}

fn login(cluster: &Cluster, door: &'static str, role: &str, password: &str) -> Login {
    client(cluster, door, role).login(password)
}

#[test]
fn s1_off_by_default() {
    let cluster = start();
    for door in doors() {
        for role in ["scram", "md5", "alice"] {
            let login = login(&cluster, door, role, PASSWORD);
            let refusal = refused(&cluster, role, &login, "malformed_token");
            assert!(!refusal.error.detail.contains("stored"), "{:?}", refusal.error);
        }
    }
}

#[test]
fn s2_stored_passwords() {
    let cluster = allowing();
    for door in doors() {
        for role in ["scram", "md5"] {
            let mark = cluster.log_mark();
            let mut session = login(&cluster, door, role, PASSWORD).session();
            assert_eq!(session.query("SELECT current_user").unwrap(), [[role]]);
            let line = format!(r#"jwt_sso: accepted door={door} user="{role}" by="password"$"#);
            cluster.wait_log(mark, &line);
            let method = if *door == "hook" { "trust" } else { "pam" };
            cluster.wait_log(mark, &format!(r#"identity="{role}" method={method} "#));
            if Installation::get().major >= 16 {
                let user = session.query("SELECT SYSTEM_USER").unwrap();
                assert_eq!(user, [[format!("{method}:{role}")]]);
            }
        }
    }
}

#[test]
fn s3_one_refusal() {
    let cluster = allowing();
    let mut told = Vec::new();
    for door in doors() {
        let attempts = [
            ("scram", "wrong"),
            ("scram", "correct.horse.batter"),
            ("md5", "wrong"),
            ("md5", "SCRAM-SHA-256$4096:x"),
            ("alice", PASSWORD),
            ("expired", PASSWORD),
            ("ghost", PASSWORD),
            ("root", "wrong"),
            ("pg_monitor", "wrong"),
        ];
        for (role, password) in attempts {
            let login = login(&cluster, door, role, password);
            let refusal = refused(&cluster, role, &login, "malformed_token");
            let (detail, _) = refusal.error.detail.rsplit_once(" (reference ").unwrap();
            told.push((detail.to_owned(), refusal.error.hint.clone()));
        }
        // What the catalogue holds is not a password.
        let stored = cluster.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'md5'");
        refused(&cluster, "md5", &login(&cluster, door, "md5", &stored), "malformed_token");
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
    let text = "The password is neither a JSON Web Token nor the role's stored password.";
    assert_eq!(told[0], (text.to_owned(), String::new()));
}

#[test]
fn s4_reserved_roles() {
    let cluster = allowing();
    let standby = |door, mode| client(&cluster, door, "standby").parameter("replication", mode);
    for door in doors() {
        refused(&cluster, "root", &login(&cluster, door, "root", PASSWORD), "reserved_role");
        let walsender = standby(door, "database").login(PASSWORD);
        refused(&cluster, "standby", &walsender, "reserved_role");
        standby(door, "false").login(PASSWORD).session();
    }
    cluster.configure(&[("jwt_sso.allow_superuser", "on"), ("jwt_sso.allow_replication", "on")]);
    for door in doors() {
        login(&cluster, door, "root", PASSWORD).session();
        standby(door, "database").login(PASSWORD).session();
    }
}

#[test]
fn s5_tokens() {
    let cluster = allowing();
    let token = Issuer::example().token("alice").sign();
    // Of the signature's 86 characters 24 are left, which is 18 bytes.
    let cut = &token[..token.len() - 62];
    let header = token.split_once('.').unwrap().0;
    // Even where they are the stored password, these are no tokens that prove anything.
    let looks =
        [tampered(&token), cut.to_owned(), format!("{header}.secret"), format!("{header}.")];
    for door in doors() {
        let mark = cluster.log_mark();
        let terms = Terms { issuer: "https://issuer.example", principal: "alice", kid: "k1" };
        accepted(&cluster, mark, "alice", login(&cluster, door, "alice", &token), &terms);
        for (look, reason) in looks.iter().zip([
            "bad_signature",
            "bad_signature",
            "malformed_token",
            "malformed_token",
        ]) {
            cluster.sql(&format!("ALTER ROLE alice PASSWORD '{look}'"));
            let login = login(&cluster, door, "alice", look);
            refused(&cluster, "alice", &login, reason);
        }
        // Dots alone do not make a token.
        for password in ["a.b.c", "...", "e30", "bnVsbA.b.c"] {
            cluster.sql(&format!("ALTER ROLE alice PASSWORD '{password}'"));
            login(&cluster, door, "alice", password).session();
        }
    }
}

#[test]
fn s6_before_the_password() {
    let cluster = allowing();
    cluster.sql("ALTER ROLE alice PASSWORD 'x'");
    refused(&cluster, "alice", &login(&cluster, "hook", "alice", ""), "no_token");
    if doors().contains(&"pam") {
        // The server itself refuses it, before any module sees it.
        assert_eq!(login(&cluster, "pam", "alice", "").error().code, "28P01");
    }
    for door in doors() {
        let plain = client(&cluster, door, "scram").by(Transport::Plain).login(PASSWORD);
        assert!(!plain.prompted);
        refused(&cluster, "scram", &plain, "insecure_transport");
    }
    cluster.configure(&[("jwt_sso.enabled", "off")]);
    for door in doors() {
        let login = login(&cluster, door, "scram", PASSWORD);
        assert!(!login.prompted);
        refused(&cluster, "scram", &login, "disabled");
    }
}

#[test]
fn s7_check_and_log() {
    let cluster = start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    let finding = "SELECT severity FROM jwt_sso.check() WHERE finding LIKE '%allow_password%'";
    assert_eq!(cluster.sql(finding), "");
    cluster.configure(&[("jwt_sso.allow_password", "on"), ("log_min_messages", "debug5")]);
    assert_eq!(cluster.sql(finding), "warning");
    let mark = cluster.log_mark();
    for door in doors() {
        login(&cluster, door, "scram", PASSWORD).session().close();
        refused(&cluster, "alice", &login(&cluster, door, "alice", PASSWORD), "malformed_token");
    }
    let log = cluster.log_since(mark);
    assert!(log.contains("DEBUG") && !log.contains(PASSWORD), "{log}");
}
