//! docs/monitoring.md and its query file, run:
//! 1. each query of the file, as a member of pg_monitor, has a column for each metric and label,
//!    and the numbers of the logins before
//! 2. the same without preload: every query answers, and counting_since_seconds is 0
//! 3. postgres_exporter itself, with the document's role and HBA line: the metrics of the file are
//!    in /metrics with these numbers, and every metric that an alert of the document names
//! 4. the document's regexes take the log lines apart

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use jwt_sso_e2e::builder::{DEADLINE, TOKEN_LINES};
use jwt_sso_e2e::installation::installed;
use jwt_sso_e2e::token::{now, tampered};
use jwt_sso_e2e::wire::Wire;
use jwt_sso_e2e::{Client, Cluster, Issuer};
use regex::Regex;

/// For which the document has three dots.
const PASSWORD: &str = "secret";

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

/// The fenced blocks of docs/monitoring.md with this first line.
fn blocks(kind: &str) -> Vec<String> {
    let document = std::fs::read_to_string(docs("monitoring.md")).unwrap();
    let fence = Regex::new(&format!(r"(?s)```{kind}\n(.*?)\n```")).unwrap();
    let blocks: Vec<_> = fence.captures_iter(&document).map(|block| block[1].to_owned()).collect();
    assert!(!blocks.is_empty(), "no block {kind}");
    blocks
}

/// One entry of the query file.
#[derive(Debug)]
struct Query {
    name: String,
    sql: String,
    columns: Vec<String>,
}

/// The query file, as far as it is written.
fn queries() -> Vec<Query> {
    let text = std::fs::read_to_string(docs("monitoring/jwt_sso_queries.yaml")).unwrap();
    let entry = Regex::new(r"(?m)^(\w+):\n  query: \|\n((?:    .*\n)+)(?:  cache_seconds: \d+\n)?  metrics:\n((?:    .*\n)+)").unwrap();
    let column = Regex::new(r"(?m)^    - (\w+):$").unwrap();
    let read = |entry: regex::Captures<'_>| Query {
        name: entry[1].to_owned(),
        sql: entry[2].to_owned(),
        columns: column.captures_iter(&entry[3]).map(|column| column[1].to_owned()).collect(),
    };
    let queries: Vec<Query> = entry.captures_iter(&text).map(read).collect();
    assert_eq!(queries.len(), text.matches("query:").count(), "{queries:?}");
    queries
}

/// The document's role, by the document's HBA line; one login accepted, which is the session, and
/// two refused.
fn start() -> (Cluster, Wire) {
    let lines = format!("{}\n{TOKEN_LINES}", blocks("text hba")[0]);
    let cluster = Cluster::builder().token_hba(&lines).start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    cluster.sql(&blocks("sql role")[0].replace('…', PASSWORD));
    let issuer = Issuer::example();
    issuer.install(&cluster, &["alice"]);
    let log_in = |token: &str| Client::new(&cluster, "alice").login(token);
    let session = log_in(&issuer.token("alice").sign()).session();
    log_in(&issuer.token("alice").claim("exp", now() - 1000).sign()).error();
    log_in(&tampered(&issuer.token("alice").sign())).error();
    (cluster, session)
}

/// Each query as the exporter's role: the rows with the names of their columns, as JSON.
fn ask(cluster: &Cluster, query: &Query) -> Vec<serde_json::Value> {
    let sql = format!(
        "SET ROLE postgres_exporter; SELECT row_to_json(metrics) FROM ({}) AS metrics",
        query.sql
    );
    let rows = cluster.sql(&sql);
    rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect()
}

#[test]
fn s1_queries() {
    let (cluster, _session) = start();
    let queries = queries();
    for query in &queries {
        for row in ask(&cluster, query) {
            let columns: Vec<_> = row.as_object().unwrap().keys().cloned().collect();
            let mut expected = query.columns.clone();
            expected.sort();
            assert_eq!(columns, expected, "{}", query.name);
            let nulls = row.as_object().unwrap().values().any(|value| value.is_null());
            assert!(!nulls, "the exporter makes NaN of NULL: {row}");
        }
    }
    let rows = |name: &str| ask(&cluster, queries.iter().find(|query| query.name == name).unwrap());
    let totals = &rows("jwt_sso")[0];
    assert_eq!(totals["accepted_total"], 1);
    assert_eq!(totals["refused_total"], 2);
    assert_eq!(totals["internal_errors_total"], 0);
    // now() is cut to whole seconds.
    assert!(totals["counting_since_seconds"].as_f64().unwrap() < (now() + 1) as f64);
    let refused: Vec<_> = rows("jwt_sso_logins");
    let refused: Vec<_> = refused.iter().filter(|row| row["outcome"] == "refused").collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused.iter().all(|row| row["issuer"] == "https://issuer.example"));
    assert_eq!(rows("jwt_sso_latency_seconds").len(), 48);
    let issuer = &rows("jwt_sso_issuer")[0];
    assert_eq!(issuer["keys"], 1);
    assert_eq!(issuer["without_keys"], 0);
    assert_eq!(issuer["failing"], 0);
    assert_eq!(rows("jwt_sso_sessions")[0]["open"], 1);
    assert_eq!(rows("jwt_sso_check")[0]["errors"], 0);
}

