//! Who a session is by its token, and what may be done with it:
//! 1. session(), claims() and claim() tell what the token says; NULL in sessions of other doors
//! 2. claim(): names and JSON pointers, values of every type; a malformed path is an ERROR
//! 3. other encodings: what the database cannot hold is an ERROR, never another text
//! 4. renew() prolongs the session, says until when, and is logged and counted like a login
//! 5. renew() by a token that ends earlier leaves the session as it is
//! 6. renew() refuses, without ending the session: another identity, another issuer, a bad
//!    signature, what is no token; the statement that holds the token is not logged
//! 7. renew() goes by the role that the session logged in as, and asks whether the identity may
//!    still have it
//! 8. renew() goes by the policy that is in force for new logins, also over reloads
//! 9. renew() in a session that no token opened
//! 10. the view `sessions`: who is in, and nobody else: not who was refused, nor who got past the
//!     token and not past the server, nor who left in any way
//! 11. terminate(): issuer, principal, kid, all exact; one's own session is left out
//! 12. a crash restart begins with an empty table
//! 13. privileges, and a server without the library
//! 14. the PAM and OAuth doors

use jwt_sso_e2e::cluster::LogMark;
use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::message::{ServerError, frame};
use jwt_sso_e2e::token::{now, tampered};
use jwt_sso_e2e::wire::Wire;
use jwt_sso_e2e::{
    Client, Cluster, Issuer, SigningKey, Token, Transport, oauthbearer, pam, refused,
};
use serde_json::json;

const ISS: &str = "https://issuer.example";

fn start(roles: &[&str]) -> Cluster {
    let cluster = Cluster::builder().start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    Issuer::example().install(&cluster, roles);
    cluster
}

fn token(subject: &str) -> Token {
    Issuer::example().token(subject)
}

fn open(cluster: &Cluster, role: &str, token: &Token) -> Wire {
    Client::new(cluster, role).login(&token.sign()).session()
}

/// The one value of a query; NULL is "".
#[track_caller]
fn value(session: &mut Wire, sql: &str) -> String {
    let rows = session.query(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    rows[0][0].clone()
}

#[track_caller]
fn error(session: &mut Wire, sql: &str) -> ServerError {
    *session.query(sql).err().unwrap_or_else(|| panic!("no error: {sql}"))
}

/// Reads on until the server has ended the session, by the words of pg_terminate_backend.
#[track_caller]
fn ended(session: &mut Wire) {
    let mut last = None;
    while let Some(message) = session.read() {
        if message.tag == b'E' {
            last = Some(ServerError::parse(&message.body));
        }
    }
    assert_eq!(last.expect("a last word").code, "57P01");
}

fn renew(session: &mut Wire, token: &str) -> Result<Vec<Vec<String>>, Box<ServerError>> {
    session.query(&format!("SELECT extract(epoch FROM jwt_sso.renew('{token}'))::bigint"))
}

/// Holds a renewal to be refused for `reason`, as a login is, by an ERROR; returns the log line.
#[track_caller]
fn not_renewed(cluster: &Cluster, session: &mut Wire, token: &str, reason: &str) -> String {
    let mark = cluster.log_mark();
    let error = renew(session, token).unwrap_err();
    assert_eq!((&*error.severity, &*error.code), ("ERROR", "28000"), "{error:?}");
    assert_eq!(error.message, "JWT authentication failed for user \"alice\"");
    let (_, reference) = error.detail.rsplit_once("(reference ").expect("a reference");
    let reference = reference.trim_end_matches(')');
    let line = cluster.wait_log(mark, &format!("jwt_sso: refused .*ref={reference} "));
    let head =
        format!("jwt_sso: refused reason={reason} ref={reference} door=renew user=\"alice\"");
    assert!(line.contains(&head), "{line}\nexpected: {head}");
    // It goes on, and PostgreSQL's own line of the ERROR has come without the token.
    assert_eq!(value(session, "SELECT 1"), "1");
    cluster.wait_log(mark, "ERROR:  JWT authentication failed for user \"alice\"");
    let log = cluster.log_since(mark);
    let part = token.get(..20).unwrap_or(token);
    assert!(part.is_empty() || !log.contains(part), "the token is in the log: {log}");
    line
}

fn expires(session: &mut Wire) -> String {
    value(session, "SELECT extract(epoch FROM (jwt_sso.session()).expires)::bigint")
}

/// Rows of the table itself, whether or not the view shows them.
fn rows(cluster: &Cluster) -> String {
    cluster.sql("SELECT principal || ' ' || role FROM jwt_sso.session_rows() ORDER BY 1")
}

#[track_caller]
fn only(cluster: &Cluster, wanted: &str) {
    cluster.until(&format!("the rows {wanted:?}"), || rows(cluster) == wanted);
}

#[test]
fn s01_session() {
    let cluster = start(&["alice"]);
    let exp = now() + 100;
    let mut session = open(&cluster, "alice", &token("alice").claim("exp", exp).claim("n", 1));
    let all = "SELECT issuer, principal, kid, door, since > now() - interval '1 hour'
        AND since <= clock_timestamp(), extract(epoch FROM expires)::bigint FROM jwt_sso.session()";
    let row = session.query(all).unwrap();
    assert_eq!(row, [[ISS, "alice", "k1", "hook", "t", &exp.to_string()]]);
    let claims = "SELECT jwt_sso.claims() = jsonb_build_object('iss', 'https://issuer.example',
        'aud', 'postgres', 'sub', 'alice', 'n', 1, 'exp', $$exp$$::bigint, 'iat',
        (jwt_sso.claims() ->> 'iat')::bigint)";
    assert_eq!(value(&mut session, &claims.replace("$$exp$$", &exp.to_string())), "t");
    assert_eq!(value(&mut session, "SELECT (jwt_sso.session()).principal"), "alice");
    assert_eq!(value(&mut session, "SELECT jwt_sso.claim('sub')"), "alice");

    let nothing = "SELECT num_nulls(issuer, principal, kid, door, since, expires),
        jwt_sso.claims() IS NULL, jwt_sso.claim('sub') IS NULL FROM jwt_sso.session()";
    assert_eq!(cluster.sql(nothing), "6|t|t");
    // By the role's password: let in, and nobody by any token.
    cluster.sql("ALTER ROLE alice PASSWORD 'secret'");
    cluster.configure(&[("jwt_sso.allow_password", "on")]);
    let mut by_password = Client::new(&cluster, "alice").login("secret").session();
    assert_eq!(by_password.query(nothing).unwrap(), [["6", "t", "t"]]);
    assert_eq!(rows(&cluster), "alice alice");
}

