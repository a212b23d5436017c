//! A smoke set for every server, also one that was built without TLS: tokens come by the Unix
//! socket (`challenge_local = on`) and by plain TCP (`require_tls = off`). The other files need TLS.
//! 1. good tokens are accepted by both ways, with their log line; the session is the role's, and
//!    SYSTEM_USER (from 16 on) and log_connections have the identity
//! 2. refusals, with their reason codes
//! 3. with `require_tls` on, TCP is refused before any prompt, and the socket is not
//! 4. a reload takes a new policy; one with a mistake in it leaves the old one in force; a
//!    mistake at the start refuses every token login
//! 5. check(), version() and the views of a sound set-up
//! 6. fetched keys serve on while the provider is down: after the worker's end, and from
//!    `jwt_sso/keys.json` after a restart
//! 7. without the library the same data directory refuses everyone
//! 8. a hook that displaces ours: the session is ended before its first command

use std::process::Command;

use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::expect::Terms;
use jwt_sso_e2e::faulty_issuer::FaultyIssuer;
use jwt_sso_e2e::fixture::{Manners, auth_hook};
use jwt_sso_e2e::installation::{Installation, output_of};
use jwt_sso_e2e::token::{now, tampered};
use jwt_sso_e2e::{Client, Cluster, ClusterBuilder, End, Issuer, Transport, accepted, refused};

const TRANSPORTS: [Transport; 2] = [Transport::Socket, Transport::Plain];

const LINES: &str = "local all alice trust\nhost all all all trust\n";

fn builder() -> ClusterBuilder {
    let builder = Cluster::builder().without_tls().token_hba(LINES);
    builder.conf("jwt_sso.challenge_local = on").conf("jwt_sso.require_tls = off")
}

fn start() -> Cluster {
    let cluster = builder().start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    Issuer::example().install(&cluster, &["alice"]);
    cluster
}

fn token() -> String {
    Issuer::example().token("alice").sign()
}

fn accepts(cluster: &Cluster, token: &str) {
    for transport in TRANSPORTS {
        Client::new(cluster, "alice").by(transport).login(token).session();
    }
}

fn refuses(cluster: &Cluster, token: &str, reason: &str) {
    for transport in TRANSPORTS {
        let login = Client::new(cluster, "alice").by(transport).login(token);
        refused(cluster, "alice", &login, reason);
    }
}

