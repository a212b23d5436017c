//! ALTER SYSTEM in sessions of every kind, and databases of other encodings.

use std::fs;

use jwt_sso_e2e::{Client, Cluster, Transport};

use super::findings;

/// Holds ALTER SYSTEM to have written nothing of ours.
fn kept_out(cluster: &Cluster, value: &str) {
    let saved = fs::read_to_string(cluster.data_dir().join("postgresql.auto.conf")).unwrap();
    assert!(!saved.contains(value), "{saved}");
}

#[test]
fn alter_system_refuses_what_the_last_reload_refused() {
    let cluster = Cluster::builder().conf("include_if_exists = 'jwt.conf'").start();
    let superuser = Client::new(&cluster, "postgres").by(Transport::Socket);
    let mut session = superuser.login("").session();
    cluster.write_file("jwt.conf", b"jwt_sso.claim = '/a//b'\n");
    cluster.reload();
    let error = session.query("ALTER SYSTEM SET jwt_sso.claim = '/a//b'").map(drop);
    assert_eq!(error.unwrap_err().code, "22023");
    kept_out(&cluster, "/a//b");
}

#[test]
fn alter_system_is_judged_in_a_walsender_too() {
    let cluster = Cluster::builder().start();
    let superuser = Client::new(&cluster, "postgres").by(Transport::Socket);
    let mut session = superuser.parameter("replication", "database").login("").session();
    let error = session.query("ALTER SYSTEM SET jwt_sso.claim = '/a//b'").map(drop);
    assert_eq!(error.unwrap_err().code, "22023");
    kept_out(&cluster, "/a//b");
}

fn in_encoding<'a>(cluster: &'a Cluster, encoding: &str) -> jwt_sso_e2e::psql::Psql<'a> {
    let options = "TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'";
    cluster.sql(&format!("CREATE DATABASE {encoding} ENCODING '{encoding}' {options}"));
    let psql = cluster.psql().socket().user("postgres").env("PGCLIENTENCODING", "UTF8");
    psql.env("PGDATABASE", &encoding.to_lowercase())
}

#[test]
fn a_warning_does_not_break_in_a_database_of_another_encoding() {
    let cluster = Cluster::builder().start();
    cluster.configure(&[("jwt_sso.issuers", "https://idp.example/한")]);
    let run = in_encoding(&cluster, "EUC_JP").run("ALTER SYSTEM SET jwt_sso.claim = 'email'");
    assert!(run.success && run.stderr.contains(r"https://idp.example/\u{d55c}"), "{run:?}");
}

#[test]
fn check_survives_a_role_that_the_database_cannot_spell() {
    let cluster = Cluster::builder().start();
    cluster.configure(&[("jwt_sso.identity_map", "i p ロール")]);
    let psql = in_encoding(&cluster, "LATIN1");
    let run = psql.run("CREATE EXTENSION jwt_sso; SELECT finding FROM jwt_sso.check()");
    assert!(run.success, "{}", run.stderr);
    // Role names are bytes that all databases share.
    cluster.sql("CREATE ROLE \"rôle\" LOGIN");
    cluster.configure(&[("jwt_sso.identity_map", "i p rôle")]);
    cluster.sql("CREATE EXTENSION jwt_sso");
    let about = |rows: &str| rows.contains("names the role");
    assert!(!about(&findings(&cluster).join("\n")));
    let run = psql.run("SELECT finding FROM jwt_sso.check()");
    assert!(!about(&run.stdout), "{}", run.stdout);
}

#[test]
fn an_unknown_setting_of_the_command_line_outlives_one_of_a_file() {
    let cluster = Cluster::builder().conf("include_if_exists = 'jwt.conf'").start();
    jwt_sso_e2e::Issuer::example().install(&cluster, &["alice"]);
    cluster.stop();
    cluster.write_file("jwt.conf", b"jwt_sso.typo = 1\n");
    cluster.try_start_with(&["-c", "jwt_sso.other=1"]).unwrap();
    cluster.write_file("jwt.conf", b"");
    cluster.reload();
    let token = jwt_sso_e2e::Issuer::example().token("alice").sign();
    let login = Client::new(&cluster, "alice").login(&token);
    jwt_sso_e2e::refused(&cluster, "alice", &login, "misconfigured");
}