#[test]
fn s2_without_preload() {
    let cluster = Cluster::builder().plain().start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    cluster.sql(&blocks("sql role")[0].replace('…', PASSWORD));
    for query in queries() {
        let rows = ask(&cluster, &query);
        match query.name.as_str() {
            "jwt_sso" => assert_eq!(rows[0]["counting_since_seconds"], 0),
            "jwt_sso_check" => assert_eq!(rows[0]["errors"], 1),
            _ => assert!(rows.is_empty(), "{}: {rows:?}", query.name),
        }
    }
}

/// A running exporter, ended when it is dropped.
struct Exporter {
    process: Child,
    port: u16,
}

impl Exporter {
    fn start(program: &Path, cluster: &Cluster) -> Exporter {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let source = format!(
            "host={} port={} user=postgres_exporter password={PASSWORD} dbname=postgres \
             sslmode=disable",
            cluster.socket_dir().display(),
            cluster.port()
        );
        let queries = docs("monitoring/jwt_sso_queries.yaml");
        let process = Command::new(program)
            .env("DATA_SOURCE_NAME", source)
            .arg(format!("--extend.query-path={}", queries.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Exporter { process, port }
    }

    /// What it answers at /metrics, once it listens.
    fn metrics(&self) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                return answer;
            }
            assert!(Instant::now() < end, "the exporter does not listen");
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[test]
fn s3_exporter() {
    let program = installed("postgres_exporter");
    if !program.exists() {
        eprintln!("SKIPPED: there is no prometheus-postgres-exporter (scripts/client-deps.sh)");
        return;
    }
    let (cluster, _session) = start();
    let exporter = Exporter::start(&program, &cluster);
    let metrics = exporter.metrics();
    let value = |name: &str, labels: &[&str]| {
        let starts = |line: &&str| line.starts_with(&format!("{name}{{"));
        let has = |line: &&str| labels.iter().all(|label| line.contains(label));
        let found = metrics.lines().filter(starts).find(has);
        let found = found.unwrap_or_else(|| panic!("no {name} {labels:?} in\n{metrics}"));
        found.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert_eq!(value("jwt_sso_accepted_total", &[]), 1.0);
    assert_eq!(value("jwt_sso_refused_total", &[]), 2.0);
    let expired = [r#"reason="expired""#, r#"issuer="https://issuer.example""#];
    assert_eq!(value("jwt_sso_logins_total", &expired), 1.0);
    let all = [r#"phase="keys""#, r#"le="+Inf""#];
    assert_eq!(value("jwt_sso_latency_seconds_bucket", &all), 3.0);
    assert_eq!(value("jwt_sso_issuer_keys", &[]), 1.0);
    assert_eq!(value("jwt_sso_sessions_open", &[]), 1.0);
    assert_eq!(value("jwt_sso_check_errors", &[]), 0.0);
    assert_eq!(value("pg_exporter_user_queries_load_error", &[]), 0.0);
    let names = Regex::new(r"\bjwt_sso_[a-z_]+").unwrap();
    for alert in blocks("promql") {
        for name in names.find_iter(&alert) {
            value(name.as_str(), &[]);
        }
    }
    for query in queries() {
        let counted = query
            .columns
            .iter()
            .any(|column| metrics.contains(&format!("# TYPE {}_{column} ", query.name)));
        assert!(counted, "{} is not in\n{metrics}", query.name);
    }
}

#[test]
fn s4_log() {
    let (cluster, _session) = start();
    Client::new(&cluster, "al\"ice\\").login("no token").error();
    let regexes: Vec<Regex> = blocks("regex").iter().map(|r| Regex::new(r).unwrap()).collect();
    let [head, value] = regexes.as_slice() else { panic!("two regexes: {regexes:?}") };
    let log = cluster.whole_log();
    let decisions: Vec<_> = log.lines().filter_map(|line| head.captures(line)).collect();
    let named = |name: &str| -> Vec<String> {
        let found = decisions.iter().map(|line| line.name(name));
        found.map(|text| text.map_or(String::new(), |text| text.as_str().to_owned())).collect()
    };
    assert_eq!(named("verb"), ["accepted", "refused", "refused", "refused"]);
    assert_eq!(named("reason"), ["", "expired", "bad_signature", "malformed_token"]);
    assert_eq!(named("user"), ["alice", "alice", "alice", r#"al\"ice\\"#]);
    assert_eq!(named("door"), ["hook"; 4]);
    let refused = named("ref").split_off(1);
    let kept = cluster.sql("SELECT ref FROM jwt_sso.recent_refusals ORDER BY at");
    assert_eq!(refused, kept.lines().collect::<Vec<_>>());
    let accepted = log.lines().find(|line| line.contains("jwt_sso: accepted")).unwrap();
    let values = value.captures_iter(accepted).map(|found| found["name"].to_owned());
    let values: Vec<_> = values.collect();
    assert_eq!(values, ["user", "issuer", "principal", "kid", "expires"]);
}
