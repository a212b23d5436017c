//! What the benches of the core have measured, read from criterion's own files.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::table::{Budget, Table};
use crate::turns::Spread;

/// Adds the rows.
pub fn report(table: &mut Table) {
    let home = std::env::var_os("CRITERION_HOME").map(PathBuf::from);
    let home = home.expect("CRITERION_HOME names the results of `cargo bench`");
    let budgets = home.join("budgets");
    let ratio = |kind: &str, base: &str| {
        let pairs = rounds(&budgets, kind).into_iter().zip(rounds(&budgets, base));
        Spread::of(pairs.map(|(kind, base)| kind / base))
    };
    table.section("The decision, without a server, in processor time");
    let what = "a 1.5 KB RS256 token, all checks / the bare RSA verify of aws-lc-rs";
    table.ratio(what, ratio("decision", "bare_verify"), Budget::AtMost(1.5));
    let what = "1,000 issuers, 1,000 keys, 100,000 literal and 1,000 regex lines / one of each";
    table.ratio(what, ratio("decision_many", "decision"), Budget::AtMost(1.2));
    let what = "all checks / the verify with a key that was loaded before, as no login has it";
    table.ratio(what, ratio("decision", "bare_verify_parsed_key"), Budget::None);
    let whole = Spread::of(rounds(&budgets, "decision").into_iter());
    table.note("all checks, microseconds", &whole.to_string());
    for (group, what) in SERIES {
        table.note(what, &series(&home.join(group)));
    }
}

/// The groups of the bench in which one size grows.
const SERIES: [(&str, &str); 7] = [
    ("issuers", "microseconds by issuers"),
    ("keys", "… by keys of the issuer"),
    ("literal_lines", "… by literal map lines"),
    ("regex_lines", "… by regex lines, each of another issuer"),
    ("regexes_of_one_issuer", "… by regex lines of one issuer that could all give the role"),
    ("token_bytes", "… by bytes of the token"),
    ("image_lookup", "… of these, finding the key in shared memory"),
];

/// The medians of a kind, round by round, in microseconds.
fn rounds(budgets: &Path, kind: &str) -> Vec<f64> {
    let mut rounds: Vec<(usize, f64)> = points(&budgets.join(kind))
        .into_iter()
        .map(|(round, time)| (round.parse().expect("a round's number"), time))
        .collect();
    rounds.sort_by_key(|(round, _)| *round);
    rounds.into_iter().map(|(_, time)| time).collect()
}

/// `1: 36, 10: 36, 100: 37`
fn series(group: &Path) -> String {
    let mut points = points(group);
    points.sort_by_key(|(name, _)| name.parse::<usize>().unwrap_or_default());
    let words = points.iter().map(|(name, time)| match name.parse::<usize>() {
        Ok(size) => format!("{}: {time:.1}", thousands(size)),
        Err(_) => format!("{name}: {time:.1}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn thousands(number: usize) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1_000, number % 1_000)
    }
}

/// The benches of a group and their medians in microseconds.
fn points(group: &Path) -> Vec<(String, f64)> {
    let entries = fs::read_dir(group).unwrap_or_else(|e| panic!("{}: {e}", group.display()));
    let folders = entries.map(|entry| entry.expect("an entry").path());
    folders
        .filter(|folder| folder.join("new/estimates.json").exists())
        .map(|folder| {
            let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
            (name, median(&folder.join("new/estimates.json")))
        })
        .collect()
}

fn median(path: &Path) -> f64 {
    let text = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let estimates: Value = serde_json::from_slice(&text).expect("criterion writes JSON");
    let nanoseconds = estimates["median"]["point_estimate"].as_f64();
    nanoseconds.unwrap_or_else(|| panic!("{} has no median", path.display())) / 1_000.0
}
