//! What a client may say within SASL, and what it may not:
//! 1. a discovery probe: told where to get a token; no word of ours in the log
//! 2. tokens of 16 kB and more, up to the server's limit on the message, and over it
//! 3. malformed messages, other mechanisms and headers: the server's own errors, none of ours
//! 4. a client that sends no initial response at first
//! 5. a client that hangs up before the token, and after the error
//! 6. other spellings of the scheme

use crate::{ISSUER, refused_by, start, terms, token};
use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::oauthbearer::{
    discover, exchange, exchange_messages, initial, login, offered, response,
};
use jwt_sso_e2e::token::tampered;
use jwt_sso_e2e::{Client, Cluster, End, Issuer, accepted};

/// What the server says when its method has failed and we have not refused.
const CORES: &str = "OAuth bearer authentication failed for user \"alice\"";

/// The server's limit on a message, its length word included (PG_MAX_AUTH_TOKEN_LENGTH).
const LIMIT: usize = 65_535;

#[track_caller]
fn assert_silent(cluster: &Cluster, mark: jwt_sso_e2e::cluster::LogMark) {
    let log = cluster.log_since(mark);
    assert!(!log.contains("jwt_sso: "), "{log}");
}

#[test]
fn s1_discovery() {
    if !offered() {
        return;
    }
    let cluster = start(&["alice"]);
    let client = Client::new(&cluster, "alice");
    let mark = cluster.log_mark();
    for _ in 0..2 {
        let probe = discover(&client);
        let error = probe.error.as_ref().expect("an error");
        let document = format!("{ISSUER}/.well-known/openid-configuration");
        assert_eq!(error["openid-configuration"], document);
        assert_eq!(error["scope"], "db:connect");
        assert_eq!(probe.login.error().message, CORES);
        assert_eq!(probe.login.error().detail, "");
    }
    cluster.wait_log(mark, CORES);
    assert_silent(&cluster, mark);
    // Not even where the door is shut.
    cluster.configure(&[("jwt_sso.enabled", "off")]);
    let mark = cluster.log_mark();
    assert_eq!(discover(&client).login.error().message, CORES);
    assert_silent(&cluster, mark);
    cluster.sql("CREATE EXTENSION IF NOT EXISTS jwt_sso");
    assert_eq!(cluster.sql("SELECT coalesce(sum(count), 0) FROM jwt_sso.stats"), "0");
}

#[test]
fn s2_long_tokens() {
    if !offered() {
        return;
    }
    let cluster = start(&["alice"]);
    let client = Client::new(&cluster, "alice");
    // The message's length word, the mechanism's name with its NUL, the length of the response,
    // and what surrounds the token in it.
    let around = 4 + "OAUTHBEARER\0".len() + 4 + response("Bearer ").len();
    let longest = LIMIT - around;
    for length in [16_384, 20_000, longest] {
        let mark = cluster.log_mark();
        let token = Issuer::example().token("alice").padded(length);
        accepted(&cluster, mark, "alice", login(&client, &token).login, &terms("alice"));
        let bad = login(&client, &tampered(&token));
        refused_by(&cluster, "alice", &bad, ISSUER, "bad_signature");
    }
    let mark = cluster.log_mark();
    let exchange = login(&client, &Issuer::example().token("alice").padded(longest + 1));
    assert!(!matches!(exchange.login.end, End::Accepted(_)));
    assert_eq!(exchange.error, None);
    cluster.wait_log(mark, "invalid message length");
    assert_silent(&cluster, mark);
}

