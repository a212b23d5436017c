//! Lists of algorithms in settings.

use crate::algorithm::{Algorithm, AlgorithmSet};
use crate::json::Node;
use crate::setting_error::SettingError;
use crate::setting_text::SettingValue;

/// Reads `jwt_sso.algorithms`: names separated by commas, or a JSON array of
/// names. None at all is legal, and then no token is accepted.
pub fn parse(text: &str) -> Result<AlgorithmSet, SettingError> {
    match SettingValue::read(text)? {
        SettingValue::None => Ok(AlgorithmSet::EMPTY),
        SettingValue::Json(value) => of_entry(&value),
        SettingValue::Text(text) => {
            let names = text.split(',').map(|name| Ok(name.trim_matches([' ', '\t', '\n'])));
            collect(names)
        }
    }
}

/// Reads the member of an issuer's entry: an array of names.
pub(crate) fn of_entry(value: &Node<'_>) -> Result<AlgorithmSet, SettingError> {
    let Node::Array(items) = value else {
        return Err(SettingError::new(format!("{}, not an array of strings", value.kind())));
    };
    collect(items.iter().map(|item| {
        item.as_str().ok_or_else(|| SettingError::new(format!("{}, not a string", item.kind())))
    }))
}

fn collect<'a>(
    names: impl Iterator<Item = Result<&'a str, SettingError>>,
) -> Result<AlgorithmSet, SettingError> {
    let mut set = AlgorithmSet::EMPTY;
    for (i, name) in names.enumerate() {
        let alg = name.and_then(one).map_err(|error| error.at(format_args!("element {}", i + 1)));
        set = set.with(alg?);
    }
    Ok(set)
}

fn one(name: &str) -> Result<Algorithm, SettingError> {
    Algorithm::from_name(name).ok_or_else(|| {
        let shown: String = name.chars().take(20).collect();
        SettingError::new(format!("unknown algorithm {shown:?}"))
            .with_hint(format!("The algorithms are {}.", AlgorithmSet::ALL))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_or_array() {
        let two = AlgorithmSet::EMPTY.with(Algorithm::Rs256).with(Algorithm::EdDsa);
        for text in ["RS256,EdDSA", " EdDSA , RS256\t", r#"["RS256","EdDSA"]"#, "RS256,EdDSA,RS256"]
        {
            assert_eq!(parse(text), Ok(two), "{text}");
        }
        assert_eq!(parse(""), Ok(AlgorithmSet::EMPTY));
        assert_eq!(parse("[]"), Ok(AlgorithmSet::EMPTY));
        assert_eq!(parse(&AlgorithmSet::ALL.to_string()), Ok(AlgorithmSet::ALL));
    }

    #[test]
    fn wrong_values_say_where() {
        for (text, detail) in [
            ("none", "element 1: unknown algorithm \"none\""),
            ("RS256,HS256", "element 2: unknown algorithm \"HS256\""),
            ("rs256", "element 1: unknown algorithm \"rs256\""),
            ("RS256,", "element 2: unknown algorithm \"\""),
            ("RS256 ES256", "element 1: unknown algorithm \"RS256 ES256\""),
            (r#"["RS256",1]"#, "element 2: a number, not a string"),
            (r#"{"a":1}"#, "an object, not an array of strings"),
        ] {
            assert_eq!(parse(text).unwrap_err().detail, detail, "{text}");
        }
        assert!(parse("none").unwrap_err().hint.unwrap().contains("RS256"));
    }
}
