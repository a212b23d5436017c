//! Strict JSON (RFC 8259) for text that strangers wrote and for settings.
//!
//! serde_json does the reading; this module adds what a verifier needs and it
//! does not promise: no duplicate members at any level (RFC 7515 §4, RFC 7519
//! §4), bounded nesting, and numbers kept as they were written, so that an
//! identity of 25 digits stays one and `1e999` is a number out of range rather
//! than a syntax error.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

/// How deep arrays and objects may nest; the outermost one counts as 1.
pub const MAX_DEPTH: usize = 32;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // the names are RFC 8259's
pub enum Node<'a> {
    Null,
    Bool(bool),
    /// A number, in the very characters of the text.
    Number(&'a str),
    String(String),
    Array(Vec<Node<'a>>),
    Object(BTreeMap<String, Node<'a>>),
}

impl<'a> Node<'a> {
    /// The member of that name, where this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        match self {
            Node::Object(members) => members.get(name),
            _ => None,
        }
    }

    /// The text, where this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Node::String(text) => Some(text),
            _ => None,
        }
    }

    /// The type's name with its article, as messages use it: `a string`, `null`.
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Null => "null",
            Node::Bool(_) => "a boolean",
            Node::Number(_) => "a number",
            Node::String(_) => "a string",
            Node::Array(_) => "an array",
            Node::Object(_) => "an object",
        }
    }
}

/// The value written as JSON on one line, members in the order of their names.
impl fmt::Display for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Null => f.write_str("null"),
            Node::Bool(value) => write!(f, "{value}"),
            Node::Number(text) => f.write_str(text),
            Node::String(text) => write_string(f, text),
            Node::Array(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Node::Object(members) => {
                f.write_str("{")?;
                for (i, (name, value)) in members.iter().enumerate() {
                    f.write_str(if i > 0 { "," } else { "" })?;
                    write_string(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
}

/// Why a text is not JSON of the strict kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum JsonError {
    /// Not UTF-8 from this byte on.
    NotUtf8(usize),
    /// Not RFC 8259; the message of the parser, with its line and column.
    Syntax(String),
    /// An object names this member twice.
    DuplicateMember(String),
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JsonError::NotUtf8(offset) => write!(f, "not UTF-8 at byte {}", offset + 1),
            JsonError::Syntax(message) => write!(f, "not JSON: {message}"),
            JsonError::DuplicateMember(name) => write!(f, "duplicate member {name:?}"),
            JsonError::TooDeep => write!(f, "nested deeper than {MAX_DEPTH} levels"),
        }
    }
}

impl std::error::Error for JsonError {}

/// Reads one JSON value; anything but white space around it is refused.
pub fn parse(bytes: &[u8]) -> Result<Node<'_>, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|e| JsonError::NotUtf8(e.valid_up_to()))?;
    match text.trim_ascii_start().as_bytes().first() {
        // Reading the outermost level checks the grammar of all levels, with
        // places counted from the start of the text.
        Some(b'{' | b'[') => read(text, 1),
        _ => read(serde_json::from_str::<&RawValue>(text).map_err(syntax)?.get(), 1),
    }
}

/// `text` is one value, its grammar already checked unless it is an array or
/// object. Each level is scanned once for each level above it, at most
/// [`MAX_DEPTH`] times.
fn read(text: &str, depth: usize) -> Result<Node<'_>, JsonError> {
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => {
            let mut object = BTreeMap::new();
            for (name, raw) in nested::<Members<'_>>(text, depth)?.0 {
                match object.entry(name) {
                    Entry::Vacant(place) => place.insert(read(raw.get(), depth + 1)?),
                    Entry::Occupied(place) => {
                        return Err(JsonError::DuplicateMember(place.key().clone()));
                    }
                };
            }
            Ok(Node::Object(object))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = nested(text, depth)?;
            items
                .into_iter()
                .map(|raw| read(raw.get(), depth + 1))
                .collect::<Result<_, _>>()
                .map(Node::Array)
        }
        Some(b'"') => string(text).map(Node::String),
        Some(b't') => Ok(Node::Bool(true)),
        Some(b'f') => Ok(Node::Bool(false)),
        Some(b'n') => Ok(Node::Null),
        _ => Ok(Node::Number(text)),
    }
}

/// A string in its quotes. Most have no escapes, and those are what they look like.
fn string(text: &str) -> Result<String, JsonError> {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Ok(plain.to_owned()),
        _ => serde_json::from_str(text).map_err(syntax),
    }
}

fn nested<'a, T: Deserialize<'a>>(text: &'a str, depth: usize) -> Result<T, JsonError> {
    if depth > MAX_DEPTH {
        return Err(JsonError::TooDeep);
    }
    serde_json::from_str(text).map_err(syntax)
}

fn syntax(error: serde_json::Error) -> JsonError {
    JsonError::Syntax(error.to_string())
}

/// The members of one object in their order, their values unread.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_numbers_as_written() {
        let node = parse(br#"{"a": 1232316645658094244789, "b":[1e999,-0.50]}"#).unwrap();
        assert_eq!(node.get("a"), Some(&Node::Number("1232316645658094244789")));
        assert_eq!(node.to_string(), r#"{"a":1232316645658094244789,"b":[1e999,-0.50]}"#);
    }

    #[test]
    fn refuses_duplicates_at_any_level() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":1,"\u0061":2}]}"#] {
            assert_eq!(parse(text.as_bytes()), Err(JsonError::DuplicateMember("a".into())));
        }
    }

    #[test]
    fn bounds_nesting() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(parse(nested(32).as_bytes()).is_ok());
        assert_eq!(parse(nested(33).as_bytes()), Err(JsonError::TooDeep));
        assert_eq!(parse(nested(100_000).as_bytes()), Err(JsonError::TooDeep));
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", "{}x", "\u{feff}{}", "{'a':1}", "[1,]", "01", "\"\\ud800\"", "nul"] {
            assert!(matches!(parse(text.as_bytes()), Err(JsonError::Syntax(_))), "{text:?}");
        }
        assert_eq!(parse(b"\"\xff\""), Err(JsonError::NotUtf8(1)));
    }
}