#[test]
fn s1_accepted() {
    let cluster = start();
    let map = r#"["https://issuer.example a@b alice","https://issuer.example alice alice"]"#;
    cluster.configure(&[("jwt_sso.identity_map", map), ("log_connections", "on")]);
    let terms = Terms { issuer: "https://issuer.example", principal: "a@b", kid: "k1" };
    for transport in TRANSPORTS {
        let mark = cluster.log_mark();
        let token = Issuer::example().token("a@b").sign();
        let login = Client::new(&cluster, "alice").by(transport).login(&token);
        assert!(login.prompted);
        let mut session = accepted(&cluster, mark, "alice", login, &terms);
        assert_eq!(session.query("SELECT current_user").unwrap(), [["alice"]]);
        if Installation::get().major >= 16 {
            assert_eq!(session.query("SELECT SYSTEM_USER").unwrap(), [["trust:a@b"]]);
        }
        cluster.wait_log(mark, r#"connection authenticated: identity="a@b" method=trust"#);
    }
    let longest = Issuer::example().token("alice").padded(65_530);
    accepts(&cluster, &longest);
    let psql = cluster.psql().socket().user("alice").token(&token());
    assert_eq!(psql.run("SELECT session_user").stdout, "alice");
}

#[test]
fn s2_refused() {
    let cluster = start();
    let issuer = Issuer::example();
    let token = || issuer.token("alice");
    for (token, reason) in [
        (String::new(), "no_token"),
        ("hello".to_owned(), "malformed_token"),
        (token().header("alg", "none").sign(), "unsupported_algorithm"),
        (token().claim("iss", "https://other.example").sign(), "unknown_issuer"),
        (tampered(&token().sign()), "bad_signature"),
        (token().claim("exp", now() - 1000).sign(), "expired"),
        (token().claim("aud", "elsewhere").sign(), "audience_mismatch"),
        (token().claim("sub", "bob").sign(), "role_not_mapped"),
    ] {
        refuses(&cluster, &token, reason);
    }
    cluster.configure(&[("jwt_sso.jwks", r#"{"keys":[]}"#)]);
    refuses(&cluster, &token().sign(), "keys_unavailable");
    cluster.configure(&[("jwt_sso.enabled", "off")]);
    refuses(&cluster, &token().sign(), "disabled");
}

#[test]
fn s3_require_tls() {
    let cluster = start();
    cluster.configure(&[("jwt_sso.require_tls", "on")]);
    let login = Client::new(&cluster, "alice").by(Transport::Plain).login(&token());
    assert!(!login.prompted);
    refused(&cluster, "alice", &login, "insecure_transport");
    Client::new(&cluster, "alice").by(Transport::Socket).login(&token()).session();
}

#[test]
fn s4_reload() {
    let cluster = start();
    accepts(&cluster, &token());
    cluster.configure(&[("jwt_sso.audience", "elsewhere")]);
    refuses(&cluster, &token(), "audience_mismatch");
    cluster.configure(&[("jwt_sso.audience", "postgres")]);
    accepts(&cluster, &token());

    let error = cluster.try_alter_system("jwt_sso.claim", "/a//b").unwrap_err();
    assert!(error.contains("jwt_sso.claim"), "{error}");
    cluster.append_conf("include_if_exists = 'late.conf'");
    // Half of it is in order: it is not taken either.
    let bad = "jwt_sso.identity_map = 'too few'\njwt_sso.clock_skew = '0'\n";
    cluster.write_file("late.conf", bad.as_bytes());
    let mark = cluster.log_mark();
    cluster.reload();
    cluster.wait_log(mark, r"LOG:  .*jwt_sso\.identity_map\b");
    let just_expired = Issuer::example().token("alice").claim("exp", now() - 2).sign();
    accepts(&cluster, &just_expired);
    cluster.restart();
    refuses(&cluster, &token(), "misconfigured");
    cluster.write_file("late.conf", b"");
    cluster.reload();
    accepts(&cluster, &token());
}

#[test]
fn s5_sql() {
    let cluster = start();
    accepts(&cluster, &token());
    assert_eq!(
        cluster.sql("SELECT issuer, state FROM jwt_sso.issuers"),
        "https://issuer.example|static"
    );
    assert_eq!(cluster.sql("SELECT kid, usable FROM jwt_sso.keys"), "k1|t");
    let installed =
        "SELECT extversion = jwt_sso.version() FROM pg_extension WHERE extname = 'jwt_sso'";
    assert_eq!(cluster.sql(installed), "t");
    let errors = "SELECT finding FROM jwt_sso.check() WHERE severity = 'error'";
    assert_eq!(cluster.sql(errors), "");
    let plain = "SELECT count(*) FROM jwt_sso.check() WHERE finding LIKE '%without TLS%'";
    assert_eq!(cluster.sql(plain), "1", "{}", cluster.sql("SELECT * FROM jwt_sso.check()"));
}

#[test]
fn s6_fetched_keys() {
    let authority = Authority::new();
    let server = FaultyIssuer::https(authority.localhost());
    let issuer = Issuer::new(&server.base);
    server.publish(issuer.jwks());
    let cluster = start();
    cluster.write_file("ca.pem", authority.pem().as_bytes());
    cluster.configure(&[
        ("jwt_sso.jwks_auto_fetch_enabled", "on"),
        ("jwt_sso.issuer_custom_ca", "ca.pem"),
        ("jwt_sso.issuers", &issuer.iss),
    ]);
    let token = issuer.token("alice").sign();
    accepts(&cluster, &token);
    let kept = cluster.data_dir().join("jwt_sso/keys.json");
    cluster.until("the kept file", || kept.exists());
    drop(server);

    let worker = cluster.worker_pid().expect("a worker");
    output_of(Command::new("kill").arg(worker.to_string()));
    cluster.until("another worker", || cluster.worker_pid().is_some_and(|pid| pid != worker));
    accepts(&cluster, &token);
    cluster.restart();
    accepts(&cluster, &token);
}

#[test]
fn s7_without_the_library() {
    let cluster = start();
    accepts(&cluster, &token());
    cluster.stop();
    cluster.try_start_with(&["-c", "shared_preload_libraries="]).unwrap();
    for role in ["alice", "postgres", "ghost"] {
        let login = Client::new(&cluster, role).by(Transport::Plain).login(&token());
        let error = login.error();
        assert!(error.message.contains("no pg_hba.conf entry"), "{role}: {error:?}");
    }
    cluster.restart();
    accepts(&cluster, &token());
}

#[test]
fn s8_displaced_hook() {
    let cluster = builder().prepare();
    let intruder = auth_hook(&cluster, Manners::Displaces);
    cluster.append_conf(&format!("shared_preload_libraries = 'jwt_sso,{}'", intruder.display()));
    cluster.start();
    Issuer::example().install(&cluster, &["alice"]);
    for transport in TRANSPORTS {
        for replication in ["false", "true", "database"] {
            for role in ["alice", "ghost"] {
                let client = Client::new(&cluster, role).by(transport);
                let login = client.parameter("replication", replication).login(&token());
                assert!(!matches!(login.end, End::Accepted(_)), "{role} {replication}");
            }
        }
        let login = Client::new(&cluster, "alice").by(transport).login(&token());
        refused(&cluster, "alice", &login, "misconfigured");
    }
}
