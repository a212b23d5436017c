//! Who is in, as others see it:
//! 1. the view `sessions`: who is in, and nobody else: not who was refused, nor who got past the
//!    token and not past the server, nor who left in any way
//! 2. terminate(): issuer, principal, kid, all exact; one's own session is left out
//! 3. a crash restart begins with an empty table
//! 4. privileges, and a server without the library

use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::token::tampered;
use jwt_sso_e2e::{Algorithm, Client, Cluster, Issuer, SigningKey, refused};

use super::{ISS, ended, error, only, open, rows, start, token, value};

#[test]
fn s1_sessions() {
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
fn s2_terminate() {
    let cluster = start(&["alice", "bob", "carol"]);
    let second = SigningKey::generate("k2", Algorithm::Es256);
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
fn s3_crash() {
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
fn s4_privileges() {
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
