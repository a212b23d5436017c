//! What becomes of each door when something is missing or wrong: the cells of the table in
//! docs/doors.md that no other file proves.
//! 1. the PAM module is missing
//! 2. the PAM service has no file, also when one is taken away while the server runs
//! 3. a policy with nothing in it
//! 4. the key worker is stopped, ended (SIGTERM) and killed (SIGKILL): known keys serve on
//! 5. a reload with a mistake: the whole policy of before decides
//! 6. the order of HBA lines: the first that fits a connection decides about its method
//! 7. an HBA file that is wrong at a reload: the lines of before decide

use std::process::Command;

use jwt_sso_e2e::installation::{Installation, output_of};
use jwt_sso_e2e::oauthbearer;
use jwt_sso_e2e::pam;
use jwt_sso_e2e::token::tampered;
use jwt_sso_e2e::wire::Login;
use jwt_sso_e2e::{Client, Cluster, ClusterBuilder, End, Issuer, Transport, refused};

/// A way in, and how a client takes it.
#[derive(Clone, Copy, PartialEq)]
enum Door {
    Hook,
    Pam,
    Oauth,
}

impl Door {
    /// Whether the server under test has it.
    fn is_here(self) -> bool {
        match self {
            Door::Hook => true,
            Door::Pam => Installation::get().with_pam,
            Door::Oauth => oauthbearer::offered(),
        }
    }

    /// What stands on its HBA lines after the address.
    fn method(self) -> String {
        match self {
            Door::Hook => "trust".to_owned(),
            Door::Pam => format!("pam pamservice={}", pam::SERVICE),
            Door::Oauth => oauthbearer::method(
                "https://issuer.example",
                "validator=jwt_sso delegate_ident_mapping=1",
            ),
        }
    }

    /// A server whose HBA file has these lines; `@` stands for the door's method.
    fn builder(self, lines: &str) -> ClusterBuilder {
        let lines = lines.replace('@', &self.method());
        match self {
            Door::Hook => Cluster::builder().token_hba(&lines),
            Door::Pam => Cluster::builder().without_token_hba().core_hba(&lines),
            Door::Oauth => oauthbearer::builder(&lines),
        }
    }

    /// A server of this door alone, by which `alice` may come in.
    fn start(self) -> Cluster {
        let cluster = self.builder("hostssl all all all @\n").start();
        Issuer::example().install(&cluster, &["alice", "bob"]);
        cluster
    }

    fn login(self, cluster: &Cluster, role: &str, token: &str) -> Login {
        let client = Client::new(cluster, role);
        match self {
            Door::Hook => client.login(token),
            Door::Pam => client.at("pam").login(token),
            Door::Oauth => oauthbearer::login(&client, token).login,
        }
    }

    /// Alice gets in, and bob does not with her token.
    #[track_caller]
    fn works(self, cluster: &Cluster) {
        self.login(cluster, "alice", &token("alice")).session();
        refused(cluster, "bob", &self.login(cluster, "bob", &token("alice")), "role_not_mapped");
    }
}

fn token(subject: &str) -> String {
    Issuer::example().token(subject).sign()
}

/// Holds a login by a `pam` line to be refused by the server's own words, without a decision.
#[track_caller]
fn refused_by_pam(cluster: &Cluster, role: &str) -> Login {
    let mark = cluster.log_mark();
    let login = Door::Pam.login(cluster, role, &token(role));
    let error = login.error();
    assert_eq!(error.message, format!("PAM authentication failed for user \"{role}\""));
    let log = cluster.log_since(mark);
    assert!(!log.contains("jwt_sso: accepted") && !log.contains("jwt_sso: refused"), "{log}");
    login
}

#[test]
fn s1_module_missing() {
    if !Door::Pam.is_here() {
        return;
    }
    let module = "/nonexistent/pam_jwt_sso.so";
    let service =
        pam::Service::new(&format!("auth required {module}\naccount required {module}\n"));
    let builder = Cluster::builder().without_token_hba();
    let cluster = builder.core_hba(&pam::lines(service.name())).start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.sql("CREATE EXTENSION jwt_sso; CREATE ROLE root SUPERUSER LOGIN");
    for role in ["alice", "root", "ghost"] {
        assert!(!refused_by_pam(&cluster, role).prompted);
    }
    let found = "SELECT count(*) FROM jwt_sso.check() WHERE severity = 'error'
        AND finding LIKE 'the PAM module /nonexistent/pam_jwt_sso.so is missing%'";
    assert_ne!(cluster.sql(found), "0");
}

