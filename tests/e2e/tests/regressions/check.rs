//! What `check()` did not see, and what it did not survive.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use jwt_sso_e2e::{Algorithm, Cluster, Issuer, SigningKey};
use serde_json::json;

use super::{findings, finds, finds_not};

/// A server with the extension and a sound set-up.
fn sound() -> Cluster {
    let cluster = Cluster::builder().start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.sql("CREATE EXTENSION jwt_sso");
    cluster
}

#[test]
fn check_sees_the_files() {
    let cluster = sound();
    let key = SigningKey::generate("k2", Algorithm::Es256).with("use", json!("enc"));
    cluster.write_file("keys.json", json!({"keys": [key.jwk()]}).to_string().as_bytes());
    cluster
        .write_file("map", b"https://issuer.example alice alice\nhttps://issuer.example x ghost");
    let files = [("jwt_sso.jwks_file", "keys.json"), ("jwt_sso.identity_map_file", "map")];
    cluster.configure(&files);
    // In the reload that brings them, and where they are known already.
    for _ in 0..2 {
        finds(&cluster, &["warning|", "\"ghost\"", "does not exist"]);
        finds(&cluster, &["warning|", "jwt_sso.jwks_file", "\"enc\""]);
        finds(&cluster, &["ok|policy fingerprint"]);
        finds_not(&cluster, &["not what this session's settings"]);
        cluster.reload();
    }
    // A file that was edited since: this is what the warning is for.
    cluster.write_file("map", b"https://issuer.example alice alice\n");
    finds(&cluster, &["warning|", "not what this session's settings"]);
    finds_not(&cluster, &["\"ghost\""]);
    cluster.reload();
    finds_not(&cluster, &["not what this session's settings"]);
}

#[test]
fn check_reports_without_a_worker() {
    let builder = Cluster::builder().conf("max_worker_processes = 0");
    let cluster = builder.core_hba("host all all 10.0.0.0/8 trust\n").start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    finds(&cluster, &["error|", "worker", "max_worker_processes"]);
    // After the harness's own line.
    finds(&cluster, &["error|", "pg_hba.conf", "trust", "line 2"]);
    finds(&cluster, &["error|no issuer is configured"]);
}

#[test]
fn check_names_files_that_others_may_write() {
    let cluster = sound();
    cluster.write_file("map", b"https://issuer.example alice alice\n");
    cluster.write_file("keys.json", Issuer::example().jwks().as_bytes());
    let settings = [
        ("jwt_sso.identity_map_file", "map"),
        ("jwt_sso.jwks_file", "keys.json"),
        ("jwt_sso.hba_file", "jwt_sso_hba.conf"),
    ];
    cluster.configure(&settings[..2]);
    for (setting, file) in settings {
        let path = cluster.data_dir().join(file);
        for (mode, is_open) in [(0o600, false), (0o664, true), (0o646, true), (0o644, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            if is_open {
                let row = finds(&cluster, &["warning|", "may write", setting, file]);
                assert!(row.contains("|chmod go-w "), "{row}");
            } else {
                finds_not(&cluster, &["may write", setting]);
            }
        }
    }
}

#[test]
fn check_works_in_databases_of_other_encodings() {
    let cluster = sound();
    cluster.configure(&[("jwt_sso.identity_map", "https://issuer.example person rôle")]);
    let utf8 = findings(&cluster).join("\n");
    assert!(utf8.contains("the role \"rôle\", which does not exist"), "{utf8}");
    for encoding in ["EUC_JP", "LATIN1"] {
        let options = "TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'";
        cluster.sql(&format!("CREATE DATABASE {encoding} ENCODING '{encoding}' {options}"));
        let database = encoding.to_lowercase();
        let psql = cluster.psql().socket().user("postgres").env("PGDATABASE", &database);
        for client in [encoding, "UTF8"] {
            let psql = psql.clone().env("PGCLIENTENCODING", client);
            let run = psql.run(
                "SET client_min_messages = error; CREATE EXTENSION IF NOT EXISTS jwt_sso;
                 SELECT finding FROM jwt_sso.check()",
            );
            assert!(run.success, "{encoding} {client}: {}", run.stderr);
            let found = run.stdout.contains(r#"the role "r\u{f4}le", which does not exist"#);
            assert!(found && run.stdout.is_ascii(), "{encoding} {client}: {}", run.stdout);
            refuses_with_a_hint(|sql| psql.run(sql).stderr);
        }
    }
}

/// ALTER SYSTEM says what is wrong, and what to do about it.
fn refuses_with_a_hint(stderr_of: impl Fn(&str) -> String) {
    let long = "a".repeat(4097);
    for value in [&format!("i /{long} b"), r"i /^(\w{40})$ \1", "i a \u{1}"] {
        let error = stderr_of(&format!("ALTER SYSTEM SET jwt_sso.identity_map = '{value}'"));
        let refused = error.contains("ERROR:  invalid value for parameter");
        let whole = error.contains("DETAIL:") && error.contains("HINT:") && error.is_ascii();
        assert!(refused && whole, "{error:.1000}");
    }
}
