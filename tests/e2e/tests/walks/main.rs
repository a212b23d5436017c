//! Whole walks, from the settings of a fresh server to `SELECT current_user` by psql over TLS.
//! All settings are made by ALTER SYSTEM.
//! 1. google.rs: Google's people and service accounts, and two slips of CockroachDB's manual
//! 2. azure.rs: an Azure managed identity
//! 3. uri.rs: a connection URI, with and without CockroachDB's option
//! 4. kubernetes.rs: service accounts of two clusters beside another issuer
//! 5. published_keys.rs: the key sets that real issuers publish

mod azure;
mod google;
mod kubernetes;
mod published_keys;
mod uri;

use jwt_sso_e2e::Cluster;

/// A running server that holds these roles and no setting yet.
fn server(roles: &[&str]) -> Cluster {
    let cluster = Cluster::builder().start();
    for role in roles {
        cluster.sql(&format!("CREATE ROLE \"{role}\" LOGIN"));
    }
    cluster
}

/// Logs in by psql, `sslmode=verify-full`.
#[track_caller]
fn enters(cluster: &Cluster, role: &str, token: &str) {
    let output = cluster.psql().user(role).token(token).run("SELECT current_user");
    assert_eq!(output.stdout, role, "{}\n{}", output.stderr, cluster.log_tail());
}

/// Holds psql to be refused as `role` for `reason`; returns the server's line.
#[track_caller]
fn refused(cluster: &Cluster, role: &str, token: &str, reason: &str) -> String {
    let mark = cluster.log_mark();
    let output = cluster.psql().user(role).token(token).run("SELECT current_user");
    let message = format!("FATAL:  JWT authentication failed for user \"{role}\"");
    assert!(!output.success && output.stderr.contains(&message), "{output:?}");
    let line = format!("jwt_sso: refused .*user=\"{role}\"");
    let line = cluster.wait_log(mark, &line);
    assert!(line.contains(&format!("reason={reason} ")), "expected {reason}: {line}");
    line
}