#[test]
fn s02_claims() {
    let cluster = start(&["alice"]);
    let payload = format!(
        r#"{{"iss":"{ISS}","aud":"postgres","sub":"alice","exp":{},"big":123456789012345678901234567890.1200,
        "text":"a\"b\n\u00e9","empty":"","nil":null,"no":false,"list":["x",{{"y":[1,2]}}],"a/b":{{"c~d":"deep"}},
        "/odd":"slash","{{":"brace"}}"#,
        now() + 100
    );
    let token = token("alice").sign_raw(&token("alice").header_text(), &payload);
    let mut session = Client::new(&cluster, "alice").login(&token).session();
    for (path, wanted) in [
        ("text", "a\"b\né"),
        ("empty", ""),
        ("big", "123456789012345678901234567890.1200"),
        ("no", "false"),
        ("list", r#"["x",{"y":[1,2]}]"#),
        ("/list/0", "x"),
        ("/list/1/y/1", "2"),
        ("/a~1b/c~0d", "deep"),
        ("a/b", r#"{"c~d":"deep"}"#),
        ("/~1odd", "slash"),
        ("{", "brace"),
    ] {
        assert_eq!(
            value(&mut session, &format!("SELECT jwt_sso.claim('{path}')")),
            wanted,
            "{path}"
        );
    }
    for path in ["nil", "absent", "/list/2", "/text/x", "/nil/x"] {
        let null = format!("SELECT jwt_sso.claim('{path}') IS NULL");
        assert_eq!(value(&mut session, &null), "t", "{path}");
    }
    assert_eq!(value(&mut session, "SELECT jwt_sso.claim('empty') IS NOT NULL"), "t");
    assert_eq!(value(&mut session, "SELECT jwt_sso.claim(NULL) IS NULL"), "t");
    for path in ["", " ", "/", "/a//b", "/a~2", "/1/2/3/4/5/6/7/8/9/10/11"] {
        let error = error(&mut session, &format!("SELECT jwt_sso.claim('{path}')"));
        assert_eq!(error.code, "22023", "{path:?}: {error:?}");
        assert!(!error.detail.is_empty(), "{error:?}");
    }
    // A malformed path is one too where there is no token.
    assert!(cluster.try_sql("SELECT jwt_sso.claim('/a//b')").unwrap_err().contains("segment 2"));
    let number = "SELECT jwt_sso.claims() ->> 'big'";
    assert_eq!(value(&mut session, number), "123456789012345678901234567890.1200");
}

#[test]
fn s03_encodings() {
    let cluster = start(&["app"]);
    cluster.configure(&[("jwt_sso.identity_map", &json!([format!("{ISS} /.* app")]).to_string())]);
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let options = "TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'";
        cluster.sql(&format!("CREATE DATABASE {encoding} ENCODING '{encoding}' {options}"));
        let psql = cluster.psql().socket().user("postgres");
        let run = psql.env("PGDATABASE", &encoding.to_lowercase()).run("CREATE EXTENSION jwt_sso");
        assert!(run.success, "{}", run.stderr);
    }
    let open = |database: &str, token: &Token| {
        let client = Client::new(&cluster, "app").parameter("database", database);
        client.parameter("client_encoding", "UTF8").login(&token.sign()).session()
    };
    // The same name, in the bytes of each database.
    let french = token("rené").claim("é", "ö");
    let length = "SELECT octet_length((jwt_sso.session()).principal)";
    let mut latin1 = open("latin1", &french);
    assert_eq!(value(&mut latin1, length), "4");
    assert_eq!(value(&mut latin1, "SELECT (jwt_sso.session()).principal"), "rené");
    assert_eq!(value(&mut latin1, "SELECT jwt_sso.claim('é')"), "ö");
    assert_eq!(value(&mut latin1, "SELECT jwt_sso.claims() ->> 'é'"), "ö");
    assert_eq!(value(&mut open("sql_ascii", &french), length), "5");
    // What has no place there is no other text.
    let korean = token("bob").claim("name", "한");
    let mut latin1 = open("latin1", &korean);
    for call in ["jwt_sso.claim('name')", "jwt_sso.claims()"] {
        assert_eq!(error(&mut latin1, &format!("SELECT {call}")).code, "22P05", "{call}");
    }
    assert_eq!(value(&mut latin1, "SELECT jwt_sso.claim('sub')"), "bob");
    let mut unnamed = open("latin1", &token("한"));
    assert_eq!(error(&mut unnamed, "SELECT (jwt_sso.session()).principal").code, "22P05");
    let nul = token("bob").claim("name", "a\0b");
    let mut session = open("postgres", &nul);
    for call in ["jwt_sso.claim('name')", "jwt_sso.claims()"] {
        assert_eq!(error(&mut session, &format!("SELECT {call}")).code, "22P05", "{call}");
    }
    assert_eq!(value(&mut session, "SELECT jwt_sso.claim('sub')"), "bob");
    // The view is for people, and never fails.
    let psql = cluster.psql().socket().user("postgres").env("PGDATABASE", "latin1");
    let run = psql.run("SELECT principal FROM jwt_sso.sessions WHERE principal LIKE '%d55c%'");
    assert_eq!(run.stdout, r"\u{d55c}", "{}", run.stderr);
    let psql = cluster.psql().socket().user("postgres").env("PGCLIENTENCODING", "UTF8");
    let run = psql.env("PGDATABASE", "latin1").run("SELECT jwt_sso.terminate(principal => 'rené')");
    assert_eq!(run.stdout, "1", "{}", run.stderr);
}

