//! renew():
//! 1. prolongs the session, says until when, and is logged like a login
//! 2. a token that ends earlier leaves the session as it is
//! 3. refuses, without ending the session: another identity, another issuer, a bad signature,
//!    what is no token; the statement that holds the token is not logged
//! 4. goes by the role that the session logged in as, and asks whether the identity may still
//!    have it
//! 5. goes by the policy that is in force for new logins, also over reloads
//! 6. in a session that no token opened
//! 7. a refused token is in no CONTEXT of the log or of the client either
//! 8. from a domain's check, while the server reads a parameter: the server lives, and so does
//!    the session
//! 9. hides no other statement: neither from triggers and views nor from the log
//! 10. an argument of any length is an ERROR, for the functions that everybody may call

use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::token::{now, tampered};
use jwt_sso_e2e::wire::Wire;
use jwt_sso_e2e::{Client, Issuer, Token};
use serde_json::json;

use super::{ISS, error, expires, not_renewed, open, renew, start, token, value};

#[test]
fn s1_renew() {
    let cluster = start(&["alice"]);
    let mut session = open(&cluster, "alice", &token("alice").claim("exp", now() + 100));
    let since = value(&mut session, "SELECT (jwt_sso.session()).since");
    let mark = cluster.log_mark();
    let later = now() + 5_000;
    let newer = token("alice").claim("exp", later).claim("team", "red").sign();
    assert_eq!(renew(&mut session, &newer).unwrap(), [[later.to_string()]]);
    let line = cluster.wait_log(mark, "jwt_sso: accepted door=renew");
    assert!(line.contains(r#"user="alice" issuer="https://issuer.example" principal="alice""#));
    assert_eq!(expires(&mut session), later.to_string());
    assert_eq!(value(&mut session, "SELECT jwt_sso.claim('team')"), "red");
    // It is the session that it was.
    assert_eq!(value(&mut session, "SELECT (jwt_sso.session()).since"), since);
    assert_eq!(value(&mut session, "SELECT (jwt_sso.session()).door"), "hook");
    let row = "SELECT door, extract(epoch FROM expires)::bigint FROM jwt_sso.sessions";
    assert_eq!(cluster.sql(row), format!("hook|{later}"));
    assert!(!cluster.log_since(mark).contains(&newer[..20]));
}

#[test]
fn s2_renew_earlier() {
    let cluster = start(&["alice"]);
    let exp = now() + 5_000;
    let mut session = open(&cluster, "alice", &token("alice").claim("exp", exp));
    for earlier in [exp - 1_000, exp] {
        let token = token("alice").claim("exp", earlier).claim("team", "red").sign();
        assert_eq!(renew(&mut session, &token).unwrap(), [[exp.to_string()]]);
        assert_eq!(value(&mut session, "SELECT jwt_sso.claim('team') IS NULL"), "t");
    }
    assert_eq!(cluster.sql("SELECT count(*) FROM jwt_sso.sessions"), "1");
    assert_eq!(value(&mut session, "SELECT jwt_sso.renew(NULL) IS NULL"), "t");
}

#[test]
fn s3_renew_refused() {
    let cluster = start(&["alice", "bob"]);
    let other = Issuer::new("https://other.example");
    let issuers = json!({"issuers": {ISS: {}, other.iss.clone(): {"jwks": other.keys[0].jwk()}}});
    cluster.configure(&[("jwt_sso.issuers", &issuers.to_string())]);
    let mut session = open(&cluster, "alice", &token("alice"));
    let before = expires(&mut session);
    let later = |token: Token| token.claim("exp", now() + 5_000).sign();
    let line = not_renewed(&cluster, &mut session, &later(token("bob")), "role_not_mapped");
    assert!(line.contains("belongs to another identity"), "{line}");
    let foreign = later(other.token("alice"));
    Client::new(&cluster, "alice").login(&foreign).session();
    let line = not_renewed(&cluster, &mut session, &foreign, "unknown_issuer");
    assert!(line.contains("only the issuer"), "{line}");
    let bad = tampered(&later(token("alice")));
    not_renewed(&cluster, &mut session, &bad, "bad_signature");
    let old = token("alice").claim("exp", now() - 500).sign();
    not_renewed(&cluster, &mut session, &old, "expired");
    not_renewed(&cluster, &mut session, "no token at all", "malformed_token");
    not_renewed(&cluster, &mut session, "", "no_token");
    assert_eq!(expires(&mut session), before);
    // In a transaction the ERROR is one like any other.
    session.query("BEGIN").unwrap();
    renew(&mut session, &bad).unwrap_err();
    assert_eq!(error(&mut session, "SELECT 1").code, "25P02");
    session.query("ROLLBACK").unwrap();
    assert_eq!(renew(&mut session, &later(token("alice"))).unwrap().len(), 1);
}

#[test]
fn s4_renew_role() {
    let cluster = start(&["alice", "bob"]);
    cluster.sql("GRANT bob TO alice");
    let mut session = open(&cluster, "alice", &token("alice"));
    let later = token("alice").claim("exp", now() + 5_000).sign();
    // Whoever it pretends to be since.
    session.query("SET ROLE bob").unwrap();
    let for_bob = token("bob").claim("exp", now() + 5_000).sign();
    not_renewed(&cluster, &mut session, &for_bob, "role_not_mapped");
    renew(&mut session, &later).unwrap();
    // The map has changed: the identity has lost the role.
    cluster
        .configure(&[("jwt_sso.identity_map", &json!([format!("{ISS} alice bob")]).to_string())]);
    not_renewed(&cluster, &mut session, &later, "role_not_mapped");
    cluster.reset(&["jwt_sso.identity_map"]);
    renew(&mut session, &later).unwrap();
    // The role has changed: it is what it is now that counts.
    cluster.sql("ALTER ROLE alice SUPERUSER");
    not_renewed(&cluster, &mut session, &later, "reserved_role");
    cluster.sql("ALTER ROLE alice NOSUPERUSER");
    renew(&mut session, &later).unwrap();
    cluster.sql("ALTER ROLE alice RENAME TO carol");
    let mark = cluster.log_mark();
    let error = renew(&mut session, &later).unwrap_err();
    assert_eq!(error.message, "JWT authentication failed for user \"carol\"");
    cluster.wait_log(mark, "refused reason=role_not_mapped .*door=renew user=\"carol\"");
}

#[test]
fn s5_renew_policy() {
    let cluster = start(&["alice"]);
    let mut session = open(&cluster, "alice", &token("alice"));
    let later = |seconds: u64| token("alice").claim("exp", now() + seconds).sign();
    renew(&mut session, &later(1_000)).unwrap();
    // A reload that is refused: what was in force stays in force, here too.
    cluster.append_conf("jwt_sso.claim = '/a//b'\njwt_sso.enabled = off\n");
    cluster.reload();
    renew(&mut session, &later(2_000)).unwrap();
    cluster.append_conf("jwt_sso.claim = 'sub'");
    cluster.sql("ALTER SYSTEM RESET jwt_sso.enabled");
    cluster.reload();
    not_renewed(&cluster, &mut session, &later(3_000), "disabled");
    cluster.configure(&[("jwt_sso.enabled", "on"), ("jwt_sso.audience", "elsewhere")]);
    not_renewed(&cluster, &mut session, &later(3_000), "audience_mismatch");
    // Mended and broken again: the policy before is one that this session never had.
    cluster.configure(&[("jwt_sso.audience", "postgres"), ("jwt_sso.clock_skew", "7")]);
    renew(&mut session, &later(3_000)).unwrap();
    let mark = cluster.log_mark();
    cluster.append_conf("jwt_sso.claim = '/a//b'");
    cluster.reload();
    cluster.wait_log(mark, "refused in this reload: jwt_sso.claim");
    let line = not_renewed(&cluster, &mut session, &later(4_000), "misconfigured");
    assert!(line.contains("jwt_sso.claim"), "{line}");
    open(&cluster, "alice", &token("alice"));
}

#[test]
fn s6_renew_without_token() {
    let cluster = start(&["alice"]);
    cluster.sql("ALTER ROLE alice PASSWORD 'secret'");
    cluster.configure(&[("jwt_sso.allow_password", "on")]);
    let mark = cluster.log_mark();
    let token = token("alice").sign();
    let clear = |error: &str| {
        assert!(error.contains("this session cannot be renewed"), "{error}");
        assert!(error.contains("No token opened this session."), "{error}");
    };
    clear(&cluster.try_sql(&format!("SELECT jwt_sso.renew('{token}')")).unwrap_err());
    let mut session = Client::new(&cluster, "alice").login("secret").session();
    let error = renew(&mut session, &token).unwrap_err();
    assert_eq!((&*error.severity, &*error.code), ("ERROR", "55000"));
    clear(&format!("{}{}", error.message, error.detail));
    assert!(!cluster.log_since(mark).contains(&token[..20]));
}

#[test]
fn s7_no_token_in_context() {
    let cluster = start(&["alice", "bob"]);
    let mut session = open(&cluster, "alice", &token("alice"));
    let mark = cluster.log_mark();
    let bobs = token("bob").claim("exp", now() + 5_000).sign();
    let block = format!("DO $$ BEGIN PERFORM jwt_sso.renew('{bobs}'); END $$");
    let told = error(&mut session, &block);
    assert_eq!(told.code, "28000", "{told:?}");
    assert!(!told.raw.contains(&bobs[..20]), "{told:?}");
    cluster.wait_log(mark, "reason=role_not_mapped .*door=renew");
    cluster.wait_log(mark, "ERROR:  JWT authentication failed");
    assert!(!cluster.log_since(mark).contains(&bobs[..20]), "{}", cluster.log_since(mark));
    // The session and its CONTEXT are as before.
    let failing = "DO $$ BEGIN PERFORM 1/0; END $$";
    assert_eq!(error(&mut session, failing).code, "22012");
}

/// A statement with one parameter, by the extended protocol; whether it came to an end without
/// an error.
fn with_parameter(session: &mut Wire, sql: &str, parameter: &str) -> bool {
    let parse = format!("\0{sql}\0\0\0");
    let mut bind = b"\0\0\0\0\0\x01".to_vec();
    bind.extend((parameter.len() as i32).to_be_bytes());
    bind.extend(parameter.as_bytes());
    bind.extend([0, 0]);
    let execute = b"\0\0\0\0\0";
    let frames =
        [frame(b'P', parse.as_bytes()), frame(b'B', &bind), frame(b'E', execute), frame(b'S', b"")];
    session.send(&frames.concat()).expect("a session");
    let mut succeeded = true;
    loop {
        match session.read().expect("the server lives").tag {
            b'E' => succeeded = false,
            b'Z' => return succeeded,
            _ => {}
        }
    }
}

#[test]
fn s8_renew_inside_of_bind() {
    let cluster = start(&["alice"]);
    let mut session = open(&cluster, "alice", &token("alice"));
    let domain = "CREATE DOMAIN pg_temp.d AS text CHECK (jwt_sso.renew(value) IS NOT NULL)";
    session.query(domain).unwrap();
    let mark = cluster.log_mark();
    let later = now() + 5_000;
    let newer = token("alice").claim("exp", later).sign();
    assert!(with_parameter(&mut session, "SELECT $1::pg_temp.d", &newer));
    assert_eq!(expires(&mut session), later.to_string());
    assert!(!with_parameter(&mut session, "SELECT $1::pg_temp.d", "no token"));
    assert!(with_parameter(&mut session, "SELECT jwt_sso.renew($1)", &newer));
    let log = cluster.log_since(mark);
    assert!(!log.contains("reinitializing") && !log.contains(&newer[..20]), "{log}");
}

#[test]
fn s9_hides_no_other_statement() {
    let cluster = start(&["alice"]);
    let mut session = open(&cluster, "alice", &token("alice"));
    let caught = "DO $$ BEGIN PERFORM jwt_sso.renew('none'); EXCEPTION WHEN OTHERS THEN END $$";
    let seen = session.query(&format!("{caught}; SELECT current_query()")).unwrap();
    assert!(seen[0][0].contains("SELECT current_query()"), "{seen:?}");
    let mark = cluster.log_mark();
    assert_eq!(error(&mut session, &format!("{caught}; SELECT 1/0")).code, "22012");
    cluster.wait_log(mark, "STATEMENT:  DO .*SELECT 1/0");
}

#[test]
fn s10_long_arguments() {
    let cluster = start(&["alice"]);
    let mut session = open(&cluster, "alice", &token("alice"));
    for function in ["claim", "renew"] {
        let call = |length: u32| format!("SELECT jwt_sso.{function}(repeat('x', {length}))");
        let told = error(&mut session, &call(131_073));
        assert_eq!((&*told.code, &*told.message), ("54000", "the argument is too long"));
        assert_eq!(error(&mut session, &call(300_000_000)).code, "54000");
    }
    assert_eq!(value(&mut session, "SELECT jwt_sso.claim(repeat('x', 131072)) IS NULL"), "t");
    let refused = error(&mut session, "SELECT jwt_sso.renew(repeat('x', 131072))");
    assert_eq!(refused.code, "28000", "{refused:?}");
}
