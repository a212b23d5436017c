//! What a person gets to see. A token is a stranger's text: nothing in it
//! reaches the terminal but printable characters.

use super::contents::{Contents, Part};
use super::moment::{self, Moment};
use super::oddity::Oddity;
use anstyle::{AnsiColor, Style};
use jwt_sso_core::json::Node;
use jwt_sso_core::visible::{escaped, printable};

const TITLE: Style = Style::new().bold();
const NAME: Style = AnsiColor::Cyan.on_default();
const WORDS: Style = Style::new().italic();
const GOOD: Style = AnsiColor::Green.on_default();
const ODD: Style = AnsiColor::Yellow.on_default();

/// The whole page; its colours are taken out where standard output is no terminal.
pub fn page(contents: &Contents<'_>, oddities: &[Oddity]) -> String {
    let what = if contents.is_jwt() { "A JWT" } else { "Not a JWT" };
    let mut page = format!("{TITLE}{what}{TITLE:#} of {} bytes\n", contents.text().len());
    let claims = contents.claims();
    let moments = claims.map(|claims| moment::all(&claims, moment::now())).unwrap_or_default();
    page += &section("Header", &contents.header(), &[]);
    page += &section("Claims", &contents.payload(), &moments);
    match contents.signature_bytes() {
        Some(bytes) => {
            page +=
                &format!("\n{TITLE}Signature{TITLE:#}: {bytes} bytes, neither shown nor checked\n");
        }
        None if contents.is_jwt() => page += &format!("\n{TITLE}Signature{TITLE:#}: none\n"),
        None => {}
    }
    if oddities.is_empty() {
        page += &format!("\n{GOOD}Nothing odd about it.{GOOD:#}\n");
    } else {
        page += &format!("\n{TITLE}Odd:{TITLE:#}\n");
        for oddity in oddities {
            page += &format!("  {ODD}-{ODD:#} {}\n", printable(&oddity.text));
        }
    }
    page
}

fn section(title: &str, part: &Part<'_>, moments: &[Moment]) -> String {
    let text = match part {
        Part::None => return String::new(),
        Part::Text(text) => printable(text),
        Part::Object(Node::Object(members)) => {
            let lines = members.iter().enumerate().map(|(index, (name, value))| {
                let comma = if index + 1 < members.len() { "," } else { "" };
                let moment = moments.iter().find(|moment| moment.claim == name);
                let words = moment
                    .map(|moment| format!("  {WORDS}{}, {}{WORDS:#}", moment.time, moment.words));
                let words = words.unwrap_or_default();
                format!("  {}: {}{comma}{words}\n", name_of(name), indented(value, 1))
            });
            format!("{{\n{}}}", lines.collect::<String>())
        }
        Part::Object(other) => indented(other, 0),
    };
    format!("\n{TITLE}{title}{TITLE:#}\n{text}\n")
}

fn name_of(name: &str) -> String {
    format!("{NAME}{}{NAME:#}", string(name))
}

fn string(text: &str) -> String {
    format!("\"{}\"", escaped(text, usize::MAX))
}

/// As JSON; what is nested begins lines of its own.
fn indented(node: &Node<'_>, depth: usize) -> String {
    let margin = "  ".repeat(depth + 1);
    let close = "  ".repeat(depth);
    match node {
        Node::String(text) => string(text),
        Node::Array(items) if items.iter().all(|item| !is_nested(item)) => {
            let items: Vec<String> = items.iter().map(|item| indented(item, depth)).collect();
            format!("[{}]", items.join(", "))
        }
        Node::Array(items) => {
            let lines: Vec<String> =
                items.iter().map(|item| format!("{margin}{}", indented(item, depth + 1))).collect();
            format!("[\n{}\n{close}]", lines.join(",\n"))
        }
        Node::Object(members) if members.is_empty() => "{}".to_owned(),
        Node::Object(members) => {
            let lines: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    format!("{margin}{}: {}", name_of(name), indented(value, depth + 1))
                })
                .collect();
            format!("{{\n{}\n{close}}}", lines.join(",\n"))
        }
        // Numbers, booleans and null are the characters that their grammar allows.
        plain => plain.to_string(),
    }
}

fn is_nested(node: &Node<'_>) -> bool {
    matches!(node, Node::Array(_) | Node::Object(_))
}
