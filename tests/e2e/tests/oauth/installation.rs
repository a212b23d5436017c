//! The library and the server around it:
//! 1. without preload everybody is refused, with a line that says why; no setting is defined
//! 2. a library that is missing: the server's own error
//! 3. without `oauth_validator_libraries`, or with others in it, the line itself is refused
//! 4. the hook set before ours is called once, with 0 for a client that gets in, and -1
//! 5. where our hook is displaced the validator decides all the same, in core's words
//! 6. a panic refuses that login with the ordinary text, and no other
//! 7. beside a token door of trust lines, each by its own line

use crate::{ISSUER, delegating, login, refuse, refused_by, start, terms, token};
use jwt_sso_e2e::fixture::{Manners, auth_hook, probe_library, replace_library};
use jwt_sso_e2e::oauthbearer::{self, builder, discover, method, offered};
use jwt_sso_e2e::token::tampered;
use jwt_sso_e2e::{Client, Cluster, Issuer, Transport, accepted, refused};

const CORES: &str = "OAuth bearer authentication failed for user";

#[test]
fn s1_without_preload() {
    if !offered() {
        return;
    }
    let cluster = start(&["alice"]);
    login(&cluster, "alice", &token("alice")).login.session();
    cluster.stop();
    cluster.try_start_with(&["-c", "shared_preload_libraries="]).unwrap();
    for token in [token("alice"), tampered(&token("alice"))] {
        let mark = cluster.log_mark();
        let exchange = login(&cluster, "alice", &token);
        assert_eq!(exchange.login.error().message, format!("{CORES} \"alice\""));
        assert!(exchange.error.is_some());
        let line = "LOG:  jwt_sso: refused reason=misconfigured ref=[0-9a-f]{8} door=oauth \
                    user=\"alice\" detail=\"jwt_sso is not in shared_preload_libraries\"$";
        cluster.wait_log(mark, line);
    }
    let mark = cluster.log_mark();
    discover(&Client::new(&cluster, "alice"));
    cluster.wait_log(mark, CORES);
    assert!(!cluster.log_since(mark).contains("jwt_sso: refused"), "{}", cluster.log_since(mark));
    // A session that loads the library late has no setting of ours, and no hook.
    let settings = "LOAD 'jwt_sso'; SELECT count(*) FROM pg_settings WHERE name ~ '^jwt_sso' AND category !~ 'Customized'";
    assert_eq!(cluster.sql(settings), "0");
    cluster.restart();
    login(&cluster, "alice", &token("alice")).login.session();
}

#[test]
fn s2_missing_library() {
    if !offered() {
        return;
    }
    let line = format!("hostssl all all all {}\n", method(ISSUER, "validator=jwt_ssx"));
    let cluster = builder(&line).conf("oauth_validator_libraries = 'jwt_ssx'").start();
    Issuer::example().install(&cluster, &["alice"]);
    let mark = cluster.log_mark();
    let exchange = login(&cluster, "alice", &token("alice"));
    assert_eq!(
        exchange.login.error().message,
        "could not access file \"jwt_ssx\": No such file or directory"
    );
    assert!(!cluster.log_since(mark).contains("jwt_sso: "), "{}", cluster.log_since(mark));
}

#[test]
fn s3_validator_not_permitted() {
    if !offered() {
        return;
    }
    let line = format!("hostssl all all all {}\n", method(ISSUER, "validator=jwt_sso"));
    let cluster = Cluster::builder().without_token_hba().core_hba(&line).prepare();
    let log = cluster.try_start().unwrap_err();
    assert!(log.contains("oauth_validator_libraries must be set"), "{log}");
    cluster.append_conf("oauth_validator_libraries = 'other'");
    let log = cluster.try_start().unwrap_err();
    assert!(log.contains("validator \"jwt_sso\" is not permitted"), "{log}");
    cluster.append_conf("oauth_validator_libraries = 'other, jwt_sso'");
    cluster.start();
    Issuer::example().install(&cluster, &["alice"]);
    login(&cluster, "alice", &token("alice")).login.session();
    // At a reload the lines of before stay, and so does the door.
    cluster.append_conf("oauth_validator_libraries = 'other'");
    let mark = cluster.log_mark();
    cluster.reload();
    cluster.wait_log(mark, "validator \"jwt_sso\" is not permitted");
    login(&cluster, "alice", &token("alice")).login.session();
    refuse(&cluster, "alice", &token("bob"), "role_not_mapped");
}

