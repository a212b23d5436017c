//! Properties of the identity map, checked on random maps.
//!
//! 1. Literal lines allow exactly the pairs that they name.
//! 2. A regex matches the whole identity or not at all.
//! 3. A quoted field comes back as it was, whatever it holds.
//! 4. No text makes the parser panic, neither as a setting nor as a file.
//! 5. A map answers as a reading of its lines one by one does, and lists just the roles that it
//!    allows.

use jwt_sso_core::identity_map::{IdentityKind, IdentityMap};
use proptest::collection::vec;
use proptest::prelude::*;
use regex::Regex;

const ISSUER: &str = "https://idp.example";

/// A field in double quotes, as pg_ident.conf has them.
fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

/// A field without control characters: those are refused.
fn any_field() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,12}"
}

/// Few enough values that random lines meet.
fn small(values: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(values)
}

#[derive(Clone, Debug)]
struct Line {
    issuer: &'static str,
    identity: &'static str,
    role: &'static str,
}

fn issuers() -> impl Strategy<Value = &'static str> {
    small(&["i", "j", "https://idp.example", "https://idp.example/"])
}

fn identities() -> impl Strategy<Value = &'static str> {
    small(&["a", "b", "ab", "aab", "a@x.y", "b@x.y", "a@xzy", "42", "A", "é", "a b", ""])
}

fn roles() -> impl Strategy<Value = &'static str> {
    small(&["a", "b", "ab", "r", "r_a", "r_b", "r_42", "r_", "a-a", "b-b", "é", "", "r_a_x"])
}

fn lines() -> impl Strategy<Value = Line> {
    let literal = (
        issuers(),
        small(&["a", "b", "ab", "a@x.y", "42", "A", "é", "a b"]),
        small(&["a", "b", "ab", "r", "r_a", "é", "r_a_x"]),
    );
    let regex = (
        issuers(),
        small(&[
            "/a",
            "/a+|b",
            "/(.*)@x\\.y",
            "/(.*)@x.y",
            "/([0-9]*)",
            "/(a)?b",
            "/(a|ab)(b?)",
            "/(?i)(a)",
        ]),
        small(&["r", "a", "r_x"]),
    );
    let group = (
        issuers(),
        small(&[
            "/(.*)@x\\.y",
            "/(.*)@x.y",
            "/([0-9]*)",
            "/(a)?b",
            "/(a|ab)(b?)",
            "/(?i)(a)",
            "/(.*)",
        ]),
        small(&["\\1", "r_\\1", "\\1-\\1", "r_\\1_x", "\\1\\1"]),
    );
    prop_oneof![literal, regex, group].prop_map(|(issuer, identity, role)| Line {
        issuer,
        identity,
        role,
    })
}

/// What one line says, read anew and without any index.
fn line_gives(line: &Line, issuer: &str, identity: &str, role: &str) -> bool {
    if line.issuer != issuer || role.is_empty() {
        return false;
    }
    let Some(pattern) = line.identity.strip_prefix('/') else {
        return line.identity == identity && line.role == role;
    };
    let whole = Regex::new(&format!("^(?:{pattern})$")).unwrap();
    let Some(captures) = whole.captures(identity) else {
        return false;
    };
    match (line.role.contains("\\1"), captures.get(1)) {
        (false, _) => line.role == role,
        (true, Some(group)) => line.role.replace("\\1", group.as_str()) == role,
        (true, None) => false,
    }
}

proptest! {
    #[test]
    fn literal_lines_allow_exactly_their_pairs(
        pairs in vec(("[a-c]{1,3}", "[r-t]{1,2}"), 0..40),
        identity in "[a-c]{1,3}",
        role in "[r-t]{1,2}",
    ) {
        let text: String = pairs.iter().map(|(i, r)| format!("{ISSUER} {i} {r}\n")).collect();
        let map = IdentityMap::parse_file(&text).unwrap();
        for (identity, role) in &pairs {
            prop_assert!(map.allows(ISSUER, identity, role.as_bytes()));
            prop_assert!(!map.allows("https://other.example", identity, role.as_bytes()));
        }
        let named = pairs.iter().any(|pair| *pair == (identity.clone(), role.clone()));
        prop_assert_eq!(map.allows(ISSUER, &identity, role.as_bytes()), named);
    }

    #[test]
    fn a_regex_matches_whole_or_not_at_all(
        identity in any_field(),
        before in "[^\\p{Cc}]{0,2}",
        after in "[^\\p{Cc}]{0,2}",
    ) {
        let pattern = quoted(&format!("/{}", regex::escape(&identity)));
        let map = IdentityMap::parse(&format!("{ISSUER} {pattern} r")).unwrap();
        let longer = format!("{before}{identity}{after}");
        prop_assert!(map.allows(ISSUER, &identity, b"r"));
        prop_assert_eq!(map.allows(ISSUER, &longer, b"r"), longer == identity);
    }

    #[test]
    fn quoted_fields_come_back(
        issuer in any_field(),
        identity in any_field().prop_filter("a regex", |field| !field.starts_with('/')),
        role in "[^\\p{Cc}\\\\]{1,12}",
        comment in "( # [^\\p{Cc}\\\\]{0,9})?",
    ) {
        let text = format!("{} {}\t{}{comment}", quoted(&issuer), quoted(&identity), quoted(&role));
        let map = IdentityMap::parse_file(&text).unwrap();
        let line = map.lines().next().unwrap();
        prop_assert_eq!(line.issuer, &issuer);
        prop_assert_eq!(line.identity, &identity);
        prop_assert_eq!(line.role, &role);
        prop_assert_eq!(line.kind, IdentityKind::Literal);
        prop_assert!(map.allows(&issuer, &identity, role.as_bytes()));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = (IdentityMap::parse(&text), IdentityMap::parse_file(&text));
    }

    #[test]
    fn no_text_of_the_parsers_own_alphabet_does(text in "[a\"#/\\\\1 \\t\\n\\r(\\[{*,é\\]})?.^$]{0,60}") {
        let _ = (IdentityMap::parse(&text), IdentityMap::parse_file(&text));
    }

    #[test]
    fn a_map_answers_as_its_lines_do(
        lines in vec(lines(), 0..30),
        questions in vec((issuers(), identities(), roles()), 1..40),
    ) {
        let text: String = lines
            .iter()
            .map(|line| format!("{} {} {}\n", line.issuer, quoted(line.identity), line.role))
            .collect();
        let map = IdentityMap::parse_file(&text).unwrap();
        for (issuer, identity, role) in questions {
            let expected = lines.iter().any(|line| line_gives(line, issuer, identity, role));
            prop_assert_eq!(
                map.allows(issuer, identity, role.as_bytes()),
                expected,
                "{} {} {}", issuer, identity, role
            );
            let listed = map.roles(issuer, identity);
            prop_assert_eq!(listed.contains(role), expected, "{} {} {}", issuer, identity, role);
            for role in &listed {
                prop_assert!(map.allows(issuer, identity, role.as_bytes()), "{}", role);
            }
        }
        for line in &lines {
            prop_assert!(map.has_issuer(line.issuer));
        }
    }
}
