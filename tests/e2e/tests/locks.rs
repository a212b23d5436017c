//! A `trust` line must never be an open door:
//! 1. the same data directory, started without the library, refuses ordinary, superuser and
//!    replication connections alike, whatever their options, and opens again with the library
//! 2. while the library is there, `hba_file` is the token file, before and after a reload
//! 3. a `jwt_sso.hba_file` that is missing: the server does not start
//! 4. an extension that displaces our hook: the session is ended before its first command,
//!    for ordinary, superuser and replication connections, whatever their options
//! 5. with that extension, doors that are not ours stay open

use jwt_sso_e2e::fixture::{Manners, auth_hook};
use jwt_sso_e2e::{Client, Cluster, End, Issuer, Transport};

/// Connections that an intruder may try: role, and the startup parameters.
fn attempts(cluster: &Cluster) -> Vec<Client<'_>> {
    let options = [
        "",
        "--crdb:jwt_auth_enabled=true",
        "-c session_preload_libraries= -c local_preload_libraries=",
        "-c jwt_sso.enabled=off",
        "-c jwt_sso.hba_file= -c hba_file=pg_hba.conf",
        "-c ignore_system_indexes=on -c role=postgres",
    ];
    let mut attempts = Vec::new();
    for role in ["alice", "postgres", "standby", "ghost"] {
        for replication in ["false", "true", "database"] {
            for options in options {
                let client = Client::new(cluster, role).parameter("replication", replication);
                attempts.push(client.parameter("options", options));
            }
        }
    }
    attempts
}

fn token(subject: &str) -> String {
    Issuer::example().token(subject).sign()
}

fn install(cluster: &Cluster) {
    Issuer::example().install(cluster, &["alice"]);
    cluster.sql("CREATE ROLE standby REPLICATION LOGIN");
    cluster.configure(&[("jwt_sso.allow_superuser", "on"), ("jwt_sso.allow_replication", "on")]);
}

#[test]
fn s1_without_the_library() {
    let cluster = Cluster::builder().start();
    install(&cluster);
    Client::new(&cluster, "alice").login(&token("alice")).session();
    cluster.stop();
    cluster.try_start_with(&["-c", "shared_preload_libraries="]).unwrap();
    for transport in [Transport::Tls, Transport::Plain] {
        for client in attempts(&cluster) {
            let login = client.clone().by(transport).login(&token("alice"));
            let error = login.error();
            assert!(error.message.contains("no pg_hba.conf entry"), "{client:?}: {error:?}");
            assert!(!login.prompted);
        }
    }
    let hba_file = cluster.sql("SHOW hba_file");
    assert!(hba_file.ends_with("/pg_hba.conf"), "{hba_file}");
    cluster.restart();
    Client::new(&cluster, "alice").login(&token("alice")).session();
}

#[test]
fn s2_hba_file() {
    let cluster = Cluster::builder().start();
    install(&cluster);
    let check = || {
        let hba_file = cluster.sql("SHOW hba_file");
        assert!(hba_file.ends_with("jwt_sso_hba.conf"), "{hba_file}");
        Client::new(&cluster, "alice").login(&token("alice")).session();
    };
    check();
    cluster.reload();
    check();
    // The administrator may even name another file: it is ours until the next start.
    cluster.append_conf("hba_file = 'pg_hba.conf'");
    cluster.reload();
    check();
    cluster.restart();
    check();
}

#[test]
fn s3_missing_hba_file() {
    let cluster = Cluster::builder().prepare();
    std::fs::remove_file(cluster.data_dir().join("jwt_sso_hba.conf")).unwrap();
    let log = cluster.try_start().unwrap_err();
    assert!(log.contains("jwt_sso_hba.conf"), "{log}");
}

#[test]
fn s4_s5_displaced_hook() {
    let cluster = Cluster::builder().prepare();
    let other = auth_hook(&cluster, Manners::Displaces);
    cluster.append_conf(&format!("shared_preload_libraries = 'jwt_sso,{}'", other.display()));
    cluster.start();
    install(&cluster);
    for transport in [Transport::Tls, Transport::Plain] {
        for client in attempts(&cluster) {
            let login = client.clone().by(transport).login(&token("alice"));
            assert!(!login.prompted, "the fixture does not displace the hook");
            match &login.end {
                End::Refused(error) => assert_eq!(error.severity, "FATAL", "{error:?}"),
                End::Closed => {}
                End::Accepted(_) => panic!("an open door: {client:?}"),
            }
        }
    }
    let log = cluster.whole_log();
    assert!(log.contains("witness: user=alice status=0"), "the fixture was not called");
    assert_eq!(cluster.sql("SELECT current_user"), "postgres");
}
