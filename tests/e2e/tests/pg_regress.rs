//! The SQL surface, by PostgreSQL's own pg_regress; the scripts and what they are to print are
//! in tests/pg_regress.
//! 1. `surface`, `privileges`, `arguments`, one after the other on a server with the library
//! 2. `not_preloaded`, on a server without it
//!
//! With `JWT_SSO_UPDATE_EXPECTED=1` the output becomes what is expected: then look at the diff.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jwt_sso_e2e::installation::{Installation, output_of, without_libpq_environment};
use jwt_sso_e2e::{Cluster, ClusterBuilder};

/// Where the scripts are.
fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../pg_regress")
}

/// The server's pg_regress, which its development files bring.
fn program() -> PathBuf {
    let config = std::env::var_os("PG_CONFIG").unwrap_or_else(|| "pg_config".into());
    let makefile = output_of(Command::new(config).arg("--pgxs"));
    let pgxs = Path::new(&makefile).ancestors().nth(3).expect("…/src/makefiles/pgxs.mk");
    pgxs.join("src/test/regress/pg_regress")
}

#[track_caller]
fn run(cluster: &Cluster, tests: &[&str]) {
    let output = cluster.socket_dir().join("pg_regress");
    // Before 16 they are looked for beside the scripts.
    let expected = Installation::get().major >= 16;
    let expected = expected.then(|| format!("--expecteddir={}", scripts().display()));
    let mut command = without_libpq_environment(Command::new(program()));
    command
        .arg(format!("--inputdir={}", scripts().display()))
        .arg(format!("--outputdir={}", output.display()))
        .arg(format!("--bindir={}", Installation::get().bindir.display()))
        .arg(format!("--host={}", cluster.socket_dir().display()))
        .arg(format!("--port={}", cluster.port()))
        .args(["--user=postgres", "--use-existing", "--dbname=postgres"])
        .args(expected)
        .args(tests)
        .current_dir(cluster.socket_dir());
    fs::create_dir_all(output.join("results")).expect("a directory of our own");
    let update = std::env::var_os("JWT_SSO_UPDATE_EXPECTED").is_some();
    let target = |test: &str| scripts().join("expected").join(format!("{test}.out"));
    for test in tests.iter().filter(|test| update && !target(test).exists()) {
        // Without anything that is expected it stops.
        fs::write(target(test), "").expect("a file");
    }
    let run = command.output().expect("pg_regress runs");
    if update {
        for test in tests {
            let result = output.join("results").join(format!("{test}.out"));
            fs::copy(result, target(test)).expect("a result");
        }
        return;
    }
    let differences = fs::read_to_string(output.join("regression.diffs")).unwrap_or_default();
    let said = String::from_utf8_lossy(&run.stdout);
    let failed = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}\n{failed}\n{differences}");
    for test in tests {
        assert!(said.contains(test), "{test} did not run: {said}");
    }
}

/// Without the backtraces that a test run may ask for: they would stand in DETAIL.
fn builder() -> ClusterBuilder {
    Cluster::builder().env("RUST_BACKTRACE", "0")
}

#[test]
fn s1_with_the_library() {
    let cluster = builder().token_hba("hostssl all all all trust\n").start();
    run(&cluster, &["surface", "privileges", "arguments"]);
}

#[test]
fn s2_without_the_library() {
    run(&builder().plain().start(), &["not_preloaded"]);
}
