//! The settings of fetched keys, what check() finds of them, and who may look:
//! 1. `issuer_custom_ca`: a missing file, one without a certificate, a key instead of one,
//!    broken PEM, no regular file: refused with the place; a good one is taken
//! 2. numbers out of range
//! 3. check(): issuer unreachable; its clock apart from ours
//! 4. privileges: PUBLIC nothing, pg_monitor the views, refresh() superusers until granted
//! 5. refresh(): of one, of all, of static and unknown issuers; who asks for one not reloaded yet

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::faulty_issuer::{Answer, FaultyIssuer};
use jwt_sso_e2e::{Algorithm, Cluster, Issuer, SigningKey};
use regex::Regex;
use serde_json::json;

#[test]
fn s1_custom_ca() {
    let cluster = Cluster::builder().start();
    let authority = Authority::new();
    let pem = authority.pem();
    let broken = pem.replacen("MII", "M!I", 1);
    assert_ne!(broken, pem);
    let key = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n\
        -----END PRIVATE KEY-----\n";
    let cut = &pem[..pem.len() / 2];
    for (name, content) in
        [("empty", ""), ("text", "hello\n"), ("key", key), ("broken", &broken), ("cut", cut)]
    {
        cluster.write_file(name, content.as_bytes());
    }
    let not_x509 = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    cluster.write_file("not_x509", format!("{pem}{not_x509}").as_bytes());
    for (value, place) in [
        ("no_such_file", "no_such_file"),
        ("base", "(?i)regular|directory"),
        ("/dev/zero", "(?i)regular"),
        ("empty", "no certificate"),
        ("text", "no certificate"),
        ("key", "no certificate"),
        ("broken", "certificate 1"),
        ("cut", "(?i)certificate"),
        ("not_x509", "certificate 2"),
    ] {
        let Err(error) = cluster.try_alter_system("jwt_sso.issuer_custom_ca", value) else {
            panic!("{value} is taken");
        };
        eprintln!("{value}: {}", error.replace('\n', " / "));
        assert!(
            error.contains("invalid value for parameter \"jwt_sso.issuer_custom_ca\""),
            "{error}"
        );
        let detail = error.split_once("DETAIL:").map_or("", |(_, detail)| detail);
        assert!(Regex::new(place).unwrap().is_match(detail), "not {place}: {error}");
        assert!(!error.contains("IJ+DYvh6"), "repeats the private key");
    }
    assert_eq!(cluster.sql("SHOW jwt_sso.issuer_custom_ca"), "");
    cluster.write_file("good.pem", format!("# ours\n{pem}{}", Authority::new().pem()).as_bytes());
    cluster.alter_system("jwt_sso.issuer_custom_ca", "good.pem");
    cluster.alter_system("jwt_sso.issuer_custom_ca", "");
}

#[test]
fn s2_ranges() {
    let cluster = Cluster::builder().start();
    for (setting, good, bad) in [
        ("client_timeout", ["1s", "300s"], ["0", "301s"]),
        ("jwks_refresh_interval", ["1s", "1d"], ["0", "2d"]),
        ("jwks_max_stale", ["0", "365d"], ["-1", "366d"]),
        ("key_cache_size", ["256kB", "1GB"], ["255kB", "1025MB"]),
    ] {
        let name = format!("jwt_sso.{setting}");
        good.iter().for_each(|value| cluster.alter_system(&name, value));
        for value in bad {
            let error = cluster.try_alter_system(&name, value).expect_err(value);
            assert!(error.contains("outside the valid range") && error.contains(&name), "{error}");
        }
        let error = cluster.try_alter_system(&name, "soon").expect_err("not a number");
        assert!(error.contains(&format!("invalid value for parameter \"{name}\"")), "{error}");
    }
    let contexts = "SELECT string_agg(name || ' ' || context || ' ' || boot_val, ',' ORDER BY name)
        FROM pg_settings WHERE name IN ('jwt_sso.client_timeout', 'jwt_sso.jwks_refresh_interval',
        'jwt_sso.jwks_max_stale', 'jwt_sso.key_cache_size', 'jwt_sso.jwks_auto_fetch_enabled')";
    assert_eq!(
        cluster.sql(contexts),
        "jwt_sso.client_timeout sighup 15,jwt_sso.jwks_auto_fetch_enabled sighup off,\
         jwt_sso.jwks_max_stale sighup 86400,jwt_sso.jwks_refresh_interval sighup 600,\
         jwt_sso.key_cache_size postmaster 4096"
    );
}

/// A cluster with the extension that fetches from this issuer, whatever it answers.
fn fetching(server: &FaultyIssuer, authority: &Authority) -> Cluster {
    let cluster = Cluster::builder().token_hba("hostssl all all all trust\n").start();
    cluster.sql("CREATE EXTENSION jwt_sso; CREATE ROLE alice LOGIN");
    cluster.write_file("issuers_ca.pem", authority.pem().as_bytes());
    cluster.configure(&[
        ("jwt_sso.client_timeout", "3s"),
        ("jwt_sso.enabled", "on"),
        ("jwt_sso.audience", "postgres"),
        ("jwt_sso.jwks_auto_fetch_enabled", "on"),
        ("jwt_sso.issuer_custom_ca", "issuers_ca.pem"),
        ("jwt_sso.issuers", &server.base),
    ]);
    cluster.until("the first fetch", || {
        cluster.sql("SELECT last_attempt IS NOT NULL FROM jwt_sso.issuers") == "t"
    });
    cluster
}

