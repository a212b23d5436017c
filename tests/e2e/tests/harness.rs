//! The harness itself, on a server without jwt_sso:
//! 1. a plain cluster starts, answers over TLS by psql and by the raw client, reloads,
//!    restarts, and leaves nothing behind when dropped;
//! 2. a server that cannot start says why;
//! 3. a refused login shows as one;
//! 4. the fixture's hook is called for each login; a connection's own log lines are found
//! 5. tokens of all ten algorithms have three parts, and padding hits each length.

use jwt_sso_e2e::fixture::{Manners, auth_hook};
use jwt_sso_e2e::trace::Trace;
use jwt_sso_e2e::{Algorithm, Client, Cluster, Issuer, SigningKey};

#[test]
fn plain_cluster() {
    let cluster = Cluster::builder().plain().core_hba("hostssl all all all trust\n").start();
    let psql = cluster
        .psql()
        .user("postgres")
        .run("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    assert_eq!(psql.stdout, "t", "{}", psql.stderr);
    let mut session = Client::new(&cluster, "postgres").login("").session();
    assert_eq!(session.query("SELECT current_user, 7").unwrap(), [["postgres", "7"]]);
    assert_eq!(session.query("SELECT 1/0").unwrap_err().code, "22012");

    let mark = cluster.log_mark();
    cluster.configure(&[("work_mem", "5MB"), ("application_name", "it's")]);
    assert_eq!(cluster.sql("SHOW work_mem; SHOW application_name"), "5MB\npsql");
    cluster.wait_log(mark, "reloading configuration files");
    cluster.restart();
    assert_eq!(cluster.sql("SHOW work_mem"), "5MB");

    let root = cluster.socket_dir().to_owned();
    drop(cluster);
    assert!(!root.exists(), "{} is still there", root.display());
}

#[test]
fn failing_start() {
    let cluster = Cluster::builder().plain().conf("shared_buffers = 'many'").prepare();
    let log = cluster.try_start().unwrap_err();
    assert!(log.contains("shared_buffers"), "{log}");
}

#[test]
fn refused_login() {
    let cluster = Cluster::builder().plain().core_hba("hostssl all all all reject\n").start();
    let login = Client::new(&cluster, "alice").login("x");
    assert!(!login.prompted);
    assert_eq!(login.error().code, "28000");
    assert!(login.error().message.contains("pg_hba.conf rejects connection"));
}

#[test]
fn fixture_and_trace() {
    let builder = Cluster::builder().plain().core_hba("hostssl all all all trust\n");
    let cluster = builder.conf("log_connections = on").prepare();
    let library = auth_hook(&cluster, Manners::Chains);
    cluster.append_conf(&format!("shared_preload_libraries = '{}'", library.display()));
    cluster.start();
    let wire = Client::new(&cluster, "postgres").open();
    let trace = Trace::of(&wire);
    wire.finish(b"").session().close();
    let lines = trace.undecided(&cluster);
    let calls = lines.iter().filter(|line| line.contains("witness: user=postgres status=0"));
    assert_eq!(calls.count(), 1, "{lines:#?}");
    assert!(lines[0].contains("connection received"), "{lines:#?}");
}

#[test]
fn tokens() {
    for algorithm in Algorithm::ALL {
        let issuer = Issuer::with_key("https://a.example", SigningKey::generate("k", algorithm));
        let token = issuer.token("alice").sign();
        assert_eq!(token.split('.').filter(|part| !part.is_empty()).count(), 3);
    }
    for length in [600, 601, 602, 603, 4095, 8192, 65_530] {
        assert_eq!(Issuer::example().token("alice").padded(length).len(), length);
    }
}