#[test]
fn s3_malformed_messages() {
    if !offered() {
        return;
    }
    let cluster = start(&["alice"]);
    let client = Client::new(&cluster, "alice");
    let token = token("alice");
    let mark = cluster.log_mark();
    let violations = [
        String::new(),
        "x".to_owned(),
        "p=tls-unique,,\x01auth=Bearer T\x01\x01".to_owned(),
        "n,a=alice,\x01auth=Bearer T\x01\x01".to_owned(),
        "n,\x01auth=Bearer T\x01\x01".to_owned(),
        "n,,auth=Bearer T\x01\x01".to_owned(),
        "n,,\x01\x01".to_owned(),
        "n,,\x01host=x\x01\x01".to_owned(),
        "n,,\x01auth=Bearer T\x01".to_owned(),
        "n,,\x01auth=Bearer T".to_owned(),
        "n,,\x01auth=Bearer T\x01\x01x".to_owned(),
        "n,,\x01auth=Bearer T\x01auth=Bearer T\x01\x01".to_owned(),
        "n,,\x01auth=Bearer T\0\x01\x01".to_owned(),
        "n,,\x01auth=Bearer T\u{7f}\x01\x01".to_owned(),
        "n,,\x01auth\x01\x01".to_owned(),
        "n,,\x01=x\x01\x01".to_owned(),
    ];
    for message in violations {
        let exchange = exchange(&client, message.replace('T', &token).as_bytes());
        let error = exchange.login.error();
        assert!(["08P01", "0A000"].contains(&error.code.as_str()), "{message:?}: {error:?}");
        assert!(!error.raw.contains(&token), "{error:?}");
        assert_eq!(exchange.error, None);
    }
    // No token at all, or not of its form: the protocol's error, and the server's own FATAL.
    for auth in ["Basic T", "Bearer", "Bearer ", "Bearer T T", "Bearer T!", "Bearer =T", "T"] {
        let exchange = exchange(&client, &response(&auth.replace('T', &token)));
        assert!(exchange.error.is_some(), "{auth}");
        assert_eq!(exchange.login.error().message, CORES, "{auth}");
    }
    let messages: [&[u8]; 4] = [
        &initial("SCRAM-SHA-256", b"n,,n=,r=x"),
        &initial("OAUTHBEARER\0", &response("Bearer x")),
        &frame(b'Q', b"SELECT 1\0"),
        &frame(b'p', b"OAUTHBEARER"),
    ];
    for message in messages {
        let exchange = exchange_messages(&client, &[message]);
        assert!(!matches!(exchange.login.end, End::Accepted(_)));
        assert_eq!(exchange.error, None);
    }
    assert_silent(&cluster, mark);
    // A good token after all that, in the header's other form.
    exchange(&client, format!("y,,\x01host=x\x01auth=Bearer {token}\x01\x01").as_bytes())
        .login
        .session();
}

#[test]
fn s4_no_initial_response() {
    if !offered() {
        return;
    }
    let cluster = start(&["alice"]);
    let client = Client::new(&cluster, "alice");
    let none = frame(b'p', b"OAUTHBEARER\0\xff\xff\xff\xff");
    let later = frame(b'p', &response(&format!("Bearer {}", token("alice"))));
    exchange_messages(&client, &[&none, &later]).login.session();
    let later = frame(b'p', &response(&format!("Bearer {}", token("bob"))));
    let refused = exchange_messages(&client, &[&none, &later, &frame(b'p', b"\x01")]);
    refused_by(&cluster, "alice", &refused, ISSUER, "role_not_mapped");
}

#[test]
fn s5_hang_ups() {
    if !offered() {
        return;
    }
    let cluster = start(&["alice"]);
    let client = Client::new(&cluster, "alice");
    let mark = cluster.log_mark();
    exchange_messages(&client, &[]);
    // After a refusal: the log has its line, and nobody is left to be told.
    let message = initial("OAUTHBEARER", &response(&format!("Bearer {}", token("bob"))));
    let exchange = exchange_messages(&client, &[&message]);
    assert!(exchange.error.is_some());
    cluster.wait_log(mark, "jwt_sso: refused reason=role_not_mapped .*door=oauth ");
    // An answer to the error that is none: the server's own violation.
    let exchange = exchange_messages(&client, &[&message, &frame(b'p', b"x")]);
    assert_eq!(exchange.login.error().code, "08P01");
    // The next client is told of its own refusal only.
    let other = exchange_messages(&client, &[&message, &frame(b'p', b"\x01")]);
    refused_by(&cluster, "alice", &other, ISSUER, "role_not_mapped");
    let log = cluster.log_since(mark);
    assert_eq!(log.matches("jwt_sso: refused").count(), 3, "{log}");
    assert_eq!(log.matches("FATAL").count(), 2, "{log}");
}

#[test]
fn s6_scheme() {
    if !offered() {
        return;
    }
    let cluster = start(&["alice"]);
    let client = Client::new(&cluster, "alice");
    for scheme in ["Bearer ", "bearer ", "BEARER    "] {
        let auth = format!("{scheme}{}", token("alice"));
        exchange(&client, &response(&auth)).login.session();
    }
}
