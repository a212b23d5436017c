//! The SQL surface:
//! 1. CREATE and DROP EXTENSION; everything lives in schema jwt_sso
//! 2. privileges: PUBLIC may call what tells a session about itself, pg_monitor more
//! 3. without preload: a WARNING that names shared_preload_libraries, and check() says so
//! 4. check(): nothing configured, no audience
//! 5. check(): trust-over-TCP lines outside jwt_sso.hba_file
//! 6. check(): a token line that is reachable without TLS
//! 7. check(): map lines whose role is missing, may not log in, or is reserved
//! 8. check(): several issuers with global jwks; a mutable claim; other unwise values
//! 9. check(): the policy's fingerprint, equal for equal settings
//! 10. a sound set-up has no error and no warning
//! 11. names with U+0000, which a text cannot hold, and without preload no names at all

use jwt_sso_e2e::{Algorithm, Client, Cluster, Issuer, SigningKey};
use serde_json::json;

fn start() -> Cluster {
    let cluster = Cluster::builder().token_hba("hostssl all all all trust\n").start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    cluster
}

/// Rows of check() as `severity|finding|hint`.
fn check(cluster: &Cluster) -> Vec<String> {
    let rows = cluster.sql("SELECT * FROM jwt_sso.check()");
    rows.lines().map(str::to_owned).collect()
}

/// Holds a finding to be there that has all these words.
#[track_caller]
fn finds(cluster: &Cluster, words: &[&str]) -> String {
    let rows = check(cluster);
    let found = rows.iter().find(|row| {
        let row = row.to_lowercase();
        words.iter().all(|word| row.contains(&word.to_lowercase()))
    });
    found.unwrap_or_else(|| panic!("no finding with {words:?} in {rows:#?}")).clone()
}

/// Holds no finding to have all these words.
#[track_caller]
fn finds_not(cluster: &Cluster, words: &[&str]) {
    let rows = check(cluster);
    let has = |row: &&String| words.iter().all(|w| row.to_lowercase().contains(&w.to_lowercase()));
    assert!(!rows.iter().any(|row| has(&row)), "{words:?} in {rows:#?}");
}

#[test]
fn s01_extension() {
    let cluster = start();
    let outside = "SELECT count(*) FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
        JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
        WHERE e.extname = 'jwt_sso' AND p.pronamespace <> 'jwt_sso'::regnamespace";
    assert_eq!(cluster.sql(outside), "0");
    let columns = "SELECT string_agg(k, ',') FROM (SELECT json_object_keys(row_to_json(c)) k
        FROM (SELECT * FROM jwt_sso.check() LIMIT 1) c) keys";
    assert_eq!(cluster.sql(columns), "severity,finding,hint");
    assert!(!cluster.sql("SELECT jwt_sso.version()").is_empty());
    cluster.sql("DROP EXTENSION jwt_sso");
    assert_eq!(cluster.sql("SELECT count(*) FROM pg_proc WHERE probin LIKE '%jwt_sso%'"), "0");
    cluster.sql("CREATE EXTENSION jwt_sso");
    cluster.sql("CREATE ROLE plain LOGIN CREATEROLE CREATEDB");
    let refused = "DROP EXTENSION jwt_sso; GRANT CREATE ON DATABASE postgres TO plain;
        SET ROLE plain; CREATE EXTENSION jwt_sso";
    assert!(cluster.try_sql(refused).unwrap_err().contains("permission denied"));
}

#[test]
fn s02_privileges() {
    let cluster = start();
    cluster.sql("CREATE ROLE plain; CREATE ROLE monitor; GRANT pg_monitor TO monitor");
    let functions = cluster.sql(
        "SELECT p.oid::regprocedure FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
         JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
         WHERE e.extname = 'jwt_sso' ORDER BY 1",
    );
    assert!(functions.contains("check"), "{functions}");
    let of_public =
        ["jwt_sso.session()", "jwt_sso.claims()", "jwt_sso.claim(text)", "jwt_sso.renew(text)"];
    assert!(of_public.iter().all(|function| functions.lines().any(|line| line == *function)));
    for function in functions.lines() {
        let may = |role: &str| {
            cluster
                .sql(&format!("SELECT has_function_privilege('{role}', '{function}', 'execute')"))
        };
        assert_eq!(may("plain") == "t", of_public.contains(&function), "{function}");
    }
    for call in ["jwt_sso.check()", "jwt_sso.version()"] {
        cluster.sql(&format!("SET ROLE monitor; SELECT * FROM {call}"));
        let error = cluster.try_sql(&format!("SET ROLE plain; SELECT * FROM {call}")).unwrap_err();
        assert!(error.contains("permission denied"), "{error}");
    }
}

