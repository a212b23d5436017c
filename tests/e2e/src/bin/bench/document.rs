//! The part of docs/performance.md that the command writes.

use std::fs;
use std::path::Path;

const BEGINS: &str = "<!-- `make bench` writes from here -->";
const ENDS: &str = "<!-- to here -->";

/// Puts this text between the marks.
pub fn write(text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/performance.md");
    let old = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    fs::write(&path, between(&old, text)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

fn between(document: &str, text: &str) -> String {
    let (before, rest) = document.split_once(BEGINS).expect("the mark of the beginning");
    let (_, after) = rest.split_once(ENDS).expect("the mark of the end");
    format!("{before}{BEGINS}\n\n{text}\n\n{ENDS}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let document = format!("a\n{BEGINS}\nold\n{ENDS}\nb\n");
        let new = format!("a\n{BEGINS}\n\nnew\n\n{ENDS}\nb\n");
        assert_eq!(between(&document, "new"), new);
        assert_eq!(between(&new, "new"), new);
    }
}
