//! What happens to a session when its token expires. Tokens that expired within the clock skew
//! let in, so that nothing has to be waited for; who is left alone is shown by somebody else's
//! end in the same look of the worker.
//! 1. `ignore`: nothing; a reload to `terminate` ends what has expired by then, and only that
//! 2. `terminate`: idle, idle in a transaction, in a statement, by pg_terminate_backend's words,
//!    with one log line each
//! 3. `terminate_idle` waits for the end of the transaction
//! 4. a token that expires while its session is open
//! 5. `session_expiry_grace`
//! 6. renew() prolongs in time
//! 7. a worker that was restarted goes on
//! 8. replication connections: one that streams is not idle for `terminate_idle`, one that waits for
//!    a command is; `terminate` ends both
//! 9. sessions that no token opened are left alone

use jwt_sso_e2e::cluster::LogMark;
use jwt_sso_e2e::expect::{alive, ended};
use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::token::now;
use jwt_sso_e2e::wire::Wire;
use jwt_sso_e2e::{Client, Cluster, Issuer};

fn start(settings: &[(&str, &str)]) -> Cluster {
    let cluster = Cluster::builder().start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    Issuer::example().install(&cluster, &["alice", "bob", "carol", "witness"]);
    cluster.configure(&[("jwt_sso.clock_skew", "300s")]);
    cluster.configure(settings);
    cluster
}

/// A session whose token expires in so many seconds, or has expired.
fn open(cluster: &Cluster, role: &str, seconds: i64) -> Wire {
    let exp = now().checked_add_signed(seconds).expect("a time");
    let token = Issuer::example().token(role).claim("iat", now() - 600).claim("exp", exp).sign();
    Client::new(cluster, role).login(&token).session()
}

/// Opens a session that is to end at once, and waits until it has: the worker has looked at
/// every other session in the same look, or after.
fn look(cluster: &Cluster) {
    ended(&mut open(cluster, "witness", -200));
}

fn logged(cluster: &Cluster, mark: LogMark, role: &str) -> String {
    let pattern = format!("jwt_sso: ended session reason=expired .*user=\"{role}\"");
    cluster.wait_log(mark, &pattern)
}

#[test]
fn s1_ignore_and_reload() {
    let cluster = start(&[]);
    assert_eq!(cluster.sql("SHOW jwt_sso.session_expiry"), "ignore");
    let mut alice = open(&cluster, "alice", -10);
    let mut bob = open(&cluster, "bob", 3_000);
    alive(&mut alice);
    let mark = cluster.log_mark();
    cluster.configure(&[("jwt_sso.session_expiry", "terminate")]);
    ended(&mut alice);
    logged(&cluster, mark, "alice");
    look(&cluster);
    alive(&mut bob);
    cluster.configure(&[("jwt_sso.session_expiry", "ignore")]);
    alive(&mut open(&cluster, "alice", -10));
    let error = cluster.try_alter_system("jwt_sso.session_expiry", "sometimes").unwrap_err();
    assert!(error.contains("Available values: ignore, terminate_idle, terminate."), "{error}");
}

#[test]
fn s2_terminate() {
    let cluster = start(&[]);
    let mut idle = open(&cluster, "alice", -10);
    let mut open_transaction = open(&cluster, "bob", -10);
    open_transaction.query("BEGIN").unwrap();
    let mut busy = open(&cluster, "carol", -10);
    busy.send(&frame(b'Q', b"SELECT pg_sleep(3600)\0")).unwrap();
    let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    cluster.until("the statement", || cluster.sql(sleeps) == "1");
    let mark = cluster.log_mark();
    cluster.configure(&[("jwt_sso.session_expiry", "terminate")]);
    ended(&mut idle);
    ended(&mut open_transaction);
    ended(&mut busy);
    let line = logged(&cluster, mark, "alice");
    for part in [
        " reason=expired pid=",
        " door=hook user=\"alice\" issuer=\"https://issuer.example\" principal=\"alice\" kid=\"k1\"",
        " expires=\"",
    ] {
        assert!(line.contains(part), "{line}");
    }
    logged(&cluster, mark, "bob");
    logged(&cluster, mark, "carol");
    look(&cluster);
    let lines = cluster.log_since(mark);
    assert_eq!(lines.matches("jwt_sso: ended session").count(), 4, "{lines}");
}

#[test]
fn s3_terminate_idle() {
    let cluster = start(&[]);
    let mut idle = open(&cluster, "alice", -10);
    let mut in_transaction = open(&cluster, "bob", -10);
    in_transaction.query("BEGIN").unwrap();
    let mut holder = cluster_lock(&cluster);
    let mut busy = open(&cluster, "carol", -10);
    // A statement that lasts until it is let go.
    let statement = std::thread::spawn(move || {
        let waited = busy.query("SELECT pg_advisory_lock(1)");
        (busy, waited)
    });
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    cluster.until("the statement", || cluster.sql(waits) == "1");
    cluster.configure(&[("jwt_sso.session_expiry", "TERMINATE_IDLE")]);
    ended(&mut idle);
    look(&cluster);
    alive(&mut in_transaction);
    in_transaction.query("COMMIT").unwrap();
    ended(&mut in_transaction);
    holder.query("SELECT pg_advisory_unlock(1)").unwrap();
    let (mut busy, waited) = statement.join().unwrap();
    waited.expect("the statement was not cut off");
    ended(&mut busy);
}

