//! The PAM door, by the service that `make install` installs. (Each reason code is in
//! door_table.rs, other services in pam_stacks.rs, drivers in clients.rs.)
//! 1. a token lets in, by the raw client and by psql, over TLS and over a Unix socket; from
//!    PostgreSQL 16 on, SYSTEM_USER is `pam:<role>`
//! 2. tokens of 20,000 bytes and of the most that the server takes
//! 3. without TLS a login is refused before any prompt; `require_tls = off` lifts that
//! 4. `enabled = off`, and a policy that is not sound: refused before any prompt
//! 5. a policy with nothing in it lets nobody in
//! 6. superusers, replication and pg_* are refused, the first two let in by their settings
//! 7. an empty password and a message of another type are the server's own errors
//! 8. a client that hangs up at the prompt leaves nothing of ours in the log
//! 9. the same data directory, started without the library, refuses before any prompt and says
//!    in its log why
//! 10. the hook that was set before ours is called once, with the status of the decision
//! 11. a hook that displaces ours takes away our words, not our refusal
//! 12. many logins at once, good and bad
//! 13. each refusal is our one line, the server's own, and our words for the client

use std::thread;

use jwt_sso_e2e::expect::Terms;
use jwt_sso_e2e::fixture::{Manners, auth_hook};
use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::pam;
use jwt_sso_e2e::token::tampered;
use jwt_sso_e2e::trace::Trace;
use jwt_sso_e2e::wire::Login;
use jwt_sso_e2e::{Client, Cluster, ClusterBuilder, End, Issuer, Transport, accepted, refused};

fn builder() -> ClusterBuilder {
    Cluster::builder().without_token_hba().core_hba(&pam::lines(pam::SERVICE))
}

fn start(roles: &[&str]) -> Cluster {
    let cluster = builder().conf("log_connections = on").start();
    Issuer::example().install(&cluster, roles);
    cluster
}

fn client<'a>(cluster: &'a Cluster, role: &str) -> Client<'a> {
    Client::new(cluster, role).at("pam")
}

fn token(subject: &str) -> String {
    Issuer::example().token(subject).sign()
}

fn terms(principal: &str) -> Terms<'_> {
    Terms { issuer: "https://issuer.example", principal, kid: "k1" }
}

/// Refused by core's own words, which a client hears when no door of ours has spoken.
#[track_caller]
fn refused_by_core(login: &Login, role: &str) {
    let error = login.error();
    assert_eq!(error.message, format!("PAM authentication failed for user \"{role}\""));
    assert_eq!(error.code, "28000");
    assert_eq!(format!("{}{}", error.detail, error.hint), "");
}

