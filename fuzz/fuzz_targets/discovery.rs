//! What a hostile server of an issuer sends, beside its keys: `kind`, one byte,
//! then a discovery document, the `Location` of a redirect, or headers.
//!
//! - Only https is asked, and http of this very machine where the provider is
//!   itself there; never a URL with a user name, a fragment or a blank.
//! - The document is of the issuer that was asked for.
//! - A redirect that is followed leads to the same host by the same scheme.
//! - A URL that fetching takes a setting takes too, and the reverse.
#![no_main]

use jwt_sso_core::issuers::{IssuerKeys, Issuers};
use jwt_sso_core::json::{self, Node};
use jwt_sso_fetch::fuzzing::{Asked, address, freshness, jwks_uri, redirect};
use jwt_sso_fuzz::{seeds, text};
use libfuzzer_sys::fuzz_target;
use std::time::{Duration, SystemTime};

const PROVIDERS: [&str; 2] = [
    "https://idp.example/a/.well-known/openid-configuration",
    "http://127.0.0.1:8080/.well-known/openid-configuration",
];

const ISSUERS: [&str; 3] = ["https://idp.example/a", "https://accounts.google.com", "i"];

fn seed() {
    let of_kind = |kind: u8, text: &[u8]| [&[kind], text].concat();
    let mut all = Vec::new();
    for document in seeds::files("wellknown", ".openid-configuration.json") {
        all.push(of_kind(0, &document));
    }
    for document in [
        r#"{"issuer":"i","jwks_uri":"https://idp.example/keys"}"#,
        r#"{"issuer":"https://idp.example/a","jwks_uri":"http://localhost:1/keys?x=1"}"#,
    ] {
        all.push(of_kind(0, document.as_bytes()));
        all.push(of_kind(1, document.as_bytes()));
    }
    for reference in
        ["/keys", "../b/./keys?x", "//idp.example/k", "https://idp.example:443/k", "?q", "k#f", ""]
    {
        all.push(of_kind(2, reference.as_bytes()));
        all.push(of_kind(3, reference.as_bytes()));
    }
    for headers in [
        "cache-control: public, max-age=3600\nage: 10\ndate: Fri, 15 Jan 2027 08:00:00 GMT",
        "expires: Fri, 15 Jan 2027 09:00:00 GMT\ndate: Fri, 15 Jan 2027 08:00:00 GMT",
        "cache-control: no-store\nvary: *\npragma: no-cache",
        "cache-control: max-age=99999999999999999999\nage: 18446744073709551615",
    ] {
        all.push(of_kind(4, headers.as_bytes()));
    }
    for url in
        ["https://idp.example/keys", "http://[::1]:80/k", "https://[::1]", "HTTP://LOCALHOST"]
    {
        all.push(of_kind(5, url.as_bytes()));
    }
    seeds::write(all);
}

fuzz_target!(init: seed(), |data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    match (kind % 6, text(rest)) {
        (kind @ (0 | 1), _) => document(rest, PROVIDERS[usize::from(kind)]),
        (kind @ (2 | 3), Some(text)) => location(text, PROVIDERS[usize::from(kind) - 2]),
        (4, _) => headers(rest),
        (_, Some(text)) => url(text),
        _ => {}
    }
});

fn assert_sound(asked: &Asked) {
    assert!(asked.https || asked.loopback, "{asked:?}");
    assert!(!asked.host.is_empty());
    assert!(!asked.url.contains(['#', ' ', '\r', '\n', '\t', '\0']), "{asked:?}");
    assert!(!asked.path.contains([' ', '\r', '\n']));
    let authority = asked.url.split("://").nth(1).unwrap_or_default();
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    assert!(!authority.contains('@') && authority.starts_with(&asked.host), "{asked:?}");
    assert_eq!(address(&asked.url).as_ref(), Some(asked), "read again");
}

fn document(document: &[u8], provider: &str) {
    let accepted = ISSUERS.map(str::to_owned);
    let Some(asked) = jwks_uri(document, &accepted, provider) else { return };
    assert_sound(&asked);
    let from_here = address(provider).expect("a URL").loopback;
    assert!(asked.https || from_here, "sent to http by a provider elsewhere: {asked:?}");
    let node = json::parse(document).expect("JSON");
    let member = |name| node.get(name).and_then(Node::as_str).expect("a string");
    assert!(accepted.iter().any(|issuer| issuer == member("issuer")));
    assert_eq!(member("jwks_uri"), asked.url);
    assert_eq!(jwks_uri(document, &[], provider), None, "no issuer is accepted");
}

fn location(reference: &str, base: &str) {
    let Some((there, elsewhere)) = redirect(base, reference) else { return };
    assert_sound(&there);
    let here = address(base).expect("a URL");
    if elsewhere.is_none() {
        assert!(there.host.eq_ignore_ascii_case(&here.host) && there.https == here.https);
    }
    let (again, _) = redirect(base, &there.url).expect("a whole URL");
    assert_eq!(again, there);
}

fn headers(text: &[u8]) {
    let lines = text.split(|byte| *byte == b'\n').take(16);
    let pairs: Vec<(&str, &[u8])> = lines
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((std::str::from_utf8(&line[..colon]).ok()?, line[colon + 1..].trim_ascii()))
        })
        .collect();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let (lifetime, offset) = freshness(&pairs, now);
    let again = freshness(&pairs, now);
    assert_eq!((lifetime, offset), again);
    if let Some(lifetime) = lifetime {
        // An answer without a word about it has no lifetime.
        let says = |wanted: &str| pairs.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        assert!(says("cache-control") || says("expires"), "{lifetime:?}");
    }
}

fn url(text: &str) {
    let asked = address(text);
    if let Some(asked) = &asked {
        assert_sound(asked);
        assert_eq!(asked.url, text);
    }
    if text.len() > 2048 || text.contains(char::is_control) {
        return;
    }
    let map = serde_json::json!({ "issuer_jwks_map": { "i": text } }).to_string();
    let taken = Issuers::parse(&map).ok();
    assert_eq!(taken.is_some(), asked.is_some(), "a setting and fetching differ about {text:?}");
    if let Some(issuers) = taken {
        let keys = &issuers.get("i").expect("the issuer").keys;
        assert!(matches!(keys, IssuerKeys::Uri(uri) if uri == text));
    }
}