/// The statuses with which the fixture was called for a role.
fn witnessed(cluster: &Cluster, role: &str) -> Vec<String> {
    let log = cluster.whole_log();
    let lines = log.lines().filter(|line| line.contains(&format!("witness: user={role} ")));
    lines.map(|line| line.rsplit_once("status=").unwrap().1.to_owned()).collect()
}

#[test]
fn s4_previous_hook() {
    if !offered() {
        return;
    }
    let cluster = builder(&delegating()).prepare();
    let witness = auth_hook(&cluster, Manners::Chains);
    cluster.append_conf(&format!("shared_preload_libraries = '{},jwt_sso'", witness.display()));
    cluster.start();
    Issuer::example().install(&cluster, &["alice", "bob", "carol"]);
    login(&cluster, "alice", &token("alice")).login.session();
    assert_eq!(witnessed(&cluster, "alice"), ["0"]);
    refuse(&cluster, "bob", &token("alice"), "role_not_mapped");
    assert_eq!(witnessed(&cluster, "bob"), ["-1"]);
    // Core fails a probe as it fails any other: the hook before ours hears what it would
    // without us.
    discover(&Client::new(&cluster, "carol"));
    assert_eq!(witnessed(&cluster, "carol"), ["-1"]);
}

#[test]
fn s5_displaced_hook() {
    if !offered() {
        return;
    }
    let cluster = builder(&delegating()).prepare();
    let other = auth_hook(&cluster, Manners::Displaces);
    cluster.append_conf(&format!("shared_preload_libraries = 'jwt_sso,{}'", other.display()));
    cluster.start();
    Issuer::example().install(&cluster, &["alice"]);
    login(&cluster, "alice", &token("alice")).login.session();
    let mark = cluster.log_mark();
    let exchange = login(&cluster, "alice", &tampered(&token("alice")));
    assert_eq!(exchange.login.error().message, format!("{CORES} \"alice\""));
    cluster.wait_log(mark, "jwt_sso: refused reason=bad_signature ref=.* door=oauth ");
    assert_eq!(witnessed(&cluster, "alice"), ["0", "-1"]);
}

#[test]
fn s6_panic() {
    if !offered() {
        return;
    }
    let builder = builder(&delegating()).env("RUST_BACKTRACE", "1");
    let cluster = builder.conf("log_min_messages = debug1").prepare();
    replace_library(&cluster, &probe_library());
    cluster.start();
    Issuer::example().install(&cluster, &["alice", "panic_probe"]);
    let started = cluster.sql("SELECT pg_postmaster_start_time()");
    let mark = cluster.log_mark();
    for _ in 0..2 {
        let exchange = login(&cluster, "panic_probe", &token("panic_probe"));
        let refusal = refused_by(&cluster, "panic_probe", &exchange, ISSUER, "internal_error");
        for leak in ["this text", "panicked", "backtrace", "pgrx", "::", ".rs"] {
            assert!(!refusal.error.detail.contains(leak), "{:?}", refusal.error);
            assert!(!refusal.error.hint.contains(leak), "{:?}", refusal.error);
        }
        assert!(refusal.log.contains("panic at src/decide.rs:"), "{}", refusal.log);
        login(&cluster, "alice", &token("alice")).login.session();
    }
    assert_eq!(cluster.sql("SELECT pg_postmaster_start_time()"), started);
    assert!(!cluster.log_since(mark).contains("terminated by signal"));
}

#[test]
fn s7_beside_the_hook_door() {
    if !offered() {
        return;
    }
    let lines = format!("hostssl all alice all {}\nhost all all all trust\n", method(ISSUER, ""));
    let cluster =
        Cluster::builder().token_hba(&lines).conf("oauth_validator_libraries = 'jwt_sso'").start();
    Issuer::example().install(&cluster, &["alice", "bob"]);
    let mark = cluster.log_mark();
    let alice = login(&cluster, "alice", &token("alice")).login;
    accepted(&cluster, mark, "alice", alice, &terms("alice"));
    let bob = Client::new(&cluster, "bob").login(&token("bob"));
    accepted(&cluster, mark, "bob", bob, &terms("bob"));
    // The oauth line is for TLS only: in clear alice falls through to the hook door.
    let plain = Client::new(&cluster, "alice").by(Transport::Plain);
    let refusal = refused(&cluster, "alice", &plain.login(&token("alice")), "insecure_transport");
    assert!(refusal.log.contains("door=hook"), "{}", refusal.log);
    let client = Client::new(&cluster, "alice");
    let exchange = oauthbearer::login(&client, &tampered(&token("alice")));
    refused_by(&cluster, "alice", &exchange, ISSUER, "bad_signature");
}
