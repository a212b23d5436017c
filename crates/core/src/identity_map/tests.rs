//! The rules of the identity map, one test each.

use super::*;

const GOOGLE: &str = "https://accounts.google.com";

fn map(text: &str) -> IdentityMap {
    IdentityMap::parse(text).unwrap()
}

fn refusal(text: &str) -> SettingError {
    IdentityMap::parse(text).unwrap_err()
}

fn allows(map: &IdentityMap, identity: &str, role: &str) -> bool {
    map.allows(GOOGLE, identity, role.as_bytes())
}

#[test]
fn the_google_walk() {
    let map = map(
        r#"["https://accounts.google.com /^(.*)@cockroachlabs\\.com$ \\1","https://accounts.google.com 1232316645658094244789 roach","https://accounts.google.com /^([0-9]*)$ gcp_\\1"]"#,
    );
    assert!(allows(&map, "alice@cockroachlabs.com", "alice"));
    assert!(!allows(&map, "alice@cockroachlabsxcom", "alice"));
    assert!(!allows(&map, "alice@cockroachlabs.com.evil.example", "alice"));
    assert!(!allows(&map, "alice@cockroachlabs.com", "bob"));
    assert!(!allows(&map, "@cockroachlabs.com", ""));
    assert!(allows(&map, "1232316645658094244789", "roach"));
    assert!(allows(&map, "1232316645658094244789", "gcp_1232316645658094244789"));
    assert!(allows(&map, "42", "gcp_42"));
    assert!(!allows(&map, "42", "gcp_43"));
    assert!(!allows(&map, "42", "roach"));
    assert!(!map.allows("https://accounts.google.com/", "42", b"gcp_42"));
}

#[test]
fn the_slip_of_the_manual_is_refused_with_its_position() {
    let error = refusal(&format!("{GOOGLE} 1 roach\n{GOOGLE} /^([9-0]*)$ gcp_\\1"));
    assert_eq!(
        error.detail,
        "line 2: the regex is wrong at position 4: \
         invalid character class range, the start must be <= the end"
    );
}

#[test]
fn the_azure_walk() {
    let iss = "https://sts.windows.net/f8cdef31-a31e-4b4a-93e4-5f571e91255a/";
    let map = map(&format!("{iss} 1d2f3a4b-0000-4b4a-93e4-5f571e91255a app"));
    assert!(map.allows(iss, "1d2f3a4b-0000-4b4a-93e4-5f571e91255a", b"app"));
    assert!(!map.allows(iss, "1D2F3A4B-0000-4b4a-93e4-5f571e91255a", b"app"));
    assert!(!map.allows(iss.trim_end_matches('/'), "1d2f3a4b-0000-4b4a-93e4-5f571e91255a", b"app"));
}

#[test]
fn text_array_and_file_are_the_same_lines() {
    let text = "# people\n\ni x r # one\ni /(a) \"\\1 b\"\n";
    let array = r##"["# people","","i x r # one","i /(a) \"\\1 b\""]"##;
    let file = IdentityMap::parse_file(&text.replace('\n', "\r\n")).unwrap();
    for other in [map(array), file] {
        assert!(map(text).lines().eq(other.lines()));
        assert_eq!(map(text).digest(), other.digest());
    }
    let numbers: Vec<usize> = map(text).lines().map(|line| line.number).collect();
    assert_eq!(numbers, [3, 4]);
}

