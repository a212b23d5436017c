//! A token's form: decoded, parsed, and decided where no key is its issuer's.
//!
//! - What decodes is the one text that encodes to its parts.
//! - Nothing may be put before it, behind it or between its parts.
//! - What is a token by its form is never taken for a password.
//! - Nothing is granted, and no text for the log has the token.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_sso_core::claims::Claims;
use jwt_sso_core::decision::{
    Connection, Demands, Found, Keys, Surroundings, Transport, admit, decide,
};
use jwt_sso_core::issuers::{Issuer, Issuers};
use jwt_sso_core::jwk::PublicKey;
use jwt_sso_core::jwks::StaticJwks;
use jwt_sso_core::policy::{KeySource, Policy};
use jwt_sso_core::refusal::{Malformed, Reason, words};
use jwt_sso_core::time::UnixTime;
use jwt_sso_core::token::{CompactJws, Header, MAX_BYTES, begins_like_token};
use jwt_sso_fuzz::minting::P256;
use jwt_sso_fuzz::{json, seeds, world};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

/// The only key of every issuer, and no token of the seeds is signed by it.
static KEY: LazyLock<PublicKey> = LazyLock::new(|| {
    let jwks = StaticJwks::parse(&P256.jwk("")).expect("a key");
    jwks.keys().remove(0)
});

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy {
    enabled: true,
    issuers: Arc::new(Issuers::parse(r#"["joe","https://idp.example"]"#).expect("issuers")),
    audience: Arc::from(["db".to_owned()]),
    jwks: Arc::new(StaticJwks::parse(&P256.jwk("")).expect("a key")),
    ..Policy::default()
});

struct OneKey;

impl Keys for OneKey {
    fn find(&self, _: &Issuer, _: &KeySource, _: Option<&str>) -> Found {
        Found::Keys { of_kid: vec![KEY.clone()], issuer_keys: 1 }
    }
}

fn seed() {
    let stranger = |header: &str| world::sign(None, header, world::claims("alice").as_bytes());
    let own = [r#"{"alg":"EdDSA"}"#, r#"{"alg":"ES256","kid":"a","typ":"at+jwt"}"#].map(stranger);
    seeds::write(own.into_iter().chain(seeds::tokens()).map(String::into_bytes));
}

fuzz_target!(init: seed(), |data: &[u8]| {
    form(data);
    let connection = Connection { transport: Transport::Tls, replication: false };
    let admitted = admit(Ok(&POLICY), connection).expect("admitted");
    let now = UnixTime::from_seconds(world::NOW).expect("in range");
    let around = Surroundings {
        keys: &OneKey,
        is_superuser: &|_| false,
        now: &|| now,
        begins: &|_| (),
    };
    let refused = decide(admitted, data, b"alice", Demands::default(), around)
        .expect_err("a token that nobody signed is refused");
    let reason = refused.refusal.reason();
    assert_eq!(data.is_empty(), reason == Reason::NoToken);
    if !data.is_empty() && CompactJws::decode(data).is_err() {
        assert_eq!(reason, Reason::MalformedToken);
    }
    assert!(reason <= Reason::BadSignature, "an unsigned token got as far as {reason:?}");
    if let Some(token) = std::str::from_utf8(data).ok().filter(|token| token.len() > 64) {
        assert!(!words::log_detail(&refused.refusal).contains(token));
        assert!(!format!("{refused:?}").contains(token));
    }
});

fn form(data: &[u8]) {
    let jws = match CompactJws::decode(data) {
        Ok(jws) => jws,
        Err(Malformed::Parts(count)) => {
            return assert_eq!(count, data.split(|byte| *byte == b'.').count());
        }
        Err(Malformed::TooLong(length)) => return assert!(length > MAX_BYTES),
        Err(_) => return,
    };
    assert!(data.len() <= MAX_BYTES);
    let parts = [jws.header(), jws.payload(), jws.signature()].map(|p| URL_SAFE_NO_PAD.encode(p));
    assert_eq!(parts.join(".").as_bytes(), data);
    let last_dot = data.len() - parts[2].len() - 1;
    assert_eq!(jws.signing_input(), &data[..last_dot]);
    for more in [&b"="[..], b" ", b"\n", b".", b"\0", b"+", b"/"] {
        assert!(CompactJws::decode(&[data, more].concat()).is_err());
        assert!(CompactJws::decode(&[more, data].concat()).is_err());
        let between = [&data[..last_dot], more, &data[last_dot..]].concat();
        assert!(CompactJws::decode(&between).is_err());
    }
    assert!(CompactJws::decode(&data[..last_dot]).is_err(), "a token without its third part");
    if Header::parse(jws.header()).is_ok() {
        json::read(jws.header()).expect("a header is JSON");
        assert!(begins_like_token(data));
    }
    if Claims::parse(jws.payload()).is_ok() {
        json::read(jws.payload()).expect("claims are JSON");
    }
}
