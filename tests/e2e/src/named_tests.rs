//! The tests that a document names as its proof.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a file that a document names may be, from this crate's folder.
const FOLDERS: [&str; 8] = [
    "tests",
    "../../crates/core/tests",
    "../../crates/core/src",
    "../../crates/fetch/tests",
    "../../crates/fetch/src",
    "../../crates/cli/tests",
    "../../crates/cli/src",
    "../..",
];

/// A document of the project, by its path from the project's folder.
pub fn document(path: &str) -> String {
    let path = here().join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The rows of every table in a document, without the headings, each as its cells.
pub fn rows(document: &str) -> Vec<Vec<&str>> {
    let mut rows: Vec<Vec<&str>> = Vec::new();
    for line in document.lines().filter(|line| line.starts_with('|')) {
        if line.starts_with("|-") {
            rows.pop(); // what stands above the rule is the heading
        } else {
            rows.push(line.trim_matches('|').split(" | ").map(str::trim).collect());
        }
    }
    rows
}

/// The tests that a text names, each with its file: `` `file.rs`: `this_test`, `that_test` ``.
/// A file without a test stands for all of its tests, and must have one.
pub fn named(text: &str) -> Vec<(String, String)> {
    let mut file: Option<&str> = None;
    let mut tests = Vec::new();
    for literal in text.split('`').skip(1).step_by(2) {
        if literal.ends_with(".rs") {
            assert!(!tests_of(literal).is_empty(), "no test in {literal}");
            file = Some(literal);
        } else if let (Some(file), true) = (file, is_name(literal)) {
            tests.push((file.to_owned(), literal.to_owned()));
        }
    }
    tests
}

/// Those of [`named`] that do not exist, as `file.rs: test`.
pub fn missing(text: &str) -> Vec<String> {
    let is_missing = |(file, test): &(String, String)| !tests_of(file).contains(test);
    let line = |(file, test): (String, String)| format!("{file}: {test}");
    named(text).into_iter().filter(is_missing).map(line).collect()
}

/// The names of the tests in a file, wherever in [`FOLDERS`] it is.
pub fn tests_of(file: &str) -> BTreeSet<String> {
    let files: Vec<PathBuf> = FOLDERS.iter().map(|folder| here().join(folder).join(file)).collect();
    let name =
        |part: &str| part.trim_start().strip_prefix("fn ")?.split('(').next().map(str::to_owned);
    let tests = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.split("#[test]").skip(1).filter_map(name).collect::<Vec<_>>()
    };
    assert!(files.iter().any(|path| path.is_file()), "there is no file {file}");
    files.iter().flat_map(tests).collect()
}

fn is_name(literal: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    !literal.is_empty() && literal.chars().all(fits)
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