#[test]
fn s1_accepted() {
    let cluster = start(&["alice"]);
    for transport in [Transport::Tls, Transport::Socket] {
        let mark = cluster.log_mark();
        let login = client(&cluster, "alice").by(transport).login(&token("alice"));
        assert!(login.prompted);
        let mut session = accepted(&cluster, mark, "alice", login, &terms("alice"));
        assert_eq!(session.query("SELECT current_user").unwrap(), [["alice"]]);
        if Installation::get().major >= 16 {
            assert_eq!(session.query("SELECT SYSTEM_USER").unwrap(), [["pam:alice"]]);
        }
        let log = cluster.log_since(mark);
        assert!(log.contains(r#"identity="alice" method=pam"#), "{log}");
        assert_eq!(log.matches("jwt_sso: ").count(), 1, "{log}");
    }
    let psql = cluster.psql().user("alice").token(&token("alice"));
    let run = psql.run("SELECT current_user");
    assert_eq!(run.stdout, "alice", "{}", run.stderr);
    // Another identity of the map: the log names it, SYSTEM_USER cannot.
    cluster.configure(&[("jwt_sso.identity_map", "https://issuer.example a@b alice")]);
    let mark = cluster.log_mark();
    let login = client(&cluster, "alice").login(&token("a@b"));
    accepted(&cluster, mark, "alice", login, &terms("a@b"));
}

#[test]
fn s2_long_tokens() {
    let cluster = start(&["alice"]);
    let alice = Issuer::example().token("alice");
    for length in [600, 20_000, 65_530] {
        client(&cluster, "alice").login(&alice.padded(length)).session();
        let login = client(&cluster, "alice").login(&tampered(&alice.padded(length)));
        refused(&cluster, "alice", &login, "bad_signature");
    }
    // One byte more is more than the server reads: it hangs up without a decision.
    let wire = client(&cluster, "alice").open();
    let trace = Trace::of(&wire);
    let login = wire.finish(&frame(b'p', format!("{}\0", alice.padded(65_531)).as_bytes()));
    assert!(!matches!(login.end, End::Accepted(_)));
    trace.undecided(&cluster);
}

#[test]
fn s3_require_tls() {
    let cluster = start(&["alice"]);
    let plain = client(&cluster, "alice").by(Transport::Plain);
    let login = plain.login(&token("alice"));
    assert!(!login.prompted);
    let refusal = refused(&cluster, "alice", &login, "insecure_transport");
    assert!(refusal.error.hint.contains("sslmode=verify-full"), "{:?}", refusal.error);
    // libpq's default would send a refused token once more, in clear.
    let prefer = cluster.psql().user("alice").token(&tampered(&token("alice")));
    let run = prefer.env("PGSSLMODE", "prefer").run("SELECT 1");
    assert!(run.stderr.contains("sslmode=verify-full"), "{}", run.stderr);

    cluster.configure(&[("jwt_sso.require_tls", "off")]);
    plain.login(&token("alice")).session();
    refused(&cluster, "alice", &plain.login(&tampered(&token("alice"))), "bad_signature");
}

#[test]
fn s4_before_the_prompt() {
    let cluster = start(&["alice"]);
    let refuse_all = |reason: &str| {
        for transport in [Transport::Tls, Transport::Plain, Transport::Socket] {
            for role in ["alice", "postgres_too", "ghost"] {
                let login = client(&cluster, role).by(transport).login(&token(role));
                assert!(!login.prompted);
                refused(&cluster, role, &login, reason);
            }
        }
    };
    cluster.configure(&[("jwt_sso.enabled", "off")]);
    refuse_all("disabled");
    cluster.configure(&[("jwt_sso.enabled", "on")]);
    client(&cluster, "alice").login(&token("alice")).session();
    cluster.append_conf("jwt_sso.clock_skew = 999999");
    cluster.restart();
    refuse_all("misconfigured");
}

#[test]
fn s5_empty_policy() {
    let cluster = builder().conf("jwt_sso.enabled = on").start();
    cluster.sql("CREATE ROLE alice LOGIN");
    let login = client(&cluster, "alice").login(&token("alice"));
    refused(&cluster, "alice", &login, "unknown_issuer");
    let login = client(&cluster, "alice").login("x");
    refused(&cluster, "alice", &login, "malformed_token");
}

#[test]
fn s6_reserved_roles() {
    let cluster = start(&["alice", "root"]);
    cluster.sql("ALTER ROLE root SUPERUSER; CREATE ROLE standby REPLICATION LOGIN");
    let replication = |mode| client(&cluster, "standby").parameter("replication", mode);
    for role in ["root", "pg_monitor"] {
        refused(&cluster, role, &client(&cluster, role).login(&token(role)), "reserved_role");
    }
    for mode in ["true", "database"] {
        let login = replication(mode).login(&token("standby"));
        refused(&cluster, "standby", &login, "reserved_role");
    }
    cluster.configure(&[("jwt_sso.allow_superuser", "on"), ("jwt_sso.allow_replication", "on")]);
    client(&cluster, "root").login(&token("root")).session();
    let login = client(&cluster, "pg_monitor").login(&token("pg_monitor"));
    refused(&cluster, "pg_monitor", &login, "reserved_role");
    for mode in ["true", "database"] {
        let mut walsender = replication(mode).login(&token("standby")).session();
        assert_eq!(walsender.query("IDENTIFY_SYSTEM").unwrap().len(), 1);
    }
}

#[test]
fn s7_errors_of_the_server() {
    let cluster = start(&["alice"]);
    for (answer, code) in [
        (frame(b'p', b"\0"), "28P01"),
        (frame(b'Q', b"SELECT 1\0"), "08P01"),
        (frame(b'p', b"a\0b\0"), "08P01"),
    ] {
        let wire = client(&cluster, "alice").open();
        let trace = Trace::of(&wire);
        assert_eq!(wire.finish(&answer).error().code, code);
        trace.undecided(&cluster);
    }
    client(&cluster, "alice").login(&token("alice")).session();
}

#[test]
fn s8_hang_up() {
    let cluster = start(&["alice"]);
    let mut wire = client(&cluster, "alice").open();
    let trace = Trace::of(&wire);
    wire.prompt();
    wire.hang_up();
    let lines = trace.undecided(&cluster);
    assert!(!lines.iter().any(|line| line.contains("FATAL") || line.contains("pam_")), "{lines:?}");
    // psql without a password does the same, and asks its user.
    let mark = cluster.log_mark();
    let run = cluster.psql().user("alice").run("SELECT 1");
    assert!(run.stderr.contains("no password supplied"), "{}", run.stderr);
    client(&cluster, "alice").login(&token("alice")).session();
    assert!(!cluster.log_since(mark).contains("refused"), "{}", cluster.log_since(mark));
}

#[test]
fn s9_without_the_library() {
    let cluster = start(&["alice"]);
    cluster.sql("CREATE ROLE standby REPLICATION LOGIN");
    cluster.stop();
    cluster.try_start_with(&["-c", "shared_preload_libraries="]).unwrap();
    for transport in [Transport::Tls, Transport::Plain, Transport::Socket] {
        for (role, mode) in [("alice", "false"), ("ghost", "false"), ("standby", "true")] {
            // The socket has a line for ordinary connections only.
            if transport != Transport::Tls && mode == "true" {
                continue;
            }
            let mark = cluster.log_mark();
            let one = client(&cluster, role).by(transport).parameter("replication", mode);
            let login = one.login(&token(role));
            assert!(!login.prompted);
            refused_by_core(&login, role);
            cluster.wait_log(mark, "pam_jwt_sso: the jwt_sso library is not preloaded");
        }
    }
    cluster.restart();
    client(&cluster, "alice").login(&token("alice")).session();
}

#[test]
fn s10_previous_hook() {
    let cluster = builder().prepare();
    let witness = auth_hook(&cluster, Manners::Chains);
    cluster.append_conf(&format!("shared_preload_libraries = '{},jwt_sso'", witness.display()));
    cluster.start();
    Issuer::example().install(&cluster, &["alice", "bob", "carol"]);
    let calls = |role: &str| {
        let log = cluster.whole_log();
        let lines = log.lines().filter(|line| line.contains(&format!("witness: user={role} ")));
        lines.map(|line| line.rsplit_once("status=").unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    client(&cluster, "alice").login(&token("alice")).session();
    assert_eq!(calls("alice"), ["0"]);
    let login = client(&cluster, "bob").login(&token("alice"));
    refused(&cluster, "bob", &login, "role_not_mapped");
    assert_eq!(calls("bob"), ["-1"]);
    let login = client(&cluster, "carol").by(Transport::Plain).login(&token("carol"));
    refused(&cluster, "carol", &login, "insecure_transport");
    assert_eq!(calls("carol"), ["-1"]);
}

#[test]
fn s11_displaced_hook() {
    let cluster = builder().prepare();
    let other = auth_hook(&cluster, Manners::Displaces);
    cluster.append_conf(&format!("shared_preload_libraries = 'jwt_sso,{}'", other.display()));
    cluster.start();
    Issuer::example().install(&cluster, &["alice"]);
    client(&cluster, "alice").login(&token("alice")).session();
    let mark = cluster.log_mark();
    let login = client(&cluster, "alice").login(&tampered(&token("alice")));
    refused_by_core(&login, "alice");
    cluster.wait_log(mark, "jwt_sso: refused reason=bad_signature .*door=pam");
}

#[test]
fn s12_many_at_once() {
    let cluster = start(&["alice", "bob"]);
    let (good, bad) = (token("alice"), tampered(&token("alice")));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..15 {
                    client(&cluster, "alice").login(&good).session().close();
                    let login = client(&cluster, "alice").login(&bad);
                    refused(&cluster, "alice", &login, "bad_signature");
                    let login = client(&cluster, "bob").login(&good);
                    refused(&cluster, "bob", &login, "role_not_mapped");
                }
            });
        }
    });
    let log = cluster.whole_log();
    assert_eq!(log.matches("jwt_sso: accepted door=pam").count(), 120);
    assert!(!log.contains("terminated by signal"), "{}", cluster.log_tail());
}

#[test]
fn s13_what_is_said() {
    let cluster = start(&["alice"]);
    let wire = client(&cluster, "alice").open();
    let trace = Trace::of(&wire);
    let login = wire.finish(&frame(b'p', format!("{}\0", tampered(&token("alice"))).as_bytes()));
    assert!(login.error().message.starts_with("JWT authentication failed"));
    let lines = trace.lines(&cluster);
    let said = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!(said("LOG:  jwt_sso: refused reason=bad_signature "), 1, "{lines:#?}");
    assert_eq!(said("LOG:  pam_authenticate failed: Authentication failure"), 1, "{lines:#?}");
    assert_eq!(said("FATAL:  JWT authentication failed"), 1, "{lines:#?}");
    assert_eq!(said("FATAL:"), 1, "{lines:#?}");
}
