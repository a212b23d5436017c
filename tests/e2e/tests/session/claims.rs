//! What a session can ask about itself:
//! 1. session(), claims() and claim() tell what the token says; NULL in sessions of other doors
//! 2. claim(): names and JSON pointers, values of every type; a malformed path is an ERROR
//! 3. other encodings: what the database cannot hold is an ERROR, never another text

use jwt_sso_e2e::token::now;
use jwt_sso_e2e::{Client, Token};
use serde_json::json;

use super::{ISS, error, open, rows, start, token, value};

#[test]
fn s1_session() {
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
fn s2_claims() {
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
fn s3_encodings() {
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
