//! The memory that is a backend's own after a login.

use std::fs;

use jwt_sso_e2e::Cluster;
use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::wire::Login;

use crate::logins::{by_bearer, by_password};
use crate::servers::{self, NO_DOOR, ONE, Provider, Sizes};
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
    let mut row = |what: &str, has_door: bool, login: &dyn Fn() -> Login| {
        let budget = Budget::AtMost(256.0);
        if !has_door {
            return table.unmeasured(what, NO_DOOR, budget);
        }
        let more = private(login) - base;
        table.value(what, more, &format!("{more:.0} kB"), budget);
    };
    let token = |role| provider.token(role);
    let hook = |cluster: &Cluster| by_password(cluster, "hooks", &token("hooks"));
    row("memory, hook door", true, &|| hook(&small));
    row("memory, hook door, 1,000 issuers and 100,000 map lines", true, &|| hook(&large));
    let with_pam = Installation::get().with_pam;
    row("memory, pam door", with_pam, &|| by_password(&small, "pluga", &token("pluga")));
    let has_oauth = servers::has_oauth();
    row("memory, oauth door", has_oauth, &|| by_bearer(&small, "oauth", &token("oauth")));
    table.note("a `trust` backend itself", &format!("{base:.0} kB"));
    let postmaster = |cluster: &Cluster| format!("{:.0} kB", of_process(cluster.postmaster_pid()));
    table.note("postmaster without the library", &postmaster(&plain));
    table.note("postmaster with it", &postmaster(&small));
    table.note("postmaster with 1,000 issuers and 100,000 map lines", &postmaster(&large));
}

/// The median of some backends, in kB. One session of the kind stays open beside each, as on a
/// server that is in use: code of which all backends map the same pages is then nobody's alone.
fn private(login: impl Fn() -> Login) -> f64 {
    let mut companion = login().session();
    companion.query("SELECT pg_backend_pid()").expect("a session");
    let measure = |_| {
        let mut session = login().session();
        let rows = session.query("SELECT pg_backend_pid()").expect("a session");
        let memory = of_process(rows[0][0].parse().expect("a process id"));
        session.close();
        memory
    };
    let median = Spread::of((0..BACKENDS).map(measure)).median;
    companion.close();
    median
}

/// What is mapped by this process alone, in kB: `Private_Clean` and `Private_Dirty` of
/// proc_pid_smaps(5), without mappings that are shared by their nature. Pages of the server's
/// shared memory count there as private to the process that happened to touch them first.
fn of_process(pid: u32) -> f64 {
    let path = format!("/proc/{pid}/smaps");
    let smaps = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let (mut shared, mut sum) = (false, 0.0);
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("Private_Clean:" | "Private_Dirty:"), Some(kilobytes)) if !shared => {
                sum += kilobytes.parse::<f64>().unwrap_or_else(|_| panic!("{path}: {line}"));
            }
            // The head of a mapping: its addresses, and its permissions with `p` or `s` last.
            (Some(range), Some(permissions)) if range.contains('-') => {
                shared = permissions.ends_with('s');
            }
            _ => {}
        }
    }
    sum
}
