//! What is counted, and for whom.

use std::thread;

use jwt_sso_e2e::fixture::{Manners, auth_hook};
use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::token::{now, tampered};
use jwt_sso_e2e::{Client, Cluster, End, Issuer, Transport, refused};

use crate::{counts, log_in, start, take, token};

const ISSUER: &str = "https://issuer.example";

#[track_caller]
fn refuse(cluster: &Cluster, token: &str, reason: &str) {
    let login = Client::new(cluster, "alice").login(token);
    refused(cluster, "alice", &login, reason);
}

#[test]
fn s1_each_decision() {
    let cluster = start();
    assert_eq!(counts(&cluster), [""; 0]);
    let issuer = Issuer::example();
    log_in(&cluster);
    log_in(&cluster);
    refuse(&cluster, &issuer.token("alice").claim("exp", now() - 1000).sign(), "expired");
    refuse(&cluster, &issuer.token("bob").sign(), "role_not_mapped");
    refuse(&cluster, &tampered(&token()), "bad_signature");
    refuse(&cluster, "no token", "malformed_token");
    refuse(&cluster, "", "no_token");
    let plain = Client::new(&cluster, "alice").by(Transport::Plain).login(&token());
    refused(&cluster, "alice", &plain, "insecure_transport");
    // A role that does not exist is found out after us.
    let ghost = Client::new(&cluster, "ghost").login(&issuer.token("ghost").sign());
    assert!(ghost.error().message.contains("does not exist"), "{:?}", ghost.error());
    let expected = [
        "accepted||hook|https://issuer.example|3",
        "refused|bad_signature|hook|https://issuer.example|1",
        "refused|expired|hook|https://issuer.example|1",
        "refused|insecure_transport|hook||1",
        "refused|malformed_token|hook||1",
        "refused|no_token|hook||1",
        "refused|role_not_mapped|hook|https://issuer.example|1",
    ];
    assert_eq!(counts(&cluster), expected);

    cluster.configure(&[("jwt_sso.enabled", "off")]);
    refuse(&cluster, &token(), "disabled");
    assert!(counts(&cluster).contains(&"refused|disabled|hook||1".to_owned()));
    // By the role's stored password: no issuer.
    cluster.sql("ALTER ROLE alice PASSWORD 'secret'");
    cluster.configure(&[("jwt_sso.enabled", "on"), ("jwt_sso.allow_password", "on")]);
    Client::new(&cluster, "alice").login("secret").session();
    assert!(counts(&cluster).contains(&"accepted||hook||1".to_owned()));
}

#[test]
fn s2_names_that_are_not_configured() {
    let cluster = start();
    let names = [
        "https://issuer.example/",
        "x",
        "\u{0}",
        "'; DROP TABLE pg_class; --",
        "é".repeat(900).as_str(),
    ]
    .map(str::to_owned);
    for name in &names {
        let token = Issuer::example().token("alice").claim("iss", name.as_str()).sign();
        refuse(&cluster, &token, "unknown_issuer");
    }
    refuse(&cluster, &Issuer::example().token("alice").without("iss").sign(), "unknown_issuer");
    assert_eq!(counts(&cluster), ["refused|unknown_issuer|hook||6"]);
    // A forged token counts for the issuer whose name it bears: nobody else's name gets in.
    refuse(&cluster, &Issuer::new(ISSUER).token("alice").sign(), "bad_signature");
    let forged = format!("refused|bad_signature|hook|{ISSUER}|1");
    assert_eq!(counts(&cluster), [forged, "refused|unknown_issuer|hook||6".to_owned()]);
}

#[test]
fn s3_no_decision() {
    let cluster = start();
    let client = Client::new(&cluster, "alice");
    let mut wire = client.open();
    wire.prompt();
    wire.hang_up();
    client.open().hang_up();
    for answer in [frame(b'p', b"no end"), frame(b'p', b"two\0ends\0"), frame(b'Q', b"SELECT 1\0")]
    {
        assert!(matches!(client.login_with(&answer).end, End::Refused(_)));
    }
    // What the HBA file refuses, and what it lets in without us.
    cluster.sql("SELECT 1");
    let local = Client::new(&cluster, "alice").by(Transport::Socket).login(&token());
    assert!(local.error().message.contains("no pg_hba.conf entry"), "{:?}", local.error());
    assert_eq!(counts(&cluster), [""; 0]);
    assert_eq!(cluster.sql("SELECT count(*) FROM jwt_sso.recent_refusals"), "0");
    // The same client does count.
    log_in(&cluster);
    assert_eq!(counts(&cluster), [format!("accepted||hook|{ISSUER}|1")]);
}

#[test]
fn s4_renamed_issuer() {
    let cluster = start();
    log_in(&cluster);
    take(&cluster, &["https://new.example".to_owned()]);
    refuse(&cluster, &token(), "unknown_issuer");
    let new = Issuer::example().token("alice").claim("iss", "https://new.example").sign();
    Client::new(&cluster, "alice").login(&new).session();
    let both = [
        "accepted||hook|https://issuer.example|1",
        "accepted||hook|https://new.example|1",
        "refused|unknown_issuer|hook||1",
    ];
    assert_eq!(counts(&cluster), both);
    // It comes back and goes on where it was.
    take(&cluster, &[ISSUER.to_owned()]);
    log_in(&cluster);
    assert_eq!(counts(&cluster)[0], "accepted||hook|https://issuer.example|2");
    cluster.sql("SELECT jwt_sso.stats_reset()");
    log_in(&cluster);
    assert_eq!(counts(&cluster), [format!("accepted||hook|{ISSUER}|1")]);
}

