//! Many logins one after the other, by pgbench or by the tests' own client.

use std::time::{Duration, Instant};

use jwt_sso_e2e::installation::{Installation, output_of};
use jwt_sso_e2e::oauthbearer;
use jwt_sso_e2e::wire::Login;
use jwt_sso_e2e::{Client, Cluster};

use crate::processor;
use crate::turns::Sample;

/// Logs in so often by `pgbench -C` over TLS, server verified. Its script is a command of
/// pgbench's own, so that a login is all that the server does.
pub fn by_pgbench(cluster: &Cluster, role: &str, password: &str, count: usize) -> Sample {
    let mut pgbench = Installation::get().client("pgbench");
    let script = cluster.socket_dir().join("login.pgbench");
    std::fs::write(&script, "\\set nothing 1\n").expect("writing beside the cluster");
    pgbench
        .args(["--no-vacuum", "--connect", "--client=1", "--file"])
        .arg(&script)
        .arg(format!("--transactions={count}"))
        .env("PGHOST", "localhost")
        .env("PGHOSTADDR", "127.0.0.1")
        .env("PGPORT", cluster.port().to_string())
        .env("PGDATABASE", "postgres")
        .env("PGUSER", role)
        .env("PGPASSWORD", password)
        .env("PGGSSENCMODE", "disable")
        .env("PGSSLMODE", "verify-full")
        .env("PGSSLROOTCERT", cluster.ca_path());
    let mut wall = 0.0;
    let processor = processor_of(cluster, count, || {
        let report = output_of(&mut pgbench);
        let done = format!("number of transactions actually processed: {count}/{count}");
        assert!(report.contains(&done), "{report}");
        wall = 1_000.0 / rate(&report);
    });
    Sample { wall, processor }
}

/// `tps = 312.35 (including reconnection times)`
fn rate(report: &str) -> f64 {
    let line = report.lines().find_map(|line| line.strip_prefix("tps = "));
    let number = line.and_then(|line| line.split(' ').next()).and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("pgbench names no rate:\n{report}"))
}

/// Logs in so often by the tests' own client over TLS, server verified.
pub fn by_wire(cluster: &Cluster, count: usize, login: impl Fn() -> Login) -> Sample {
    let mut time = Duration::ZERO;
    let processor = processor_of(cluster, count, || {
        let start = Instant::now();
        for _ in 0..count {
            login().session().close();
        }
        time = start.elapsed();
    });
    Sample { wall: time.as_secs_f64() * 1_000.0 / count as f64, processor }
}

/// A login that answers a prompt for a password, where there is one.
pub fn by_password(cluster: &Cluster, role: &str, password: &str) -> Login {
    Client::new(cluster, role).login(password)
}

/// A login by OAUTHBEARER.
pub fn by_bearer(cluster: &Cluster, role: &str, token: &str) -> Login {
    oauthbearer::login(&Client::new(cluster, role), token).login
}

/// Milliseconds of the server's processor time for one of `count` logins.
fn processor_of(cluster: &Cluster, count: usize, run: impl FnOnce()) -> f64 {
    let postmaster = cluster.postmaster_pid();
    let before = processor::time(postmaster);
    run();
    // The last backends have yet to end, and to be waited for by the postmaster.
    std::thread::sleep(Duration::from_millis(10));
    (processor::time(postmaster) - before) / count as f64
}
