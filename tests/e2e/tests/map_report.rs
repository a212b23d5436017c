//! The audit of the identity maps, `jwt_sso.map_report()`:
//! 1. a row for each line of both maps: fields, kind, role, predefined roles, dots, duplicates,
//!    shadows, and a hint
//! 2. it reads what the session's settings and files say, and says when they are wrong
//! 3. a hundred thousand lines and a thousand regexes, in a database of another encoding

use std::fmt::Write;

use jwt_sso_e2e::{Cluster, Issuer};
use serde_json::{Value, json};

fn start() -> Cluster {
    let cluster = Cluster::builder().token_hba("hostssl all all all trust\n").start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    Issuer::example().install(&cluster, &["alice", "bob"]);
    cluster
}

fn report(cluster: &Cluster) -> Vec<Value> {
    let rows = cluster.sql("SELECT row_to_json(m) FROM jwt_sso.map_report() AS m");
    rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect()
}

/// Holds a row to have these members, and no hint where none is named.
#[track_caller]
fn assert_row(row: &Value, members: Value) {
    for (name, value) in members.as_object().unwrap() {
        if name == "hint" {
            let (hint, words) = (row["hint"].as_str().unwrap_or(""), value.as_str().unwrap());
            assert!(hint.contains(words), "hint {words:?}: {row}");
        } else {
            assert_eq!(row[name], *value, "{name}: {row}");
        }
    }
    if members.get("hint").is_none() {
        assert_eq!(row["hint"], Value::Null, "{row}");
    }
}

#[test]
fn s1_rows() {
    let cluster = start();
    cluster.sql(
        "CREATE ROLE sleeper NOLOGIN; CREATE ROLE root SUPERUSER LOGIN; CREATE ROLE almost LOGIN;
         GRANT root TO almost; CREATE ROLE reader LOGIN; CREATE ROLE readers;
         GRANT pg_read_all_data, pg_read_all_stats TO readers; GRANT readers TO reader",
    );
    let iss = "https://issuer.example";
    let lines = [
        format!("{iss} alice alice"),
        format!("{iss} x ghost"),
        format!("{iss} x sleeper"),
        format!("{iss} x root"),
        format!("{iss} x almost"),
        format!("{iss} x pg_monitor"),
        format!("{iss} x reader"),
        "# a comment".to_owned(),
        format!(r"{iss} /^(.*)@corp.example$ \1"),
        format!("{iss} /^(.*)@corp\\.example$ \\1"),
        format!("{iss} bob@corp.example bob"),
        "https://other.example alice alice".to_owned(),
    ];
    cluster.write_file("map", format!("{iss} alice alice # again\n{iss} /^.*$ bob\n").as_bytes());
    cluster.configure(&[
        ("jwt_sso.identity_map", &json!(lines).to_string()),
        ("jwt_sso.identity_map_file", "map"),
    ]);
    let rows = report(&cluster);
    let fixed = |role: &str| json!({"role": role, "kind": "literal", "role_exists": true});
    let with = |mut row: Value, more: Value| {
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let expected = [
        json!({
            "source": "jwt_sso.identity_map", "line": 1, "issuer": iss, "identity": "alice",
            "role": "alice", "kind": "literal", "issuer_configured": true, "role_exists": true,
            "can_login": true, "superuser": false, "predefined": [], "dots": false,
            "duplicate_of": null, "shadowed_by": null,
        }),
        json!({"role": "ghost", "role_exists": false, "can_login": false, "superuser": false,
               "predefined": null, "hint": "CREATE ROLE \"ghost\" LOGIN;"}),
        with(
            fixed("sleeper"),
            json!({"can_login": false, "hint": "ALTER ROLE \"sleeper\" LOGIN;"}),
        ),
        with(fixed("root"), json!({"superuser": true, "predefined": [], "hint": "is a superuser"})),
        with(fixed("almost"), json!({"superuser": true, "hint": "can SET ROLE to a superuser"})),
        with(fixed("pg_monitor"), json!({"hint": "is reserved"})),
        with(fixed("reader"), json!({"predefined": ["pg_read_all_data", "pg_read_all_stats"]})),
        json!({"line": 9, "kind": "regex", "role": r"\1", "role_exists": null, "can_login": null,
               "superuser": null, "predefined": null, "dots": true, "hint": r"write \."}),
        json!({"line": 10, "kind": "regex", "dots": false}),
        json!({"line": 11, "shadowed_by": "line 2 of jwt_sso.identity_map_file",
               "hint": "take the line out"}),
        json!({"line": 12, "issuer_configured": false, "hint": "not in jwt_sso.issuers"}),
        json!({"source": "jwt_sso.identity_map_file", "line": 1,
               "duplicate_of": "line 1 of jwt_sso.identity_map", "hint": "an earlier one"}),
        json!({"line": 2, "kind": "regex", "role": "bob", "role_exists": true}),
    ];
    assert_eq!(rows.len(), expected.len(), "{rows:#?}");
    for (row, expected) in rows.iter().zip(expected) {
        assert_row(row, expected);
    }
    // Shadowed by the other regexes once that line is gone.
    cluster.write_file("map", b"");
    assert_eq!(report(&cluster)[9]["shadowed_by"], "line 9 of jwt_sso.identity_map");
}

#[test]
fn s2_wrong() {
    let cluster = start();
    assert_eq!(report(&cluster), [Value::Null; 0]);
    cluster.write_file("map", b"https://issuer.example alice alice\n");
    cluster.configure(&[("jwt_sso.identity_map_file", "map")]);
    assert_eq!(report(&cluster).len(), 1);
    cluster.write_file("map", b"only two\n");
    let error = cluster.try_sql("SELECT * FROM jwt_sso.map_report()").unwrap_err();
    assert!(error.contains("jwt_sso.identity_map_file"), "{error}");
}

#[test]
fn s3_many() {
    let cluster = start();
    let mut map = String::new();
    for n in 0..1_000 {
        writeln!(map, r"https://issuer.example /^(.*)@corp{n}\.example$ \1").unwrap();
    }
    for n in 0..100_000 {
        writeln!(map, "https://issuer.example person{n}@corp{}.example person{n}", n % 1_100)
            .unwrap();
    }
    cluster.write_file("map", map.as_bytes());
    cluster.configure(&[("jwt_sso.identity_map_file", "map")]);
    let options = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'";
    cluster.sql(&format!("CREATE DATABASE latin {options}"));
    let psql = cluster.psql().socket().user("postgres").env("PGDATABASE", "latin");
    let run = psql.run(
        "SET client_min_messages = error; CREATE EXTENSION jwt_sso;
         SELECT count(*), count(*) FILTER (WHERE kind = 'regex'),
             count(*) FILTER (WHERE shadowed_by IS NOT NULL) BETWEEN 1 AND 91000,
             count(*) FILTER (WHERE role_exists)
         FROM jwt_sso.map_report();
         SELECT shadowed_by FROM jwt_sso.map_report() WHERE role = 'person5'",
    );
    let expected = "101000|1000|t|0\nline 6 of jwt_sso.identity_map_file";
    assert_eq!(run.stdout, expected, "{}", run.stderr);
}
