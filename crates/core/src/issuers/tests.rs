//! The forms of the setting, and what each member of an entry may be.

use super::*;
use crate::algorithm::Algorithm;

/// RFC 7517 appendix A.1, the EC key.
const KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","kid":"1"}"#;

fn names(text: &str) -> Vec<String> {
    Issuers::parse(text).unwrap().iter().map(|issuer| issuer.iss.clone()).collect()
}

fn refusal(text: &str) -> SettingError {
    Issuers::parse(text).unwrap_err()
}

/// The one issuer of a setting whose entry is this.
fn entry(members: &str) -> Issuer {
    let issuers =
        Issuers::parse(&format!("{{\"issuers\":{{\"https://a\":{{{members}}}}}}}")).unwrap();
    issuers.get("https://a").unwrap().clone()
}

#[test]
fn none() {
    for text in ["", "[]", " [ ]", r#"{"issuers":{}}"#, r#"{"issuer_jwks_map":{}}"#] {
        assert!(Issuers::parse(text).unwrap().is_empty(), "{text}");
    }
}

#[test]
fn text_and_array() {
    assert_eq!(names("https://a/"), ["https://a/"]);
    assert_eq!(names("accounts.google.com"), ["accounts.google.com"]);
    assert_eq!(names("42"), ["42"]);
    assert_eq!(names(r#"["https://b","https://a"]"#), ["https://b", "https://a"]);
}

#[test]
fn map_of_urls() {
    let issuers = Issuers::parse(
        r#"{"issuer_jwks_map":{"https://adfs.example/adfs":"https://adfs.example/adfs/discovery/keys"}}"#,
    )
    .unwrap();
    let keys = &issuers.get("https://adfs.example/adfs").unwrap().keys;
    assert!(
        matches!(keys, IssuerKeys::Uri(url) if url == "https://adfs.example/adfs/discovery/keys")
    );
}

#[test]
fn an_empty_entry_overrides_nothing() {
    let issuer = entry("");
    assert!(matches!(issuer.keys, IssuerKeys::Global));
    assert_eq!((issuer.audience, issuer.claim, issuer.algorithms), (None, None, None));
    assert!(issuer.required_claims.is_empty());
}

#[test]
fn every_member_of_an_entry() {
    let issuer = entry(
        r#""jwks_uri":"https://a/keys","audience":["x","y"],"claim":"/a/b","algorithms":["RS256"],"required_claims":{"hd":"a.example"}"#,
    );
    assert!(matches!(issuer.keys, IssuerKeys::Uri(url) if url == "https://a/keys"));
    assert_eq!(issuer.audience.unwrap(), ["x", "y"]);
    assert_eq!(issuer.claim.unwrap().to_string(), "/a/b");
    assert_eq!(issuer.algorithms, Some(AlgorithmSet::EMPTY.with(Algorithm::Rs256)));
    assert_eq!(issuer.required_claims[0].to_string(), "\"a.example\"");
    assert_eq!(entry(r#""audience":"x""#).audience.unwrap(), ["x"]);
}

#[test]
fn an_empty_list_overrides_with_none() {
    for empty in [r#""audience":[]"#, r#""audience":"""#] {
        assert_eq!(entry(empty).audience, Some(Vec::new()), "{empty}");
    }
    assert_eq!(entry(r#""algorithms":[]"#).algorithms, Some(AlgorithmSet::EMPTY));
}

#[test]
fn own_keys_are_a_set_or_one_key() {
    for jwks in [KEY.to_owned(), format!("{{\"keys\":[{KEY}]}}")] {
        let IssuerKeys::Static(jwks) = entry(&format!("\"jwks\":{jwks}")).keys else {
            panic!("not static: {jwks}");
        };
        assert_eq!(jwks.keys().len(), 1);
    }
    let IssuerKeys::Static(none) = entry(r#""jwks":{"keys":[]}"#).keys else {
        panic!("an empty set of one's own is not the global one");
    };
    assert!(none.keys().is_empty());
}

#[test]
fn the_discovery_document_is_no_part_of_the_name() {
    let discovery = "https://a/t/.well-known/openid-configuration";
    assert_eq!(names(discovery), ["https://a/t"]);
    assert_eq!(names(&format!("[\"{discovery}\"]")), ["https://a/t"]);
    assert_eq!(names(&format!("{{\"issuers\":{{\"{discovery}\":{{}}}}}}")), ["https://a/t"]);
    let twice = format!("{{\"issuers\":{{\"https://a/t\":{{}},\"{discovery}\":{{}}}}}}");
    assert_eq!(
        refusal(&twice).detail,
        format!("member \"issuers\".\"{discovery}\": this issuer is named twice")
    );
}

#[test]
fn mistakes_of_form_say_where() {
    for (text, detail) in [
        ("https://a https://b", "the name of an issuer holds a blank"),
        (" ", "the name of an issuer holds a blank"),
        ("https://a\n", "the name of an issuer holds a blank"),
        ("/.well-known/openid-configuration", "the name of an issuer is empty"),
        ("[1]", "element 1: a number, not a string"),
        (r#"["https://a",""]"#, "element 2: the name of an issuer is empty"),
        (r#"["https://a","https://a"]"#, "element 2: this issuer is named twice"),
        (r#"["https://a\u0001"]"#, "element 1: control character U+0001"),
        ("{}", "an object without \"issuers\" and \"issuer_jwks_map\""),
        (r#"{"issuer":"https://a"}"#, "member \"issuer\": unknown member"),
        (r#"{"issuers":{},"x":1}"#, "member \"x\": unknown member"),
        (r#"{"issuers":{},"issuer_jwks_map":{}}"#, "both \"issuers\" and \"issuer_jwks_map\""),
        (r#"{"issuers":{"a":{},"a":{}}}"#, "duplicate member \"a\""),
        (
            r#"{"issuers":[{"issuer":"https://a"}]}"#,
            "member \"issuers\": an array, not an object with a member for each issuer",
        ),
        (r#"{"issuers":{"":{}}}"#, "member \"issuers\".\"\": the name of an issuer is empty"),
        (
            r#"{"issuer_jwks_map":{"https://a":"http://a/keys"}}"#,
            "member \"issuer_jwks_map\".\"https://a\": an http URL of a host that is not this one",
        ),
        (
            r#"{"issuer_jwks_map":{"https://a":{}}}"#,
            "member \"issuer_jwks_map\".\"https://a\": an object, not a string",
        ),
    ] {
        assert_eq!(refusal(text).detail, detail, "{text}");
    }
}

#[test]
fn mistakes_in_an_entry_say_where() {
    for (members, detail) in [
        (r#""aud":"x""#, "\"aud\": unknown member"),
        (r#""audience":1"#, "\"audience\": a number, not a string or an array of strings"),
        (r#""audience":["x",1]"#, "\"audience\": element 2: a number, not a string"),
        (r#""claim":["sub"]"#, "\"claim\": an array, not a string"),
        (r#""claim":"/a//b""#, "\"claim\": segment 2: an empty segment of a JSON pointer"),
        (r#""algorithms":"RS256""#, "\"algorithms\": a string, not an array of strings"),
        (r#""algorithms":["none"]"#, "\"algorithms\": element 1: unknown algorithm \"none\""),
        (r#""jwks_uri":"keys""#, "\"jwks_uri\": not an absolute URL"),
        (r#""jwks_uri":null"#, "\"jwks_uri\": null, not a string"),
        (r#""jwks":"{}""#, "\"jwks\": a string, not a JWK set or a JWK"),
        (r#""jwks":[]"#, "\"jwks\": an array, not a JWK set or a JWK"),
        (r#""required_claims":[]"#, "\"required_claims\": an array, not an object"),
        (
            r#""required_claims":{"a":[]}"#,
            "\"required_claims\".\"a\": an empty array, which no token can meet",
        ),
    ] {
        let error = refusal(&format!("{{\"issuers\":{{\"https://a\":{{{members}}}}}}}"));
        assert_eq!(error.detail, format!("member \"issuers\".\"https://a\".{detail}"));
    }
    let error = refusal(r#"{"issuers":{"https://a":"https://a/keys"}}"#);
    assert_eq!(error.detail, "member \"issuers\".\"https://a\": a string, not an object");
    let both = format!(r#""jwks":{KEY},"jwks_uri":"https://a/keys""#);
    let error = refusal(&format!("{{\"issuers\":{{\"https://a\":{{{both}}}}}}}"));
    assert!(error.detail.contains("both \"jwks\" and \"jwks_uri\""), "{error}");
}

#[test]
fn a_private_key_is_refused_and_not_repeated() {
    let private =
        KEY.replace("\"kid\"", "\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\",\"kid\"");
    let error = refusal(&format!("{{\"issuers\":{{\"https://a\":{{\"jwks\":{private}}}}}}}"));
    assert!(
        error.detail.starts_with("member \"issuers\".\"https://a\".\"jwks\": key 1"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("870MB"), "{error:?}");
}

#[test]
fn at_most_a_thousand() {
    let array = |count: usize| {
        let names: Vec<String> = (0..count).map(|i| format!("\"https://idp{i}\"")).collect();
        format!("[{}]", names.join(","))
    };
    assert_eq!(Issuers::parse(&array(1_000)).unwrap().len(), 1_000);
    assert_eq!(refusal(&array(1_001)).detail, "element 1001: more than 1000 issuers");
}

#[test]
fn near_is_a_scheme_or_a_slash_away() {
    let issuers = Issuers::parse(r#"["https://accounts.google.com","https://b/t/"]"#).unwrap();
    let google = Some("https://accounts.google.com");
    for iss in [
        "https://accounts.google.com/",
        "http://accounts.google.com",
        "accounts.google.com",
        "accounts.google.com/",
    ] {
        assert_eq!(issuers.near(iss), google, "{iss}");
        assert!(issuers.get(iss).is_none(), "{iss}");
    }
    assert_eq!(issuers.near("https://b/t"), Some("https://b/t/"));
    for iss in ["https://accounts.google.com", "https://accounts.google.com//", "https://b", ""] {
        assert_eq!(issuers.near(iss), None, "{iss}");
    }
}

#[test]
fn own_algorithms_are_united() {
    let issuers = Issuers::parse(
        r#"{"issuers":{"a":{"algorithms":["RS256"]},"b":{"algorithms":["EdDSA"]},"c":{}}}"#,
    )
    .unwrap();
    assert_eq!(issuers.own_algorithms().to_string(), "RS256, EdDSA");
}

#[test]
fn the_fingerprint_is_of_the_meaning() {
    let digest = |text: &str| Issuers::parse(text).unwrap().digest();
    assert_eq!(digest(r#"["a","b"]"#), digest(r#"{"issuers":{"b":{},"a":{}}}"#));
    let entry = |members: &str| digest(&format!("{{\"issuers\":{{\"a\":{{{members}}}}}}}"));
    assert_eq!(entry(r#""audience":["x","y"]"#), entry(r#" "audience" : ["y","x"]"#));
    let different = [
        "",
        r#""audience":[]"#,
        r#""audience":"x""#,
        r#""claim":"x""#,
        r#""algorithms":[]"#,
        r#""algorithms":["RS256"]"#,
        r#""jwks_uri":"https://a/""#,
        r#""jwks":{"keys":[]}"#,
        r#""required_claims":{"a":1}"#,
        r#""required_claims":{"a":"1"}"#,
    ];
    let mut digests: Vec<_> = different.iter().map(|members| *entry(members).as_bytes()).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), different.len());
}
