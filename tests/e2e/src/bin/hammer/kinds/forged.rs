//! Tokens that somebody would like to be taken for sound ones, and sound ones used wrongly.

use aws_lc_rs::hmac;
use jwt_sso_e2e::issuer::encode;
use jwt_sso_e2e::token::{Token, now, tampered};
use jwt_sso_e2e::{Algorithm, Issuer, SigningKey};

use super::{Due, How, Kind, kind, password};

pub fn kinds(issuer: &Issuer, forbidden_url: &str) -> Vec<Kind> {
    let mut kinds = signatures(issuer);
    kinds.extend(strange_keys(issuer, forbidden_url));
    kinds.extend(claims(issuer));
    kinds
}

fn of(
    issuer: &Issuer,
    name: &'static str,
    reasons: &'static [&'static str],
    make: impl Fn(Token, usize) -> String,
) -> Kind {
    kind(name, Due::Refused(reasons), issuer, |token, n| password(make(token, n)))
}

/// What any check of a signature must find, and what a packet has behind a forged token.
fn signatures(issuer: &Issuer) -> Vec<Kind> {
    let bad = &["bad_signature"];
    let of = |name, reasons, make: &dyn Fn(Token, usize) -> String| of(issuer, name, reasons, make);
    let flipped = of(
        "bit_flipped",
        &[
            "malformed_token",
            "unsupported_algorithm",
            "unknown_issuer",
            "unknown_key",
            "bad_signature",
        ],
        &|token, n| token.key(&issuer.keys[n % issuer.keys.len()]).sign(),
    );
    let pipelined = kind("pipelined", Due::Refused(bad), issuer, |token, _| {
        let query = jwt_sso_e2e::message::frame(b'Q', b"DROP ROLE alice\0");
        [password(tampered(&token.sign())), query].concat()
    });
    vec![
        Kind { how: How::FlipBit, ..flipped },
        pipelined,
        of("changed_payload", bad, &|token, _| {
            spliced(&issuer.token("nobody").sign(), &token.sign())
        }),
        of("tampered", bad, &|token, _| tampered(&token.sign())),
        of("zero_signature", bad, &|token, n| resigned(&token, &vec![0; [64, 1, 63, 65][n % 4]])),
        of("cut_signature", bad, &|token, n| {
            // 342 characters are 256 bytes, and 340 are 255: strict base64url all the same.
            let signed = token.key(&issuer.keys[1]).sign();
            signed[..signed.len() - 2 - 4 * n].to_owned()
        }),
        of("alg_none", &["unsupported_algorithm"], &|token, n| {
            let none = token.header("alg", ["none", "None", "NONE", "nOnE"][n % 4]);
            if n < 8 { none.sign() } else { resigned(&none, b"") }
        }),
        of("hmac_public_key", &["unsupported_algorithm"], &|token, n| {
            let token = token.header("alg", "HS256").header("kid", "k-rs");
            let jwk = issuer.keys[1].jwk();
            let secret = if n % 2 == 0 { jwk.to_string() } else { jwk["n"].to_string() };
            let input = format!("{}.{}", encode(token.header_text()), encode(token.payload_text()));
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            format!("{input}.{}", encode(hmac::sign(&key, input.as_bytes())))
        }),
    ]
}

/// Keys that are not the issuer's, however the token speaks of them.
fn strange_keys(issuer: &Issuer, forbidden_url: &str) -> Vec<Kind> {
    let own = SigningKey::generate("own", Algorithm::Es256);
    let same_kid = own.clone().with("kid", "k-es".into());
    let (bad, unknown) = (&["bad_signature"], &["unknown_key"]);
    let of = |name, reasons, make: &dyn Fn(Token, usize) -> String| of(issuer, name, reasons, make);
    vec![
        of("same_kid", bad, &|token, _| token.key(&same_kid).sign()),
        of("jwk_in_header", bad, &|token, n| {
            let token = token.key(&same_kid).header("jwk", same_kid.jwk());
            // Without a kid there is one key that fits.
            if n % 2 == 0 { token.sign() } else { token.without_header("kid").sign() }
        }),
        of("url_in_header", unknown, &|token, n| {
            let name = ["jku", "x5u"][n % 2];
            token.key(&own).header(name, forbidden_url).sign()
        }),
        of("unknown_kid", unknown, &|token, n| token.header("kid", format!("k-{n}")).sign()),
        of("kid_as_path", unknown, &|token, n| {
            let kids = ["../../../dev/null", "k-es' OR '1'='1", "k-es\u{0}", "", "k-es "];
            token.header("kid", kids[n % 5]).sign()
        }),
        of("other_key_type", unknown, &|token, _| {
            token.key(&issuer.keys[1]).header("kid", "k-es").sign()
        }),
    ]
}

/// Signed by the issuer's own keys, and still not to be accepted.
fn claims(issuer: &Issuer) -> Vec<Kind> {
    let of = |name, reasons, make: &dyn Fn(Token, usize) -> Token| {
        of(issuer, name, reasons, |token, n| make(token, n).sign())
    };
    let superuser = of("superuser", &["reserved_role"], &|token, _| token);
    let unmapped: &[&str] = &["role_not_mapped"];
    vec![
        Kind { superuser: true, ..superuser },
        of("other_issuer", &["unknown_issuer"], &|token, n| {
            let own = issuer.iss.as_str();
            let others = ["https://other.example", &format!("{own}/"), &own.to_uppercase()];
            token.claim("iss", others[n % 3])
        }),
        of("no_issuer", &["unknown_issuer"], &|token, _| token.without("iss")),
        of("expired", &["expired"], &|token, n| token.claim("exp", now() - 31 - 500 * n as u64)),
        of("no_expiry", &["missing_expiry"], &|token, _| token.without("exp")),
        of("not_yet_valid", &["not_yet_valid"], &|token, _| token.claim("nbf", now() + 80_000)),
        of("from_the_future", &["issued_in_future"], &|token, _| {
            token.claim("iat", now() + 80_000)
        }),
        of("wrong_audience", &["audience_mismatch"], &|token, _| token.claim("aud", "other")),
        of("no_audience", &["audience_mismatch"], &|token, _| token.without("aud")),
        of("no_subject", &["missing_claim"], &|token, _| token.without("sub")),
        of("other_role", unmapped, &|token, n| token.claim("sub", ["alice", "a\0b"][n % 2])),
        of("denied", &["denied"], &|token, _| token),
        kind("longest_token", Due::Refused(unmapped), issuer, |token, _| {
            password(token.claim("sub", "nobody").padded(65_530))
        }),
    ]
}

/// The payload of the second token under the header and signature of the first.
fn spliced(signed: &str, wanted: &str) -> String {
    let payload = wanted.split('.').nth(1).unwrap_or_default();
    let mut parts: Vec<&str> = signed.split('.').collect();
    parts[1] = payload;
    parts.join(".")
}

/// With this signature.
fn resigned(token: &Token, signature: &[u8]) -> String {
    let (header, payload) = (encode(token.header_text()), encode(token.payload_text()));
    format!("{header}.{payload}.{}", encode(signature))
}
