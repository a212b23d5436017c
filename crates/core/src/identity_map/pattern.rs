//! Regexes over identities, in the syntax of the crate `regex`.
//!
//! Built on the parts of that crate, whose own builder bounds the first of
//! several automata only: the others made one pattern cost ten times the bound.

use crate::setting_error::SettingError;
use regex_automata::meta::{self, Regex};
use regex_automata::util::primitives::PatternID;
use regex_syntax::Parser;
use regex_syntax::hir::{Hir, Look};

/// The longest pattern in bytes. What is parsed takes far more memory than its
/// text, before any bound on the compiled regex holds.
const MAX_PATTERN_BYTES: usize = 4 * 1024;

/// The most memory that one compiled regex may take, in bytes.
const MAX_COMPILED_BYTES: usize = 64 * 1024;

/// What a regex may keep in each backend that runs it, in bytes.
const MAX_CACHE_BYTES: usize = 64 * 1024;

/// A regex that matches whole identities only.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern as it was written, and anchors what came of it.
    pub(super) fn compile(pattern: &str) -> Result<Pattern, SettingError> {
        if pattern.is_empty() {
            return Err(SettingError::new("the regex is empty"));
        }
        if pattern.len() > MAX_PATTERN_BYTES {
            let detail = format!("the regex has more than {MAX_PATTERN_BYTES} bytes");
            return Err(SettingError::new(detail).with_hint("Write several lines."));
        }
        let parsed = Parser::new().parse(pattern).map_err(|error| wrong(&error))?;
        let whole = Hir::concat(vec![Hir::look(Look::Start), parsed, Hir::look(Look::End)]);
        // The engines left out are caches of the one that stays; they would
        // not be bounded.
        let config = meta::Config::new()
            .nfa_size_limit(Some(MAX_COMPILED_BYTES))
            .onepass(false)
            .dfa(false)
            .hybrid_cache_capacity(MAX_CACHE_BYTES);
        match Regex::builder().configure(config).build_from_hir(&whole) {
            Ok(regex) => Ok(Pattern(regex)),
            Err(error) if error.size_limit().is_some() => Err(too_big(pattern)),
            Err(error) => Err(SettingError::new(format!("the regex is wrong: {error}"))),
        }
    }

    /// Whether the whole of `identity` matches.
    pub(super) fn is_match(&self, identity: &str) -> bool {
        self.0.is_match(identity)
    }

    /// What the first group matched, where the whole of `identity` matches and
    /// the group took part.
    pub(super) fn first_group<'i>(&self, identity: &'i str) -> Option<&'i str> {
        let mut captures = self.0.create_captures();
        self.0.captures(identity, &mut captures);
        identity.get(captures.get_group(1)?.range())
    }

    /// How many groups the pattern has.
    pub(super) fn groups(&self) -> usize {
        // The whole match counts as one.
        self.0.group_info().group_len(PatternID::ZERO) - 1
    }
}

fn wrong(error: &regex_syntax::Error) -> SettingError {
    let (position, what) = match error {
        regex_syntax::Error::Parse(error) => (error.span().start.column, error.kind().to_string()),
        regex_syntax::Error::Translate(error) => {
            (error.span().start.column, error.kind().to_string())
        }
        other => return SettingError::new(format!("the regex is wrong: {other}")),
    };
    SettingError::new(format!("the regex is wrong at position {position}: {what}"))
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
        Pattern::compile(pattern).unwrap_err().detail
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
            assert!(Pattern::compile(pattern).unwrap().is_match(identity), "{pattern}");
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
            assert!(!Pattern::compile(pattern).unwrap().is_match(identity), "{pattern}");
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
        let wide = Pattern::compile(r"\w{40}").unwrap_err();
        assert_eq!(wide.detail, "the regex takes more than 65536 bytes when compiled");
        assert!(wide.hint.unwrap().contains("[A-Za-z0-9_]"));
        let long = Pattern::compile("(?:a{100}){100}").unwrap_err();
        assert!(long.hint.unwrap().starts_with("Shorten it"));
        assert!(Pattern::compile(r"^(.*)@cockroachlabs\.com$").is_ok());
        assert!(Pattern::compile(r"^(\w+)@example\.com$").is_ok());
    }

    #[test]
    fn a_long_pattern_is_refused_before_it_is_parsed() {
        assert!(Pattern::compile(&"a".repeat(1000)).is_ok());
        assert_eq!(detail(&"(".repeat(4097)), "the regex has more than 4096 bytes");
    }

    #[test]
    fn the_first_group() {
        let pattern = Pattern::compile(r"^(?:x-(\w+)|(y))@corp\.example$").unwrap();
        assert_eq!(pattern.groups(), 2);
        assert_eq!(pattern.first_group("x-bob@corp.example"), Some("bob"));
        assert_eq!(pattern.first_group("y@corp.example"), None);
        assert_eq!(pattern.first_group("x-bob@corp.example.org"), None);
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
