//! 1. a good token gets in; the principal is in SYSTEM_USER and in the line of log_connections
//! 2. each reason code that a token can have: the protocol's error, our FATAL, the log line
//! 3. `misconfigured` and `disabled`
//! 4. `reserved_role`: superuser, pg_*, replication; the first and the last where allowed
//! 5. a mapped role that is missing gets core's own error
//! 6. `jwt_sso.allow_password` has no part in it
//! 7. no token in the server's log at its most talkative, after logins of every kind

use crate::{ISSUER, delegating, login, refuse, start, terms, token};
use jwt_sso_e2e::oauthbearer::{self, exchange, offered, response};
use jwt_sso_e2e::token::{now, tampered};
use jwt_sso_e2e::{Algorithm, Client, Issuer, SigningKey, Token, accepted};
use serde_json::{Value, json};

#[test]
fn s1_accepted() {
    if !offered() {
        return;
    }
    let cluster = oauthbearer::builder(&delegating()).conf("log_connections = on").start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.configure(&[("jwt_sso.identity_map", "https://issuer.example a@b alice")]);
    let mark = cluster.log_mark();
    let exchange = login(&cluster, "alice", &token("a@b"));
    assert!(exchange.login.prompted);
    assert_eq!(exchange.error, None);
    let mut session = accepted(&cluster, mark, "alice", exchange.login, &terms("a@b"));
    let row = session.query("SELECT SYSTEM_USER, current_user, session_user").unwrap();
    assert_eq!(row, [["oauth:a@b", "alice", "alice"]]);
    cluster.wait_log(mark, r#"connection authenticated: identity="a@b" method=oauth \("#);
    let log = cluster.log_since(mark);
    assert_eq!(log.matches("jwt_sso: ").count(), 1, "{log}");
}

/// The issuer of the line, and beside it one without keys.
fn issuers(main: &Issuer) -> String {
    let jwks: Value = serde_json::from_str(&main.jwks()).unwrap();
    json!({"issuers": {
        ISSUER: {"jwks": jwks, "audience": "postgres", "required_claims": {"hd": "corp"}},
        "https://keyless.example": {"audience": "postgres"},
    }})
    .to_string()
}

fn good() -> Token {
    Issuer::example().token("alice").claim("hd", "corp")
}

/// A token for each reason, with a piece of what the client is told of it.
fn cases() -> Vec<(&'static str, String, &'static str)> {
    let stranger = SigningKey::generate("k9", Algorithm::Es256);
    let past = good().claim("iat", now() - 400).claim("exp", now() - 100);
    let bland = "its log says why";
    vec![
        ("malformed_token", "secret".to_owned(), "bearer token is not a well-formed"),
        ("malformed_token", good().header("crit", json!(["x"])).sign(), "bearer token"),
        ("unsupported_algorithm", good().header("alg", "none").sign(), "algorithm \"none\""),
        ("unknown_issuer", good().claim("iss", "https://other.example").sign(), bland),
        ("unknown_issuer", good().without("iss").sign(), bland),
        ("unknown_key", good().key(&stranger).sign(), bland),
        ("bad_signature", tampered(&good().sign()), bland),
        ("missing_expiry", good().without("exp").sign(), "no claim \"exp\""),
        ("expired", past.sign(), "expired at "),
        ("not_yet_valid", good().claim("nbf", now() + 100).sign(), "not valid before"),
        ("issued_in_future", good().claim("iat", now() + 100).sign(), "in the future"),
        ("lifetime_too_long", good().claim("exp", now() + 7200).sign(), "too long"),
        ("invalid_claim", good().claim("exp", "soon").sign(), "\"exp\" was a string"),
        ("audience_mismatch", good().claim("aud", "mail").sign(), "[\"mail\"]"),
        ("required_claim", good().claim("hd", "other").sign(), "\"hd\""),
        ("missing_claim", good().without("sub").sign(), "no claim \"sub\""),
        ("role_not_mapped", good().claim("sub", "bob").sign(), "does not map"),
    ]
}

#[test]
fn s2_each_reason() {
    if !offered() {
        return;
    }
    let cluster = start(&["alice"]);
    cluster.configure(&[
        ("jwt_sso.issuers", &issuers(&Issuer::example())),
        ("jwt_sso.max_token_lifetime", "1h"),
    ]);
    let mark = cluster.log_mark();
    for (reason, token, told) in cases() {
        eprintln!("{reason}");
        let refusal = refuse(&cluster, "alice", &token, reason);
        assert!(refusal.error.detail.contains(told), "{:?}", refusal.error);
    }
    let expired = refuse(&cluster, "alice", &cases()[8].1, "expired");
    assert_eq!(expired.error.hint, "Get a new token and try again.");
    // Nothing was let in, and the text of core's own FATAL is nowhere.
    let log = cluster.log_since(mark);
    assert!(!log.contains("jwt_sso: accepted"), "{log}");
    assert!(!log.contains("FATAL:  OAuth bearer authentication failed"), "{log}");

    cluster.configure(&[("jwt_sso.issuers", ISSUER), ("jwt_sso.jwks", r#"{"keys":[]}"#)]);
    refuse(&cluster, "alice", &good().sign(), "keys_unavailable");
    cluster.configure(&[("jwt_sso.jwks", &Issuer::example().jwks())]);
    login(&cluster, "alice", &good().sign()).login.session();
}

#[test]
fn s3_misconfigured_and_disabled() {
    if !offered() {
        return;
    }
    let cluster = start(&["alice"]);
    cluster.configure(&[("jwt_sso.enabled", "off")]);
    let refusal = refuse(&cluster, "alice", &token("alice"), "disabled");
    assert!(refusal.error.detail.contains("its log says why"), "{:?}", refusal.error);
    cluster.configure(&[("jwt_sso.enabled", "on")]);
    login(&cluster, "alice", &token("alice")).login.session();
    // At a start with a mistake nobody gets in.
    cluster.append_conf("jwt_sso.audience = '[broken'");
    cluster.reset(&["jwt_sso.audience"]);
    cluster.restart();
    let refusal = refuse(&cluster, "alice", &token("alice"), "misconfigured");
    assert!(refusal.log.contains("jwt_sso.audience"), "{}", refusal.log);
}

#[test]
fn s4_reserved_role() {
    if !offered() {
        return;
    }
    let lines = delegating() + &delegating().replacen("all", "replication", 1);
    let cluster = oauthbearer::builder(&lines).start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.sql("CREATE ROLE standby REPLICATION LOGIN");
    let walsender = |mode: &str| {
        let client = Client::new(&cluster, "standby").parameter("replication", mode);
        oauthbearer::login(&client, &token("standby"))
    };
    for role in ["postgres", "pg_monitor"] {
        refuse(&cluster, role, &token(role), "reserved_role");
    }
    for mode in ["true", "database"] {
        crate::refused_by(&cluster, "standby", &walsender(mode), ISSUER, "reserved_role");
    }
    cluster.configure(&[("jwt_sso.allow_superuser", "on"), ("jwt_sso.allow_replication", "on")]);
    let mut session = login(&cluster, "postgres", &token("postgres")).login.session();
    assert_eq!(session.query("SELECT SYSTEM_USER").unwrap(), [["oauth:postgres"]]);
    refuse(&cluster, "pg_monitor", &token("pg_monitor"), "reserved_role");
    for mode in ["true", "database"] {
        let mut session = walsender(mode).login.session();
        assert_eq!(session.query("IDENTIFY_SYSTEM").unwrap().len(), 1);
    }
}

#[test]
fn s5_missing_role() {
    if !offered() {
        return;
    }
    let cluster = start(&[]);
    let mark = cluster.log_mark();
    let exchange = login(&cluster, "ghost", &token("ghost"));
    assert_eq!(exchange.login.error().message, "role \"ghost\" does not exist");
    cluster.wait_log(mark, "jwt_sso: accepted door=oauth user=\"ghost\" ");
    // Before the token is proven, it reads as for any other role.
    refuse(&cluster, "ghost", &tampered(&token("ghost")), "bad_signature");
}

#[test]
fn s6_no_password() {
    if !offered() {
        return;
    }
    let cluster = start(&["alice"]);
    cluster.sql("ALTER ROLE alice PASSWORD 'secret'");
    cluster.configure(&[("jwt_sso.allow_password", "on")]);
    refuse(&cluster, "alice", "secret", "malformed_token");
    login(&cluster, "alice", &token("alice")).login.session();
}

#[test]
fn s7_no_token_in_the_log() {
    if !offered() {
        return;
    }
    let cluster = oauthbearer::builder(&delegating())
        .conf("log_connections = all")
        .conf("log_min_messages = debug5")
        .conf("log_error_verbosity = verbose")
        .start();
    Issuer::example().install(&cluster, &["alice"]);
    let mut tokens: Vec<String> = cases().into_iter().map(|(_, token, _)| token).collect();
    tokens.extend([good().sign(), good().padded(60_000)]);
    let client = Client::new(&cluster, "alice");
    for token in &tokens {
        for auth in
            [format!("Bearer {token}"), format!("Basic {token}"), format!("Bearer {token}!")]
        {
            exchange(&client, &response(&auth));
        }
        exchange(&client, format!("n,,\x01auth=Bearer {token}\x01").as_bytes());
    }
    let log = cluster.whole_log();
    for token in tokens.iter().filter(|token| token.contains('.')) {
        for part in token.split('.').skip(1).filter(|part| !part.is_empty()) {
            assert!(!log.contains(&part[..part.len().min(40)]), "{part}");
        }
    }
    assert!(log.contains("DEBUG") && log.contains("jwt_sso: accepted"), "not talkative");
}
