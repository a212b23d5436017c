//! Regexes over identities, in the syntax of the crate `regex`.
//!
//! Built on the parts of that crate, whose own builder bounds the first of
//! several automata only: the others made one pattern cost ten times the bound.

use crate::setting_error::SettingError;
use regex_automata::hybrid::dfa::DFA;
use regex_automata::nfa::thompson::backtrack::{self, BoundedBacktracker};
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::nfa::thompson::{self, BuildError, NFA};
use regex_automata::util::primitives::{NonMaxUsize, PatternID};
use regex_automata::{Anchored, Input};
use regex_syntax::Parser;
use regex_syntax::hir::{Hir, Look};

/// The longest pattern in bytes. What is parsed takes far more memory than its
/// text, before any bound on the compiled regex holds.
const MAX_PATTERN_BYTES: usize = 4 * 1024;

/// The most memory that one compiled regex may take, in bytes.
const MAX_COMPILED_BYTES: usize = 64 * 1024;

/// Up to where a regex is run by backtracking: so many bits are its states times
/// the bytes of the identity.
const MAX_VISITED_BYTES: usize = 8 * 1024;

/// What a lazy DFA may take while it runs, in bytes.
const MAX_CACHE_BYTES: usize = 64 * 1024;

/// A regex that matches whole identities only: one automaton, and three ways to
/// run it. None of them keeps anything after a search.
///
/// A login is a new process and runs a regex at most once for each identity of
/// its token. Backtracking needs no preparation for that, and its steps are
/// bounded. Beyond this bound a lazy DFA looks first whether the identity
/// matches; the Pike VM finds the group, and answers where the DFA gives up.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    backtracker: BoundedBacktracker,
    /// Where its smallest cache is not larger than the bound.
    dfa: Option<DFA>,
    pike: PikeVM,
}

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
        thompson::Compiler::new()
            .configure(thompson::Config::new().nfa_size_limit(Some(MAX_COMPILED_BYTES)))
            .build_from_hir(&whole)
            .map_err(Box::new)
            .and_then(Pattern::of)
            .map_err(|error| match error.size_limit() {
                Some(_) => too_big(pattern),
                None => SettingError::new(format!("the regex is wrong: {error}")),
            })
    }

    fn of(nfa: NFA) -> Result<Pattern, Box<BuildError>> {
        let dfa = DFA::builder()
            .configure(
                DFA::config()
                    .cache_capacity(MAX_CACHE_BYTES)
                    // It gives up where it saves nothing, and at a `\b` beside what is not ASCII.
                    .minimum_cache_clear_count(Some(3))
                    .minimum_bytes_per_state(Some(10))
                    .unicode_word_boundary(true),
            )
            .build_from_nfa(nfa.clone())
            .ok();
        let backtracker = BoundedBacktracker::builder()
            .configure(backtrack::Config::new().visited_capacity(MAX_VISITED_BYTES))
            .build_from_nfa(nfa.clone())?;
        Ok(Pattern { backtracker, dfa, pike: PikeVM::new_from_nfa(nfa)? })
    }

    /// Whether the whole of `identity` matches.
    pub(super) fn is_match(&self, identity: &str) -> bool {
        self.search(identity, &mut [])
    }

    /// What the first group matched, where there is one, the whole of `identity`
    /// matches and the group took part.
    pub(super) fn first_group<'i>(&self, identity: &'i str) -> Option<&'i str> {
        // Where the whole match begins and ends, and the group.
        let mut slots = [None; 4];
        if self.groups() == 0 || !self.search(identity, &mut slots) {
            return None;
        }
        let [_, _, start, end] = slots;
        identity.get(start?.get()..end?.get())
    }

    fn search(&self, identity: &str, slots: &mut [Option<NonMaxUsize>]) -> bool {
        let input = Input::new(identity).anchored(Anchored::Yes);
        let mut cache = self.backtracker.create_cache();
        match self.backtracker.try_search_slots(&mut cache, &input, slots) {
            Ok(found) => found.is_some(),
            Err(_too_long) => self.search_long(&input, slots),
        }
    }

    fn search_long(&self, input: &Input<'_>, slots: &mut [Option<NonMaxUsize>]) -> bool {
        let no_match = |dfa: &DFA| {
            let found = dfa.try_search_fwd(&mut dfa.create_cache(), input);
            matches!(found, Ok(None))
        };
        !self.dfa.as_ref().is_some_and(no_match)
            && self.pike.search_slots(&mut self.pike.create_cache(), input, slots).is_some()
    }

    /// How many groups the pattern has.
    pub(super) fn groups(&self) -> usize {
        // The whole match counts as one.
        self.backtracker.get_nfa().group_info().group_len(PatternID::ZERO) - 1
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
    fn an_identity_too_long_to_backtrack() {
        let pattern = Pattern::compile(r"^(\w+)@corp\.example$").unwrap();
        let name = "a".repeat(pattern.backtracker.max_haystack_len());
        let identity = format!("{name}@corp.example");
        assert_eq!(pattern.first_group(&identity), Some(name.as_str()));
        assert!(!pattern.is_match(&format!("{identity}.org")));
    }

    /// Every engine, and the crate `regex`, say the same of match and first group.
    #[test]
    fn the_engines_agree() {
        let patterns = [
            "(.*)",
            "()",
            "(a)?b",
            "(a|ab)(b?)",
            "(ab|a)(b?)",
            "(a*)*b?",
            "a|(b)",
            "(?:(a)|b)*",
            r"(\w+)@b",
            r"\b(a+)\b.*",
            r"(.)\B.",
            "(?i)(É)a",
            r"(\pL*?)b",
            "[^@]+",
            "(a{2,4}){1,9}",
        ];
        let identities = [
            "",
            "a",
            "b",
            "ab",
            "aab",
            "aaaaab",
            "ba",
            "a@b",
            "é@b",
            "Éa",
            "éa",
            "a b",
            "aé",
            "éb",
            "a\nb",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ];
        let mut matches = 0;
        for text in patterns {
            let pattern = Pattern::compile(text).unwrap();
            assert!(pattern.dfa.is_some(), "{text}");
            let peer = regex::Regex::new(&format!("^(?:{text})$")).unwrap();
            for identity in identities {
                let captures = peer.captures(identity);
                let group = captures.as_ref().and_then(|found| found.get(1));
                let expected = group.map(|group| (group.start(), group.end()));
                matches += usize::from(captures.is_some());

                let input = Input::new(identity).anchored(Anchored::Yes);
                let mut long = [None; 4];
                let found = pattern.search_long(&input, &mut long);
                let mut short = [None; 4];
                assert_eq!(pattern.search(identity, &mut short), found, "{text} {identity}");
                assert_eq!(found, captures.is_some(), "{text} {identity}");
                if pattern.groups() > 0 && found {
                    let offsets = |slots: [Option<NonMaxUsize>; 4]| {
                        slots[2].zip(slots[3]).map(|(start, end)| (start.get(), end.get()))
                    };
                    assert_eq!(offsets(short), expected, "{text} {identity}");
                    assert_eq!(offsets(long), expected, "{text} {identity}");
                }
            }
        }
        assert!(matches > 60, "{matches}");
    }

    #[test]
    fn no_group_where_there_is_none() {
        assert_eq!(Pattern::compile("a+").unwrap().first_group("aa"), None);
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
