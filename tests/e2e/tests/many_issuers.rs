//! Many issuers in one server:
//! 1. 300 issuers with 20 RSA keys each: all are fetched; memory, the time to the first complete
//!    set, the spread of the next fetches, and what a login of the first and of the last issuer
//!    costs are printed
//! 2. `key_cache_size` is too small: the log and check() say which issuers lost, their logins
//!    are `keys_unavailable`, the others work; a larger one and a restart mend it

use std::fs;
use std::time::{Duration, Instant};

use jwt_sso_e2e::faulty_issuer::{Answer, FaultyIssuer};
use jwt_sso_e2e::{Algorithm, Client, Cluster, Issuer, SigningKey, refused};
use serde_json::{Map, Value, json};

/// Issuers whose key sets one web server publishes under different paths.
struct Many {
    server: FaultyIssuer,
    issuers: Vec<Issuer>,
}

impl Many {
    /// Each with the same 20 RSA keys under other names, since making them takes long.
    fn new(count: usize) -> Many {
        let server = FaultyIssuer::http();
        let pool: Vec<SigningKey> =
            (0..20).map(|n| SigningKey::generate(&n.to_string(), Algorithm::Rs256)).collect();
        let issuer = |n: usize| {
            let key = |(k, key): (usize, &SigningKey)| {
                let kid = format!("issuer{n}-key{k}");
                key.clone().with("kid", json!(kid)).with("use", json!("sig"))
            };
            let keys = pool.iter().enumerate().map(key).collect();
            let iss = format!("https://tenant{n}.idp.example");
            let issuer = Issuer { iss, audience: "postgres".to_owned(), keys };
            server.answer(&path(n), Answer::json(issuer.jwks()));
            issuer
        };
        let issuers = (0..count).map(issuer).collect();
        Many { server, issuers }
    }

    /// The setting.
    fn map(&self) -> String {
        let entry = |(n, issuer): (usize, &Issuer)| {
            (issuer.iss.clone(), Value::from(self.server.url(&path(n))))
        };
        let map: Map<String, Value> = self.issuers.iter().enumerate().map(entry).collect();
        json!({ "issuer_jwks_map": map }).to_string()
    }

    fn install(&self, cluster: &Cluster) {
        cluster.sql("CREATE EXTENSION jwt_sso; CREATE ROLE alice LOGIN");
        cluster.configure(&[
            ("jwt_sso.enabled", "on"),
            ("jwt_sso.audience", "postgres"),
            ("jwt_sso.issuers", &self.map()),
        ]);
    }
}

fn path(n: usize) -> String {
    format!("/tenant{n}/keys")
}

/// How many issuers are in a state.
fn count(cluster: &Cluster, state: &str) -> usize {
    let sql = format!("SELECT count(*) FROM jwt_sso.issuers WHERE state = '{state}'");
    cluster.sql(&sql).parse().expect("a number")
}

