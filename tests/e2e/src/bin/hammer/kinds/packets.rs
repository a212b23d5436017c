//! Messages that are no password, or lie about their length, or are never sent whole.

use jwt_sso_e2e::Issuer;
use jwt_sso_e2e::message::{frame, frame_with_length};

use super::{Due, How, Kind, kind, password};

pub fn kinds(issuer: &Issuer) -> Vec<Kind> {
    let of = |name, make: fn(String, usize) -> Vec<u8>| {
        kind(name, Due::Undecided, issuer, move |token, n| make(token.sign(), n))
    };
    let cut = of("truncated", |token, _| password(token));
    vec![
        of("no_nul", |token, _| frame(b'p', token.as_bytes())),
        of("nul_inside", |token, n| {
            let (left, right) = token.split_at(n * 7 % token.len());
            frame(b'p', format!("{left}\0{right}\0").as_bytes())
        }),
        of("two_nuls", |token, _| frame(b'p', format!("{token}\0\0").as_bytes())),
        of("no_body", |_, _| frame(b'p', b"")),
        of("other_message", |token, n| {
            let tags = [b'Q', b'X', b'P', b'B', b'd', b'F', b'R', 0, 255];
            frame(tags[n % tags.len()], format!("{token}\0").as_bytes())
        }),
        of("wrong_length", |token, n| {
            let lengths = [0, 3, u32::MAX, 1 << 31, 1 << 30, 65_536];
            frame_with_length(b'p', lengths[n % 6], format!("{token}\0").as_bytes())
        }),
        of("short_length", |token, n| {
            frame_with_length(b'p', 20 + n as u32, format!("{token}\0").as_bytes())
        }),
        kind("too_long", Due::Undecided, issuer, |token, n| {
            password(token.padded([65_531, 65_532, 100_000, 300_000][n % 4]))
        }),
        Kind { how: How::Cut, ..cut },
    ]
}
