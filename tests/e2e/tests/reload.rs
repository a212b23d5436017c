//! One policy, whole or not at all:
//! 1. a text setting gone bad among good changes: the whole old policy stays, the log names
//!    the setting, and putting it right takes effect at the next reload
//! 2. the same with a number, and with a boolean
//! 3. the same with a file's content under an unchanged path, with a file that vanishes,
//!    and with a FIFO in its place (which must not hold the server up)
//! 4. a file is read again at each reload, though its path is the same
//! 5. an identity map of 100,000 lines in a file works; its reload time is printed
//! 6. a parallel query works while a configured file has gone bad, before and after a reload
//! 7. a change of keys ends the old ones at once: they never outlive the settings
//! 8. a login that was asked before a key was added, and answers after it, is let in

use std::process::Command;
use std::time::Instant;

use jwt_sso_e2e::installation::{Installation, output_of};
use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::{Algorithm, Client, Cluster, Issuer, SigningKey, refused};

/// A cluster whose settings stand in the file `jwt.conf`, as an administrator's editor sees
/// them: ALTER SYSTEM would refuse the mistakes.
struct Edited {
    cluster: Cluster,
}

impl Edited {
    fn start(lines: &str) -> Edited {
        let cluster = Cluster::builder().conf("include_if_exists = 'jwt.conf'").start();
        cluster.sql("CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN");
        let edited = Edited { cluster };
        edited.edit(lines);
        edited
    }

    fn edit(&self, lines: &str) {
        let base = Issuer::example().conf();
        self.cluster.write_file("jwt.conf", format!("{base}{lines}").as_bytes());
        self.cluster.reload();
    }

    /// Edits, and waits for a LOG line that names the setting.
    fn edit_badly(&self, lines: &str, setting: &str) {
        let mark = self.cluster.log_mark();
        self.edit(lines);
        self.cluster.wait_log(mark, &format!(r"LOG:  .*jwt_sso\.{setting}\b"));
    }

    #[track_caller]
    fn accepts(&self, role: &str, audience: &str) {
        let token = Issuer::example().token(role).claim("aud", audience).sign();
        let mut session = Client::new(&self.cluster, role).login(&token).session();
        assert_eq!(session.query("SELECT current_user").unwrap(), [[role]]);
    }

    #[track_caller]
    fn refuses(&self, role: &str, audience: &str, reason: &str) {
        let token = Issuer::example().token(role).claim("aud", audience).sign();
        refused(&self.cluster, role, &Client::new(&self.cluster, role).login(&token), reason);
    }

    /// The old policy (audience "postgres") is in force, the new one ("other") is not.
    #[track_caller]
    fn keeps_the_old(&self) {
        self.accepts("alice", "postgres");
        self.refuses("alice", "other", "audience_mismatch");
    }

    #[track_caller]
    fn took_the_new(&self) {
        self.accepts("alice", "other");
        self.refuses("alice", "postgres", "audience_mismatch");
    }
}

const OTHER: &str = "jwt_sso.audience = 'other'\n";

#[test]
fn s1_bad_text() {
    let server = Edited::start("");
    server.accepts("alice", "postgres");
    for (setting, value) in [
        ("claim", "/a//b"),
        ("issuers", "{"),
        ("identity_map", "too few"),
        ("algorithms", "HS256"),
        ("jwks", "{"),
    ] {
        server.edit_badly(&format!("{OTHER}jwt_sso.{setting} = '{value}'\n"), setting);
        server.keeps_the_old();
    }
    // It stays so when the next reload changes something else.
    server
        .edit_badly(&format!("{OTHER}jwt_sso.claim = '/a//b'\njwt_sso.clock_skew = 5\n"), "claim");
    server.keeps_the_old();
    server.edit(OTHER);
    server.took_the_new();
}

#[test]
fn s2_bad_number_or_boolean() {
    let server = Edited::start("");
    for (setting, value) in
        [("clock_skew", "999999"), ("max_token_lifetime", "soon"), ("require_tls", "maybe")]
    {
        server.edit_badly(&format!("{OTHER}jwt_sso.{setting} = '{value}'\n"), setting);
        server.keeps_the_old();
    }
    server.edit(OTHER);
    server.took_the_new();
}