#[test]
fn s04_renew() {
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
fn s05_renew_earlier() {
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
fn s06_renew_refused() {
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
fn s07_renew_role() {
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
fn s08_renew_policy() {
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
fn s09_renew_without_token() {
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
fn s10_sessions() {
    let cluster = start(&["alice", "bob", "full"]);
    let mut session = open(&cluster, "alice", &token("alice"));
    let pid = value(&mut session, "SELECT pg_backend_pid()");
    let row = "SELECT pid, role, issuer, principal, kid, door, since <= now(), expires > now()
        FROM jwt_sso.sessions";
    assert_eq!(cluster.sql(row), format!("{pid}|alice|{ISS}|alice|k1|hook|t|t"));
    let without_kid = open(&cluster, "bob", &token("bob").without_header("kid"));
    let null = "SELECT count(*) FROM jwt_sso.sessions WHERE kid IS NULL AND principal = 'bob'";
    assert_eq!(cluster.sql(null), "1");
    without_kid.close();
    only(&cluster, "alice alice");

    // Not past the token.
    let login = Client::new(&cluster, "alice").login(&tampered(&token("alice").sign()));
    refused(&cluster, "alice", &login, "bad_signature");
    // Past the token, not past the server.
    cluster.sql("ALTER ROLE full CONNECTION LIMIT 0");
    cluster.sql("CREATE DATABASE closed ALLOW_CONNECTIONS false");
    for (role, database, code) in [
        ("ghost", "postgres", "28000"),
        ("alice", "missing", "3D000"),
        ("alice", "closed", "55000"),
        ("full", "postgres", "53300"),
    ] {
        let mark = cluster.log_mark();
        let client = Client::new(&cluster, role).parameter("database", database);
        let login = client.login(&token(role).sign());
        assert_eq!(login.error().code, code, "{role} {database}: {:?}", login.error());
        cluster.wait_log(mark, &format!("jwt_sso: accepted door=hook user=\"{role}\""));
        only(&cluster, "alice alice");
    }
    // However it ends.
    for how in ["SELECT pg_terminate_backend(pg_backend_pid())", "\\hang up", "\\close"] {
        let mut other = open(&cluster, "bob", &token("bob"));
        only(&cluster, "alice alice\nbob bob");
        match how {
            "\\hang up" => other.hang_up(),
            "\\close" => other.close(),
            sql => drop(other.query(sql)),
        }
        only(&cluster, "alice alice");
    }
    assert_eq!(value(&mut session, "SELECT 1"), "1");
}

#[test]
fn s11_terminate() {
    let cluster = start(&["alice", "bob", "carol"]);
    let second = SigningKey::generate("k2", jwt_sso_e2e::Algorithm::Es256);
    let issuer = Issuer {
        keys: vec![Issuer::example().keys[0].clone(), second.clone()],
        ..Issuer::example().clone()
    };
    cluster.configure(&[("jwt_sso.jwks", &issuer.jwks())]);
    let mut alice = open(&cluster, "alice", &issuer.token("alice"));
    let mut bob = open(&cluster, "bob", &issuer.token("bob"));
    let mut by_k2 = open(&cluster, "bob", &issuer.token("bob").key(&second));
    let mut carol = open(&cluster, "carol", &issuer.token("carol"));
    let none = "SELECT jwt_sso.terminate('https://issuer.exampl')
        + jwt_sso.terminate(principal => 'ALICE') + jwt_sso.terminate(kid => '')
        + jwt_sso.terminate(principal => 'alice', kid => 'k2')";
    assert_eq!(cluster.sql(none), "0");
    let mark = cluster.log_mark();
    let one = "SELECT jwt_sso.terminate('https://issuer.example', 'bob', 'k2')";
    assert_eq!(cluster.sql(one), "1");
    ended(&mut by_k2);
    let line = cluster.wait_log(mark, "jwt_sso: ended session reason=terminated");
    let head = r#"door=hook user="bob" issuer="https://issuer.example" principal="bob" kid="k2""#;
    assert!(line.contains(head), "{line}");
    assert_eq!(value(&mut bob, "SELECT 1"), "1");
    // In the middle of a statement.
    bob.send(&frame(b'Q', b"SELECT pg_sleep(3600)\0")).unwrap();
    let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    cluster.until("the statement", || cluster.sql(sleeps) == "1");
    assert_eq!(cluster.sql("SELECT jwt_sso.terminate(principal => 'bob')"), "1");
    ended(&mut bob);
    // One's own is left out, and that is said.
    cluster.sql("GRANT EXECUTE ON FUNCTION jwt_sso.terminate TO carol");
    let notice = "SELECT jwt_sso.terminate(issuer => 'https://issuer.example')";
    let psql = cluster.psql().user("carol").token(&issuer.token("carol").sign());
    let run = psql.run(notice);
    assert_eq!((&*run.stdout, run.success), ("2", true), "{}", run.stderr);
    assert!(run.stderr.contains("NOTICE:  your own session is left out"), "{}", run.stderr);
    ended(&mut alice);
    ended(&mut carol);
    only(&cluster, "");
    let error = cluster.try_sql("SELECT jwt_sso.terminate()").unwrap_err();
    assert!(error.contains("would end every session"), "{error}");
    assert!(cluster.try_sql("SELECT jwt_sso.terminate(NULL, NULL, NULL)").is_err());
}

#[test]
fn s12_crash() {
    let cluster = start(&["alice"]);
    let mut session = open(&cluster, "alice", &token("alice"));
    let pid = value(&mut session, "SELECT pg_backend_pid()");
    let mark = cluster.log_mark();
    let kill = std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap();
    assert!(kill.success());
    cluster.wait_log(mark, "all server processes terminated; reinitializing");
    cluster.until("the server", || cluster.try_sql("SELECT 1").is_ok());
    assert_eq!(rows(&cluster), "");
    open(&cluster, "alice", &token("alice"));
}

#[test]
fn s13_privileges() {
    let cluster = start(&["alice"]);
    cluster.sql("CREATE ROLE monitor; GRANT pg_monitor TO monitor");
    cluster.sql("SET ROLE monitor; SELECT * FROM jwt_sso.sessions");
    let mut session = open(&cluster, "alice", &token("alice"));
    for call in ["* FROM jwt_sso.sessions", "jwt_sso.session_rows()", "jwt_sso.terminate('x')"] {
        assert_eq!(error(&mut session, &format!("SELECT {call}")).code, "42501", "{call}");
    }
    let allowed =
        "SELECT string_agg(p.oid::regprocedure::text, ' ' ORDER BY proname) FROM pg_proc AS p
        WHERE p.pronamespace = 'jwt_sso'::regnamespace
        AND has_function_privilege('alice', p.oid, 'execute')";
    let wanted = "jwt_sso.claim(text) jwt_sso.claims() jwt_sso.renew(text) jwt_sso.session()";
    assert_eq!(cluster.sql(allowed), wanted);

    let plain = Cluster::builder().plain().start();
    plain.sql("CREATE EXTENSION jwt_sso");
    let nothing = "SELECT jwt_sso.session() IS NULL, jwt_sso.claims() IS NULL,
        jwt_sso.claim('sub') IS NULL, (SELECT count(*) FROM jwt_sso.sessions)";
    assert_eq!(plain.sql(nothing), "t|t|t|0");
    let error = plain.try_sql("SELECT jwt_sso.terminate('x')").unwrap_err();
    assert!(error.contains("HINT:  Add jwt_sso to shared_preload_libraries"), "{error}");
    assert!(plain.try_sql("SELECT jwt_sso.renew('x')").unwrap_err().contains("cannot be renewed"));
}

#[test]
fn s14_other_doors() {
    let whole = "SELECT principal, door, jwt_sso.claim('sub') FROM jwt_sso.session()";
    if Installation::get().with_pam {
        let builder = Cluster::builder().without_token_hba().core_hba(&pam::lines(pam::SERVICE));
        let cluster = builder.start();
        cluster.sql("CREATE EXTENSION jwt_sso");
        Issuer::example().install(&cluster, &["alice"]);
        for transport in [Transport::Tls, Transport::Socket] {
            let client = Client::new(&cluster, "alice").by(transport);
            let mut session = client.login(&token("alice").sign()).session();
            assert_eq!(session.query(whole).unwrap(), [["alice", "pam", "alice"]]);
            let later = token("alice").claim("exp", now() + 5_000).sign();
            renew(&mut session, &later).unwrap();
            not_renewed(&cluster, &mut session, &tampered(&later), "bad_signature");
            assert_eq!(cluster.sql("SELECT door FROM jwt_sso.sessions"), "pam");
            session.close();
            only(&cluster, "");
        }
        assert!(!cluster.log_since(LogMark::start()).contains("internal_error"));
    }
    if oauthbearer::offered() {
        let line = oauthbearer::method(ISS, "");
        let cluster = oauthbearer::builder(&format!("hostssl all all all {line}\n")).start();
        cluster.sql("CREATE EXTENSION jwt_sso");
        Issuer::example().install(&cluster, &["alice"]);
        let client = Client::new(&cluster, "alice");
        let login = oauthbearer::login(&client, &token("alice").sign()).login;
        let mut session = login.session();
        assert_eq!(session.query(whole).unwrap(), [["alice", "oauth", "alice"]]);
        // pg_ident.conf gave it the role; a renewal goes by the identity alone.
        cluster.configure(&[("jwt_sso.identity_map", &json!([format!("{ISS} a b")]).to_string())]);
        renew(&mut session, &token("alice").claim("exp", now() + 5_000).sign()).unwrap();
        not_renewed(&cluster, &mut session, &token("bob").sign(), "role_not_mapped");
    }
}
