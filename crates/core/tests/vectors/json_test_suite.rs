use crate::folder::{find, say};
use jwt_sso_core::claims::Claims;
use jwt_sso_core::json::{self, JsonError};
use jwt_sso_core::jwks::StaticJwks;
use jwt_sso_core::refusal::Malformed;
use jwt_sso_core::token::Header;

/// RFC 8259 §4 only advises against duplicate members; RFC 7515 §4 and RFC 7519
/// §4 let a reader refuse them, and this one does.
const DUPLICATES: [&str; 2] =
    ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];

/// What a setting may be without naming a key. Blank texts are no JSON, but
/// the setting may be blank.
const NO_KEYS: [&str; 4] = [
    "n_single_space.json",
    "n_structure_no_data.json",
    "y_array_empty.json",
    "y_structure_whitespace_array.json",
];

fn cases() -> Option<Vec<(String, Vec<u8>)>> {
    let folder = find("JSONTestSuite/test_parsing")?;
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).expect("vectors are readable") {
        let path = entry.expect("vectors are readable").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        cases.push((name, std::fs::read(path).expect("vectors are readable")));
    }
    assert_eq!(cases.len(), 318);
    Some(cases)
}

fn is_json_fault(refusal: Option<Malformed>) -> bool {
    matches!(refusal, Some(Malformed::Json(..)))
}

/// As header and as claims: `n_` are refused for being no JSON, `y_` never
/// are, and `i_` may be either.
#[test]
fn as_parts_of_a_token() {
    let Some(cases) = cases() else { return };
    for (name, text) in &cases {
        let header = is_json_fault(Header::parse(text).err());
        let claims = is_json_fault(Claims::parse(text).err());
        assert_eq!(header, claims, "{name}");
        match &name[..2] {
            "n_" => assert!(header, "{name} accepted"),
            "y_" => assert_eq!(header, DUPLICATES.contains(&name.as_str()), "{name}"),
            _ => {}
        }
    }
    say(format_args!("JSONTestSuite: {0} of {0} as header and claims", cases.len()));
}

/// The suite's texts are mostly arrays; inside of an object they reach further.
#[test]
fn as_the_value_of_a_claim() {
    let Some(cases) = cases() else { return };
    for (name, text) in cases.iter().filter(|(name, _)| name.starts_with("y_")) {
        let payload = [b"{\"claim\":", text.as_slice(), b"}"].concat();
        match Claims::parse(&payload) {
            Ok(_) => assert!(!DUPLICATES.contains(&name.as_str()), "{name}"),
            Err(Malformed::Json(_, JsonError::DuplicateMember(_))) => {
                assert!(DUPLICATES.contains(&name.as_str()), "{name}");
            }
            Err(other) => panic!("{name}: {other:?}"),
        }
    }
}

/// What is read is the same as what serde_json's own reader finds.
#[test]
fn what_is_read_is_what_was_written() {
    let Some(cases) = cases() else { return };
    let mut count = 0;
    for (name, text) in &cases {
        let Ok(node) = json::parse(text) else { continue };
        let Ok(expected) = serde_json::from_slice::<serde_json::Value>(text) else {
            assert!(name.starts_with("i_number"), "{name}: read here only");
            continue;
        };
        let again: serde_json::Value = serde_json::from_str(&node.to_string()).expect("JSON");
        assert_eq!(again, expected, "{name}");
        count += 1;
    }
    say(format_args!("JSONTestSuite: {count} texts read as serde_json reads them"));
}

#[test]
fn as_a_key_set() {
    let Some(cases) = cases() else { return };
    let mut count = 0;
    for (name, text) in &cases {
        let Ok(text) = std::str::from_utf8(text) else {
            continue; // a setting is UTF-8 by its type
        };
        let accepted = StaticJwks::parse(text);
        assert_eq!(accepted.is_ok(), NO_KEYS.contains(&name.as_str()), "{name}");
        assert!(!accepted.is_ok_and(|set| set.is_configured()), "{name}");
        count += 1;
    }
    say(format_args!(
        "JSONTestSuite: {count} of {} as a key set, none accepted as keys",
        cases.len()
    ));
}
