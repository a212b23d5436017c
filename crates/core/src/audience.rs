//! The audiences that a token may be for.

use crate::json::Node;
use crate::setting_error::SettingError;
use crate::setting_text::{self, SettingValue};
use std::sync::Arc;

/// Reads `jwt_sso.audience`: one audience as text, or a JSON array of them.
/// None at all is legal, and then no token is accepted.
pub fn parse(text: &str) -> Result<Arc<[String]>, SettingError> {
    match SettingValue::read(text)? {
        SettingValue::None => Ok(Arc::default()),
        SettingValue::Text(text) => Ok(Arc::from([one(text)?])),
        SettingValue::Json(Node::Array(items)) => Ok(all(&items)?.into()),
        SettingValue::Json(other) => Err(wrong_type(&other)),
    }
}

/// Reads the member of an issuer's entry: a string or an array of strings.
pub(crate) fn of_entry(value: &Node<'_>) -> Result<Vec<String>, SettingError> {
    match value {
        Node::String(text) if text.is_empty() => Ok(Vec::new()),
        Node::String(text) => Ok(vec![one(text)?]),
        Node::Array(items) => all(items),
        other => Err(wrong_type(other)),
    }
}

fn all(items: &[Node<'_>]) -> Result<Vec<String>, SettingError> {
    let element = |(i, item): (usize, &Node<'_>)| {
        let text = item
            .as_str()
            .ok_or_else(|| SettingError::new(format!("{}, not a string", item.kind())));
        text.and_then(one).map_err(|error| error.at(format_args!("element {}", i + 1)))
    };
    items.iter().enumerate().map(element).collect()
}

fn one(text: &str) -> Result<String, SettingError> {
    setting_text::check_string(text)?;
    if text.trim().is_empty() {
        return Err(SettingError::new("an empty audience"));
    }
    Ok(text.to_owned())
}

fn wrong_type(value: &Node<'_>) -> SettingError {
    SettingError::new(format!("{}, not a string or an array of strings", value.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        parse(text).unwrap().to_vec()
    }

    #[test]
    fn text_or_array() {
        assert_eq!(list(""), [""; 0]);
        assert_eq!(list("[]"), [""; 0]);
        assert_eq!(list("postgres"), ["postgres"]);
        assert_eq!(list("42"), ["42"]);
        assert_eq!(list("a,b"), ["a,b"]);
        assert_eq!(list(r#"["a","b"]"#), ["a", "b"]);
    }

    #[test]
    fn wrong_values_say_where() {
        for (text, detail) in [
            ("[1]", "element 1: a number, not a string"),
            (r#"["a",null]"#, "element 2: null, not a string"),
            (r#"["a",""]"#, "element 2: an empty audience"),
            (" ", "an empty audience"),
            (r#"{"a":1}"#, "an object, not a string or an array of strings"),
            (r#"["\u0001"]"#, "element 1: control character U+0001"),
        ] {
            assert_eq!(parse(text).unwrap_err().detail, detail, "{text}");
        }
    }
}
