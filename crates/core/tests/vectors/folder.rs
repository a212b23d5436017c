//! Where the vectors are, and how a test tells what it did with them.

use serde_json::Value;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;

/// A file or folder among the vectors; `None`, and a word about it, without them.
pub fn find(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("JWT_SSO_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"),
        PathBuf::from,
    );
    if !folder.is_dir() {
        say(format_args!("SKIPPED: {name}: no vectors at {}", folder.display()));
        return None;
    }
    let path = folder.join(name);
    assert!(path.exists(), "the vectors lack {}", path.display());
    Some(path)
}

/// A JSON file among the vectors.
pub fn json(name: &str) -> Option<Value> {
    let path = find(name)?;
    let text = std::fs::read_to_string(&path).expect("vectors are readable");
    Some(serde_json::from_str(&text).expect("vectors are JSON"))
}

/// Speaks past the test runner, which swallows what a passing test prints.
pub fn say(what: fmt::Arguments<'_>) {
    writeln!(std::io::stderr(), "{what}").expect("stderr is open");
}
