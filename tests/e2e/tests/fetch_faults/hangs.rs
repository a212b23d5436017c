//! 1. hangs at connect, at TLS, at the headers, in the body: each ends after `client_timeout`,
//!    and meanwhile others log in and are refreshed
//! 2. more hanging issuers than fetch threads
//! 3. a refresh() that waits can be cancelled, any number of times; few may wait at once

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use jwt_sso_e2e::Issuer;
use jwt_sso_e2e::faulty_issuer::{Answer, Reception};

use crate::scene::{Idp, Scene};

const DISCOVERY: &str = "/.well-known/openid-configuration";

#[test]
fn s1_each_kind() {
    let scene = Scene::start(&[("jwt_sso.client_timeout", "3s")]);
    let [tls, headers, jwks, body] = [(); 4].map(|()| scene.idp());
    for idp in [&tls, &headers, &jwks, &body] {
        idp.publish();
    }
    tls.server.receive(Reception::Silent);
    headers.server.answer(DISCOVERY, Answer::Silence);
    jwks.server.answer("/jwks", Answer::Silence);
    let second = Duration::from_secs(1);
    body.server.answer("/jwks", Answer::Drip(body.issuer.jwks().into_bytes(), second));
    let full = FullQueue::new();
    let connect = Issuer::new(&format!("https://127.0.0.1:{}", full.address.port()));
    let hanging = [
        (DISCOVERY, "no answer within 3 s", &connect),
        (DISCOVERY, "no answer within 3 s", &tls.issuer),
        (DISCOVERY, "no answer within 3 s", &headers.issuer),
        ("/jwks", "no answer within 3 s", &jwks.issuer),
        ("/jwks", "no complete answer within 3 s", &body.issuer),
    ];
    scene.trust(hanging.iter().map(|(_, _, issuer)| *issuer));
    // They hang at this moment.
    scene.healthy_goes_on();
    assert!(scene.refresh(&scene.healthy.issuer).0);
    for (_, _, issuer) in hanging {
        let start = Instant::now();
        scene.refuses(&issuer.token("alice").sign(), "keys_unavailable");
        eprintln!("a login of {} waited {:?}", issuer.iss, start.elapsed());
    }
    for (path, cause, issuer) in hanging {
        let row = scene.wait_row(issuer, "the failure", |row| row["last_error"].is_string());
        assert_eq!(row["last_error"], format!("GET {}{path}: {cause}", issuer.iss), "{row}");
        assert_eq!(row["state"], "never", "{row}");
    }
    scene.healthy_goes_on();
    tls.server.receive(Reception::Open);
    for idp in [&tls, &headers, &jwks, &body] {
        scene.mended(idp);
    }
}

#[test]
fn s2_more_than_threads() {
    let scene = Scene::start(&[("jwt_sso.client_timeout", "2s")]);
    let hanging: Vec<Idp> = (0..12)
        .map(|_| {
            let idp = scene.idp();
            idp.server.receive(Reception::Silent);
            idp
        })
        .collect();
    let late = scene.idp();
    late.publish();
    let start = Instant::now();
    scene.trust(hanging.iter().map(|idp| &idp.issuer).chain([&late.issuer]));
    scene.healthy_goes_on();
    scene.wait_row(&late.issuer, "the keys", |row| row["state"] == "fresh");
    eprintln!("behind 12 hanging issuers (2 s each), first keys came after {:?}", start.elapsed());
    let start = Instant::now();
    let (ok, detail) = scene.refresh(&scene.healthy.issuer);
    eprintln!("refresh() of a healthy issuer among them took {:?}: {detail}", start.elapsed());
    assert!(ok, "{detail}");
    scene.accepts(&late.token());
    scene.healthy_goes_on();
}

#[test]
fn s3_cancelled_refresh() {
    let scene = Scene::start(&[("jwt_sso.client_timeout", "20s")]);
    let idp = scene.idp();
    idp.server.receive(Reception::Silent);
    scene.trust([&idp.issuer]);
    let refresh = format!("SELECT detail FROM jwt_sso.refresh('{}')", idp.issuer.iss);
    for _ in 0..8 {
        let sql = format!("SET statement_timeout = '50ms'; {refresh}");
        let error = scene.cluster.try_sql(&sql).expect_err("it is cancelled");
        assert!(error.contains("statement timeout"), "{error}");
    }
    // An error that is caught must leave the session, and the place, in order.
    let caught = format!(
        "SET statement_timeout = '100ms'; DO $$ BEGIN PERFORM jwt_sso.refresh('{}');
        EXCEPTION WHEN query_canceled THEN NULL; END $$; SELECT 7",
        idp.issuer.iss
    );
    assert_eq!(scene.cluster.sql(&caught), "7");
    let (sender, ended) = channel();
    std::thread::scope(|scope| {
        for _ in 0..5 {
            let (sender, scene, refresh) = (sender.clone(), &scene, &refresh);
            scope.spawn(move || sender.send(scene.cluster.try_sql(refresh)));
        }
        let fifth = ended.recv().expect("five were asked").expect_err("there is no place for it");
        assert!(fifth.contains("too many refreshes"), "{fifth}");
        // Administrators who wait take no login's place.
        scene.healthy_goes_on();
        scene.cluster.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%refresh(%'
             AND pid <> pg_backend_pid()",
        );
        for _ in 0..4 {
            let error = ended.recv().expect("five were asked").expect_err("it is terminated");
            assert!(error.contains("terminating connection"), "{error}");
        }
    });
    assert!(scene.refresh(&scene.healthy.issuer).0);
}

/// A listener whose queue is full: whoever connects gets no answer.
struct FullQueue {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl FullQueue {
    fn new() -> FullQueue {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let patience = Duration::from_millis(300);
        let waiting: Vec<TcpStream> =
            std::iter::from_fn(|| TcpStream::connect_timeout(&address, patience).ok()).collect();
        FullQueue { address, _listener: listener, _waiting: waiting }
    }
}