#[test]
fn s5_a_thousand_issuers() {
    let cluster = start();
    let names: Vec<String> = (0..1000).map(|n| format!("https://i{n}.example")).collect();
    let attempt = |iss: &str| {
        let token = Issuer::example().token("alice").claim("iss", iss).claim("aud", "x").sign();
        Client::new(&cluster, "alice").login(&token).error();
    };
    take(&cluster, &names);
    thread::scope(|scope| {
        for part in names.chunks(250) {
            scope.spawn(move || part.iter().for_each(|iss| attempt(iss)));
        }
    });
    let each = "SELECT count(*), count(DISTINCT issuer), min(count), max(count) FROM jwt_sso.stats
        WHERE reason = 'audience_mismatch'";
    assert_eq!(cluster.sql(each), "1000|1000|1|1");
    // There is no room for one more; what it does is not lost.
    take(&cluster, &[ISSUER.to_owned(), names[7].clone()]);
    log_in(&cluster);
    attempt(&names[7]);
    assert_eq!(counts(&cluster)[0], "accepted||hook||1");
    assert!(counts(&cluster).contains(&format!("refused|audience_mismatch|hook|{}|2", names[7])));
    cluster.sql("SELECT jwt_sso.stats_reset()");
    log_in(&cluster);
    assert_eq!(counts(&cluster), [format!("accepted||hook|{ISSUER}|1")]);
}

#[test]
fn s6_many_at_once() {
    let cluster = start();
    // Several processes come to the first login of an issuer at once.
    let names: Vec<String> = (0..8).map(|n| format!("https://i{n}.example")).collect();
    take(&cluster, &names);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for iss in &names {
                    for _ in 0..3 {
                        let token = Issuer::example().token("alice").claim("iss", iss.as_str());
                        Client::new(&cluster, "alice").login(&token.sign()).session();
                    }
                }
            });
        }
    });
    let expected: Vec<String> =
        names.iter().map(|iss| format!("accepted||hook|{iss}|12")).collect();
    assert_eq!(counts(&cluster), expected);
}

/// How many of each phase were measured.
fn measured(cluster: &Cluster) -> String {
    cluster.sql(
        "SELECT string_agg(phase || ' ' || count, ', ' ORDER BY phase) FROM jwt_sso.stats_latency
         WHERE le_ms = 'Infinity'",
    )
}

#[test]
fn s7_latency() {
    let cluster = start();
    assert_eq!(measured(&cluster), "identity_map 0, keys 0, signature 0");
    log_in(&cluster);
    assert_eq!(measured(&cluster), "identity_map 1, keys 1, signature 1");
    // A decision that ends early has measured what it came to.
    refuse(&cluster, "no token", "malformed_token");
    refuse(&cluster, &tampered(&token()), "bad_signature");
    refuse(
        &cluster,
        &Issuer::example().token("alice").claim("aud", "x").sign(),
        "audience_mismatch",
    );
    assert_eq!(measured(&cluster), "identity_map 1, keys 3, signature 3");
    let ascending = "SELECT bool_and(up) FROM (SELECT count >= coalesce(lag(count)
        OVER (PARTITION BY phase ORDER BY le_ms), 0) AS up FROM jwt_sso.stats_latency) AS steps";
    assert_eq!(cluster.sql(ascending), "t");
    assert_eq!(cluster.sql("SELECT count(DISTINCT le_ms) FROM jwt_sso.stats_latency"), "16");
}

#[test]
fn s8_second_lock() {
    let cluster = Cluster::builder().prepare();
    let other = auth_hook(&cluster, Manners::Displaces);
    cluster.append_conf(&format!("shared_preload_libraries = 'jwt_sso,{}'", other.display()));
    cluster.start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    Issuer::example().install(&cluster, &["alice"]);
    let login = Client::new(&cluster, "alice").login(&token());
    refused(&cluster, "alice", &login, "misconfigured");
    assert_eq!(counts(&cluster), ["refused|misconfigured|hook||1"]);
    assert_eq!(cluster.sql("SELECT reason FROM jwt_sso.recent_refusals"), "misconfigured");
}

#[test]
fn s9_renewal() {
    let cluster = start();
    let mut session = Client::new(&cluster, "alice").login(&token()).session();
    let mut renew = |token: &str| session.query(&format!("SELECT jwt_sso.renew('{token}')"));
    renew(&Issuer::example().token("alice").claim("exp", now() + 900).sign()).unwrap();
    renew(&tampered(&token())).unwrap_err();
    let expected = [
        format!("accepted||hook|{ISSUER}|1"),
        format!("accepted||renew|{ISSUER}|1"),
        format!("refused|bad_signature|renew|{ISSUER}|1"),
    ];
    assert_eq!(counts(&cluster), expected);
    let kept = "SELECT door, reason, role FROM jwt_sso.recent_refusals";
    assert_eq!(cluster.sql(kept), "renew|bad_signature|alice");
}