/// The lines of a process's memory in /proc that tell shared from private.
fn memory(pid: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let lines = status.lines().filter(|l| l.starts_with("Rss") || l.starts_with("VmRSS"));
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
fn s1_three_hundred() {
    let many = Many::new(300);
    let bare = Cluster::builder().start();
    eprintln!("without issuers: postmaster {}", memory(bare.postmaster_pid()));
    eprintln!("without issuers: worker {}", memory(bare.worker_pid().expect("a worker")));
    drop(bare);

    let cluster = Cluster::builder().start();
    let start = Instant::now();
    many.install(&cluster);
    let configured = start.elapsed();
    cluster.until("all key sets", || count(&cluster, "fresh") == 300);
    eprintln!(
        "300 issuers with 20 RSA keys each, all there {:?} after the reload",
        start.elapsed() - configured
    );
    assert_eq!(cluster.sql("SELECT sum(keys) FROM jwt_sso.issuers"), "6000");
    assert!(!cluster.whole_log().contains("left out"), "the default size is enough");
    eprintln!("with 300 issuers: postmaster {}", memory(cluster.postmaster_pid()));
    eprintln!("with 300 issuers: worker {}", memory(cluster.worker_pid().expect("a worker")));
    let io = fs::read_to_string(format!("/proc/{}/io", cluster.worker_pid().expect("a worker")))
        .unwrap_or_default();
    eprintln!("the worker has written: {}", io.lines().nth(1).unwrap_or_default());
    let kept = fs::metadata(cluster.data_dir().join("jwt_sso/keys.json")).expect("the kept file");
    eprintln!("jwt_sso/keys.json: {} kB", kept.len() / 1024);

    let spread =
        "SELECT min(next_refresh) - min(last_success), max(next_refresh) - min(last_success),
        count(DISTINCT next_refresh) FROM jwt_sso.issuers";
    eprintln!("first, last, and different next fetches: {}", cluster.sql(spread));
    let distinct = "SELECT count(DISTINCT next_refresh) FROM jwt_sso.issuers";
    // 300 of them in 90 different seconds.
    assert!(cluster.sql(distinct).parse::<u32>().expect("a number") > 20, "they are spread");
    for n in 0..300 {
        assert_eq!(many.server.count(&path(n)), 1, "one fetch each");
    }

    let cost = |issuer: &Issuer, key: usize| -> Duration {
        let mut times: Vec<Duration> = (0..40)
            .map(|_| {
                let token = issuer.token("alice").key(&issuer.keys[key]).sign();
                let start = Instant::now();
                Client::new(&cluster, "alice").login(&token).session().close();
                start.elapsed()
            })
            .collect();
        times.sort();
        times[20]
    };
    let (first, last) = (cost(&many.issuers[0], 0), cost(&many.issuers[299], 19));
    let ratio = last.as_secs_f64() / first.as_secs_f64();
    eprintln!("login of the first issuer {first:?}, of the last {last:?}, ratio {ratio:.2}");
}

#[test]
fn s2_cache_too_small() {
    let many = Many::new(60);
    let cluster = Cluster::builder().conf("jwt_sso.key_cache_size = '256kB'").start();
    many.install(&cluster);
    let ended = "SELECT count(*) FROM jwt_sso.issuers WHERE last_success IS NOT NULL";
    cluster.until("all fetches", || cluster.sql(ended) == "60");
    let without = cluster.sql("SELECT issuer FROM jwt_sso.issuers WHERE keys = 0");
    let lost: Vec<&str> = without.lines().collect();
    eprintln!("{} of 60 issuers lost", lost.len());
    assert!(!lost.is_empty() && lost.len() < 60, "{lost:?}");
    let log = cluster.whole_log();
    let check = cluster.sql("SELECT * FROM jwt_sso.check()");
    for issuer in &many.issuers {
        let lost = lost.contains(&issuer.iss.as_str());
        let said =
            format!("the keys of issuer \"{}\" do not fit into jwt_sso.key_cache_size", issuer.iss);
        assert_eq!(log.matches(&said).count(), usize::from(lost), "{}", issuer.iss);
        let finding = format!("the keys of issuer {} do not fit", issuer.iss);
        assert_eq!(check.contains(&finding), lost, "{}", issuer.iss);
        let login = Client::new(&cluster, "alice").login(&issuer.token("alice").sign());
        if lost {
            let refusal = refused(&cluster, "alice", &login, "keys_unavailable");
            assert!(refusal.log.contains("key_cache_size"), "{}", refusal.log);
        } else {
            login.session().close();
        }
    }
    cluster.alter_system("jwt_sso.key_cache_size", "4MB");
    let mark = cluster.log_mark();
    cluster.restart();
    // From the kept file, before the first fetch or after it.
    for issuer in &many.issuers {
        Client::new(&cluster, "alice").login(&issuer.token("alice").sign()).session().close();
    }
    assert!(!cluster.log_since(mark).contains("do not fit"), "there is room");
}
