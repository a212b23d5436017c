//! Which connections are asked for a token, and when:
//! 1. without TLS a login is refused before any prompt: the first byte is an 'E'
//! 2. `require_tls = off` lifts that
//! 3. `trust` on the Unix socket is left alone, until `challenge_local = on`
//! 4. `enabled = off`: token doors refuse before any prompt, the socket is left alone
//! 5. other methods (scram, reject, peer) are left alone, enabled or not
//! 6. a trust line over TCP in pg_hba.conf is a token door as well
//! 7. CockroachDB's option is accepted, in a URI and as `-c`, and does nothing
//! 8. the hook set before ours is called once, after the decision, with its status
//! 9. a URI with the token as password, with and without that option
//! 10. from PostgreSQL 16 on, SYSTEM_USER is `trust:<principal>`
//! 11. with log_connections the server's log names the identity; current_user, session_user and
//!     pg_stat_activity have the role

use jwt_sso_e2e::expect::Terms;
use jwt_sso_e2e::fixture::{Manners, auth_hook};
use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::token::tampered;
use jwt_sso_e2e::{Client, Cluster, Issuer, Transport, accepted, refused};

fn start(roles: &[&str]) -> Cluster {
    let cluster = Cluster::builder().start();
    Issuer::example().install(&cluster, roles);
    cluster
}

fn token(subject: &str) -> String {
    Issuer::example().token(subject).sign()
}

/// The first message after the startup message must be an error, not a request.
#[track_caller]
fn assert_no_prompt(client: &Client) {
    let first = client.open().read().expect("the server answers");
    assert_eq!(char::from(first.tag), 'E', "{first:?}");
}

fn terms(principal: &str) -> Terms<'_> {
    Terms { issuer: "https://issuer.example", principal, kid: "k1" }
}

#[test]
fn s1_s2_require_tls() {
    let cluster = start(&["alice"]);
    let plain = Client::new(&cluster, "alice").by(Transport::Plain);
    assert_no_prompt(&plain);
    refused(&cluster, "alice", &plain.login(&token("alice")), "insecure_transport");
    // libpq's default would send the token in clear on its second try: it is not asked to.
    let prefer = cluster.psql().user("alice").token(&tampered(&token("alice")));
    let run = prefer.env("PGSSLMODE", "prefer").run("SELECT 1");
    assert!(run.stderr.contains("sslmode=verify-full"), "{}", run.stderr);

    cluster.configure(&[("jwt_sso.require_tls", "off")]);
    let mark = cluster.log_mark();
    let login = plain.login(&token("alice"));
    assert!(login.prompted);
    accepted(&cluster, mark, "alice", login, &terms("alice"));
    refused(&cluster, "alice", &plain.login(&tampered(&token("alice"))), "bad_signature");
    let disabled = cluster.psql().user("alice").token(&token("alice")).env("PGSSLMODE", "disable");
    assert_eq!(disabled.run("SELECT current_user").stdout, "alice");
}

#[test]
fn s3_challenge_local() {
    let lines = "local all alice trust\nhostssl all all all trust\n";
    let cluster = Cluster::builder().token_hba(lines).start();
    Issuer::example().install(&cluster, &["alice"]);
    let socket = Client::new(&cluster, "alice").by(Transport::Socket);
    let mark = cluster.log_mark();
    let login = socket.login("");
    assert!(!login.prompted);
    login.session();
    assert!(!cluster.log_since(mark).contains("jwt_sso: "), "{}", cluster.log_since(mark));

    cluster.configure(&[("jwt_sso.challenge_local", "on")]);
    refused(&cluster, "alice", &socket.login(""), "no_token");
    refused(&cluster, "alice", &socket.login(&tampered(&token("alice"))), "bad_signature");
    let login = socket.login(&token("alice"));
    assert!(login.prompted);
    accepted(&cluster, mark, "alice", login, &terms("alice"));
    let run = cluster.psql().socket().user("alice").token(&token("alice")).run("SELECT 1");
    assert_eq!(run.stdout, "1", "{}", run.stderr);

    cluster.configure(&[("jwt_sso.enabled", "off")]);
    assert_no_prompt(&socket);
    refused(&cluster, "alice", &socket.login(&token("alice")), "disabled");
}

#[test]
fn s4_disabled() {
    let lines = "local all alice trust\nhostssl all all all trust\nhost all all all trust\n";
    let cluster = Cluster::builder().token_hba(lines).start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.configure(&[("jwt_sso.enabled", "off")]);
    for transport in [Transport::Tls, Transport::Plain] {
        let client = Client::new(&cluster, "alice").by(transport);
        assert_no_prompt(&client);
        refused(&cluster, "alice", &client.login(&token("alice")), "disabled");
    }
    Client::new(&cluster, "alice").by(Transport::Socket).login("").session();
    cluster.configure(&[("jwt_sso.enabled", "on")]);
    Client::new(&cluster, "alice").login(&token("alice")).session();
}

#[test]
fn s5_other_methods() {
    let lines = "hostssl all scram all scram-sha-256\n\
                 hostssl all nobody all reject\n\
                 hostssl all all all trust\n";
    let cluster = Cluster::builder().token_hba(lines).start();
    Issuer::example().install(&cluster, &["alice", "nobody"]);
    cluster.sql("CREATE ROLE scram LOGIN PASSWORD 'old fashioned'");
    for enabled in ["on", "off"] {
        cluster.configure(&[("jwt_sso.enabled", enabled)]);
        let mark = cluster.log_mark();
        let scram = cluster.psql().user("scram");
        let run = scram.clone().token("old fashioned").run("SELECT current_user");
        assert_eq!(run.stdout, "scram", "{}", run.stderr);
        let run = scram.token(&token("scram")).run("SELECT 1");
        assert!(run.stderr.contains("password authentication failed"), "{}", run.stderr);
        let login = Client::new(&cluster, "nobody").login(&token("nobody"));
        assert!(!login.prompted);
        assert!(login.error().message.contains("pg_hba.conf rejects"), "{:?}", login.error());
        assert_eq!(cluster.sql("SELECT current_user"), "postgres");
        assert!(!cluster.log_since(mark).contains("jwt_sso: "), "{}", cluster.log_since(mark));
    }
}

