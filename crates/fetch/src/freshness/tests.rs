use super::*;

/// Sat, 21 Nov 2026 19:00:00 GMT
const NOW: u64 = 1_795_287_600;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

/// Header fields, one to a line.
fn headers(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        let name: http::HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

#[test]
fn lifetimes() {
    let day = "Date: Sat, 21 Nov 2026 19:00:00 GMT\n";
    let cases: &[(&str, Option<u64>)] = &[
        // Nothing stated.
        ("", None),
        ("Cache-Control: public, must-revalidate", None),
        ("Last-Modified: Sat, 21 Nov 2020 19:00:00 GMT", None),
        ("Cache-Control: immutable", None),
        ("Age: 5", None),
        // max-age, §5.2.2.1
        ("Cache-Control: max-age=300", Some(300)),
        ("Cache-Control: public, max-age=19845, must-revalidate, no-transform", Some(19845)),
        ("Cache-Control: max-age=\"300\"", Some(300)),
        ("cache-control: MAX-AGE=300", Some(300)),
        ("Cache-Control: max-age = 300", Some(300)),
        ("Cache-Control: private , max-age=300 ,, ", Some(300)),
        ("Cache-Control: private\nCache-Control: max-age=300", Some(300)),
        ("Cache-Control: max-age=0", Some(0)),
        // s-maxage and private are for shared caches, §5.2.2.10, §5.2.2.7.
        ("Cache-Control: s-maxage=300", None),
        ("Cache-Control: s-maxage=10, max-age=300", Some(300)),
        ("Cache-Control: max-age=300, proxy-revalidate", Some(300)),
        // Not readable, or said twice: stale, or the first one, §4.2.1.
        ("Cache-Control: max-age", Some(0)),
        ("Cache-Control: max-age=", Some(0)),
        ("Cache-Control: max-age=-1", Some(0)),
        ("Cache-Control: max-age=1.5", Some(0)),
        ("Cache-Control: max-age=abc", Some(0)),
        ("Cache-Control: max-age=99999999999999999999999999", Some(0)),
        ("Cache-Control: max-age=18446744073709551615", Some(u64::MAX)),
        ("Cache-Control: max-age=300, max-age=60", Some(300)),
        ("Cache-Control: max-age=60\nCache-Control: max-age=300", Some(60)),
        ("Cache-Control: ;;;=,=5", None),
        ("Cache-Control: \u{e9}, max-age=300", None),
        ("Cache-Control: \u{e9}\nCache-Control: max-age=300", Some(300)),
        // Age, §5.1
        ("Cache-Control: max-age=300\nAge: 100", Some(200)),
        ("Cache-Control: max-age=300\nAge: 300", Some(0)),
        ("Cache-Control: max-age=300\nAge: 301", Some(0)),
        ("Cache-Control: max-age=300\nAge: 18446744073709551615", Some(0)),
        ("Cache-Control: max-age=300\nAge: -5", Some(300)),
        ("Cache-Control: max-age=300\nAge: old", Some(300)),
        // no-cache and no-store, §5.2.2.4, §5.2.2.5
        ("Cache-Control: no-cache", None),
        ("Cache-Control: no-store", None),
        ("Cache-Control: No-Store, max-age=300", None),
        ("Cache-Control: max-age=300, no-cache", None),
        ("Cache-Control: no-cache=\"set-cookie, x\", max-age=300", None),
        ("Cache-Control: max-age=300\nCache-Control: no-store", None),
        ("Pragma: no-cache\nExpires: Sat, 21 Nov 2026 19:05:00 GMT", None),
        ("Pragma: no-cache\nCache-Control: max-age=300", Some(300)),
        ("Vary: *\nCache-Control: max-age=300", None),
        ("Vary: Accept\nCache-Control: max-age=300", Some(300)),
        ("Set-Cookie: a=b\nCache-Control: max-age=300", Some(300)),
        // Expires minus Date, §5.3
        ("Expires: Sat, 21 Nov 2026 19:05:00 GMT", Some(300)),
        ("Expires: Sat, 21 Nov 2026 18:05:00 GMT", Some(0)),
        ("Expires: 0", Some(0)),
        ("Expires: -1", Some(0)),
        ("Expires: tomorrow", Some(0)),
        ("Cache-Control: max-age=60\nExpires: Sat, 21 Nov 2026 19:05:00 GMT", Some(60)),
        ("Cache-Control: max-age=60\nExpires: 0", Some(60)),
        ("Cache-Control: max-age=abc\nExpires: Sat, 21 Nov 2026 19:05:00 GMT", Some(0)),
        ("Expires: Sat, 21 Nov 2026 19:05:00 GMT\nAge: 100", Some(200)),
        ("Expires: Sat, 21 Nov 2026 19:05:00 GMT\nDate: Sat, 21 Nov 2026 19:04:00 GMT", Some(60)),
        ("Expires: Sat, 21 Nov 2026 19:05:00 GMT\nDate: yesterday", Some(300)),
        ("Expires: Fri, 31 Dec 9999 23:59:59 GMT\nDate: Thu, 01 Jan 1970 00:00:00 GMT", {
            Some(253_402_300_799)
        }),
    ];
    for (text, expected) in cases {
        assert_eq!(lifetime(&headers(text), now()), expected.map(Duration::from_secs), "{text}");
        if !text.contains("Date") {
            let dated = format!("{day}{text}");
            assert_eq!(lifetime(&headers(&dated), now()), expected.map(Duration::from_secs));
        }
    }
}

#[test]
fn clock_offsets() {
    let cases: &[(&str, Option<i64>)] = &[
        ("", None),
        ("Date: Sat, 21 Nov 2026 19:00:00 GMT", Some(0)),
        ("Date: Sat, 21 Nov 2026 19:01:30 GMT", Some(90)),
        ("Date: Sat, 21 Nov 2026 18:58:30 GMT", Some(-90)),
        ("Date: Sat, 21 Nov 2026 18:58:30 GMT\nAge: 90", Some(0)),
        ("Date: Sat, 21 Nov 2026 18:58:30 GMT\nAge: old", None),
        ("Date: Sat, 21 Nov 2026 18:58:30 GMT\nAge: 9223372036854775807", None),
        ("Date: Thu, 01 Jan 1970 00:00:00 GMT", Some(-1_795_287_600)),
        ("Date: now", None),
        ("Date: \u{e9}", None),
    ];
    for (text, expected) in cases {
        assert_eq!(clock_offset(&headers(text), now()), *expected, "{text}");
    }
}
