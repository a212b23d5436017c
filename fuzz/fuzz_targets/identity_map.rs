//! An identity map, and who gets in by it: `identity NUL role NUL text`, the
//! text as the setting has it (lines, or a JSON array of lines) and as a file.
//!
//! - Lines, array and file are the same map; so is each line written anew.
//! - `allows` and `roles` say the same, and a literal line gives its role to its
//!   identity and nothing to a longer one.
//! - Where there is no line for an issuer, nobody gets in.
#![no_main]

use jwt_sso_core::identity_map::{IdentityKind, IdentityMap, MapLine};
use jwt_sso_fuzz::{parts, seeds, text};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;

fn seed() {
    let of = |identity: &str, role: &str, text: &str| format!("{identity}\0{role}\0{text}");
    let all = [
        of("alice@example.com", "alice", r"https://idp.example /^(.*)@example\.com$ \1"),
        of("42", "gcp_42", "i 42 roach\ni /([0-9]*) gcp_\\1_\\1\n# note\nj \"a b\" \"c\"\"d\""),
        of("x", "r", r#"["i x r","i /(?i)x|y r # note","","i \"/a b\" s"]"#),
        of("aXb", "ab", "i /(a)?(?:X)b \\1b\r\ni /a.b r\r\n"),
        of("a", "r", "i /(?x)a#b r\ni \"/(?x) a # b\" r"),
        of("ä", "é", "i ä é\ni /\\p{L} r\ni /[^a-z]{1,9} \\1"),
    ];
    seeds::write(all.map(String::into_bytes));
}

fuzz_target!(init: seed(), |data: &[u8]| {
    let [identity, role, written] = parts(data);
    let (Some(identity), Some(written)) = (text(identity), text(written)) else { return };
    let setting = IdentityMap::parse(written);
    let file = IdentityMap::parse_file(written);
    for map in [&setting, &file].into_iter().flatten() {
        answers(map, identity, role);
        written_anew(map);
    }
    if let Ok(map) = &file {
        as_array(map, written);
        let looks_like_json = written.trim_start().starts_with(['[', '{']);
        if let (Ok(setting), false) = (&setting, looks_like_json || written.is_empty()) {
            assert_eq!(setting.digest(), map.digest());
        }
    }
    let error = [setting.err(), file.err()].into_iter().flatten();
    for error in error {
        assert!(!error.detail.is_empty() && error.detail.len() < 8192);
    }
});

fn answers(map: &IdentityMap, identity: &str, role: &[u8]) {
    assert!(
        !map.allows("https://nowhere.example", identity, role)
            || map.has_issuer("https://nowhere.example")
    );
    let issuers: BTreeSet<&str> = map.lines().map(|line| line.issuer).take(8).collect();
    for issuer in issuers {
        assert!(map.has_issuer(issuer));
        let roles = map.roles(issuer, identity);
        let said = std::str::from_utf8(role).is_ok_and(|role| roles.contains(role));
        assert_eq!(map.allows(issuer, identity, role), said);
        for role in &roles {
            assert!(!role.is_empty() && map.allows(issuer, identity, role.as_bytes()));
        }
    }
    for line in map.lines().take(64) {
        let MapLine { issuer, identity, kind, role, .. } = line;
        let _ = line.has_dot_between_letters();
        if kind == IdentityKind::Literal {
            assert!(map.allows(issuer, identity, role.as_bytes()) && !role.contains('\\'));
            assert!(map.roles(issuer, identity).contains(role));
        }
    }
    let literal = map.lines().all(|line| line.kind == IdentityKind::Literal);
    if literal && let Some(line) = map.lines().next() {
        let longer = format!("{}\n", line.identity);
        assert!(map.roles(line.issuer, &longer).is_empty(), "no line holds a line break");
    }
}

fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

fn line(line: MapLine<'_>) -> String {
    format!("{} {}\t{} # end", quoted(line.issuer), quoted(line.identity), quoted(line.role))
}

fn written_anew(map: &IdentityMap) {
    let lines: Vec<String> = map.lines().map(line).collect();
    let again = IdentityMap::parse_file(&lines.join("\n")).expect("each line in quotes");
    assert!(again.digest() == map.digest() || !map.is_configured());
    assert_eq!(again.lines().count(), lines.len());
}

fn as_array(map: &IdentityMap, text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    let array = serde_json::to_string(&lines).expect("strings");
    if let (Ok(other), false) = (IdentityMap::parse(&array), lines.is_empty()) {
        assert!(other.lines().eq(map.lines()) && other.digest() == map.digest());
    } else {
        assert!(lines.is_empty() || array.len() > jwt_sso_core::setting_text::MAX_TEXT_BYTES);
    }
}