#[test]
fn s6_trust_in_pg_hba_conf() {
    let builder = Cluster::builder().without_token_hba();
    let cluster = builder.core_hba("host all all all trust\n").start();
    Issuer::example().install(&cluster, &["alice"]);
    let client = Client::new(&cluster, "alice");
    refused(&cluster, "alice", &client.login(""), "no_token");
    assert_no_prompt(&client.clone().by(Transport::Plain));
    client.login(&token("alice")).session();
}

#[test]
fn s7_cockroach_option() {
    let cluster = start(&["alice"]);
    for options in [
        "--crdb:jwt_auth_enabled=true",
        "-c crdb:jwt_auth_enabled=true",
        "--crdb:jwt_auth_enabled=true -c work_mem=5MB",
    ] {
        let client = Client::new(&cluster, "alice").parameter("options", options);
        client.login(&token("alice")).session();
        refused(&cluster, "alice", &client.login(""), "no_token");
    }
}

#[test]
fn s8_previous_hook() {
    let cluster = Cluster::builder().prepare();
    let witness = auth_hook(&cluster, Manners::Chains);
    cluster.append_conf(&format!("shared_preload_libraries = '{},jwt_sso'", witness.display()));
    cluster.start();
    Issuer::example().install(&cluster, &["alice", "bob", "carol"]);

    let calls = |role: &str| {
        let log = cluster.whole_log();
        let lines = log.lines().filter(|line| line.contains(&format!("witness: user={role} ")));
        lines.map(|line| line.rsplit_once("status=").unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    Client::new(&cluster, "alice").login(&token("alice")).session();
    assert_eq!(calls("alice"), ["0"]);
    let login = Client::new(&cluster, "bob").login(&token("alice"));
    refused(&cluster, "bob", &login, "role_not_mapped");
    assert_eq!(calls("bob"), ["-1"]);
    let login = Client::new(&cluster, "carol").by(Transport::Plain).login(&token("carol"));
    refused(&cluster, "carol", &login, "insecure_transport");
    assert_eq!(calls("carol"), ["-1"]);
    cluster.configure(&[("jwt_sso.enabled", "off")]);
    let login = Client::new(&cluster, "carol").login(&token("carol"));
    refused(&cluster, "carol", &login, "disabled");
    assert_eq!(calls("carol"), ["-1", "-1"]);
    // A connection that is not ours passes through with core's own status.
    assert!(calls("postgres").iter().all(|status| status == "0"));
}

#[test]
fn s9_uri() {
    let cluster = start(&["alice"]);
    let uri = format!(
        "postgresql://alice:{}@localhost:{}/postgres?sslmode=verify-full&sslrootcert={}",
        Issuer::example().token("alice").padded(3000),
        cluster.port(),
        cluster.ca_path().display(),
    );
    for options in ["", "&options=--crdb:jwt_auth_enabled%3Dtrue"] {
        let run = cluster.psql().uri(&format!("{uri}{options}")).run("SELECT current_user");
        assert_eq!(run.stdout, "alice", "{}", run.stderr);
    }
}

#[test]
fn s10_system_user() {
    let cluster = start(&["alice"]);
    cluster.configure(&[("jwt_sso.identity_map", "https://issuer.example a@b alice")]);
    let mut session = Client::new(&cluster, "alice").login(&token("a@b")).session();
    let user = session.query("SELECT SYSTEM_USER");
    if Installation::get().major >= 16 {
        assert_eq!(user.unwrap(), [["trust:a@b"]]);
    } else {
        // 15 does not know the function.
        user.unwrap_err();
    }
}

#[test]
fn s11_log_connections() {
    let cluster = start(&["alice"]);
    cluster.configure(&[("jwt_sso.identity_map", "https://issuer.example a@b alice")]);
    let client = Client::new(&cluster, "alice");
    let identity =
        r#"LOG:  connection authenticated: identity="a@b" method=trust \(\S+jwt_sso_hba.conf:2\)"#;
    for value in Installation::get().log_connections_with_identity() {
        cluster.configure(&[("log_connections", value)]);
        let mark = cluster.log_mark();
        let mut session = client.login(&token("a@b")).session();
        cluster.wait_log(mark, identity);
        let who = "SELECT current_user, session_user, usename FROM pg_stat_activity
                   WHERE pid = pg_backend_pid()";
        assert_eq!(session.query(who).unwrap(), [["alice", "alice", "alice"]]);
        // Who is refused has no identity.
        let mark = cluster.log_mark();
        let login = client.login(&tampered(&token("a@b")));
        refused(&cluster, "alice", &login, "bad_signature");
        assert!(!cluster.log_since(mark).contains("identity="), "{}", cluster.log_since(mark));
    }
    cluster.configure(&[("log_connections", "off")]);
    let mark = cluster.log_mark();
    client.login(&token("a@b")).session();
    cluster.wait_log(mark, "jwt_sso: accepted");
    assert!(!cluster.log_since(mark).contains("identity="), "{}", cluster.log_since(mark));
}