/// A session of another door that holds a lock, taken before anybody waits for it.
fn cluster_lock(cluster: &Cluster) -> Wire {
    let superuser = Client::new(cluster, "postgres").by(jwt_sso_e2e::Transport::Socket);
    let mut session = superuser.login("").session();
    session.query("SELECT pg_advisory_lock(1)").unwrap();
    session
}

#[test]
fn s4_in_time() {
    let cluster = start(&[("jwt_sso.session_expiry", "terminate")]);
    let mut bob = open(&cluster, "bob", 3_000);
    let mut alice = open(&cluster, "alice", 4);
    ended(&mut alice);
    alive(&mut bob);
    let expired = "SELECT count(*) FROM jwt_sso.sessions WHERE expires <= now()";
    assert_eq!(cluster.sql(expired), "0");
}

#[test]
fn s5_grace() {
    let settings =
        [("jwt_sso.session_expiry", "terminate"), ("jwt_sso.session_expiry_grace", "150s")];
    let cluster = start(&settings);
    let mut alice = open(&cluster, "alice", -10);
    look(&cluster);
    alive(&mut alice);
    cluster.configure(&[("jwt_sso.session_expiry_grace", "5s")]);
    ended(&mut alice);
}

#[test]
fn s6_renew() {
    let settings =
        [("jwt_sso.session_expiry", "terminate"), ("jwt_sso.session_expiry_grace", "1h")];
    let cluster = start(&settings);
    let mut alice = open(&cluster, "alice", -10);
    let mut bob = open(&cluster, "bob", -10);
    let newer = Issuer::example().token("alice").sign();
    alice.query(&format!("SELECT jwt_sso.renew('{newer}')")).unwrap();
    cluster.configure(&[("jwt_sso.session_expiry_grace", "0")]);
    ended(&mut bob);
    look(&cluster);
    alive(&mut alice);
}

#[test]
fn s7_worker() {
    let cluster = start(&[("jwt_sso.session_expiry", "terminate")]);
    let mut bob = open(&cluster, "bob", 3_000);
    let old = cluster.worker_pid().expect("a worker").to_string();
    let kill = std::process::Command::new("kill").arg(&old).status().unwrap();
    assert!(kill.success());
    look(&cluster);
    assert_ne!(cluster.worker_pid().expect("a worker").to_string(), old);
    alive(&mut bob);
}

#[test]
fn s8_replication() {
    let cluster = start(&[("jwt_sso.allow_replication", "on")]);
    cluster.sql("CREATE ROLE standby REPLICATION LOGIN; CREATE ROLE logical REPLICATION LOGIN");
    let exp = now() - 10;
    let walsender = |role: &str, mode: &str| {
        let token = Issuer::example().token(role).claim("iat", now() - 600).claim("exp", exp);
        let client = Client::new(&cluster, role).parameter("replication", mode);
        client.login(&token.sign()).session()
    };
    let mut streaming = walsender("standby", "true");
    let place = streaming.query("IDENTIFY_SYSTEM").unwrap()[0][2].clone();
    let command = format!("START_REPLICATION PHYSICAL {place}\0");
    streaming.send(&frame(b'Q', command.as_bytes())).unwrap();
    while streaming.read().expect("a walsender").tag != b'W' {}
    let mut idle = walsender("logical", "database");
    assert_eq!(cluster.sql("SELECT count(*) FROM jwt_sso.sessions"), "2");
    let mark = cluster.log_mark();
    cluster.configure(&[("jwt_sso.session_expiry", "terminate_idle")]);
    ended(&mut idle);
    logged(&cluster, mark, "logical");
    look(&cluster);
    let streams = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender'
        AND usename = 'standby'";
    assert_eq!(cluster.sql(streams), "1");
    let mark = cluster.log_mark();
    cluster.configure(&[("jwt_sso.session_expiry", "terminate")]);
    while streaming.read().is_some() {}
    cluster.until("its end", || cluster.sql(streams) == "0");
    logged(&cluster, mark, "standby");
}

#[test]
fn s9_other_sessions() {
    let cluster =
        start(&[("jwt_sso.session_expiry", "terminate"), ("jwt_sso.allow_password", "on")]);
    cluster.sql("ALTER ROLE alice PASSWORD 'secret'");
    let mut by_password = Client::new(&cluster, "alice").login("secret").session();
    let socket = Client::new(&cluster, "postgres").by(jwt_sso_e2e::Transport::Socket);
    let mut local = socket.login("").session();
    look(&cluster);
    alive(&mut by_password);
    alive(&mut local);
}
