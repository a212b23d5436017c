//! The password packet, byte by byte. "No decision" is: no line of jwt_sso, no refusal text.
//! 1. tokens of 1 byte (refused), 4095, 8192 and 65 530 bytes (accepted)
//! 2. a token of 65 531 bytes: the connection ends, no decision
//! 3. an empty password: `no_token`
//! 4. two NULs, a NUL in the middle, no NUL, no body: protocol violation, no decision
//! 5. another message instead of the password: protocol violation, no decision
//! 6. a length that lies: too short for itself, negative
//! 7. a client that hangs up instead of answering: not a word in the log
//! 8. a client that hangs up within the packet: no decision
//! 9. a silent client, before and within the packet: authentication_timeout, no decision
//! 10. 200 bad logins in parallel with 40 good ones: each gets its due, the server lives on

use std::sync::LazyLock;
use std::thread;

use jwt_sso_e2e::message::{frame, frame_with_length};
use jwt_sso_e2e::token::tampered;
use jwt_sso_e2e::trace::Trace;
use jwt_sso_e2e::{Client, Cluster, End, Issuer, Transport, refused};

/// Plain TCP is let through, so that both transports can be looked at.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let cluster = Cluster::builder().conf("log_connections = on").start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.configure(&[("jwt_sso.require_tls", "off")]);
    cluster
});

const TRANSPORTS: [Transport; 2] = [Transport::Tls, Transport::Plain];

fn token() -> String {
    Issuer::example().token("alice").sign()
}

/// Answers the prompt with these bytes; returns the SQLSTATE ("" for a mere close) after
/// holding that nothing was decided.
fn undecided(transport: Transport, answer: &[u8]) -> String {
    let wire = Client::new(&CLUSTER, "alice").by(transport).open();
    let trace = Trace::of(&wire);
    let login = wire.finish(answer);
    assert!(login.prompted);
    let code = match &login.end {
        End::Accepted(_) => panic!("accepted"),
        End::Refused(error) => error.code.clone(),
        End::Closed => String::new(),
    };
    drop(login);
    trace.undecided(&CLUSTER);
    code
}

#[test]
fn s01_lengths() {
    for transport in TRANSPORTS {
        let client = Client::new(&CLUSTER, "alice").by(transport);
        refused(&CLUSTER, "alice", &client.login("x"), "malformed_token");
        for length in [4095, 8192, 65_530] {
            let token = Issuer::example().token("alice").padded(length);
            let mut session = client.login(&token).session();
            assert_eq!(session.query("SELECT current_user").unwrap(), [["alice"]], "{length}");
        }
    }
    let longest = Issuer::example().token("alice").padded(65_530);
    let run = CLUSTER.psql().user("alice").token(&longest).run("SELECT current_user");
    assert_eq!(run.stdout, "alice", "{}", run.stderr);
}

#[test]
fn s02_too_long() {
    let token = Issuer::example().token("alice").padded(65_531);
    for transport in TRANSPORTS {
        let code = undecided(transport, &frame(b'p', format!("{token}\0").as_bytes()));
        assert!(code.is_empty() || code == "08P01", "{code}");
    }
}

#[test]
fn s03_empty() {
    for transport in TRANSPORTS {
        let wire = Client::new(&CLUSTER, "alice").by(transport).open();
        let trace = Trace::of(&wire);
        let login = wire.finish(&frame(b'p', b"\0"));
        assert!(login.prompted);
        refused(&CLUSTER, "alice", &login, "no_token");
        // So a trace does show a decision, where there is one.
        let lines = trace.lines(&CLUSTER);
        assert!(lines.iter().any(|line| line.contains("jwt_sso: refused")), "{lines:#?}");
    }
}

#[test]
fn s04_nuls() {
    let token = token();
    let (left, right) = token.split_at(40);
    let bodies = [
        format!("{token}\0\0"),
        format!("\0{token}\0"),
        format!("{left}\0{right}\0"),
        token.clone(),
        "\0\0".to_owned(),
        String::new(),
    ];
    for transport in TRANSPORTS {
        for body in &bodies {
            assert_eq!(undecided(transport, &frame(b'p', body.as_bytes())), "08P01", "{body:?}");
        }
    }
}

#[test]
fn s05_another_message() {
    let body = format!("{}\0", token());
    for tag in [b'Q', b'X', b'P', b'd', 0, 255] {
        for transport in TRANSPORTS {
            assert_eq!(undecided(transport, &frame(tag, body.as_bytes())), "08P01", "{tag}");
        }
    }
}

