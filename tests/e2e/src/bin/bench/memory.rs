//! The memory that is a backend's own after a login.

use std::fs;

use jwt_sso_e2e::Cluster;
use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::wire::Login;

use crate::logins::{by_bearer, by_password};
use crate::servers::{self, ONE, Provider, Sizes};
use crate::table::{Budget, Table};
use crate::turns::Spread;

/// How many backends of each kind are looked at.
const BACKENDS: usize = 15;

/// Measures, and adds the rows.
pub fn measure(table: &mut Table) {
    println!("== memory");
    let provider = Provider::new();
    let plain = servers::plain();
    let small = servers::with_library(&provider, ONE);
    let large = servers::with_library(&provider, Sizes { issuers: 1_000, lines: 100_000 });
    let base = private(|| by_password(&plain, "trust", ""));

    table
        .section("Private memory of a backend after a login and one query, over a `trust` backend");
    let mut row = |what: &str, login: &dyn Fn() -> Login| {
        let more = private(login) - base;
        table.value(what, more, &format!("{more:.0} kB"), Budget::AtMost(256.0));
    };
    let token = |role| provider.token(role);
    let hook = |cluster: &Cluster| by_password(cluster, "hooks", &token("hooks"));
    row("hook door", &|| hook(&small));
    row("hook door, 1,000 issuers and 100,000 map lines", &|| hook(&large));
    if Installation::get().with_pam {
        row("pam door", &|| by_password(&small, "pluga", &token("pluga")));
    }
    if servers::has_oauth() {
        row("oauth door", &|| by_bearer(&small, "oauth", &token("oauth")));
    }
    table.note("a `trust` backend itself", &format!("{base:.0} kB"));
    let postmaster = |cluster: &Cluster| format!("{:.0} kB", of_process(cluster.postmaster_pid()));
    table.note("postmaster without the library", &postmaster(&plain));
    table.note("postmaster with it", &postmaster(&small));
    table.note("postmaster with 1,000 issuers and 100,000 map lines", &postmaster(&large));
}

/// The median of some backends, in kB.
fn private(login: impl Fn() -> Login) -> f64 {
    let measure = |_| {
        let mut session = login().session();
        let rows = session.query("SELECT pg_backend_pid()").expect("a session");
        let memory = of_process(rows[0][0].parse().expect("a process id"));
        session.close();
        memory
    };
    Spread::of((0..BACKENDS).map(measure)).median
}

/// What is mapped by this process alone, in kB (proc_pid_smaps_rollup(5)).
fn of_process(pid: u32) -> f64 {
    let path = format!("/proc/{pid}/smaps_rollup");
    let rollup = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let private = rollup
        .lines()
        .filter(|line| line.starts_with("Private_Clean:") || line.starts_with("Private_Dirty:"));
    let kilobytes = private.map(|line| {
        let number = line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok());
        number.unwrap_or_else(|| panic!("{path}: {line}"))
    });
    kilobytes.sum()
}
