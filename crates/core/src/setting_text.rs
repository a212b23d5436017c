//! The text of a setting, before anyone knows what it means: its length, the
//! characters that it may hold, and whether it is JSON.

use crate::json::{self, JsonError, Node};
use crate::setting_error::SettingError;

/// The longest text setting in bytes. The lexer of PostgreSQL's configuration
/// files takes quadratic time: a value of 10 MB stalled a postmaster for 39 s.
pub const MAX_TEXT_BYTES: usize = 256 * 1024;

/// The longest file that a setting names, in bytes.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

const BACKSLASHES: &str = "postgresql.conf reads backslash sequences, and \"\\1\" becomes a \
     control character there: double each backslash, or use ALTER SYSTEM or a file.";

const JSON_BACKSLASHES: &str =
    "JSON reads backslash sequences: write each backslash of a regex twice.";

/// What a setting holds.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue<'a> {
    /// Nothing: the empty text, or the JSON array without elements.
    None,
    /// Text, as it was written.
    Text(&'a str),
    /// JSON: the first character that is no blank is `[` or `{`.
    Json(Node<'a>),
}

impl<'a> SettingValue<'a> {
    /// Checks and classifies the text of a setting.
    pub fn read(text: &'a str) -> Result<SettingValue<'a>, SettingError> {
        check(text)?;
        if text.is_empty() {
            return Ok(SettingValue::None);
        }
        if !looks_like_json(text) {
            return Ok(SettingValue::Text(text));
        }
        match json::parse(text.as_bytes()) {
            Ok(Node::Array(items)) if items.is_empty() => Ok(SettingValue::None),
            Ok(node) => Ok(SettingValue::Json(node)),
            Err(error) => Err(not_json(&error)),
        }
    }
}

fn not_json(error: &JsonError) -> SettingError {
    let refused = SettingError::new(error.to_string());
    match error {
        JsonError::Syntax(message) if message.contains("escape") => {
            refused.with_hint(JSON_BACKSLASHES)
        }
        _ => refused,
    }
}

/// Reads a setting that names a file; `None` where it names none.
pub fn path(text: &str) -> Result<Option<&str>, SettingError> {
    match SettingValue::read(text)? {
        SettingValue::None => Ok(None),
        SettingValue::Text(path) => Ok(Some(path)),
        SettingValue::Json(_) => Err(SettingError::new("JSON, not the path of a file")),
    }
}

/// Whether a setting with this text is read as JSON.
pub fn looks_like_json(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\n']).starts_with(['[', '{'])
}

/// Refuses a text that is too long for a setting, or that holds control
/// characters other than tab and newline.
pub fn check(text: &str) -> Result<(), SettingError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(SettingError::new(format!(
            "{} bytes, more than the {MAX_TEXT_BYTES} that a setting may have",
            text.len()
        ))
        .with_hint("Use the setting that names a file instead, where there is one."));
    }
    check_characters(text, |_| false)
}

/// The same for the text of a file: it may be longer, and a carriage return
/// before a newline does no harm.
pub fn check_file(text: &str) -> Result<(), SettingError> {
    if text.len() > MAX_FILE_BYTES {
        return Err(SettingError::new(format!(
            "{} bytes, more than the {MAX_FILE_BYTES} that a file may have",
            text.len()
        )));
    }
    check_characters(text, |rest| rest.starts_with("\r\n"))
}

/// Refuses the same characters in a string that JSON brought: there they come
/// from a backslash that was not doubled (`\b` is a backspace to JSON).
pub fn check_string(text: &str) -> Result<(), SettingError> {
    match text.chars().find(|c| is_forbidden(*c)) {
        None => Ok(()),
        Some(found) => Err(SettingError::new(format!("control character U+{:04X}", found as u32))
            .with_hint(JSON_BACKSLASHES)),
    }
}

fn check_characters(text: &str, tolerated: impl Fn(&str) -> bool) -> Result<(), SettingError> {
    let forbidden = |(at, c): &(usize, char)| is_forbidden(*c) && !tolerated(&text[*at..]);
    let Some((at, found)) = text.char_indices().find(forbidden) else {
        return Ok(());
    };
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let what = format!("control character U+{:04X} at character {column}", found as u32);
    Err(SettingError::new(what).at(format_args!("line {line}")).with_hint(BACKSLASHES))
}

fn is_forbidden(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_character_that_is_no_blank_decides() {
        assert_eq!(SettingValue::read(""), Ok(SettingValue::None));
        assert_eq!(SettingValue::read(" [ ] "), Ok(SettingValue::None));
        for text in ["a", "42", "null", "\"a\"", " ", "a[", "\u{a0}["] {
            assert_eq!(SettingValue::read(text), Ok(SettingValue::Text(text)), "{text:?}");
        }
        for text in ["[1]", "{}", " \t\n[\"a\"]"] {
            assert!(matches!(SettingValue::read(text), Ok(SettingValue::Json(_))), "{text:?}");
        }
    }

    #[test]
    fn json_is_strict() {
        for (text, detail) in [
            ("{\"a\":1,\"a\":2}", "duplicate member \"a\""),
            ("[{\"a\":{\"b\":1,\"b\":1}}]", "duplicate member \"b\""),
        ] {
            assert_eq!(SettingValue::read(text).unwrap_err().detail, detail);
        }
        for text in ["[", "[1] junk", "{a:1}", "['a']", "[\"\\.\"]", "[1,]"] {
            let error = SettingValue::read(text).unwrap_err();
            assert!(error.detail.starts_with("not JSON: "), "{text}: {error}");
        }
        let error = SettingValue::read(r#"["i /a\.b r"]"#).unwrap_err();
        assert!(error.hint.unwrap().contains("twice"));
    }

    #[test]
    fn control_characters_are_refused_with_their_place() {
        let error = check("a \u{1}").unwrap_err();
        assert_eq!(error.detail, "line 1: control character U+0001 at character 3");
        assert!(error.hint.unwrap().contains("double each backslash"));
        let error = check("ä\n\täö\u{7f}").unwrap_err();
        assert_eq!(error.detail, "line 2: control character U+007F at character 4");
        for text in ["\0", "\r", "a\r\n", "\u{8}", "\u{9b}", "[\u{1}]"] {
            assert!(check(text).is_err(), "{text:?}");
            assert!(SettingValue::read(text).is_err(), "{text:?}");
        }
        assert_eq!(check("a\tb\n"), Ok(()));
    }

    #[test]
    fn a_file_may_have_carriage_returns_before_newlines() {
        assert_eq!(check_file("a\r\nb\r\n"), Ok(()));
        assert!(check_file("a\rb\n").is_err());
        assert!(check_file("a\r").is_err());
        assert!(check_file("a\u{1}").is_err());
    }

    #[test]
    fn a_path_is_text() {
        assert_eq!(path(""), Ok(None));
        assert_eq!(path("[]"), Ok(None));
        assert_eq!(path("sso/identity.map"), Ok(Some("sso/identity.map")));
        assert!(path("{\"keys\":[]}").is_err());
        assert!(path("a\u{1}").is_err());
    }

    #[test]
    fn lengths_are_bounded() {
        let longest = "a".repeat(MAX_TEXT_BYTES);
        assert_eq!(check(&longest), Ok(()));
        let error = check(&format!("{longest}a")).unwrap_err();
        assert_eq!(error.detail, "262145 bytes, more than the 262144 that a setting may have");
        assert_eq!(check_file(&format!("{longest}a")), Ok(()));
        assert!(check_file(&"a".repeat(MAX_FILE_BYTES + 1)).is_err());
    }

    #[test]
    fn strings_inside_of_json_are_checked_too() {
        assert_eq!(check_string("a\tb"), Ok(()));
        let error = check_string("a\u{8}").unwrap_err();
        assert_eq!(error.detail, "control character U+0008");
        assert!(error.hint.unwrap().contains("twice"));
    }
}