#[test]
fn s2_service_missing() {
    if !Door::Pam.is_here() {
        return;
    }
    let lines = |name: &str| pam::lines(name);
    let builder = Cluster::builder().without_token_hba();
    let cluster = builder.core_hba(&lines(&pam::unused_name())).start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.sql("CREATE ROLE root2 SUPERUSER LOGIN");
    // PAM asks the service `other` instead, whose modules know no such users.
    for role in ["alice", "root2", "ghost"] {
        refused_by_pam(&cluster, role);
    }

    let module = "pam_jwt_sso.so";
    let service =
        pam::Service::new(&format!("auth required {module}\naccount required {module}\n"));
    let builder = Cluster::builder().without_token_hba();
    let cluster = builder.core_hba(&lines(service.name())).start();
    Issuer::example().install(&cluster, &["alice", "bob"]);
    Door::Pam.works(&cluster);
    drop(service);
    refused_by_pam(&cluster, "alice");
}

fn empty_policy(door: Door) {
    if !door.is_here() {
        return;
    }
    let cluster = door.builder("hostssl all all all @\n").start();
    cluster.sql("CREATE ROLE alice LOGIN");
    let login = || door.login(&cluster, "alice", &token("alice"));
    refused(&cluster, "alice", &login(), "disabled");
    cluster.configure(&[("jwt_sso.enabled", "on")]);
    refused(&cluster, "alice", &login(), "unknown_issuer");
    cluster.configure(&[("jwt_sso.issuers", "https://issuer.example")]);
    refused(&cluster, "alice", &login(), "keys_unavailable");
    cluster.configure(&[("jwt_sso.jwks", &Issuer::example().jwks())]);
    refused(&cluster, "alice", &login(), "audience_mismatch");
}

#[test]
fn s3_empty_policy_hook() {
    empty_policy(Door::Hook);
}

#[test]
fn s3_empty_policy_pam() {
    empty_policy(Door::Pam);
}

#[test]
fn s3_empty_policy_oauth() {
    empty_policy(Door::Oauth);
}

fn signal(signal: &str, pid: u32) {
    output_of(Command::new("kill").args(["-s", signal, &pid.to_string()]));
}

/// The worker's process, once there is one other than `not`.
fn worker(cluster: &Cluster, not: Option<u32>) -> u32 {
    let mut found = None;
    cluster.until("a worker", || {
        found = cluster.worker_pid().filter(|pid| Some(*pid) != not);
        found.is_some()
    });
    found.expect("the wait ended with one")
}

fn worker_dead(door: Door) {
    if !door.is_here() {
        return;
    }
    let cluster = door.start();
    door.works(&cluster);
    let first = worker(&cluster, None);
    // Alive and doing nothing: what a login finds between an end and the next start.
    signal("STOP", first);
    door.works(&cluster);
    let mark = cluster.log_mark();
    signal("TERM", first);
    signal("CONT", first);
    door.works(&cluster);
    cluster.wait_log(mark, "jwt_sso worker.*exited with exit code 1");
    let second = worker(&cluster, Some(first));
    door.works(&cluster);
    assert!(!cluster.log_since(mark).contains("reinitializing"), "{}", cluster.log_tail());
    // Any process on shared memory that is killed restarts all of PostgreSQL.
    signal("KILL", second);
    cluster.wait_log(mark, "all server processes terminated; reinitializing");
    worker(&cluster, Some(second));
    door.works(&cluster);
}

#[test]
fn s4_worker_dead_hook() {
    worker_dead(Door::Hook);
}

#[test]
fn s4_worker_dead_pam() {
    worker_dead(Door::Pam);
}

#[test]
fn s4_worker_dead_oauth() {
    worker_dead(Door::Oauth);
}

