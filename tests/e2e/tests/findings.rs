//! What `check()` finds beside the set-up of issuers and doors, and `check_ok()`:
//! 1. check_ok() is false where any row is an error, and true with warnings
//! 2. statement logging that would write down a token
//! 3. a hook in front of ours, with the name of its library
//! 4. a worker that was started again
//! 5. deny elements that keep nobody out; a grace that means nothing, or is too short
//! 6. roles: hints that can be pasted; many are counted
//! 7. an issuer that cannot be reached; grammar (a clock that is apart is in fetch_settings.rs)

use std::process::Command;

use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::faulty_issuer::FaultyIssuer;
use jwt_sso_e2e::fixture::{Manners, auth_hook};
use jwt_sso_e2e::{Cluster, Issuer};
use serde_json::json;

fn sound() -> Cluster {
    let cluster = Cluster::builder().token_hba("hostssl all all all trust\n").start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.sql("CREATE EXTENSION jwt_sso");
    cluster
}

/// Rows of check() as `severity|finding|hint`.
fn findings(cluster: &Cluster) -> Vec<String> {
    let rows = cluster.sql("SELECT * FROM jwt_sso.check()");
    rows.lines().map(str::to_owned).collect()
}

/// The one row that begins like this.
#[track_caller]
fn found(cluster: &Cluster, start: &str) -> String {
    let rows = findings(cluster);
    let mut found = rows.iter().filter(|row| row.starts_with(start));
    let row = found.next().unwrap_or_else(|| panic!("no row {start:?} in {rows:#?}")).clone();
    assert_eq!(found.next(), None, "one row for {start:?}");
    row
}

#[track_caller]
fn found_not(cluster: &Cluster, words: &str) {
    let rows = findings(cluster);
    assert!(!rows.iter().any(|row| row.contains(words)), "{words:?} in {rows:#?}");
}

fn is_ok(cluster: &Cluster) -> bool {
    cluster.sql("SELECT jwt_sso.check_ok()") == "t"
}

#[test]
fn s1_check_ok() {
    let cluster = sound();
    assert!(is_ok(&cluster));
    cluster.configure(&[("jwt_sso.allow_superuser", "on")]);
    found(&cluster, "warning|jwt_sso.allow_superuser is on");
    assert!(is_ok(&cluster));
    cluster.configure(&[("jwt_sso.audience", "")]);
    found(&cluster, "error|no audience");
    assert!(!is_ok(&cluster));
    // The exit status of psql, as the README has it.
    let gate = "SELECT 1 / jwt_sso.check_ok()::int";
    assert!(cluster.try_sql(gate).unwrap_err().contains("division by zero"));
    cluster.configure(&[("jwt_sso.audience", "postgres")]);
    assert_eq!(cluster.sql(gate), "1");
}

#[test]
fn s2_logging() {
    let cluster = sound();
    found_not(&cluster, "logged");
    for (setting, value) in [
        ("log_statement", "all"),
        ("log_min_duration_statement", "0"),
        ("log_min_duration_sample", "10s"),
        ("log_transaction_sample_rate", "0.5"),
    ] {
        cluster.alter_system(setting, value);
        cluster.reload();
        let row = found(&cluster, "warning|statements and their parameters are logged");
        assert!(row.contains(&format!("({setting}, log_parameter_max_length)")), "{row}");
        assert!(row.contains("before explain(): SET log_parameter_max_length = 0;"), "{row}");
        let silent =
            "SET log_parameter_max_length = 0; SELECT severity, finding FROM jwt_sso.check()
            WHERE finding LIKE '%logged%'";
        let row = cluster.sql(silent);
        assert_eq!(row, format!("ok|statements are logged without their parameters ({setting})"));
        cluster.sql(&format!("ALTER SYSTEM RESET {setting}"));
        cluster.reload();
        found_not(&cluster, "logged");
    }
    for (setting, value) in [("log_statement", "mod"), ("log_duration", "on")] {
        cluster.alter_system(setting, value);
    }
    cluster.reload();
    found_not(&cluster, "logged");
    cluster.alter_system("log_parameter_max_length_on_error", "64");
    cluster.reload();
    found(&cluster, "warning|log_parameter_max_length_on_error logs the parameters");
}

#[test]
fn s3_hook() {
    let cluster = Cluster::builder().prepare();
    for (manners, order) in [(Manners::Chains, 0), (Manners::Displaces, 0), (Manners::Chains, 1)] {
        let library = auth_hook(&cluster, manners).display().to_string();
        let mut preload = ["jwt_sso", &library];
        preload.rotate_left(order);
        cluster.append_conf(&format!("shared_preload_libraries = '{}'", preload.join(",")));
        cluster.start();
        cluster.sql("CREATE EXTENSION IF NOT EXISTS jwt_sso");
        if order == 0 {
            let row = found(&cluster, &format!("warning|{library} was loaded after jwt_sso"));
            assert!(row.contains("last of shared_preload_libraries"), "{row}");
        } else {
            found_not(&cluster, "was loaded after");
        }
        cluster.stop();
    }
}

