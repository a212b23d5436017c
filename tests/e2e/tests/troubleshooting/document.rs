//! docs/troubleshooting.md, taken apart: its commands, and the texts that they are to give.

use std::path::Path;

use regex::Regex;

/// The reference that stands for all others in the document.
pub const REFERENCE: &str = "7f3a2c1b";

/// The token without a signature that stands for all others.
pub const TOKEN: &str = "eyJhbGciOi…";

/// A fenced block: what the fence says after its language, and the text.
#[derive(Clone, Debug)]
pub struct Block {
    /// `sql`, `sh` or `text`.
    pub language: String,
    /// `user`, `answer`, `find`, `log`, `hers`, `explain`, `explains`, `look`, `shows`, `cure`.
    pub purpose: String,
    /// Without the fences.
    pub text: String,
}

impl Block {
    /// Whether it is this one, such as `sql look`.
    pub fn is(&self, kind: &str) -> bool {
        format!("{} {}", self.language, self.purpose) == kind
    }
}

fn sections() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/troubleshooting.md");
    let document = std::fs::read_to_string(path).expect("docs/troubleshooting.md");
    let document = format!("\n{document}");
    document.split("\n## ").skip(1).map(str::to_owned).collect()
}

/// The headings of all sections.
pub fn headings() -> Vec<String> {
    sections().iter().map(|text| heading(text).to_owned()).collect()
}

fn heading(section: &str) -> &str {
    section.lines().next().unwrap_or_default()
}

/// The blocks of the section with this heading, in their order.
pub fn section(title: &str) -> Vec<Block> {
    let sections = sections();
    let text = sections.iter().find(|text| heading(text) == title);
    let text = text.unwrap_or_else(|| panic!("no section {title}"));
    let fences = Regex::new(r"(?s)```(\w+) (\w+)\n(.*?)\n```").expect("a valid pattern");
    let block = |fence: regex::Captures<'_>| Block {
        language: fence[1].to_owned(),
        purpose: fence[2].to_owned(),
        text: fence[3].to_owned(),
    };
    fences.captures_iter(text).map(block).collect()
}

/// Whether `actual` is as the document has it: a time is any time, `…` is any text.
pub fn is_like(documented: &str, actual: &str) -> bool {
    let times = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d)";
    let time = Regex::new(times).expect("a valid pattern");
    let texts: Vec<String> = time.split(documented).map(regex::escape).collect();
    let pattern = format!("^{}$", texts.join(times).replace('…', ".*"));
    Regex::new(&pattern).expect("a valid pattern").is_match(actual)
}

/// Holds `actual` to be as the document has it.
#[track_caller]
pub fn assert_like(documented: &str, actual: &str) {
    let like = is_like(documented, actual);
    assert!(like, "the document has\n{documented}\nand the server\n{actual}");
}

/// The rows of a table as psql draws it, in the form of `psql -A`.
pub fn unaligned(table: &str) -> String {
    let cells = |row: &str| row.split('|').map(str::trim).collect::<Vec<_>>().join("|");
    table.lines().skip(2).map(cells).collect::<Vec<_>>().join("\n")
}
