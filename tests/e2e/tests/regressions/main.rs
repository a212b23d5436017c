//! One test for each bug that was found and mended, named after the bug.
//! 1. unknown_settings.rs: a misspelled name passed for a setting that was left out
//! 2. reloads.rs: sessions compiled, and warned their clients, at each reload
//! 3. regexes.rs: a regex took ten times its bound
//! 4. intruders.rs: what the owner of a database planted ran with a superuser's rights
//! 5. check.rs: what `check()` did not see, or did not survive
//! 6. installation.rs: mistakes that were found out too late
//! 7. sessions.rs: what ALTER SYSTEM let pass, and databases of other encodings

mod check;
mod installation;
mod intruders;
mod regexes;
mod reloads;
mod sessions;
mod unknown_settings;

use std::fs;
use std::path::Path;

use jwt_sso_e2e::Cluster;

/// Rows of check() as `severity|finding|hint`.
fn findings(cluster: &Cluster) -> Vec<String> {
    let rows = cluster.sql("SELECT * FROM jwt_sso.check()");
    rows.lines().map(str::to_owned).collect()
}

/// Holds a finding to be there that has all these words.
#[track_caller]
fn finds(cluster: &Cluster, words: &[&str]) -> String {
    let rows = findings(cluster);
    let found = rows.iter().find(|row| words.iter().all(|word| row.contains(word)));
    found.unwrap_or_else(|| panic!("no finding with {words:?} in {rows:#?}")).clone()
}

/// Holds no finding to have all these words.
#[track_caller]
fn finds_not(cluster: &Cluster, words: &[&str]) {
    let rows = findings(cluster);
    let found = rows.iter().any(|row| words.iter().all(|word| row.contains(word)));
    assert!(!found, "{words:?} in {rows:#?}");
}

/// A number of /proc/PID/status in kB, such as `VmRSS` (now) or `VmHWM` (at its peak).
fn memory(pid: u32, field: &str) -> u64 {
    let path = Path::new("/proc").join(pid.to_string()).join("status");
    let status = fs::read_to_string(path).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.and_then(|number| number.parse().ok()).expect("a number of kB")
}

/// As many lines of an identity map as there may be, each with a regex that is large once it
/// is compiled: `\w` stands for every letter and digit of Unicode.
fn wide_regexes() -> String {
    let line = |n| format!("https://issuer.example /^(\\w+)@ex{n}\\.com$ \\1\n");
    (0..2000).map(line).collect()
}
