//! How long counters live.

use std::process::Command;

use jwt_sso_e2e::fixture::{probe_library, replace_library};
use jwt_sso_e2e::installation::output_of;
use jwt_sso_e2e::{Client, Cluster, Issuer, refused};

use crate::{counts, log_in, start, token};

const SINCE: &str = "SELECT DISTINCT since FROM jwt_sso.stats";

fn kept(cluster: &Cluster) -> String {
    cluster.sql("SELECT count(*) FROM jwt_sso.recent_refusals")
}

#[test]
fn s1_reset() {
    let cluster = start();
    // A server that has seen nobody says since when.
    let before = cluster.sql(SINCE);
    assert_eq!(
        cluster.sql(&format!(
            "SELECT '{before}' BETWEEN pg_postmaster_start_time() - '1 min'::interval AND now()"
        )),
        "t",
        "{before}"
    );
    log_in(&cluster);
    Client::new(&cluster, "alice").login("no token").error();
    assert_eq!(cluster.sql(SINCE), before);
    cluster.sql("SELECT jwt_sso.stats_reset()");
    assert_eq!(counts(&cluster), [""; 0]);
    assert_eq!(cluster.sql("SELECT sum(count) FROM jwt_sso.stats_latency"), "0");
    assert_eq!(cluster.sql(&format!("SELECT since > '{before}' FROM jwt_sso.stats LIMIT 1")), "t");
    // It is about counters only.
    assert_eq!(kept(&cluster), "1");
    // A reload is no reason to begin anew.
    log_in(&cluster);
    cluster.reload();
    assert_eq!(counts(&cluster).len(), 1);
}

#[test]
fn s2_fatal_and_panic() {
    let cluster = Cluster::builder().prepare();
    replace_library(&cluster, &probe_library());
    cluster.start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    // The functions of the same copy, and not those of the installed one.
    cluster.sql("UPDATE pg_proc SET probin = 'jwt_sso' WHERE probin = '$libdir/jwt_sso'");
    Issuer::example().install(&cluster, &["alice", "panic_probe"]);

    let mut session = Client::new(&cluster, "alice").login(&token()).session();
    let pid = session.query("SELECT pg_backend_pid()").unwrap()[0][0].clone();
    cluster.sql(&format!("SELECT pg_terminate_backend({pid})"));
    let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
    cluster.until("the session's end", || cluster.sql(&gone) == "0");
    let panic = Client::new(&cluster, "panic_probe").login(&token());
    let refusal = refused(&cluster, "panic_probe", &panic, "internal_error");
    // Every refusal ends its process by FATAL.
    Client::new(&cluster, "alice").login("no token").error();
    let expected = [
        "accepted||hook|https://issuer.example|1",
        "refused|internal_error|hook||1",
        "refused|malformed_token|hook||1",
    ];
    assert_eq!(counts(&cluster), expected);
    let found =
        cluster.sql("SELECT ref FROM jwt_sso.recent_refusals WHERE reason = 'internal_error'");
    assert!(refusal.error.detail.contains(&found), "{found}: {}", refusal.error.detail);
    // Nothing is left locked: there is a way to count on.
    log_in(&cluster);
    cluster.sql("SELECT jwt_sso.stats_reset()");
}

#[test]
fn s3_crash() {
    let cluster = start();
    log_in(&cluster);
    Client::new(&cluster, "alice").login("no token").error();
    assert_eq!(counts(&cluster).len(), 2);
    let before = cluster.sql(SINCE);
    let mut session = Client::new(&cluster, "alice").login(&token()).session();
    let pid = session.query("SELECT pg_backend_pid()").unwrap()[0][0].clone();
    let mark = cluster.log_mark();
    output_of(Command::new("kill").args(["-KILL", &pid]));
    cluster.wait_log(mark, "terminated by signal 9");
    cluster.wait_log(mark, "database system is ready to accept connections");
    assert_eq!(counts(&cluster), [""; 0]);
    assert_eq!(kept(&cluster), "0");
    assert_eq!(cluster.sql(&format!("SELECT since > '{before}' FROM jwt_sso.stats LIMIT 1")), "t");
    log_in(&cluster);
    assert_eq!(counts(&cluster).len(), 1);
}

#[test]
fn s4_without_preload() {
    let cluster = Cluster::builder().plain().start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    for view in ["stats", "stats_latency", "recent_refusals"] {
        assert_eq!(cluster.sql(&format!("SELECT count(*) FROM jwt_sso.{view}")), "0", "{view}");
    }
    let error = cluster.try_sql("SELECT jwt_sso.stats_reset()").unwrap_err();
    assert!(error.contains("shared_preload_libraries") && error.contains("HINT"), "{error}");
}
