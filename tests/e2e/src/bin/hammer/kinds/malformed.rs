//! Passwords that are no token, and tokens that are not well-formed.

use jwt_sso_e2e::Issuer;
use jwt_sso_e2e::issuer::encode;
use serde_json::json;

use super::{Due, Kind, kind, password};

const MALFORMED: Due = Due::Refused(&["malformed_token"]);
/// The longest password that PostgreSQL takes.
const LONGEST: usize = 65_530;

pub fn kinds(issuer: &Issuer) -> Vec<Kind> {
    let of = |name, make: fn(String, usize) -> Vec<u8>| {
        kind(name, MALFORMED, issuer, move |token, n| password(make(token.sign(), n)))
    };
    let empty = kind("empty", Due::Refused(&["no_token"]), issuer, |_, _| password(""));
    vec![
        Kind { pam: false, ..empty },
        of("no_dots", |_, n| ["x", "hunter2", "md5", "null", "{}"][n % 5].into()),
        of("two_parts", |token, _| token.rsplit_once('.').expect("dots").0.into()),
        of("five_parts", |token, _| format!("{token}.e30.e30").into()),
        of("random_bytes", |_, n| random_bytes(1 << (n % 12 + 1))),
        of("random_parts", |_, n| {
            let part = |length| encode(random_bytes(length));
            format!("{}.{}.{}", part(20 + n), part(200), part(64)).into()
        }),
        of("longest_garbage", |_, n| vec![b"x. e"[n % 4]; LONGEST]),
        of("padded_base64", |token, _| format!("{token}==").into()),
        of("loose_base64", |token, _| loose(&token).into()),
        of("white_space", |token, n| match n % 3 {
            0 => format!("{token}\n").into(),
            1 => format!(" {token}").into(),
            _ => token.replacen('.', ".\r\n", 1).into(),
        }),
        kind("duplicate_claim", MALFORMED, issuer, |token, _| {
            let payload = token.payload_text().replacen('{', "{\"sub\":\"postgres\",", 1);
            password(token.sign_raw(&token.header_text(), &payload))
        }),
        kind("deep_json", MALFORMED, issuer, |token, n| {
            let depth = 200 << (n % 7);
            let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let payload = token.payload_text().replacen('{', &format!("{{\"deep\":{deep},"), 1);
            password(token.sign_raw(&token.header_text(), &payload))
        }),
        kind("not_json", MALFORMED, issuer, |token, n| {
            let payload = token.payload_text();
            let payload = match n % 3 {
                0 => format!("{payload}x"),
                1 => payload[..payload.len() - 1].to_owned(),
                _ => format!("\u{feff}{payload}"),
            };
            password(token.sign_raw(&token.header_text(), &payload))
        }),
        kind("critical_header", MALFORMED, issuer, |token, n| {
            let critical = [json!(["exp"]), json!(["b64"]), json!([]), json!("x")];
            password(token.header("crit", critical[n % 4].clone()).sign())
        }),
        kind("strange_type", MALFORMED, issuer, |token, n| {
            let types = [json!("dpop+jwt"), json!("logout+jwt"), json!(7)];
            password(token.header("typ", types[n % 3].clone()).sign())
        }),
    ]
}

/// Anything but NUL.
fn random_bytes(length: usize) -> Vec<u8> {
    std::iter::repeat_with(|| fastrand::u8(1..)).take(length).collect()
}

/// The same bytes to a lenient decoder: the last character's unused bits are not zero.
fn loose(token: &str) -> String {
    // A signature of 64 bytes has four unused bits at its end.
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = token.as_bytes()[token.len() - 1];
    let value = alphabet.iter().position(|c| *c == last).expect("base64url");
    format!("{}{}", &token[..token.len() - 1], char::from(alphabet[value + 1]))
}
