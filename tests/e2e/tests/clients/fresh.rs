//! Each connection brings a token of its own, got by the driver's own means.

use std::path::{Path, PathBuf};
use std::process::Command;

use jwt_sso_e2e::cluster::LogMark;
use jwt_sso_e2e::installation::{Installation, installed, output_of, without_libpq_environment};
use jwt_sso_e2e::tls::Tls;

use crate::handout::{Handout, LONGEST};
use crate::{Sqlstate, WORLD, doors, program, refused_as_expired, require, toward};

#[test]
fn s06_psql() {
    brings_its_own(psql(), Sqlstate::Withheld);
}

#[test]
fn s07_psycopg() {
    brings_its_own(psycopg(), Sqlstate::Withheld);
}

#[test]
fn s08_psycopg_pool() {
    brings_its_own(python("fresh_psycopg_pool.py", "psycopg_pool"), Sqlstate::Withheld);
}

#[test]
fn s09_sqlalchemy() {
    brings_its_own(sqlalchemy(), Sqlstate::Withheld);
}

#[test]
fn s10_asyncpg() {
    brings_its_own(asyncpg(), Sqlstate::Told);
}

#[test]
fn s11_node_postgres() {
    brings_its_own(node_postgres(), Sqlstate::Told);
}

#[test]
fn s12_postgres_js() {
    // More than the buffer of a socket of Node.js 20, 16,384 bytes, and postgres.js takes the
    // connection for ready when the buffer is empty again, before the login is done.
    brings(postgres_js(), Sqlstate::Told, 16_000);
}

#[test]
fn s13_pgjdbc() {
    let jar = installed("jdbc_jar");
    require("pgjdbc", Command::new("test").arg("-e").arg(&jar));
    require("a JDK", Command::new("javac").arg("-version"));
    // The driver looks for the plugin among its own classes, where those of a program that runs
    // from its source are not.
    let classes = tempfile::tempdir().expect("a temp dir");
    let sources = ["FreshToken.java", "FreshPgjdbc.java"].map(program);
    output_of(
        Command::new("javac").arg("-cp").arg(&jar).arg("-d").arg(classes.path()).args(sources),
    );
    let class_path = std::env::join_paths([classes.path().to_owned(), jar]).unwrap();
    let mut client = without_libpq_environment(Command::new("java"));
    client.arg("-cp").arg(class_path).arg("FreshPgjdbc");
    brings_its_own(client, Sqlstate::Told);
}

#[test]
fn s16_another_ca() {
    let directory = WORLD.cluster.socket_dir().join("another_for_fresh");
    std::fs::create_dir(&directory).unwrap();
    let another = Tls::create(&directory);
    let handout = Handout::two_and_an_expired("carol", LONGEST);
    for mut client in [psql(), psycopg(), sqlalchemy(), asyncpg(), node_postgres(), postgres_js()] {
        let output = prepare(&mut client, "carol", &handout, &another.ca).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let about_tls = ["SSL", "certificate"].iter().any(|word| said.contains(word));
        assert!(about_tls && !said.contains("connected "), "{client:?}: {said}");
    }
    let log = WORLD.cluster.whole_log();
    assert!(!log.contains("user=\"carol\""), "a token was sent: {log}");
}

#[track_caller]
fn brings_its_own(client: Command, sqlstate: Sqlstate) {
    brings(client, sqlstate, LONGEST);
}

/// Runs a program that opens three connections: the first two have different tokens, one of them
/// of so many bytes, and both get in; the third has an expired one.
#[track_caller]
fn brings(mut client: Command, sqlstate: Sqlstate, length: usize) {
    let cluster = &WORLD.cluster;
    for (door, role) in doors() {
        let handout = Handout::two_and_an_expired(role, length);
        let mark = cluster.log_mark();
        let told = output_of(prepare(&mut client, role, &handout, cluster.ca_path()));
        let (mut connected, refused): (Vec<_>, Vec<_>) =
            told.lines().partition(|line| line.starts_with("connected "));
        // Pools open their first connections at once.
        connected.sort_unstable();
        let both = ["first", "second"].map(|jti| format!("connected {role} {jti}"));
        assert_eq!(connected, both, "{told}");
        accepted_twice(mark, door, role);

        let refused = refused.join("\n");
        assert!(refused.starts_with(sqlstate.line()), "{told}");
        refused_as_expired(&refused, door, role);
    }
}

/// Completes a client's command: where to, whom to trust, and the `jwt-sso` that it calls.
fn prepare<'a>(
    client: &'a mut Command,
    role: &str,
    handout: &Handout,
    ca: &Path,
) -> &'a mut Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [handout.folder().to_owned(), Installation::get().bindir.clone()];
    let folders = folders.into_iter().chain(std::env::split_paths(&path));
    let port = WORLD.cluster.port();
    let url = format!("postgresql://{role}@localhost:{port}/postgres?sslmode=verify-full");
    toward(client, role, ca)
        .env("PATH", std::env::join_paths(folders).unwrap())
        .env("DATABASE_URL", url)
        .env("NODE_EXTRA_CA_CERTS", ca)
}

/// At least: other tests log in as the same role meanwhile.
#[track_caller]
fn accepted_twice(mark: LogMark, door: &str, role: &str) {
    let line = format!("jwt_sso: accepted door={door} user=\"{role}\" ");
    let count = WORLD.cluster.log_since(mark).matches(&line).count();
    assert!(count >= 2, "{count} lines of {line}");
}

fn psql() -> Command {
    without_libpq_environment(Command::new(program("fresh_psql.sh")))
}

fn psycopg() -> Command {
    python("fresh_psycopg.py", "psycopg")
}

fn sqlalchemy() -> Command {
    python("fresh_sqlalchemy.py", "sqlalchemy, psycopg2")
}

fn asyncpg() -> Command {
    python("fresh_asyncpg.py", "asyncpg")
}

fn node_postgres() -> Command {
    node("fresh_pg.js", "pg")
}

fn postgres_js() -> Command {
    node("fresh_postgres.js", "postgres")
}

fn python(name: &str, modules: &str) -> Command {
    let (python, path) = (installed("python"), installed("python_modules"));
    let import = format!("import {modules}");
    require(modules, Command::new(&python).args(["-c", &import]).env("PYTHONPATH", &path));
    runs(python, name, "PYTHONPATH", path)
}

fn node(name: &str, module: &str) -> Command {
    let modules = installed("node_modules");
    let load = format!("require('{module}')");
    require(module, Command::new("node").args(["-e", &load]).env("NODE_PATH", &modules));
    runs("node".into(), name, "NODE_PATH", modules)
}

fn runs(interpreter: PathBuf, name: &str, variable: &str, modules: PathBuf) -> Command {
    let mut client = without_libpq_environment(Command::new(interpreter));
    client.arg(program(name)).env(variable, modules);
    client
}
