//! Strangers' texts made fit to be seen: in a log line, in a message, on a terminal.

use std::fmt::Write;

/// The longest text that [`quote`] repeats, in bytes, as escaped.
pub const QUOTE_LIMIT: usize = 200;

/// In double quotes, escaped as JSON does, cut to a length that a person reads.
pub fn quote(text: &str) -> String {
    format!("\"{}\"", escaped(text, QUOTE_LIMIT))
}

/// A stranger's text, escaped as JSON does, and cut between two characters
/// before it has more than `limit` bytes.
pub fn escaped(value: &str, limit: usize) -> String {
    let mut text = String::new();
    let mut escaped = String::new();
    for character in value.chars() {
        escaped.clear();
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if c.is_control() || is_invisible(c) => {
                let _ = write!(escaped, "\\u{:04x}", c as u32);
            }
            c => escaped.push(c),
        }
        if text.len() + escaped.len() > limit {
            break;
        }
        text.push_str(&escaped);
    }
    text
}

/// The text with what a terminal obeys, and what cannot be seen, as `\uXXXX`.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_invisible(character) {
            let _ = write!(printable, "\\u{:04x}", character as u32);
        } else {
            printable.push(character);
        }
    }
    printable
}

/// A JSON text with everything but printable ASCII written as `\uXXXX`, which
/// is the same JSON: such characters stand in strings only. It passes any
/// terminal, and any encoding of a client or a server.
pub fn ascii_json(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, ' '..='~' | '\n') {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    ascii
}

/// Characters that change how a line looks and cannot be seen: line separators,
/// zero-width and bidirectional ones.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_comes_through() {
        assert_eq!(quote("a\"\u{1b}[2J\u{9b}\u{202e}\n"), r#""a\"\u001b[2J\u009b\u202e\n""#);
        assert_eq!(escaped("Ünï \u{1f600}", 100), "Ünï \u{1f600}");
    }

    #[test]
    fn printable_leaves_quotes_alone() {
        assert_eq!(printable("kid \"k\\1\"\u{1b}[0m\n"), r#"kid "k\1"\u001b[0m\u000a"#);
    }

    #[test]
    fn a_cut_leaves_whole_characters() {
        assert_eq!(escaped("ab\u{1b}c", 7), "ab");
        assert_eq!(escaped("äöü", 5), "äö");
        assert_eq!(quote(&"x".repeat(500)).len(), QUOTE_LIMIT + 2);
    }

    #[test]
    fn ascii_json_is_the_same_json() {
        let json = "{\"é\":\"\u{7f}\u{9b}\u{1f600} ~\\n\"}";
        let ascii = ascii_json(json);
        assert_eq!(ascii, r#"{"\u00e9":"\u007f\u009b\ud83d\ude00 ~\n"}"#);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&ascii), value(json));
    }
}
