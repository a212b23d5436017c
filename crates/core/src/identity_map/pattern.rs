//! Regexes over identities.

use crate::setting_error::SettingError;
use regex::{Error, Regex, RegexBuilder};

/// The most memory that one compiled regex may take, in bytes.
const MAX_COMPILED_BYTES: usize = 64 * 1024;

/// What a regex may keep in each backend that runs it, in bytes.
const MAX_CACHE_BYTES: usize = 64 * 1024;

/// Compiles a regex that matches whole identities only.
///
/// The pattern is compiled as it was written first: it must be sound by itself,
/// or `a)|(?:b` would leave the group that anchors it, and the position in an
/// error must be one in the pattern that the administrator wrote.
pub(super) fn compile(pattern: &str) -> Result<Regex, SettingError> {
    if pattern.is_empty() {
        return Err(SettingError::new("the regex is empty"));
    }
    let build = |pattern: &str| {
        RegexBuilder::new(pattern)
            .size_limit(MAX_COMPILED_BYTES)
            .dfa_size_limit(MAX_CACHE_BYTES)
            .build()
    };
    build(pattern)
        .and_then(|_| build(&format!(r"\A(?:{pattern})\z")))
        // With the flag x, a comment at the end of the pattern runs to the end of the line.
        .or_else(|error| match error {
            Error::Syntax(_) if build(pattern).is_ok() => build(&format!("\\A(?:{pattern}\n)\\z")),
            other => Err(other),
        })
        .map_err(|error| refused(pattern, &error))
}

fn refused(pattern: &str, error: &Error) -> SettingError {
    match error {
        Error::CompiledTooBig(_) => too_big(pattern),
        Error::Syntax(report) => match (position(report), reason(report)) {
            (Some(position), reason) => {
                SettingError::new(format!("the regex is wrong at position {position}: {reason}"))
            }
            (None, reason) => SettingError::new(format!("the regex is wrong: {reason}")),
        },
        other => SettingError::new(format!("the regex is wrong: {other}")),
    }
}

fn too_big(pattern: &str) -> SettingError {
    let detail = format!("the regex takes more than {MAX_COMPILED_BYTES} bytes when compiled");
    let unicode = [r"\w", r"\W", r"\d", r"\D", r"\s", r"\S"].iter().any(|c| pattern.contains(c));
    SettingError::new(detail).with_hint(if unicode {
        r"\w, \d and \s stand for all of Unicode: write [A-Za-z0-9_], [0-9] or [ \t] instead."
    } else {
        "Shorten it, above all its counted repetitions; or write several lines."
    })
}

/// The last line of the report, which says what is wrong.
fn reason(report: &str) -> &str {
    let last = report.lines().next_back().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last)
}

/// Where in the pattern, counted in characters from 1: the report has the
/// pattern, indented by four, and under it carets.
fn position(report: &str) -> Option<usize> {
    let is_marker =
        |line: &&str| line.contains('^') && line.chars().all(|c| matches!(c, ' ' | '^'));
    let marker = report.lines().rfind(is_marker)?;
    marker.find('^')?.checked_sub(3)
}

/// Whether a `.` that matches any character stands between two letters or digits.
pub(super) fn has_dot_between_letters(pattern: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut characters = pattern.chars().peekable();
    let mut before = None;
    let mut class_depth = 0_usize;
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                characters.next();
            }
            '[' => {
                class_depth += 1;
                // A bracket right after the opening one is a member of the class.
                characters.next_if_eq(&'^');
                characters.next_if_eq(&']');
            }
            ']' => class_depth = class_depth.saturating_sub(1),
            '.' if class_depth == 0
                && is_letter(before)
                && is_letter(characters.peek().copied()) =>
            {
                return true;
            }
            _ => {}
        }
        before = (c != '\\').then_some(c);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(pattern: &str) -> String {
        compile(pattern).unwrap_err().detail
    }

    #[test]
    fn the_whole_identity_must_match() {
        for (pattern, identity) in [
            ("a|ab", "ab"),
            ("a.*", "abc"),
            ("(?i)abc", "aBC"),
            ("^a$", "a"),
            ("(?x) a b # c", "ab"),
            ("(?x) a b # c )", "ab"),
            ("(?m)^a$", "a"),
        ] {
            assert!(compile(pattern).unwrap().is_match(identity), "{pattern}");
        }
        for (pattern, identity) in [
            ("a", "ab"),
            ("b", "ab"),
            ("a|b", "ab"),
            ("^a", "ab"),
            ("(?m)^a$", "a\nb"),
            ("(?m)a$", "b\na"),
            ("a.*", "a\nb"),
            ("a", "a\n"),
            ("(?x) a # b", "ab"),
            ("(?x)a#", "a\n"),
        ] {
            assert!(!compile(pattern).unwrap().is_match(identity), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_cannot_leave_its_group() {
        assert_eq!(detail("a)|(?:b"), "the regex is wrong at position 2: unopened group");
    }

    #[test]
    fn an_error_names_the_position_in_characters() {
        let range = "invalid character class range, the start must be <= the end";
        for (pattern, position) in [("^([9-0]*)$", 4), ("[9-0]", 2), ("äöü[9-0]", 5)] {
            let expected = format!("the regex is wrong at position {position}: {range}");
            assert_eq!(detail(pattern), expected, "{pattern}");
        }
        for (pattern, position) in
            [("(a", 1), ("a{2", 2), ("*", 1), (r"a\q", 2), ("a(?=b)", 2), ("a\\", 2)]
        {
            let start = format!("the regex is wrong at position {position}: ");
            assert!(detail(pattern).starts_with(&start), "{pattern}: {}", detail(pattern));
            assert!(!detail(pattern).contains('\n'), "{pattern}");
        }
        assert_eq!(detail(""), "the regex is empty");
    }

    #[test]
    fn a_regex_has_a_bounded_size() {
        let wide = compile(r"\w{40}").unwrap_err();
        assert_eq!(wide.detail, "the regex takes more than 65536 bytes when compiled");
        assert!(wide.hint.unwrap().contains("[A-Za-z0-9_]"));
        let long = compile("(?:a{100}){100}").unwrap_err();
        assert!(long.hint.unwrap().starts_with("Shorten it"));
        assert!(compile(r"^(.*)@cockroachlabs\.com$").is_ok());
        assert!(compile(r"^(\w+)@example\.com$").is_ok());
    }

    #[test]
    fn dots_between_letters() {
        for pattern in ["^(.*)@example.com$", "a.b", "[x]a.1", "[]a]b.c", r"\.a.b", "1.2"] {
            assert!(has_dot_between_letters(pattern), "{pattern}");
        }
        for pattern in
            [r"^(.*)@example\.com$", "a.*b", "(.)a", "[a.b]", "[^]a.b]", "a.", ".a", r"a\.b"]
        {
            assert!(!has_dot_between_letters(pattern), "{pattern}");
        }
    }
}
