//! Which claim a setting means: a top-level name, or a JSON pointer (RFC 6901).

use crate::json::Node;
use crate::setting_error::SettingError;
use crate::setting_text::{self, SettingValue};
use std::fmt;

/// The longest pointer, in segments.
pub const MAX_SEGMENTS: usize = 10;

/// The place of a claim. The default is `sub`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClaimPath {
    written: String,
    /// Decoded; at least one.
    segments: Vec<String>,
}

impl ClaimPath {
    /// Reads a setting or a member of an issuer's entry.
    ///
    /// A text that begins with `/` is a JSON pointer of at most
    /// [`MAX_SEGMENTS`] segments, none of them empty; any other is the literal
    /// name of a top-level claim. The empty text means `sub`.
    pub fn parse(text: &str) -> Result<ClaimPath, SettingError> {
        match SettingValue::read(text)? {
            SettingValue::None => Ok(ClaimPath::default()),
            SettingValue::Json(_) => {
                Err(SettingError::new("JSON, not the name of a claim or a JSON pointer"))
            }
            SettingValue::Text(text) => ClaimPath::named(text),
        }
    }

    /// Reads the name of a claim or a pointer that may not be empty.
    pub fn named(text: &str) -> Result<ClaimPath, SettingError> {
        setting_text::check_string(text)?;
        if text.trim().is_empty() {
            return Err(SettingError::new("an empty claim name"));
        }
        let segments = match text.strip_prefix('/') {
            None => vec![text.to_owned()],
            Some(pointer) => pointer_segments(pointer)?,
        };
        Ok(ClaimPath { written: text.to_owned(), segments })
    }

    /// The value of the claim, where the claims have it. Arrays are indexed as
    /// RFC 6901 §4 has it: digits without leading zeros.
    pub fn find<'n, 'a>(&self, claims: &'n Node<'a>) -> Option<&'n Node<'a>> {
        self.segments.iter().try_fold(claims, |node, segment| match node {
            Node::Object(members) => members.get(segment),
            Node::Array(items) => items.get(array_index(segment)?),
            _ => None,
        })
    }

    /// The name of the claim where it is a top-level one, however it was written.
    pub fn top_level(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [name] => Some(name),
            _ => None,
        }
    }

    /// The innermost name.
    pub fn last(&self) -> &str {
        self.segments.last().map_or("", String::as_str)
    }
}

impl Default for ClaimPath {
    fn default() -> Self {
        ClaimPath { written: "sub".to_owned(), segments: vec!["sub".to_owned()] }
    }
}

/// As it was written.
impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// The decoded segments of a pointer without its first slash.
fn pointer_segments(pointer: &str) -> Result<Vec<String>, SettingError> {
    let segments: Vec<&str> = pointer.split('/').collect();
    if segments.len() > MAX_SEGMENTS {
        return Err(SettingError::new(format!(
            "a JSON pointer of {} segments, more than {MAX_SEGMENTS}",
            segments.len()
        )));
    }
    let decode = |(i, segment): (usize, &&str)| {
        unescape(segment).map_err(|error| error.at(format_args!("segment {}", i + 1)))
    };
    segments.iter().enumerate().map(decode).collect()
}

/// Undoes `~1` for a slash and `~0` for a tilde (RFC 6901 §3).
fn unescape(segment: &str) -> Result<String, SettingError> {
    if segment.is_empty() {
        return Err(SettingError::new("an empty segment of a JSON pointer"));
    }
    let mut decoded = String::with_capacity(segment.len());
    let mut characters = segment.chars();
    while let Some(c) = characters.next() {
        decoded.push(match (c, (c == '~').then(|| characters.next()).flatten()) {
            ('~', Some('0')) => '~',
            ('~', Some('1')) => '/',
            ('~', _) => {
                return Err(SettingError::new("\"~\" is neither \"~0\" nor \"~1\"")
                    .with_hint("A JSON pointer writes a tilde as ~0 and a slash as ~1."));
            }
            (other, _) => other,
        });
    }
    Ok(decoded)
}

fn array_index(segment: &str) -> Option<usize> {
    let canonical = segment == "0" || !segment.starts_with('0');
    let digits = segment.bytes().all(|b| b.is_ascii_digit());
    (canonical && digits).then(|| segment.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn found(path: &str, claims: &Node<'_>) -> Option<String> {
        ClaimPath::parse(path).unwrap().find(claims).map(Node::to_string)
    }

    #[test]
    fn nothing_means_sub() {
        for text in ["", "[]", "sub"] {
            assert_eq!(ClaimPath::parse(text), Ok(ClaimPath::default()), "{text}");
        }
        assert_eq!(ClaimPath::default().to_string(), "sub");
    }

    #[test]
    fn a_name_is_literal() {
        let claims =
            parse(br#"{"a/b":1,"a.b":2,"a~1b":3,"https://x/y":4,"42":5,"a":{"b":6}}"#).unwrap();
        for (name, value) in
            [("a/b", "1"), ("a.b", "2"), ("a~1b", "3"), ("https://x/y", "4"), ("42", "5")]
        {
            assert_eq!(found(name, &claims).as_deref(), Some(value), "{name}");
            assert_eq!(ClaimPath::parse(name).unwrap().to_string(), name);
        }
        assert_eq!(found("b", &claims), None);
    }

    #[test]
    fn a_pointer_goes_down() {
        let claims = parse(
            br#"{"kubernetes.io":{"serviceaccount":{"name":"app"}},"a/b":{"c~d":1},"l":["x",["y"]],"n":null}"#,
        )
        .unwrap();
        for (pointer, value) in [
            ("/kubernetes.io/serviceaccount/name", "\"app\""),
            ("/a~1b/c~0d", "1"),
            ("/l/0", "\"x\""),
            ("/l/1/0", "\"y\""),
            ("/n", "null"),
        ] {
            assert_eq!(found(pointer, &claims).as_deref(), Some(value), "{pointer}");
        }
        for pointer in ["/l/2", "/l/00", "/l/-", "/l/+0", "/l/x", "/n/a", "/l/99999999999999999999"]
        {
            assert_eq!(found(pointer, &claims), None, "{pointer}");
        }
    }

    #[test]
    fn tilde_escapes_are_undone_once() {
        let claims = parse(br#"{"~1":1,"/":2}"#).unwrap();
        assert_eq!(found("/~01", &claims).as_deref(), Some("1"));
        assert_eq!(found("/~1", &claims).as_deref(), Some("2"));
    }

    #[test]
    fn wrong_paths_say_where() {
        for (text, detail) in [
            ("/", "segment 1: an empty segment of a JSON pointer"),
            ("/a//b", "segment 2: an empty segment of a JSON pointer"),
            ("/a/", "segment 2: an empty segment of a JSON pointer"),
            ("/a/~2", "segment 2: \"~\" is neither \"~0\" nor \"~1\""),
            ("/a~", "segment 1: \"~\" is neither \"~0\" nor \"~1\""),
            ("/1/2/3/4/5/6/7/8/9/10/11", "a JSON pointer of 11 segments, more than 10"),
            ("[\"sub\"]", "JSON, not the name of a claim or a JSON pointer"),
            ("{}", "JSON, not the name of a claim or a JSON pointer"),
            (" ", "an empty claim name"),
            ("a\u{1}", "line 1: control character U+0001 at character 2"),
        ] {
            assert_eq!(ClaimPath::parse(text).unwrap_err().detail, detail, "{text}");
        }
        assert!(ClaimPath::parse("/1/2/3/4/5/6/7/8/9/10").is_ok());
        assert!(ClaimPath::named("").is_err());
    }
}
