//! `jwt-sso inspect`, without a server:
//! 1. a sound token: header, claims, times in words, and nothing of the signature
//! 2. everything that is odd, by its code
//! 3. what is no JWT: exit 3, and why
//! 4. nothing that a terminal obeys comes out, whatever the token holds
//! 5. numbers are as they were written; what is odd JSON is shown as it is
//! 6. on a terminal: a prompt, colours, and the line that it cuts
//! 7. files and input that hold no token
//! 8. the environment alone sends no token anywhere
//! 9. other people's test vectors as payloads: an answer to each

use crate::program::{Ran, program, run, run_on_terminal, run_with};
use jwt_sso_e2e::issuer::encode;
use jwt_sso_e2e::token::{Token, now};
use jwt_sso_e2e::{Algorithm, Issuer};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

fn token() -> Token {
    Issuer::example().token("alice")
}

fn inspect(token: &str) -> Ran {
    run_with(program(&["inspect"]), token)
}

fn document(token: &str) -> Value {
    let ran = run_with(program(&["inspect", "--json"]), token);
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

fn codes(token: &str) -> Vec<String> {
    let document = document(token);
    let odd = document["odd"].as_array().unwrap().iter();
    odd.map(|odd| odd["code"].as_str().unwrap().to_owned()).collect()
}

/// Not even a bit of it.
fn assert_without_signature(token: &str, output: &str) {
    let signature = token.rsplit('.').next().unwrap();
    for start in 0..signature.len() - 12 {
        assert!(!output.contains(&signature[start..start + 12]), "{output}");
    }
}

#[test]
fn s1_a_sound_token() {
    let token = token().claim("exp", now() + 3630).claim("groups", json!(["a", {"b": 1}])).sign();
    let ran = inspect(&format!("  {token}\n")).ended(0);
    for words in [
        &format!("A JWT of {} bytes", token.len()),
        "  \"alg\": \"ES256\",\n",
        "  \"kid\": \"k1\",\n",
        "  \"sub\": \"alice\"\n",
        "Z, expires in 1 hour",
        "Z, issued ",
        "Signature: 64 bytes, neither shown nor checked",
        "Nothing odd about it.",
        "    \"a\",\n    {\n      \"b\": 1\n    }\n  ],\n",
    ] {
        assert!(ran.stdout.contains(words), "no {words:?} in {}", ran.stdout);
    }
    assert_eq!(ran.stderr, "");
    assert_without_signature(&token, &ran.stdout);
    let document = document(&token);
    assert_without_signature(&token, &document.to_string());
    assert_eq!(document["jwt"], true);
    assert_eq!(document["claims"]["sub"], "alice");
    assert_eq!(document["header"]["alg"], "ES256");
    assert_eq!(document["signature_bytes"], 64);
    assert_eq!(document["odd"], json!([]));
    let words = document["times"]["exp"]["words"].as_str().unwrap();
    assert!(words.starts_with("expires in 1 hour"), "{words}");
    let expired = self::token().claim("exp", now() - 200).sign();
    let ran = inspect(&expired).ended(0);
    assert!(ran.stdout.contains("expired 3 minutes ago"), "{}", ran.stdout);
}

#[test]
fn s2_what_is_odd() {
    let sign = |token: Token| token.sign();
    for (token, code) in [
        (sign(token().without("aud")), "no_aud"),
        (sign(token().claim("aud", json!([]))), "no_aud"),
        (sign(token().claim("aud", "")), "no_aud"),
        (sign(token().claim("aud", "account")), "aud_account"),
        (sign(token().without("iss")), "no_iss"),
        (sign(token().header("alg", "none")), "alg"),
        (sign(token().header("alg", "HS256")), "alg"),
        (sign(token().header("alg", "ES256K")), "alg"),
        (sign(token().without_header("alg")), "alg"),
        (sign(token().without_header("kid")), "no_kid"),
        (sign(token().header("typ", "dpop+jwt")), "typ"),
        (sign(token().header("crit", json!(["b64"]))), "crit"),
        (sign(token().header("jku", "https://evil.example")), "own_key"),
        (sign(token().header("nonce", "x")), "nonce"),
        (sign(token().without("exp")), "no_exp"),
        (sign(token().claim("exp", now() - 5)), "expired"),
        (sign(token().claim("exp", "tomorrow")), "time_type"),
        (sign(token().claim("nbf", now() + 90)), "nbf_in_future"),
        (sign(token().claim("iat", now() + 90)), "iat_in_future"),
        (sign(token().claim("exp", now() + 90_000)), "long_lifetime"),
        (format!("Bearer {}", token().sign()), "bearer"),
        (token().sign().rsplit_once('.').unwrap().0.to_owned(), "no_signature"),
        (format!("{}.", token().sign().rsplit_once('.').unwrap().0), "no_signature"),
    ] {
        assert_eq!(codes(&token), [code], "{token}");
        inspect(&token).ended(0);
    }
    for (bytes, wanted) in [
        (1023, &[][..]),
        (1024, &["size_pgpool"]),
        (2047, &["size_pgpool"]),
        (2048, &["size_pgbouncer", "size_pgpool"]),
        (65_530, &["size_pgbouncer", "size_pgpool"]),
        (65_531, &["no_jwt", "size_postgresql", "size_pgbouncer", "size_pgpool"]),
    ] {
        assert_eq!(codes(&token().padded(bytes)), wanted, "{bytes}");
    }
}

#[test]
fn s3_what_is_no_jwt() {
    let header = r#"{"alg":"ES256","kid":"k1"}"#;
    let payload = |payload: &str| token().sign_raw(header, payload);
    for (token, why) in [
        ("opaque-4711".to_owned(), "an opaque token, without dots"),
        ("e30.a.b.c.d".to_owned(), "an encrypted token (JWE, five parts)"),
        ("a.b.c.d".to_owned(), "a token has three parts separated by dots, this one 4"),
        ("e30=.e30.AA".to_owned(), "the header is not strict base64url"),
        (format!("{}x", token().sign()), "the signature is not strict base64url"),
        (payload(r#"{"sub":"a","sub":"b"}"#), "not strict JSON: duplicate member \"sub\""),
        (payload("[]"), "the payload is not a JSON object"),
        (payload("Payload"), "the payload is not strict JSON: not JSON"),
        (payload(r#"{"aud":7}"#), "\"aud\" is a number"),
        (token().header("kid", 7).sign(), "\"kid\" is a number"),
    ] {
        let ran = inspect(&token).ended(3);
        assert!(ran.stderr.starts_with("error: not a JWT: "), "{ran:?}");
        assert!(ran.stderr.contains(why), "{why}: {ran:?}");
        assert!(ran.stdout.starts_with("Not a JWT of "), "{ran:?}");
        assert_eq!(document(&token)["jwt"], false);
    }
    // A cut token: what there is of it is shown.
    let whole = token().claim("long", "x".repeat(400)).sign();
    let ran = inspect(&whole[..300]).ended(3);
    assert!(ran.stdout.contains("\"alg\": \"ES256\""), "{ran:?}");
}

#[test]
fn s4_nothing_that_a_terminal_obeys() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\r\n\u{9b}31m\u{202e}\u{200b}\u{7f}";
    let token = token()
        .claim("sub", evil)
        .claim(evil, json!({evil: [evil]}))
        .header("kid", evil)
        .header("typ", evil)
        .header("alg", evil);
    let raw = token.sign_raw(&format!("{{{evil}"), &format!("[{evil}"));
    for token in [token.sign(), raw, format!("{evil}.{evil}.{evil}"), evil.to_owned()] {
        for arguments in [&["inspect"][..], &["inspect", "--json"]] {
            let ran = run_with(program(arguments), &token);
            let sound = |c: char| c == '\n' || (!c.is_control() && !"\u{202e}\u{200b}".contains(c));
            assert!(ran.stdout.chars().all(sound), "{ran:?}");
            assert!(ran.stderr.chars().all(sound), "{ran:?}");
        }
    }
}

#[test]
fn s5_as_it_was_written() {
    let payload = r#"{"id":1232316645658094244789,"f":1.50,"exp":1e10,"é":"é"}"#;
    let token = token().sign_raw(&token().header_text(), payload);
    let ran = inspect(&token).ended(0);
    for words in ["1232316645658094244789", "1.50", "\"exp\": 1e10,  2286-11-20T17:46:40Z", "\"é\""]
    {
        assert!(ran.stdout.contains(words), "no {words} in {}", ran.stdout);
    }
    let json = run_with(program(&["inspect", "--json"]), &token).ended(0).stdout;
    assert!(json.contains("1232316645658094244789"), "{json}");
    let odd = self::token().sign_raw(&token_header(), "{\"a\":1,\"a\":2}\n");
    let ran = inspect(&odd).ended(3);
    assert!(ran.stdout.contains(r#"{"a":1,"a":2}\u000a"#), "{}", ran.stdout);
}

fn token_header() -> String {
    token().header_text()
}

#[test]
fn s6_on_a_terminal() {
    let colour = "\u{1b}[";
    let shown = run_on_terminal(&program(&["inspect"]), &format!("{}\n", token().sign())).ended(0);
    assert!(shown.stdout.contains("Paste the token and press Enter"), "{shown:?}");
    assert!(shown.stdout.contains(colour), "{shown:?}");
    assert!(!inspect(&token().sign()).stdout.contains(colour));
    let mut plain = program(&["inspect"]);
    plain.env("NO_COLOR", "1");
    let shown = run_on_terminal(&plain, &format!("{}\n", token().sign())).ended(0);
    assert!(!shown.stdout.contains(colour), "{shown:?}");
    let long = token().padded(5000);
    let shown = run_on_terminal(&program(&["inspect"]), &format!("{long}\n")).ended(3);
    assert!(shown.stdout.contains("exactly 4095 bytes: the terminal has cut it"), "{shown:?}");
}

#[test]
fn s7_no_token_there() {
    inspect("").ended(2).said("there is no token on standard input");
    inspect(" \n").ended(2).said("there is no token");
    run(&["inspect", "--file", "/nonexistent"]).ended(1).said("cannot read /nonexistent: No such");
    run_with(program(&["inspect"]), [0xff, 0xfe]).ended(3).said("it is not text");
    run_with(program(&["inspect"]), vec![b'a'; 2 << 20]).ended(3).said("more than 1 MiB");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), token().sign()).unwrap();
    run(&["inspect", "--file", file.path().to_str().unwrap()]).ended(0);
    run(&["inspect", &token().sign()]).ended(2);
}

#[test]
fn s8_the_environment_sends_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let mut command = program(&["inspect"]);
    command.env("PGHOST", "127.0.0.1").env("PGPORT", &port).env("PGUSER", "alice");
    run_with(command, token().sign()).ended(0);
    assert!(listener.accept().is_err(), "it connected");
    let asked = ["inspect", "--host", "127.0.0.1", "--port", &port];
    run_with(program(&asked), token().sign()).ended(2).said("--role NAME asks the server");
    let opened = ["inspect", "--host", "db.example", "--sslmode", "disable", "--role", "alice"];
    run_with(program(&opened), token().sign())
        .ended(2)
        .said("not sent over a connection without TLS");
    // What is no JWT goes nowhere.
    let asked = ["inspect", "--host", "127.0.0.1", "--port", &port, "--role", "alice"];
    run_with(program(&asked), "opaque").ended(3);
    assert!(listener.accept().is_err(), "it connected");
}

#[test]
fn s9_vectors_of_others() {
    let folder = std::env::var_os("JWT_SSO_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"),
        PathBuf::from,
    );
    let suite = folder.join("JSONTestSuite/test_parsing");
    if !suite.is_dir() {
        use std::io::Write;
        writeln!(std::io::stderr(), "SKIPPED: no vectors at {}", suite.display()).unwrap();
        return;
    }
    let header = encode(format!(r#"{{"alg":"{}"}}"#, Algorithm::Es256.name()));
    let mut seen = 0;
    for entry in fs::read_dir(suite).unwrap() {
        let payload = fs::read(entry.unwrap().path()).unwrap();
        let object = serde_json::from_slice::<Value>(&payload).is_ok_and(|value| value.is_object());
        let ran = inspect(&format!("{header}.{}.AA", encode(&payload)));
        assert!(matches!(ran.code, Some(0 | 3)), "{payload:?}: {ran:?}");
        assert!(object || ran.code == Some(3), "{payload:?}: {ran:?}");
        assert!(ran.stdout.chars().all(|c| c == '\n' || !c.is_control()), "{ran:?}");
        seen += 1;
    }
    assert!(seen > 300, "{seen}");
}
