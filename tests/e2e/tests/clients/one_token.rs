//! One token of 3 KB as the password: what `SELECT current_user` says, and how an expired token is
//! refused, at each door.

use std::process::Command;

use jwt_sso_e2e::cluster::LogMark;
use jwt_sso_e2e::installation::{Installation, installed, output_of, without_libpq_environment};
use jwt_sso_e2e::tls::Tls;
use jwt_sso_e2e::token::now;

use crate::{Sqlstate, WORLD, World, doors, program, refused_as_expired, require, toward};

/// Bytes of each token.
const LENGTH: usize = 3072;

#[test]
fn s1_psql() {
    accepts_and_refuses(psql(), Sqlstate::Withheld);
}

#[test]
fn s2_psycopg() {
    accepts_and_refuses(psycopg(), Sqlstate::Withheld);
}

#[test]
fn s3_node_postgres() {
    accepts_and_refuses(node_postgres(), Sqlstate::Told);
}

#[test]
fn s4_pgjdbc() {
    accepts_and_refuses(pgjdbc(), Sqlstate::Told);
}

#[test]
fn s5_another_ca() {
    let World { cluster, issuer } = &*WORLD;
    let directory = cluster.socket_dir().join("another");
    std::fs::create_dir(&directory).unwrap();
    let another = Tls::create(&directory);
    for mut client in [psql(), psycopg(), node_postgres(), pgjdbc()] {
        let token = issuer.token("bob").padded(LENGTH);
        let client = toward(&mut client, "bob", &another.ca).env("PGPASSWORD", &token);
        let output = client.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        // Each library has its own word for it.
        let about_tls = ["SSL", "certificate", "PKIX"].iter().any(|word| said.contains(word));
        assert!(about_tls && !said.contains("current_user bob"), "{said}");
    }
    let log = cluster.whole_log();
    assert!(!log.contains("user=\"bob\""), "a token was sent: {log}");
}

#[track_caller]
fn accepts_and_refuses(mut client: Command, sqlstate: Sqlstate) {
    let World { cluster, issuer } = &*WORLD;
    for (door, role) in doors() {
        let mut run = |token: &str| {
            output_of(toward(&mut client, role, cluster.ca_path()).env("PGPASSWORD", token))
        };
        let told = run(&issuer.token(role).padded(LENGTH));
        assert_eq!(told, format!("current_user {role}"));
        let line = format!("jwt_sso: accepted door={door} user=\"{role}\" ");
        cluster.wait_log(LogMark::start(), &line);

        let expired = issuer.token(role).claim("iat", now() - 600).claim("exp", now() - 300);
        let expired = expired.padded(LENGTH);
        let told = run(&expired);
        assert!(told.starts_with(sqlstate.line()), "{told}");
        assert!(!told.contains(&expired[..100]), "it repeats the token: {told}");
        refused_as_expired(&told, door, role);
    }
}

fn psql() -> Command {
    let psql = Installation::get().client("psql");
    let mut client = without_libpq_environment(Command::new(program("login.sh")));
    client.arg(psql.get_program());
    client
}

fn psycopg() -> Command {
    let python = installed("python");
    require("psycopg 3", Command::new(&python).args(["-c", "import psycopg"]));
    let mut client = without_libpq_environment(Command::new(python));
    client.arg(program("login.py"));
    client
}

fn node_postgres() -> Command {
    let modules = installed("node_modules");
    let load = ["-e", "require('pg')"];
    require("node-postgres", Command::new("node").args(load).env("NODE_PATH", &modules));
    let mut client = without_libpq_environment(Command::new("node"));
    client.arg(program("login.js")).env("NODE_PATH", modules);
    client
}

fn pgjdbc() -> Command {
    let jar = installed("jdbc_jar");
    require("pgjdbc", Command::new("test").arg("-e").arg(&jar));
    require("a JDK", Command::new("java").args(["--describe-module", "jdk.compiler"]));
    let mut client = without_libpq_environment(Command::new("java"));
    client.arg("-cp").arg(jar).arg(program("Login.java"));
    client
}