fn bad_reload(door: Door) {
    if !door.is_here() {
        return;
    }
    let cluster = door.start();
    cluster.append_conf("include_if_exists = 'late.conf'");
    cluster.reset(&["jwt_sso.audience", "jwt_sso.identity_map"]);
    let write = |audience: &str, map: &str| {
        let lines = format!("jwt_sso.audience = '{audience}'\njwt_sso.identity_map = '{map}'\n");
        cluster.write_file("late.conf", lines.as_bytes());
    };
    let for_audience = |audience: &str| {
        let token = Issuer::example().token("alice").claim("aud", audience).sign();
        door.login(&cluster, "alice", &token)
    };
    write("before", "");
    cluster.reload();
    for_audience("before").session();
    // The audience is a good change, and does not count either.
    write("after", "too few");
    let mark = cluster.log_mark();
    cluster.reload();
    cluster.wait_log(mark, r"jwt_sso: refused in this reload: .*jwt_sso\.identity_map");
    for_audience("before").session();
    refused(&cluster, "alice", &for_audience("after"), "audience_mismatch");
    let login = door.login(&cluster, "alice", &tampered(&token("alice")));
    refused(&cluster, "alice", &login, "bad_signature");
    write("after", "");
    cluster.reload();
    for_audience("after").session();
    refused(&cluster, "alice", &for_audience("before"), "audience_mismatch");
}

#[test]
fn s5_bad_reload_hook() {
    bad_reload(Door::Hook);
}

#[test]
fn s5_bad_reload_pam() {
    bad_reload(Door::Pam);
}

#[test]
fn s5_bad_reload_oauth() {
    bad_reload(Door::Oauth);
}

/// The same file with its lines the other way round, in force.
fn turn_around(door: Door, cluster: &Cluster, lines: [&str; 2]) {
    let (file, harness) = match door {
        Door::Hook => ("jwt_sso_hba.conf", "local all postgres peer map=harness"),
        _ => ("pg_hba.conf", "local all postgres peer map=harness"),
    };
    let text = [harness, lines[1], lines[0], ""].join("\n").replace('@', &door.method());
    cluster.write_file(file, text.as_bytes());
    cluster.reload();
}

fn line_order(door: Door) {
    if !door.is_here() {
        return;
    }
    let lines = ["hostssl all +staff all scram-sha-256", "hostssl all all all @"];
    let cluster = door.builder(&format!("{}\n{}\n", lines[0], lines[1])).start();
    Issuer::example().install(&cluster, &["alice", "bob"]);
    cluster.sql("CREATE ROLE staff; CREATE ROLE carol LOGIN PASSWORD 'old' IN ROLE staff");
    let by_password = || cluster.psql().user("carol").token("old").run("SELECT current_user");
    // The line of the other method is the first: carol has her password, and no token opens her.
    door.works(&cluster);
    assert_eq!(by_password().stdout, "carol", "{}", by_password().stderr);
    let mark = cluster.log_mark();
    let run = cluster.psql().user("carol").token(&token("carol")).run("SELECT 1");
    assert!(run.stderr.contains("password authentication failed"), "{}", run.stderr);
    assert!(!cluster.log_since(mark).contains("jwt_sso: "), "{}", cluster.log_since(mark));
    // The token line is the first: it takes everybody, and nothing tries the next line.
    turn_around(door, &cluster, lines);
    door.works(&cluster);
    door.login(&cluster, "carol", &token("carol")).session();
    assert!(!by_password().success);
    // Shut in an emergency, by a line above; the way in without a token stays.
    turn_around(door, &cluster, ["hostssl all all all @", "hostssl all all all reject"]);
    let login = door.login(&cluster, "alice", &token("alice"));
    assert!(!login.prompted);
    assert!(login.error().message.contains("pg_hba.conf rejects"), "{:?}", login.error());
    assert_eq!(cluster.sql("SELECT current_user"), "postgres");
}

#[test]
fn s6_line_order_hook() {
    line_order(Door::Hook);
}

#[test]
fn s6_line_order_pam() {
    line_order(Door::Pam);
}

#[test]
fn s6_line_order_oauth() {
    line_order(Door::Oauth);
}

fn bad_hba_file(door: Door) {
    if !door.is_here() {
        return;
    }
    let cluster = door.start();
    let mark = cluster.log_mark();
    turn_around(door, &cluster, ["hostssl all all all reject", "hostssl all all all nonsense"]);
    cluster.wait_log(mark, "invalid authentication method \"nonsense\"");
    door.works(&cluster);
    let plain = Client::new(&cluster, "alice").by(Transport::Plain).login(&token("alice"));
    assert!(!matches!(plain.end, End::Accepted(_)));
}

#[test]
fn s7_bad_hba_file_hook() {
    bad_hba_file(Door::Hook);
}

#[test]
fn s7_bad_hba_file_pam() {
    bad_hba_file(Door::Pam);
}

#[test]
fn s7_bad_hba_file_oauth() {
    bad_hba_file(Door::Oauth);
}
