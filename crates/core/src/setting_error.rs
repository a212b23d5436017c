//! Why the value of a setting is refused.

use std::fmt;

/// A refusal of a setting's value: where it is wrong and what may help.
///
/// Neither text repeats a whole value: a value can hold a key that was never
/// meant to be there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettingError {
    /// One sentence without a full stop that begins with the place, where
    /// there is one: `line 3: …`, `member "issuers"."https://…": …`, `key 2: …`.
    pub detail: String,
    /// What to do about it, as a whole sentence.
    pub hint: Option<String>,
}

impl SettingError {
    /// An error without hint.
    pub fn new(detail: impl Into<String>) -> SettingError {
        SettingError { detail: detail.into(), hint: None }
    }

    /// The same error with this hint.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> SettingError {
        SettingError { hint: Some(hint.into()), ..self }
    }

    /// The same error, its detail preceded by `place` and a colon.
    #[must_use]
    pub fn at(self, place: impl fmt::Display) -> SettingError {
        SettingError { detail: format!("{place}: {}", self.detail), ..self }
    }

    /// The same error inside of this member of a JSON object: the member becomes
    /// the first name of the path that the detail begins with.
    #[must_use]
    pub fn within(self, member: &str) -> SettingError {
        let member: String = member.chars().take(LONGEST_NAME).collect();
        let detail = match self.detail.strip_prefix("member ") {
            Some(path) if path.starts_with('"') => format!("member {member:?}.{path}"),
            _ => format!("member {member:?}: {}", self.detail),
        };
        SettingError { detail, ..self }
    }
}

/// How much of a member's name is repeated, in characters.
const LONGEST_NAME: usize = 200;

/// The detail.
impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for SettingError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_comes_first_and_the_hint_stays() {
        let error = SettingError::new("two fields").with_hint("Write three.").at("line 3");
        assert_eq!(error.to_string(), "line 3: two fields");
        assert_eq!(error.hint.as_deref(), Some("Write three."));
    }

    #[test]
    fn members_make_a_path() {
        let error = SettingError::new("a number, not a string").within("audience").within("iss");
        assert_eq!(error.detail, "member \"iss\".\"audience\": a number, not a string");
        let long = SettingError::new("unknown").within(&"a".repeat(100_000));
        assert_eq!(long.detail.len(), "member \"\": unknown".len() + 200);
    }
}
