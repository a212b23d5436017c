//! Real clients, each with a token of 3 KB over TLS with `sslmode=verify-full` and the test CA:
//! what `SELECT current_user` says, and how an expired token is refused (SQLSTATE 28000), at the
//! hook door and at the PAM door.
//! 1. psql   2. psycopg 3   3. node-postgres   4. pgjdbc
//! 5. with another CA none of them gets as far as a login
//!
//! scripts/client-deps.sh installs the clients; the programs are in clients/.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use jwt_sso_e2e::builder::TOKEN_LINES;
use jwt_sso_e2e::cluster::LogMark;
use jwt_sso_e2e::installation::{Installation, installed, output_of, without_libpq_environment};
use jwt_sso_e2e::pam;
use jwt_sso_e2e::tls::Tls;
use jwt_sso_e2e::token::now;
use jwt_sso_e2e::{Algorithm, Cluster, Issuer, SigningKey};

/// Bytes of each token.
const LENGTH: usize = 3072;

struct World {
    cluster: Cluster,
    issuer: Issuer,
}

/// The doors of the server under test, and the roles that come there.
fn doors() -> &'static [(&'static str, &'static str)] {
    let doors = &[("hook", "alice"), ("pam", "paula")];
    if Installation::get().with_pam { doors } else { &doors[..1] }
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut lines = TOKEN_LINES.to_owned();
    if Installation::get().with_pam {
        lines.insert_str(0, &format!("hostssl all paula all pam pamservice={}\n", pam::SERVICE));
    }
    // %e: the SQLSTATE that goes with each message.
    let cluster =
        Cluster::builder().token_hba(&lines).conf("log_line_prefix = '%m [%p] %e '").start();
    let key = SigningKey::generate("rsa-1", Algorithm::Rs256);
    let issuer = Issuer::with_key("https://clients.example", key);
    issuer.install(&cluster, &["alice", "bob", "paula"]);
    World { cluster, issuer }
});

/// How an application learns the SQLSTATE of a refused login.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sqlstate {
    /// The driver tells it.
    Told,
    /// libpq keeps it until the connection stands: only the server's log has it.
    Withheld,
}

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
        let output = login(&mut client, "bob", &token, &another.ca).output().unwrap();
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
        let mut run = |token: &str| output_of(login(&mut client, role, token, cluster.ca_path()));
        let told = run(&issuer.token(role).padded(LENGTH));
        assert_eq!(told, format!("current_user {role}"));
        let line = format!("jwt_sso: accepted door={door} user=\"{role}\" ");
        cluster.wait_log(LogMark::start(), &line);

        let expired = issuer.token(role).claim("iat", now() - 600).claim("exp", now() - 300);
        let expired = expired.padded(LENGTH);
        let told = run(&expired);
        let code = if sqlstate == Sqlstate::Told { "refused 28000\n" } else { "refused -\n" };
        assert!(told.starts_with(code), "{told}");
        let message = format!("JWT authentication failed for user \"{role}\"");
        assert!(told.contains(&message), "{told}");
        assert!(told.contains("The token expired at "), "{told}");
        assert!(!told.contains(&expired[..100]), "it repeats the token: {told}");
        refused_in_the_log(&told, door);
    }
}

/// Holds the server to have logged the refusal that the client was told of, with SQLSTATE 28000.
#[track_caller]
fn refused_in_the_log(told: &str, door: &str) {
    let cluster = &WORLD.cluster;
    let (_, reference) = told.split_once("(reference ").expect("a reference");
    let ours = format!("jwt_sso: refused reason=expired ref={} door={door} ", &reference[..8]);
    let line = cluster.wait_log(LogMark::start(), &ours);
    let process = line.split_whitespace().find(|word| word.starts_with('[')).expect("a pid");
    let fatal = format!("{} 28000 FATAL:  JWT authentication failed", regex::escape(process));
    cluster.wait_log(LogMark::start(), &fatal);
}

/// Completes a client's command with libpq's variables; the token is the password.
fn login<'a>(client: &'a mut Command, role: &str, token: &str, ca: &Path) -> &'a mut Command {
    client
        .envs([("PGHOST", "localhost"), ("PGHOSTADDR", "127.0.0.1"), ("PGDATABASE", "postgres")])
        .envs([("PGUSER", role), ("PGPASSWORD", token), ("PGSSLMODE", "verify-full")])
        .env("PGPORT", WORLD.cluster.port().to_string())
        .env("PGSSLROOTCERT", ca)
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

/// A program of clients/.
fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

/// Fails the test with what to do, unless this command succeeds.
#[track_caller]
fn require(what: &str, probe: &mut Command) {
    let found = probe.output().is_ok_and(|output| output.status.success());
    assert!(found, "{what} is missing: run scripts/client-deps.sh, as `make test` does");
}