#[test]
fn s4_worker() {
    let cluster = sound();
    found_not(&cluster, "key worker");
    let pid = cluster.worker_pid().expect("a worker");
    assert!(Command::new("kill").arg(pid.to_string()).status().unwrap().success());
    cluster.until("another worker", || cluster.worker_pid().is_some_and(|new| new != pid));
    cluster.until("its finding", || {
        let rows = findings(&cluster);
        rows.iter().any(|row| row.starts_with("warning|the key worker was started 2 times, "))
    });
}

#[test]
fn s5_deny_and_expiry() {
    let cluster = sound();
    let deny = json!([
        {"principal": "alice", "until": "2020-01-01T00:00:00Z"},
        {"principal": "alice", "until": "2999-01-01T00:00:00Z"},
        {"issuer": "https://issuer.example/"},
        {"issuer": "https://issuer.example", "kid": "k9"},
    ]);
    cluster
        .configure(&[("jwt_sso.deny", &deny.to_string()), ("jwt_sso.session_expiry_grace", "60s")]);
    let row = found(&cluster, "warning|element 1 of jwt_sso.deny keeps nobody out");
    assert!(row.contains("2020-01-01T00:00:00Z"), "{row}");
    let row = found(&cluster, "warning|element 3 of jwt_sso.deny keeps nobody out");
    assert!(row.contains("\"https://issuer.example/\" is not in jwt_sso.issuers"), "{row}");
    found_not(&cluster, "element 2");
    found_not(&cluster, "element 4");
    let row = found(&cluster, "warning|jwt_sso.session_expiry_grace means nothing");
    assert!(row.contains("ALTER SYSTEM SET jwt_sso.session_expiry = 'terminate';"), "{row}");
    cluster.configure(&[("jwt_sso.session_expiry", "terminate"), ("jwt_sso.deny", "[]")]);
    found_not(&cluster, "warning|");
    cluster.configure(&[("jwt_sso.session_expiry_grace", "10s")]);
    let row = found(&cluster, "warning|jwt_sso.session_expiry_grace (10 s) is shorter");
    assert!(row.contains("SET jwt_sso.session_expiry_grace = '30s';"), "{row}");
}

#[test]
fn s6_roles() {
    let cluster = sound();
    let odd = r#"https://issuer.example x "a""B c""#;
    cluster.configure(&[("jwt_sso.identity_map", &json!([odd]).to_string())]);
    let row = found(&cluster, "warning|the identity map names the role");
    let hint = row.rsplit('|').next().unwrap();
    let (statement, _) = hint.split_once(" or take").expect("a statement first");
    cluster.sql(statement);
    found_not(&cluster, "the identity map names");
    let lines: Vec<String> =
        (0..60).map(|n| format!("https://issuer.example x{n} ghost{n}")).collect();
    cluster.configure(&[("jwt_sso.identity_map", &json!(lines).to_string())]);
    let rows = findings(&cluster);
    let named = rows.iter().filter(|row| row.contains("names the role")).count();
    assert_eq!(named, 50);
    found(&cluster, "warning|the identity map names 10 more roles");
}

#[test]
fn s7_issuers() {
    let authority = Authority::new();
    let cluster = Cluster::builder().token_hba("hostssl all all all trust\n").start();
    let server = FaultyIssuer::https(authority.localhost());
    server.publish(Issuer::new(&server.base).jwks());
    cluster.sql("CREATE EXTENSION jwt_sso");
    cluster.write_file("ca.pem", authority.pem().as_bytes());
    cluster.configure(&[
        ("jwt_sso.enabled", "on"),
        ("jwt_sso.audience", "postgres"),
        ("jwt_sso.jwks_auto_fetch_enabled", "on"),
        ("jwt_sso.issuer_custom_ca", "ca.pem"),
        ("jwt_sso.issuers", &json!([server.base, "https://127.0.0.1:1"]).to_string()),
    ]);
    cluster.until("the unreachable issuer's finding", || {
        let start = "error|no keys of issuer https://127.0.0.1:1 could be fetched: GET https://";
        findings(&cluster).iter().any(|row| row.starts_with(start))
    });
    assert!(!is_ok(&cluster));
    let row = cluster.sql(&format!("SELECT detail FROM jwt_sso.refresh('{}')", server.base));
    assert!(row.starts_with("1 key from "), "{row}");
}
