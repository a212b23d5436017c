//! What must never be seen, and what must never stop:
//! 1. no token in the server's log at its most talkative, after logins of every kind: not the
//!    whole, not its payload, not its signature; nor in any file of the data directory
//! 2. the same when a backend that was let in by a token crashes
//! 3. a panic at a door refuses that login with the ordinary text, also with RUST_BACKTRACE;
//!    other logins go on, the server is not restarted
//! 4. logins while settings change and reload: each is accepted, or refused for the reason
//!    that the change gives; none hangs
//!
//! 1 and 3 go through the hook door and the PAM door.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use jwt_sso_e2e::builder::TOKEN_LINES;
use jwt_sso_e2e::fixture::{probe_library, replace_library};
use jwt_sso_e2e::installation::{Installation, output_of};
use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::pam;
use jwt_sso_e2e::token::{now, tampered};
use jwt_sso_e2e::{
    Algorithm, Client, Cluster, ClusterBuilder, End, Issuer, SigningKey, Transport, refused,
};

/// The doors of the server under test, and the databases that lead there.
fn doors() -> &'static [(&'static str, &'static str)] {
    let doors = &[("hook", "postgres"), ("pam", "template1")];
    if Installation::get().with_pam { doors } else { &doors[..1] }
}

fn both_doors() -> ClusterBuilder {
    let mut lines = String::new();
    if Installation::get().with_pam {
        lines += &format!("hostssl template1 all all pam pamservice={}\n", pam::SERVICE);
        lines += &format!("host template1 all all pam pamservice={}\n", pam::SERVICE);
    }
    Cluster::builder().token_hba(&(lines + TOKEN_LINES))
}

fn talkative() -> ClusterBuilder {
    both_doors()
        .conf("log_connections = on")
        .conf("log_disconnections = on")
        .conf("log_min_messages = debug5")
        .conf("log_min_error_statement = debug5")
        .conf("log_error_verbosity = verbose")
        .conf("log_statement = all")
}

/// Every kind of token that a server may meet; each with a claim of its own to look for.
fn tokens() -> Vec<String> {
    let issuer = Issuer::example();
    let token = |kind: &str| issuer.token("alice").claim("kind", kind);
    let good = token("good").sign();
    vec![
        tampered(&token("tampered").sign()),
        token("none").header("alg", "none").sign(),
        token("issuer").claim("iss", "https://other.example").sign(),
        token("key").key(&SigningKey::generate("k9", Algorithm::Es256)).sign(),
        token("expired").claim("exp", now() - 1000).sign(),
        token("audience").claim("aud", "wrong").sign(),
        token("unmapped").claim("sub", "someone").sign(),
        token("identity").claim("sub", "").sign(),
        token("crit").header("crit", "x").sign(),
        good[..good.len() - 7].to_owned(),
        token("long").padded(60_000),
        good,
    ]
}

/// The pieces of a token that would betray it: the first 40 bytes of payload and signature.
/// (The header has nothing of its own.)
fn pieces(token: &str) -> Vec<String> {
    let parts = token.split('.').skip(1);
    parts.map(|part| part[..part.len().min(40)].to_owned()).filter(|p| p.len() == 40).collect()
}

