//! `jwt-sso inspect --role`, against a real cluster:
//! 1. a role with the grant gets the rows, as a table and as JSON; exit 0
//! 2. a token that the server would refuse: exit 3 with its reason
//! 3. a role without the grant: exit 1, and a hint that is the cure
//! 4. without its signature, the token still is answered for, and the signature is not checked
//! 5. the token comes into no log, or is not sent
//! 6. a database without the extension, and a function that only has its name

use crate::program::{Ran, program, run_with};
use jwt_sso_e2e::{Cluster, Issuer};
use serde_json::Value;

/// A cluster that takes the issuer's tokens, and the extension. `dba` may ask, `bob` may not.
fn start() -> Cluster {
    let cluster = Cluster::builder().start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    Issuer::example().install(&cluster, &["alice", "dba", "bob"]);
    cluster.sql("GRANT EXECUTE ON FUNCTION jwt_sso.explain(text, name) TO dba");
    cluster
}

/// Asks as `user`, who logs in with a token of his own.
fn ask(cluster: &Cluster, user: &str, token: &str, more: &[&str]) -> Ran {
    let (port, ca) = (cluster.port().to_string(), cluster.ca_path().display().to_string());
    let mut command = program(&["inspect", "--role", "alice", "--host", "localhost"]);
    command.args(["--port", &port, "--username", user, "--sslrootcert", &ca]).args(more);
    command.env("PGPASSWORD", Issuer::example().token(user).sign());
    run_with(command, token)
}

fn alice() -> String {
    Issuer::example().token("alice").sign()
}

#[test]
fn s1_granted() {
    let cluster = start();
    let ran = ask(&cluster, "dba", &alice(), &[]).ended(0);
    for words in ["The server says:", "  ok          signature ", "the signature verifies"] {
        assert!(ran.stdout.contains(words), "{ran:?}");
    }
    assert!(!ran.stdout.contains("FAILED"), "{ran:?}");
    let ran = ask(&cluster, "dba", &alice(), &["--json"]).ended(0);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let rows = document["explain"].as_array().unwrap();
    assert_eq!(rows.len(), 13, "{document}");
    assert!(rows.iter().all(|row| row["ok"] == true), "{document}");
    // By a URI, over the socket, as the superuser.
    let uri = format!(
        "postgresql:///postgres?host={}&port={}&user=postgres",
        cluster.socket_dir().display(),
        cluster.port()
    );
    let by_uri = ["inspect", "--role", "alice", "--database", &uri];
    run_with(program(&by_uri), alice()).ended(0);
}

#[test]
fn s2_refused() {
    let cluster = start();
    let token = Issuer::example().token("alice").claim("aud", "mail").sign();
    let ran = ask(&cluster, "dba", &token, &[]).ended(3);
    assert!(ran.stdout.contains("  FAILED      audience "), "{ran:?}");
    let words = "the server would refuse this token: audience_mismatch";
    assert!(ran.stderr.contains(words), "{ran:?}");
}

#[test]
fn s3_not_granted() {
    let cluster = start();
    let ran = ask(&cluster, "bob", &alice(), &[]).ended(1);
    assert!(ran.stderr.contains("permission denied for function explain"), "{ran:?}");
    let cure = "GRANT EXECUTE ON FUNCTION jwt_sso.explain(text, name) TO \"bob\";";
    assert!(ran.stderr.contains(cure), "{ran:?}");
    cluster.sql(cure);
    ask(&cluster, "bob", &alice(), &[]).ended(0);
    let stranger = ask(&cluster, "nobody", &alice(), &[]).ended(1);
    assert!(stranger.stderr.contains("cannot connect to localhost"), "{stranger:?}");
}

#[test]
fn s4_without_signature() {
    let cluster = start();
    let ran = ask(&cluster, "dba", &alice(), &["--without-signature"]).ended(0);
    assert!(ran.stdout.contains("  not checked signature "), "{ran:?}");
    assert!(ran.stdout.contains("  ok          role "), "{ran:?}");
}

#[test]
fn s5_no_log() {
    let cluster = start();
    let token = alice();
    let payload = token.split('.').nth(1).unwrap();
    for (name, value) in [
        ("log_statement", "all"),
        ("log_min_duration_statement", "0"),
        ("log_parameter_max_length", "-1"),
        ("log_parameter_max_length_on_error", "-1"),
    ] {
        cluster.alter_system(name, value);
    }
    cluster.reload();
    let ran = ask(&cluster, "dba", &token, &[]).ended(1);
    let words = "the token was not sent: the server logs statements with their parameters";
    assert!(ran.stderr.contains(words), "{ran:?}");
    assert!(!cluster.whole_log().contains(payload), "it is in the log");
    let cure = "GRANT SET ON PARAMETER log_parameter_max_length TO \"dba\";";
    assert!(ran.stderr.contains(cure), "{ran:?}");
    cluster.sql(cure);
    ask(&cluster, "dba", &token, &[]).ended(0);
    let log = cluster.whole_log();
    assert!(log.contains("jwt_sso.explain($1, $2)"), "{log}");
    assert!(!log.contains(payload), "it is in the log");
}

#[test]
fn s6_no_extension_there() {
    let cluster = start();
    cluster.sql("CREATE DATABASE other");
    let ran = ask(&cluster, "dba", &alice(), &["--dbname", "other"]).ended(1);
    assert!(ran.stderr.contains("CREATE EXTENSION jwt_sso"), "{ran:?}");
    let trap = "CREATE SCHEMA jwt_sso; GRANT USAGE ON SCHEMA jwt_sso TO PUBLIC; \
        CREATE TABLE jwt_sso.stolen (token text); GRANT ALL ON jwt_sso.stolen TO PUBLIC; \
        CREATE FUNCTION jwt_sso.explain(token text, role name, \
            OUT step int, OUT \"check\" text, OUT ok boolean, OUT detail text) \
        RETURNS SETOF record LANGUAGE sql \
        AS $$ INSERT INTO jwt_sso.stolen VALUES (token) RETURNING 1, 'a', true, 'b' $$";
    let other = cluster.psql().socket().user("postgres").env("PGDATABASE", "other");
    assert!(other.run(trap).success);
    let ran = ask(&cluster, "dba", &alice(), &["--dbname", "other"]).ended(1);
    assert!(ran.stderr.contains("that database has no jwt_sso.explain()"), "{ran:?}");
    assert_eq!(other.run("SELECT count(*) FROM jwt_sso.stolen").stdout, "0");
}