#[test]
fn s03_without_preload() {
    let cluster = Cluster::builder().plain().start();
    for sql in ["CREATE EXTENSION jwt_sso", "LOAD 'jwt_sso'"] {
        let notices = cluster.notices(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        let clear = notices.contains("WARNING") && notices.contains("shared_preload_libraries");
        assert!(clear, "{sql}: {notices}");
    }
    let row = finds(&cluster, &["shared_preload_libraries"]);
    assert!(row.starts_with("error|"), "{row}");
    // Nothing is defined late: a setting made now would do nothing.
    let defined = "LOAD 'jwt_sso'; SELECT count(*) FROM pg_settings WHERE name LIKE 'jwt_sso.%'";
    assert_eq!(cluster.sql(defined), "0");
}

#[test]
fn s04_nothing_configured() {
    let cluster = start();
    finds(&cluster, &["jwt_sso.issuers"]);
    finds(&cluster, &["jwt_sso.audience"]);
    cluster.configure(&[("jwt_sso.issuers", "https://issuer.example")]);
    finds_not(&cluster, &["no issuer"]);
    finds(&cluster, &["jwt_sso.audience"]);
}

#[test]
fn s05_trust_outside() {
    let builder = Cluster::builder().token_hba("hostssl all all all trust\n");
    let lines = "# a comment\nhost all all 10.0.0.0/8 trust\nlocal all all trust\n";
    let cluster = builder.core_hba(lines).start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    // The harness's own line is the first, so that the open one is line 3.
    finds(&cluster, &["pg_hba.conf", "trust", "3"]);
    finds_not(&cluster, &["pg_hba.conf", "line 4"]);
    assert!(cluster.whole_log().contains("jwt_sso_hba.conf"), "token lines are named at start");
}

#[test]
fn s06_without_tls() {
    let cluster = start();
    finds_not(&cluster, &["TLS"]);
    let lines = "local all postgres peer map=harness\nhost all all 127.0.0.1/32 trust\n";
    cluster.write_file("jwt_sso_hba.conf", lines.as_bytes());
    cluster.reload();
    finds(&cluster, &["TLS", "2"]);
}

#[test]
fn s07_map_lines() {
    let cluster = start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.sql("CREATE ROLE sleeper NOLOGIN; CREATE ROLE root SUPERUSER LOGIN");
    let roles = ["alice", "ghost", "sleeper", "root", "pg_monitor"];
    let map: Vec<_> = roles.iter().map(|r| format!("https://issuer.example {r} {r}")).collect();
    cluster.configure(&[("jwt_sso.identity_map", &json!(map).to_string())]);
    finds(&cluster, &["ghost"]);
    finds(&cluster, &["sleeper"]);
    finds(&cluster, &["root"]);
    finds(&cluster, &["pg_monitor"]);
    finds_not(&cluster, &["alice"]);
    cluster.sql("CREATE ROLE ghost LOGIN");
    finds_not(&cluster, &["ghost"]);
}

#[test]
fn s08_unwise() {
    let cluster = start();
    let issuer = Issuer::example();
    issuer.install(&cluster, &["alice"]);
    finds_not(&cluster, &["jwt_sso.jwks"]);
    cluster.configure(&[("jwt_sso.issuers", r#"["https://issuer.example","https://b.example"]"#)]);
    finds(&cluster, &["jwks", "issuer"]);

    finds_not(&cluster, &["email_verified"]);
    cluster.configure(&[("jwt_sso.claim", "email")]);
    finds(&cluster, &["email", "email_verified"]);
    let entry = json!({"issuers": {"https://issuer.example": {
        "claim": "email", "required_claims": {"email_verified": true},
    }}});
    cluster.configure(&[("jwt_sso.claim", "sub"), ("jwt_sso.issuers", &entry.to_string())]);
    finds_not(&cluster, &["email_verified"]);

    cluster.configure(&[("jwt_sso.issuers", "http://issuer.example")]);
    finds(&cluster, &["http://issuer.example"]);
    let dotted = r"https://issuer.example /^(.*)@corp.example$ \1";
    cluster.configure(&[("jwt_sso.identity_map", dotted)]);
    finds(&cluster, &["identity_map", "dot", "line 1"]);
}

#[test]
fn s09_fingerprint() {
    let cluster = start();
    let issuer = Issuer::example();
    issuer.install(&cluster, &["alice"]);
    let fingerprint = || finds(&cluster, &["fingerprint"]);
    let before = fingerprint();
    cluster.reload();
    assert_eq!(fingerprint(), before);
    for (name, value) in [
        ("jwt_sso.audience", "other"),
        ("jwt_sso.clock_skew", "1s"),
        ("jwt_sso.require_tls", "off"),
        ("jwt_sso.identity_map", "https://issuer.example alice alice"),
    ] {
        let old = cluster.sql(&format!("SHOW {name}"));
        cluster.configure(&[(name, value)]);
        assert_ne!(fingerprint(), before, "{name}");
        cluster.configure(&[(name, &old)]);
        assert_eq!(fingerprint(), before, "{name}");
    }
    cluster.restart();
    assert_eq!(fingerprint(), before);
}

#[test]
fn s10_sound() {
    let cluster = start();
    let issuer = Issuer::example();
    issuer.install(&cluster, &["alice"]);
    Client::new(&cluster, "alice").login(&issuer.token("alice").sign()).session();
    for row in check(&cluster) {
        let quiet = !row.starts_with("error|") && !row.starts_with("warning|");
        assert!(quiet, "{row}");
    }
}

#[test]
fn s11_names() {
    let cluster = start();
    let key = SigningKey::generate("a\u{0}b", Algorithm::Es256);
    Issuer::with_key("https://issuer.example", key).install(&cluster, &[]);
    let kid = "SELECT kid FROM jwt_sso.keys WHERE kid IS NOT NULL";
    cluster.until("the key", || !cluster.sql(kid).is_empty());
    assert_eq!(cluster.sql(kid), r"a\u{0}b");
    assert_eq!(cluster.sql("SELECT length(kid) FROM jwt_sso.keys"), "7");

    let cluster = Cluster::builder().plain().start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    for view in ["issuers", "keys"] {
        assert_eq!(cluster.sql(&format!("SELECT count(*) FROM jwt_sso.{view}")), "0", "{view}");
    }
}