fn files_below(directory: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_below(&entry.path(), found),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

/// Where a piece of a token stands, in the log or any other file of the cluster.
fn leak(cluster: &Cluster, tokens: &[String]) -> Option<String> {
    let mut files = Vec::new();
    files_below(cluster.socket_dir(), &mut files);
    assert!(files.iter().any(|file| file.ends_with("log")));
    let pieces: Vec<String> = tokens.iter().flat_map(|token| pieces(token)).collect();
    files.iter().find_map(|file| {
        // A file may vanish between the listing and the reading.
        let bytes = fs::read(file).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let piece = pieces.iter().find(|piece| text.contains(*piece))?;
        Some(format!("{piece} is in {}", file.display()))
    })
}

/// Over TLS and without it; in sound packets and broken ones; and with a client that hangs up.
fn log_in_by_every_way(client: &Client, token: &str) {
    for transport in [Transport::Tls, Transport::Plain] {
        let client = client.clone().by(transport);
        for body in [format!("{token}\0"), token.to_owned(), format!("{token}\0x")] {
            let login = client.login_with(&frame(b'p', body.as_bytes()));
            if let End::Refused(error) = &login.end {
                let told = pieces(token).iter().any(|piece| error.raw.contains(piece));
                assert!(!told, "{error:?}");
            }
        }
        let mut wire = client.open();
        if transport == Transport::Tls {
            wire.prompt();
            wire.send(&frame(b'p', token.as_bytes())[..token.len()]).unwrap();
        }
        wire.hang_up();
    }
}

#[test]
fn s1_no_token_in_the_log() {
    let cluster = talkative().start();
    Issuer::example().install(&cluster, &["alice"]);
    let tokens = tokens();
    for token in &tokens {
        assert!(pieces(token).len() == 2, "{token}");
        for (door, database) in doors() {
            let client = Client::new(&cluster, "alice").at(door).parameter("database", database);
            log_in_by_every_way(&client, token);
            let psql = cluster.psql().user("alice").token(token);
            psql.env("PGDATABASE", database).run("SELECT 1");
        }
    }
    let mut session = Client::new(&cluster, "alice").login(tokens.last().unwrap()).session();
    session.query("SELECT 1/0").unwrap_err();
    cluster.reload();
    assert_eq!(leak(&cluster, &tokens), None);
    // The search does find a token, where an SQL statement holds one.
    cluster.sql(&format!("SELECT '{}'", tokens[0]));
    assert!(leak(&cluster, &tokens).is_some());
    let log = cluster.whole_log();
    assert!(log.contains("DEBUG"), "the log is not talkative");
    for (door, _) in doors() {
        assert!(log.contains(&format!("jwt_sso: accepted door={door}")), "nobody came by {door}");
    }
}

#[test]
fn s2_crash() {
    let cluster = talkative().start();
    Issuer::example().install(&cluster, &["alice"]);
    let tokens = tokens();
    let mut session = Client::new(&cluster, "alice").login(tokens.last().unwrap()).session();
    let pid = session.query("SELECT pg_backend_pid()").unwrap()[0][0].clone();
    let mark = cluster.log_mark();
    output_of(std::process::Command::new("kill").args(["-SEGV", &pid]));
    cluster.wait_log(mark, "terminated by signal 11");
    cluster.wait_log(mark, "database system is ready to accept connections");
    assert_eq!(leak(&cluster, &tokens), None);
    // Keys and policy are there again after the restart of all processes.
    Client::new(&cluster, "alice").login(tokens.last().unwrap()).session();
}

#[test]
fn s3_panic_at_a_door() {
    let builder = both_doors().env("RUST_BACKTRACE", "1").conf("log_min_messages = debug1");
    let cluster = builder.prepare();
    replace_library(&cluster, &probe_library());
    cluster.start();
    Issuer::example().install(&cluster, &["alice", "panic_probe"]);
    let identity = || (cluster.postmaster_pid(), cluster.sql("SELECT pg_postmaster_start_time()"));
    let before = identity();
    let token = |role: &str| Issuer::example().token(role).sign();
    let mark = cluster.log_mark();
    for (door, database) in doors().repeat(3) {
        let client = Client::new(&cluster, "panic_probe").at(door);
        let login = client.parameter("database", database).login(&token("panic_probe"));
        let refusal = refused(&cluster, "panic_probe", &login, "internal_error");
        for leak in ["this text", "panicked", "backtrace", "pgrx"] {
            assert!(!refusal.error.raw.contains(leak), "{:?}", refusal.error);
        }
        let told = format!("{} {}", refusal.error.detail, refusal.error.hint);
        assert!(!told.contains("::") && !told.contains(".rs"), "{told}");
        Client::new(&cluster, "alice").login(&token("alice")).session();
    }
    assert_eq!(identity(), before);
    assert!(!cluster.log_since(mark).contains("terminated by signal"));
}

#[test]
fn s4_reload_in_the_middle_of_logins() {
    let cluster = Cluster::builder().start();
    let issuer = Issuer::example();
    issuer.install(&cluster, &["alice"]);
    let other = Issuer::new(&issuer.iss);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let logins = || {
            let mut accepted = 0;
            while !done.load(Ordering::Relaxed) {
                let login = Client::new(&cluster, "alice").login(&issuer.token("alice").sign());
                match &login.end {
                    End::Accepted(_) => accepted += 1,
                    End::Closed => panic!("closed without a word"),
                    End::Refused(error) => {
                        assert_eq!(error.code, "28000", "{error:?}");
                        assert!(error.message.starts_with("JWT authentication"), "{error:?}");
                    }
                }
            }
            accepted
        };
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(logins)).collect();
        // Whatever happens in here, the loops above must end.
        let changes = thread::Builder::new().spawn_scoped(scope, || {
            for round in 0..8 {
                cluster.configure(&[("jwt_sso.audience", "elsewhere")]);
                cluster.configure(&[("jwt_sso.audience", &issuer.audience)]);
                cluster.configure(&[("jwt_sso.jwks", &other.jwks())]);
                cluster.configure(&[("jwt_sso.jwks", &issuer.jwks())]);
                cluster.configure(&[("jwt_sso.clock_skew", &format!("{round}s"))]);
            }
        });
        let changes = changes.unwrap().join();
        done.store(true, Ordering::Relaxed);
        let accepted: Vec<i32> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        changes.unwrap();
        assert!(accepted.iter().all(|count| *count > 0), "{accepted:?}");
    });
    let log = cluster.whole_log();
    for line in log.lines().filter(|line| line.contains("jwt_sso: refused")) {
        let legitimate = ["reason=audience_mismatch ", "reason=bad_signature "];
        assert!(legitimate.iter().any(|reason| line.contains(reason)), "{line}");
    }
    let login = Client::new(&cluster, "alice").login(&tampered(&issuer.token("alice").sign()));
    refused(&cluster, "alice", &login, "bad_signature");
}
