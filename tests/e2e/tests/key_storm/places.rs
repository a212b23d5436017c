//! 1. 40 logins for an issuer without keys that hangs: 32 wait, 8 are refused at once as
//!    `keys_unavailable`; the fetch that fails ends the wait of all
//! 2. places are free again at once when backends are terminated
//! 3. … when clients hang up, after the wait at the latest
//! 4. … at authentication_timeout
//! 5. … and logins that wait are let in when keys come

use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use jwt_sso_e2e::faulty_issuer::Answer;
use jwt_sso_e2e::wire::{End, Wire};
use jwt_sso_e2e::{Client, refused};
use regex::Regex;

use crate::scene::{CLIENT_TIMEOUT, Ended, Scene, send, send_all};

const PLACES: usize = 32;
const DEADLINE: Duration = Duration::from_secs(60);

/// Holds so many to be refused at once, that is, while the fetch hangs.
#[track_caller]
fn refused_at_once(scene: &Scene, logins: &Receiver<Ended>, count: usize) {
    for _ in 0..count {
        let (login, time) = logins.recv_timeout(DEADLINE).expect("it is refused");
        assert!(time < CLIENT_TIMEOUT, "{time:?}");
        refused(&scene.cluster, "alice", &login, "keys_unavailable");
    }
    assert!(logins.try_recv().is_err(), "one more than {count} was refused at once");
}

/// Holds the rest to be refused by and by.
#[track_caller]
fn refused_in_the_end(scene: &Scene, logins: &Receiver<Ended>, count: usize) {
    let mut longest = Duration::ZERO;
    for _ in 0..count {
        let (login, time) = logins.recv_timeout(DEADLINE).expect("it is refused in the end");
        refused(&scene.cluster, "alice", &login, "keys_unavailable");
        longest = longest.max(time);
    }
    eprintln!("{count} waited, at most {longest:?}; client_timeout {CLIENT_TIMEOUT:?}");
    // Generous, since the machine may be busy; what hangs would take for ever.
    assert!(longest < CLIENT_TIMEOUT * 4, "{longest:?}");
    assert!(logins.recv_timeout(DEADLINE).is_err(), "no more than {count}");
}

/// Holds every place to be free: 32 more wait and 8 do not.
fn all_free(scene: &Scene) {
    let wires = scene.prompted(PLACES + 8);
    let logins = thread::scope(|scope| {
        let refresh = scene.hanging_fetch(scope);
        let logins = send_all(wires, |_| scene.token());
        refused_at_once(scene, &logins, 8);
        assert!(!refresh.is_finished(), "the fetch hangs");
        let detail = refresh.join().expect("refresh() ends");
        assert!(detail.contains("no answer within 8 s"), "{detail}");
        logins
    });
    refused_in_the_end(scene, &logins, PLACES);
}

/// The process id of each one's backend.
fn backends(scene: &Scene, wires: &[Wire]) -> Vec<String> {
    let log = scene.cluster.whole_log();
    let pid_of = |wire: &Wire| {
        let received = format!(
            r"(?m)\[(\d+)\] LOG:  connection received: host=\S+ port={}$",
            wire.local_port()
        );
        let found =
            Regex::new(&received).expect("a pattern").captures(&log).map(|c| c[1].to_owned());
        found.expect("log_connections is on")
    };
    wires.iter().map(pid_of).collect()
}

#[test]
fn places_are_left() {
    let scene = Scene::hanging();
    all_free(&scene);

    eprintln!("== terminated, and hung up");
    let mut victims = scene.prompted(20);
    let (others, more) = (scene.prompted(PLACES - 20 + 8), scene.prompted(12));
    let pids = backends(&scene, &victims[..10]);
    thread::scope(|scope| {
        let refresh = scene.hanging_fetch(scope);
        victims.iter_mut().for_each(|wire| send(wire, &scene.token()));
        let others = send_all(others, |_| scene.token());
        refused_at_once(&scene, &others, 8);
        let mark = scene.cluster.log_mark();
        scene.cluster.sql(&format!(
            "SELECT pg_terminate_backend({})",
            pids.join("), pg_terminate_backend(")
        ));
        for pid in &pids {
            scene.cluster.wait_log(mark, &format!(r"\[{pid}\] FATAL:  "));
        }
        victims.split_off(10).into_iter().for_each(Wire::hang_up);
        for wire in victims {
            assert!(!matches!(wire.finish(b"").end, End::Accepted(_)));
        }
        // The ten whose backends were terminated are free now. Those that hung up are not
        // noticed before their wait is over.
        let more = send_all(more, |_| scene.token());
        let (login, _) = more.recv_timeout(DEADLINE).expect("it is refused");
        refused(&scene.cluster, "alice", &login, "keys_unavailable");
        assert!(!refresh.is_finished(), "the fetch hangs");
        drop(refresh.join());
        refused_in_the_end(&scene, &others, PLACES - 20);
        let late = more.iter().filter(|(_, time)| *time > Duration::from_secs(1)).count();
        eprintln!("{late} of 12 more found a place after 10 were terminated");
        assert!(late >= 10, "places of terminated backends are free at once");
    });
    all_free(&scene);

    eprintln!("== authentication_timeout");
    scene.cluster.configure(&[("authentication_timeout", "2s")]);
    let mark = scene.cluster.log_mark();
    thread::scope(|scope| {
        let refresh = scene.hanging_fetch(scope);
        let logins = send_all(scene.prompted(16), |_| scene.token());
        let ends: Vec<Ended> = logins.iter().collect();
        assert!(ends.iter().all(|(login, _)| !matches!(login.end, End::Accepted(_))));
        let log = scene.cluster.log_since(mark);
        let cancelled = log.matches("canceling authentication due to timeout").count();
        eprintln!("{cancelled} of {} met authentication_timeout", ends.len());
        assert_eq!(cancelled, 16);
        drop(refresh.join());
    });
    scene.cluster.configure(&[("authentication_timeout", "5min")]);
    all_free(&scene);

    eprintln!("== keys come");
    let body = scene.issuer.jwks().into_bytes();
    let pause = Duration::from_secs(3) / body.len() as u32;
    scene.server.publish(scene.issuer.jwks());
    scene.server.answer("/jwks", Answer::Drip(body, pause));
    let wires = scene.prompted(20);
    thread::scope(|scope| {
        let refresh = scene.hanging_fetch(scope);
        let logins = send_all(wires, |_| scene.token());
        let let_in = logins.iter().filter(|(login, _)| matches!(login.end, End::Accepted(_)));
        assert_eq!(let_in.count(), 20);
        drop(refresh.join());
    });
    Client::new(&scene.cluster, "alice").login(&scene.token()).session();
}