#[test]
fn without_a_line_it_is_configured_all_the_same() {
    for (map, configured) in [
        (map(""), false),
        (map("[]"), false),
        (map("# only a comment"), true),
        (map(" "), true),
        (map("\n"), true),
        (map(r##"["# only a comment"]"##), true),
        (IdentityMap::parse_file("").unwrap(), true),
    ] {
        assert_eq!(map.is_configured(), configured);
        assert_eq!(map.lines().count(), 0);
        assert!(!map.allows("i", "x", b"x"));
    }
    assert_ne!(map("").digest(), map("# only a comment").digest());
}

#[test]
fn a_literal_is_whole_exact_and_case_sensitive() {
    let map = map(&format!("{GOOGLE} a.c R"));
    assert!(allows(&map, "a.c", "R"));
    for (identity, role) in [("abc", "R"), ("A.c", "R"), ("a.c", "r"), ("xa.c", "R"), ("a.c", "R ")]
    {
        assert!(!allows(&map, identity, role), "{identity} {role}");
    }
}

#[test]
fn a_regex_matches_whole_also_in_quotes() {
    for line in ["/a+ r", "\"/a+\" r", "/\"a+\" r", "/^a+$ r"] {
        let map = map(&format!("{GOOGLE} {line}"));
        assert!(allows(&map, "aaa", "r"), "{line}");
        assert!(!allows(&map, "aab", "r"), "{line}");
        assert!(!allows(&map, "/a+", "r"), "{line}");
        assert_eq!(map.lines().next().unwrap().kind, IdentityKind::Regex, "{line}");
    }
}

#[test]
fn the_first_group_wherever_and_as_often_as_it_stands() {
    let map = map(&format!("{GOOGLE} /(.*)@(.*) x_\\1_\\1y"));
    assert!(allows(&map, "a@b", "x_a_ay"));
    assert!(allows(&map, "@b", "x__y"));
    assert!(!allows(&map, "a@b", "x_a_by"));
    assert!(!allows(&map, "a@b", r"x_\1_\1y"));
}

#[test]
fn a_group_that_took_no_part_gives_nothing() {
    let map = map(&format!("{GOOGLE} /(a)?b r\\1\n{GOOGLE} /(a*)c \\1"));
    assert!(allows(&map, "ab", "ra"));
    assert!(!allows(&map, "b", "r"));
    assert!(!allows(&map, "c", ""));
    assert!(allows(&map, "aac", "aa"));
}

#[test]
fn any_line_will_do() {
    let map = map("i x r1\ni x r2\ni /x r3\ni /x r4\ni /(x) p\\1\nj x r5");
    for role in ["r1", "r2", "r3", "r4", "px"] {
        assert!(map.allows("i", "x", role.as_bytes()), "{role}");
    }
    for (issuer, role) in [("i", "r5"), ("j", "r1"), ("k", "x"), ("i", "x")] {
        assert!(!map.allows(issuer, "x", role.as_bytes()), "{issuer} {role}");
    }
    assert!(map.has_issuer("j") && !map.has_issuer("k"));
}

#[test]
fn roles_are_bytes() {
    let map = map(&format!("{GOOGLE} x é\n{GOOGLE} /(.*) p\\1"));
    assert!(allows(&map, "x", "é"));
    assert!(!map.allows(GOOGLE, "x", b"\xe9"));
    assert!(!map.allows(GOOGLE, "x", b"p\xff"));
    assert!(!map.allows(GOOGLE, "x", b"px\0"));
}

#[test]
fn a_comma_is_an_ordinary_character() {
    let map = map(&format!("{GOOGLE} CN=a,O=b r,s"));
    assert!(allows(&map, "CN=a,O=b", "r,s"));
}

#[test]
fn mistakes_have_their_line() {
    for (text, detail) in [
        ("i x", "line 1: 2 fields, not three"),
        ("\n\n# c\ni x r s", "line 4: 4 fields, not three"),
        ("i x r\ni \"x r", "line 2: a double quote is not closed"),
        ("i x r\n\\", "line 2: a backslash at the end; lines are not continued"),
        ("i / r", "line 1: the regex is empty"),
        ("i /( r", "line 1: the regex is wrong at position 1: unclosed group"),
        ("i x r\\1", "line 1: \"\\1\" in the role, and the identity is no regex"),
        ("i /x r\\1", "line 1: \"\\1\" in the role, and the regex has no group"),
        ("i /(?:x) r\\1", "line 1: \"\\1\" in the role, and the regex has no group"),
        ("i /(x) r\\2", "line 1: \"\\2\" in the role"),
        ("i x a\\b", "line 1: \"\\b\" in the role"),
        ("i x r\ni x r\u{1}", "line 2: control character U+0001 at character 6"),
        (r#"["i x r",1]"#, "line 2: a number, not a string"),
        (r#"["i x r","i x"]"#, "line 2: 2 fields, not three"),
        (r#"["i x r\ni x s"]"#, "line 1: a line break inside of a line"),
        (r#"["i /\bx r"]"#, "line 1: control character U+0008"),
        (r#"{"i":"x"}"#, "an object, not an array of lines"),
    ] {
        assert_eq!(refusal(text).detail, detail, "{text}");
    }
    let too_big = refusal("i x r\ni /\\w{99} r");
    assert!(too_big.detail.starts_with("line 2: the regex takes more than"), "{too_big}");
    assert!(too_big.hint.unwrap().contains("[A-Za-z0-9_]"));
}

#[test]
fn lines_and_regexes_are_bounded() {
    let file = |line: &str, count: usize| IdentityMap::parse_file(&line.repeat(count));
    assert_eq!(file("i x r\n", MAX_LINES).unwrap().lines().count(), MAX_LINES);
    assert_eq!(
        file("#\n", MAX_LINES + 1).unwrap_err().detail,
        "line 200001: more than 200000 lines"
    );
    assert_eq!(file("i /x r\n", MAX_REGEXES).unwrap().lines().count(), MAX_REGEXES);
    let error = file("i /x r\n", MAX_REGEXES + 1).unwrap_err();
    assert_eq!(error.detail, "line 2001: more than 2000 regexes");
}

#[test]
fn a_hundred_thousand_lines_lead_where_they_should() {
    let mut text = String::new();
    for i in 0..100_000 {
        text.push_str(&format!("https://idp{}.example user{i} role{}\n", i % 1_000, i / 7));
    }
    let map = IdentityMap::parse_file(&text).unwrap();
    for i in (0..100_000).step_by(997) {
        let (issuer, identity) = (format!("https://idp{}.example", i % 1_000), format!("user{i}"));
        assert!(map.allows(&issuer, &identity, format!("role{}", i / 7).as_bytes()));
        assert!(!map.allows(&issuer, &identity, format!("role{}", i / 7 + 1).as_bytes()));
    }
}

#[test]
fn the_fingerprint_is_of_the_lines() {
    assert_eq!(map("i x r").digest(), map("# c\n\"i\"  x\tr # d").digest());
    assert_ne!(map("i x r").digest(), map("i x s").digest());
    assert_ne!(map("i x r").digest(), map("i /x r").digest());
}