/// Rows of check() that have all these words.
fn findings(cluster: &Cluster, words: &[&str]) -> Vec<String> {
    let rows = cluster.sql("SELECT * FROM jwt_sso.check()");
    let has = |row: &&str| words.iter().all(|word| row.contains(word));
    rows.lines().filter(has).map(str::to_owned).collect()
}

#[test]
fn s3_findings() {
    let authority = Authority::new();
    let server = FaultyIssuer::https(authority.localhost());
    let issuer = Issuer::new(&server.base);
    let cluster = fetching(&server, &authority);
    let found = findings(&cluster, &["error|", &server.base, "404"]);
    assert_eq!(found.len(), 1, "{}", cluster.sql("SELECT * FROM jwt_sso.check()"));
    eprintln!("{}", found[0]);

    server.publish(issuer.jwks());
    let seconds = Regex::new(r"\b(59[0-9]|60[0-9]) s\b").unwrap();
    for (offset, word) in [(600, "ahead of"), (-600, "behind"), (0, "")] {
        let date = http_date(offset);
        server.answer("/jwks", Answer::json(issuer.jwks()).header("Date", &date));
        assert_eq!(cluster.sql("SELECT ok FROM jwt_sso.refresh()"), "t");
        let found = findings(&cluster, &[&server.base]);
        eprintln!("{offset} s: {found:?}");
        match word {
            "" => assert!(found.is_empty(), "{found:?}"),
            word => {
                let row = found.first().expect("a finding about the clock");
                assert!(row.starts_with("warning|") && row.contains("clock"), "{row}");
                assert!(row.contains(word) && seconds.is_match(row), "{row}");
            }
        }
    }
    let rows = cluster.sql("SELECT * FROM jwt_sso.check() WHERE severity <> 'ok'");
    assert_eq!(rows, "", "a sound set-up with fetched keys");
}

/// Now and so many seconds, as RFC 9110 section 5.6.7 writes it.
fn http_date(offset: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let then =
        (now + Duration::from_secs(1)).as_secs().checked_add_signed(offset).expect("after 1970");
    let run = std::process::Command::new("date")
        .args(["-u", "-d", &format!("@{then}"), "+%a, %d %b %Y %H:%M:%S GMT"])
        .env("LC_ALL", "C")
        .output();
    String::from_utf8(run.expect("date runs").stdout).expect("ASCII").trim().to_owned()
}

#[test]
fn s4_privileges() {
    let authority = Authority::new();
    let server = FaultyIssuer::https(authority.localhost());
    server.publish(Issuer::new(&server.base).jwks());
    let cluster = fetching(&server, &authority);
    cluster.sql("CREATE ROLE bob; CREATE ROLE watcher; GRANT pg_monitor TO watcher");
    let as_role = |role: &str, sql: &str| cluster.try_sql(&format!("SET ROLE {role}; {sql}"));
    let reads = ["SELECT count(*) FROM jwt_sso.issuers", "SELECT count(*) FROM jwt_sso.keys"];
    for sql in reads {
        let error = as_role("bob", sql).unwrap_err();
        assert!(error.contains("permission denied"), "{error}");
        assert_eq!(as_role("watcher", sql).unwrap(), "1");
    }
    let refresh = "SELECT ok FROM jwt_sso.refresh()";
    for role in ["bob", "watcher"] {
        let error = as_role(role, refresh).unwrap_err();
        assert!(error.contains("permission denied for function refresh"), "{error}");
    }
    cluster.sql("GRANT EXECUTE ON FUNCTION jwt_sso.refresh(text) TO bob");
    assert_eq!(as_role("bob", refresh).unwrap(), "t");
}

#[test]
fn s5_refresh() {
    let authority = Authority::new();
    let server = FaultyIssuer::https(authority.localhost());
    let issuer = Issuer::new(&server.base);
    server.publish(issuer.jwks());
    let cluster = fetching(&server, &authority);
    let own = SigningKey::generate("own", Algorithm::Es256).jwk();
    let entries = json!({"issuers": {
        issuer.iss.as_str(): {},
        "https://static.example": {"jwks": own},
        "https://down.example": {"jwks_uri": server.url("/nothing")},
    }});
    cluster.configure(&[("jwt_sso.issuers", &entries.to_string())]);
    let rows = cluster.sql("SELECT * FROM jwt_sso.refresh() ORDER BY issuer");
    eprintln!("{rows}");
    let rows: Vec<&str> = rows.lines().collect();
    assert_eq!(rows.len(), 3);
    assert!(
        rows[0].starts_with("https://down.example|f|GET ") && rows[0].ends_with("404 Not Found")
    );
    assert!(rows[1].starts_with(&format!("{}|t|1 key from {}/jwks", issuer.iss, server.base)));
    assert!(rows[2].starts_with("https://static.example|t|"), "{rows:?}");
    let before = server.count("/jwks");
    let row = cluster.sql(&format!("SELECT ok FROM jwt_sso.refresh('{}')", issuer.iss));
    assert_eq!((row.as_str(), server.count("/jwks")), ("t", before + 1));
    let error = cluster.try_sql("SELECT * FROM jwt_sso.refresh('https://unknown.example')");
    assert!(error.unwrap_err().contains("https://unknown.example"));
    let states = cluster.sql("SELECT issuer, source, state FROM jwt_sso.issuers ORDER BY issuer");
    assert_eq!(
        states,
        format!(
            "https://down.example|jwks_uri|never\n{}|discovery|fresh\n\
             https://static.example|entry|static",
            issuer.iss
        )
    );
}
