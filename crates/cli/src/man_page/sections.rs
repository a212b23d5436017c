//! The end of a `--help`, cut into the sections of a manual page.

use clap::Command;
use clap_mangen::roff::{Roff, bold, roman};

/// `Examples:` and the indented lines below it, say.
#[derive(Debug, Eq, PartialEq)]
pub struct Section {
    title: String,
    lines: Vec<String>,
}

/// A line that is not indented and ends with a colon begins a section. What
/// stands before the first one belongs to NOTES.
pub fn of(help: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in help.lines() {
        let title = line.strip_suffix(':').filter(|title| !title.starts_with(' '));
        match (title, sections.last_mut()) {
            (Some(title), _) => sections.push(Section { title: name(title), lines: Vec::new() }),
            (None, Some(section)) => section.lines.push(line.to_owned()),
            (None, None) if line.trim().is_empty() => {}
            (None, None) => {
                sections.push(Section { title: "NOTES".to_owned(), lines: vec![line.to_owned()] })
            }
        }
    }
    for section in &mut sections {
        while section.lines.last().is_some_and(|line| line.trim().is_empty()) {
            section.lines.pop();
        }
    }
    sections
}

/// As man-pages(7) calls them.
fn name(title: &str) -> String {
    match title {
        "Exit codes" => "EXIT STATUS".to_owned(),
        other => other.to_uppercase(),
    }
}

impl Section {
    /// Its lines as they are, without filling.
    pub fn render(&self, roff: &mut Roff) {
        roff.control("SH", [self.title.as_str()]);
        roff.control("nf", []);
        for line in &self.lines {
            roff.text([roman(line.as_str())]);
        }
        roff.control("fi", []);
    }
}

/// The variables that options take their values from.
pub fn environment(command: &Command, roff: &mut Roff) {
    let variables: Vec<_> = command
        .get_arguments()
        .filter_map(|argument| Some((argument.get_env()?.to_str()?, argument.get_long()?)))
        .collect();
    if variables.is_empty() {
        return;
    }
    roff.control("SH", ["OPTIONS FROM THE ENVIRONMENT"]);
    for (variable, option) in variables {
        roff.control("TP", []);
        roff.text([bold(variable)]);
        roff.text([roman("as "), bold(format!("--{option}"))]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_lines_that_end_with_a_colon() {
        let section = |title: &str, lines: &[&str]| Section {
            title: title.to_owned(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        };
        assert_eq!(
            of("Examples:\n  a:\n  b\n\nExit codes:\n  0  done\n"),
            [section("EXAMPLES", &["  a:", "  b"]), section("EXIT STATUS", &["  0  done"])]
        );
        assert_eq!(of("Mind the gap."), [section("NOTES", &["Mind the gap."])]);
        assert_eq!(of(""), []);
    }
}
