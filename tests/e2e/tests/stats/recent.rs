//! The last refusals.

use std::collections::HashSet;
use std::thread;

use jwt_sso_e2e::{Algorithm, Client, Cluster, Issuer, SigningKey, refused};

use crate::{start, token};

/// The reference that the client was told.
#[track_caller]
fn reference(detail: &str) -> &str {
    let (_, reference) = detail.rsplit_once("(reference ").expect("a reference");
    reference.trim_end_matches(')')
}

#[test]
fn s1_by_reference() {
    let cluster = start();
    let key = SigningKey::generate("k9", Algorithm::Es256);
    let login =
        Client::new(&cluster, "alice").login(&Issuer::example().token("alice").key(&key).sign());
    let refusal = refused(&cluster, "alice", &login, "unknown_key");
    Client::new(&cluster, "bob").login("no token").error();
    let row = |columns: &str| {
        let reference = reference(&refusal.error.detail);
        cluster.sql(&format!(
            "SELECT {columns} FROM jwt_sso.recent_refusals WHERE ref = '{reference}'"
        ))
    };
    let columns = "reason, door, role, issuer, kid, address";
    assert_eq!(row(columns), "unknown_key|hook|alice|https://issuer.example|k9|127.0.0.1");
    assert_eq!(row("now() - at BETWEEN '0' AND '10 min'::interval"), "t");
    // What the token did not say is NULL.
    let nulls = "SELECT role, issuer IS NULL, kid IS NULL FROM jwt_sso.recent_refusals LIMIT 1";
    assert_eq!(cluster.sql(nulls), "bob|t|t");
}

#[test]
fn s2_the_last_128() {
    let cluster = start();
    for n in 0..130 {
        Client::new(&cluster, &format!("role{n}")).login("no token").error();
    }
    let roles = cluster.sql("SELECT role FROM jwt_sso.recent_refusals");
    let expected: Vec<String> = (2..130).rev().map(|n| format!("role{n}")).collect();
    assert_eq!(roles.lines().collect::<Vec<_>>(), expected);
    let ordered = "SELECT bool_and(at <= before) FROM
        (SELECT at, lag(at) OVER () AS before FROM jwt_sso.recent_refusals) AS rows";
    assert_eq!(cluster.sql(ordered), "t");
}

/// A refused login with this `kid` and issuer.
fn hostile(cluster: &Cluster, role: &str, text: &str) {
    let token = Issuer::example().token("alice").header("kid", text).claim("iss", text);
    Client::new(cluster, role).login(&token.sign()).error();
}

#[test]
fn s3_hostile_names() {
    let cluster = start();
    let last = |column: &str| {
        cluster.sql(&format!("SELECT {column} FROM jwt_sso.recent_refusals LIMIT 1"))
    };
    hostile(&cluster, "alice", "a\n\u{1b}[31m\u{0}\u{202e}\"\\b");
    let visible = r#"a\n\u001b[31m\u0000\u202e\"\\b"#;
    assert_eq!(last("issuer"), visible);
    assert_eq!(last("kid"), visible);
    // Cut between two characters; an escape is whole or not there.
    hostile(&cluster, "alice", &format!("x{}", "é".repeat(300)));
    assert_eq!(last("issuer"), format!("x{}", "é".repeat(99)));
    assert_eq!(last("kid"), format!("x{}", "é".repeat(49)));
    hostile(&cluster, "alice", &format!("{}\n", "x".repeat(199)));
    assert_eq!(last("octet_length(issuer)"), "199");
    // A role is cut by the server at 63 bytes.
    hostile(&cluster, &"é".repeat(60), "x");
    assert_eq!(last("role"), "é".repeat(31));
}

#[test]
fn s4_other_encoding() {
    let cluster = start();
    cluster.sql(
        "CREATE DATABASE latin ENCODING latin1 TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
    );
    hostile(&cluster, "rené", "schlüssel");
    let latin = |sql: &str| {
        let run = cluster.psql().socket().user("postgres").env("PGDATABASE", "latin").run(sql);
        assert!(run.success, "{}", run.stderr);
        run.stdout
    };
    latin("CREATE EXTENSION jwt_sso");
    let row = "SELECT role, issuer, kid FROM jwt_sso.recent_refusals";
    assert_eq!(latin(row), r"ren\u{e9}|schl\u{fc}ssel|schl\u{fc}ssel");
    assert_eq!(cluster.sql(row), "rené|schlüssel|schlüssel");
}

#[test]
fn s5_storm() {
    let cluster = start();
    let refusals = || {
        let client = Client::new(&cluster, "alice");
        let mut references = Vec::new();
        for _ in 0..40 {
            let login = client.login("no token");
            references.push(reference(&login.error().detail).to_owned());
        }
        references
    };
    let told: HashSet<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(refusals)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(told.len(), 240);
    let kept = cluster.sql("SELECT ref FROM jwt_sso.recent_refusals");
    let kept: HashSet<String> = kept.lines().map(str::to_owned).collect();
    assert_eq!(kept.len(), 128);
    assert!(kept.is_subset(&told));
    let counted = "SELECT sum(count) FROM jwt_sso.stats WHERE outcome = 'refused'";
    assert_eq!(cluster.sql(counted), "240");
    Client::new(&cluster, "alice").login(&token()).session();
}
