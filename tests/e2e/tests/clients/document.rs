//! docs/clients.md: its code is that of the programs in ../../clients/, and its table says of each
//! client whether these tests run it.

use std::collections::BTreeSet;

use regex::Regex;

use crate::program;

const BEGIN: &str = "clients.md begins";
const END: &str = "clients.md ends";

fn document() -> String {
    let path = program("").join("../../../docs/clients.md");
    std::fs::read_to_string(path).expect("docs/clients.md")
}

/// The lines between the marks of a program, as far to the left as they go together.
fn excerpt(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(program(name)).expect("a program of clients/");
    let lines = text.lines().skip_while(|line| !line.contains(BEGIN)).skip(1);
    let lines: Vec<&str> = lines.take_while(|line| !line.contains(END)).collect();
    let indents = lines.iter().filter(|line| !line.trim().is_empty());
    let indent = indents.map(|line| line.len() - line.trim_start().len()).min()?;
    let shifted: Vec<&str> = lines.iter().map(|line| line.get(indent..).unwrap_or("")).collect();
    Some(shifted.join("\n"))
}

#[test]
fn s22_code() {
    let document = document();
    let fences = Regex::new(r"(?s)```\w+ (\S+)\n(.*?)\n```").expect("a valid pattern");
    let mut shown = BTreeSet::new();
    for fence in fences.captures_iter(&document) {
        let (name, text) = (&fence[1], &fence[2]);
        assert_eq!(excerpt(name).as_deref(), Some(text), "docs/clients.md has another {name}");
        shown.insert(name.to_owned());
    }
    let programs = std::fs::read_dir(program("")).expect("clients/");
    let names = programs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let marked: BTreeSet<String> = names.filter(|name| excerpt(name).is_some()).collect();
    assert_eq!(shown, marked, "each marked piece is in the document");
}

#[test]
fn s23_table() {
    let document = document();
    let rows = document.lines().filter(|line| line.starts_with("| ") && line.contains(" | "));
    let rows: Vec<&str> = rows.filter(|line| line.matches(" | ").count() == 4).collect();
    assert!(rows.len() > 20, "the table of clients has its rows: {rows:?}");
    for row in &rows[1..] {
        let cell = row.trim_end_matches(['|', ' ']).rsplit(" | ").next().unwrap_or_default();
        let says = cell.starts_with(char::is_numeric) || cell == "not tested here";
        assert!(says, "{row}");
    }
}