#[test]
fn s3_bad_file() {
    let server = Edited::start("");
    let good = b"https://issuer.example alice alice\n";
    for (setting, good) in [("identity_map_file", &good[..]), ("jwks_file", br#"{"keys":[]}"#)] {
        let file = server.cluster.write_file("the_file", good);
        let named = format!("jwt_sso.{setting} = 'the_file'\n");
        server.edit(&named);
        server.accepts("alice", "postgres");
        server.cluster.write_file("the_file", b"{ not at all");
        server.edit_badly(&format!("{OTHER}{named}"), setting);
        server.keeps_the_old();
        std::fs::remove_file(&file).unwrap();
        server.edit_badly(&format!("{OTHER}{named}"), setting);
        server.keeps_the_old();
        output_of(Command::new("mkfifo").arg("-m").arg("666").arg(&file));
        server.edit_badly(&format!("{OTHER}{named}"), setting);
        server.keeps_the_old();
        std::fs::remove_file(&file).unwrap();
        server.cluster.write_file("the_file", good);
        server.edit(&format!("{OTHER}{named}"));
        server.took_the_new();
        server.edit("");
    }
}

#[test]
fn s4_files_are_read_again() {
    let server = Edited::start("");
    server.cluster.write_file("map", b"https://issuer.example alice alice\n");
    server.edit("jwt_sso.identity_map_file = 'map'\n");
    server.accepts("alice", "postgres");
    server.refuses("bob", "postgres", "role_not_mapped");
    server.cluster.write_file("map", b"https://issuer.example bob bob\n");
    server.cluster.reload();
    server.accepts("bob", "postgres");
    server.refuses("alice", "postgres", "role_not_mapped");

    let second = SigningKey::generate("k2", Algorithm::Es256);
    let issuer = Issuer::with_key(&Issuer::example().iss, second.clone());
    let token = Issuer::example().token("bob").key(&second).sign();
    let client = Client::new(&server.cluster, "bob");
    server.cluster.write_file("keys.json", br#"{"keys":[]}"#);
    server.edit("jwt_sso.jwks_file = 'keys.json'\n");
    refused(&server.cluster, "bob", &client.login(&token), "unknown_key");
    server.cluster.write_file("keys.json", issuer.jwks().as_bytes());
    server.cluster.reload();
    client.login(&token).session();
    // `jwks` and `jwks_file` are united.
    server.accepts("bob", "postgres");
}

#[test]
fn s5_large_map() {
    let server = Edited::start("");
    let line = |n: u32| format!("https://issuer.example person-{n:06} role_{n:06}\n");
    let map: String = (0..100_000).map(line).collect();
    server.cluster.write_file("map", map.as_bytes());
    for role in ["role_000000", "role_050000", "role_099999"] {
        server.cluster.sql(&format!("CREATE ROLE {role} LOGIN"));
    }
    let start = Instant::now();
    server.edit("jwt_sso.identity_map_file = 'map'\n");
    println!("reload with an identity map of 100,000 lines: {:?}", start.elapsed());
    for number in ["000000", "050000", "099999"] {
        let role = format!("role_{number}");
        let token = Issuer::example().token(&format!("person-{number}")).sign();
        Client::new(&server.cluster, &role).login(&token).session();
        let token = Issuer::example().token("person-000001").sign();
        let login = Client::new(&server.cluster, &role).login(&token);
        refused(&server.cluster, &role, &login, "role_not_mapped");
    }
}

#[test]
fn s6_parallel_query() {
    let server = Edited::start("");
    server.cluster.write_file("map", b"https://issuer.example alice alice\n");
    server.edit("jwt_sso.identity_map_file = 'map'\n");
    server.cluster.sql("CREATE TABLE numbers AS SELECT generate_series(1, 50000) AS n");
    server.cluster.sql("GRANT SELECT ON numbers TO alice; ANALYZE numbers");
    server.cluster.write_file("map", b"too few\n");
    let force = Installation::get().force_parallel_setting();
    let query = |session: &mut jwt_sso_e2e::wire::Wire| {
        for sql in [
            &format!("SET {force} = on"),
            "SET parallel_setup_cost = 0",
            "SET parallel_tuple_cost = 0",
            "SET min_parallel_table_scan_size = 0",
        ] {
            session.query(sql).unwrap();
        }
        assert_eq!(session.query("SELECT count(*) FROM numbers").unwrap(), [["50000"]]);
        let plan =
            session.query("EXPLAIN (ANALYZE, COSTS OFF) SELECT sum(n) FROM numbers").unwrap();
        let launched =
            |row: &Vec<String>| row[0].contains("Workers Launched: ") && !row[0].ends_with(" 0");
        assert!(plan.iter().any(launched), "no worker: {plan:?}");
    };
    let token = Issuer::example().token("alice").sign();
    let login = || Client::new(&server.cluster, "alice").login(&token).session();
    let mut old = login();
    query(&mut old);
    query(&mut login());
    let mark = server.cluster.log_mark();
    server.cluster.reload();
    server.cluster.wait_log(mark, r"LOG:  .*jwt_sso\.identity_map_file\b");
    query(&mut old);
    query(&mut login());
    server.accepts("alice", "postgres");
}

#[test]
fn s7_keys_do_not_outlive_settings() {
    let cluster = Cluster::builder().start();
    let first = Issuer::new("https://issuer.example");
    first.install(&cluster, &["alice"]);
    let client = Client::new(&cluster, "alice");
    let mut issuers = vec![first];
    for _ in 0..5 {
        let next = Issuer::new("https://issuer.example");
        cluster.configure(&[("jwt_sso.jwks", &next.jwks())]);
        client.login(&next.token("alice").sign()).session();
        issuers.push(next);
        for old in &issuers[..issuers.len() - 1] {
            refused(&cluster, "alice", &client.login(&old.token("alice").sign()), "bad_signature");
        }
    }
    cluster.reset(&["jwt_sso.jwks"]);
    let last = issuers.last().unwrap().token("alice").sign();
    refused(&cluster, "alice", &client.login(&last), "keys_unavailable");
}

#[test]
fn s8_login_across_a_rotation() {
    let cluster = Cluster::builder().start();
    let mut issuer = Issuer::new("https://issuer.example");
    issuer.install(&cluster, &["alice"]);
    let token = issuer.token("alice").sign();
    let mut wire = Client::new(&cluster, "alice").open();
    wire.prompt();
    issuer.keys.push(SigningKey::generate("k2", Algorithm::Es256));
    cluster.configure(&[("jwt_sso.jwks", &issuer.jwks())]);
    // Another login proves that the new set is out.
    let second = issuer.token("alice").key(&issuer.keys[1]).sign();
    Client::new(&cluster, "alice").login(&second).session();
    wire.send(&frame(b'p', format!("{token}\0").as_bytes())).unwrap();
    wire.finish(b"").session();
}