#[test]
fn s06_lying_length() {
    let body = format!("{}\0", token());
    for length in [0, 3, u32::MAX, 1 << 30] {
        for transport in TRANSPORTS {
            let packet = frame_with_length(b'p', length, body.as_bytes());
            let code = undecided(transport, &packet);
            assert!(code.is_empty() || code == "08P01", "{length}: {code}");
        }
    }
}

#[test]
fn s07_hang_up_at_the_prompt() {
    for transport in TRANSPORTS {
        let mut wire = Client::new(&CLUSTER, "alice").by(transport).open();
        let trace = Trace::of(&wire);
        wire.prompt();
        wire.close();
        for line in trace.undecided(&CLUSTER) {
            assert!(line.contains("LOG:  connection "), "not silent: {line}");
        }
    }
    // psql without a password does so each time.
    let mark = CLUSTER.log_mark();
    let run = CLUSTER.psql().user("hangsup").run("SELECT 1");
    assert!(run.stderr.contains("no password supplied"), "{}", run.stderr);
    Client::new(&CLUSTER, "alice").login(&token()).session();
    // From 17 on the server's own line on trust names the role.
    let log = CLUSTER.log_since(mark);
    let mut about = log.lines().filter(|line| line.contains("user=\"hangsup\""));
    assert!(about.all(|line| line.contains("LOG:  connection ")), "{log}");
}

#[test]
fn s08_hang_up_within_the_packet() {
    let body = format!("{}\0", token());
    let whole = frame(b'p', body.as_bytes());
    for transport in TRANSPORTS {
        for cut in [1, 3, 5, 20, whole.len() - 1] {
            let mut wire = Client::new(&CLUSTER, "alice").by(transport).open();
            let trace = Trace::of(&wire);
            wire.prompt();
            wire.send(&whole[..cut]).unwrap();
            wire.close();
            trace.undecided(&CLUSTER);
        }
        let mut wire = Client::new(&CLUSTER, "alice").by(transport).open();
        let trace = Trace::of(&wire);
        wire.prompt();
        wire.hang_up();
        trace.undecided(&CLUSTER);
    }
}

#[test]
fn s09_silence() {
    let builder = Cluster::builder().conf("authentication_timeout = 1s");
    let cluster = builder.conf("log_connections = on").start();
    Issuer::example().install(&cluster, &["alice"]);
    let packet = frame(b'p', format!("{}\0", token()).as_bytes());
    for said in [&[][..], &packet[..1], &packet[..100]] {
        let mut wire = Client::new(&cluster, "alice").open();
        let trace = Trace::of(&wire);
        wire.prompt();
        wire.send(said).unwrap();
        while wire.read().is_some() {}
        let lines = trace.undecided(&cluster);
        let timeout = |line: &String| line.contains("authentication due to timeout");
        assert!(lines.iter().any(timeout), "{lines:#?}");
    }
    // A login that answers in time is none the worse for it.
    Client::new(&cluster, "alice").login(&token()).session();
}

#[test]
fn s10_flood() {
    let cluster = Cluster::builder().conf("max_connections = 300").start();
    Issuer::example().install(&cluster, &["alice"]);
    let identity = || (cluster.postmaster_pid(), cluster.sql("SELECT pg_postmaster_start_time()"));
    let before = identity();
    let mark = cluster.log_mark();
    let (good, bad) = (token(), tampered(&token()));
    thread::scope(|scope| {
        for number in 0..240 {
            let client = Client::new(&cluster, "alice");
            let (good, bad) = (&good, &bad);
            scope.spawn(move || {
                if number % 6 == 0 {
                    let mut session = client.login(good).session();
                    assert_eq!(session.query("SELECT current_user").unwrap(), [["alice"]]);
                } else {
                    let login = client.login(bad);
                    assert_eq!(login.error().code, "28000", "{:?}", login.error());
                }
            });
        }
    });
    let count = |what: &str| cluster.log_since(mark).matches(what).count();
    assert_eq!(count("jwt_sso: refused reason=bad_signature "), 200);
    assert_eq!(count("jwt_sso: refused "), 200);
    assert_eq!(count("jwt_sso: accepted "), 40);
    assert_eq!(identity(), before);
    assert_eq!(count("was terminated by signal"), 0);
}
