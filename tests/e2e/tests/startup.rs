//! A bad value at start: PostgreSQL itself would take the default and say little. Each time
//! the server starts, every token login is `misconfigured` before a prompt, the log names the
//! setting, `check()` names it, and a fix with a reload is enough.
//! 1. a text that does not parse
//! 2. a file that is missing, a file with bad content
//! 3. a number out of range (`clock_skew = 999999`), a number that is none
//! 4. a boolean that is none
//! 5. the same in postgresql.auto.conf
//! 6. a good start says nothing of the kind; version() is the extension's version
//!
//! 7. A cryptographic library that fails its self-test keeps the server from starting, unlike these.

use jwt_sso_e2e::fixture::replace_library;
use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::{Client, Cluster, Issuer, Transport, refused};

/// Starts with a mistake, holds it to be reported, puts it right.
fn mistake(setting: &str, bad: &str, good: &str) {
    eprintln!("jwt_sso.{setting} = '{bad}'");
    let issuer = Issuer::example();
    let cluster = Cluster::builder().start();
    issuer.install(&cluster, &["alice"]);
    cluster.sql("CREATE EXTENSION jwt_sso");
    cluster.write_file("bad_map", b"too few\n");
    cluster.write_file("good_map", b"https://issuer.example alice alice\n");
    cluster.append_conf("include_if_exists = 'late.conf'");
    let write = |value: &str| {
        cluster.write_file("late.conf", format!("jwt_sso.{setting} = '{value}'\n").as_bytes())
    };
    cluster.sql(&format!("ALTER SYSTEM RESET jwt_sso.{setting}"));
    write(bad);
    let mark = cluster.log_mark();
    cluster.restart();
    cluster.wait_log(mark, &format!(r"LOG:  .*jwt_sso.*\b{setting}\b"));
    refuse_all(&cluster);
    let named = format!(
        "SELECT count(*) > 0 FROM jwt_sso.check() WHERE severity = 'error'
        AND finding LIKE '%jwt_sso.{setting}%'"
    );
    assert_eq!(cluster.sql(&named), "t", "{}", cluster.sql("SELECT * FROM jwt_sso.check()"));
    // A reload that changes nothing leaves it at that.
    cluster.reload();
    refuse_all(&cluster);

    write(good);
    cluster.reload();
    let token = issuer.token("alice").sign();
    Client::new(&cluster, "alice").login(&token).session();
    assert_eq!(cluster.sql(&named), "f");
}

fn refuse_all(cluster: &Cluster) {
    let token = Issuer::example().token("alice").sign();
    for role in ["alice", "postgres", "ghost"] {
        for transport in [Transport::Tls, Transport::Plain] {
            let login = Client::new(cluster, role).by(transport).login(&token);
            assert!(!login.prompted);
            let refusal = refused(cluster, role, &login, "misconfigured");
            assert!(!refusal.error.detail.contains("jwt_sso"), "{:?}", refusal.error);
        }
    }
}

#[test]
fn s1_text() {
    mistake("claim", "/a//b", "sub");
    mistake("identity_map", "too few", "");
}

#[test]
fn s2_files() {
    mistake("identity_map_file", "no_such_file", "good_map");
    mistake("identity_map_file", "bad_map", "good_map");
    mistake("jwks_file", "no_such_file", "");
}

#[test]
fn s3_numbers() {
    mistake("clock_skew", "999999", "30s");
    mistake("max_token_lifetime", "soon", "0");
}

#[test]
fn s4_booleans() {
    mistake("require_tls", "maybe", "on");
    mistake("enabled", "perhaps", "on");
}

#[test]
fn s5_auto_conf() {
    let cluster = Cluster::builder().start();
    let issuer = Issuer::example();
    issuer.install(&cluster, &["alice"]);
    cluster.stop();
    let path = cluster.data_dir().join("postgresql.auto.conf");
    let settings = std::fs::read_to_string(&path).unwrap();
    let edited = format!("{settings}\njwt_sso.identity_map = 'too few'\n");
    cluster.write_file("postgresql.auto.conf", edited.as_bytes());
    cluster.start();
    refuse_all(&cluster);
    cluster.reset(&["jwt_sso.identity_map"]);
    Client::new(&cluster, "alice").login(&issuer.token("alice").sign()).session();
}

#[test]
fn s6_good_start() {
    let cluster = Cluster::builder().start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.sql("CREATE EXTENSION jwt_sso");
    let mark = cluster.log_mark();
    cluster.restart();
    Client::new(&cluster, "alice").login(&Issuer::example().token("alice").sign()).session();
    let log = cluster.log_since(mark);
    assert!(!log.contains("WARNING") && !log.contains("misconfigured"), "{log}");
    let installed =
        "SELECT extversion = jwt_sso.version() FROM pg_extension WHERE extname = 'jwt_sso'";
    assert_eq!(cluster.sql(installed), "t", "{}", cluster.sql("SELECT jwt_sso.version()"));
}

/// A broken processor or build cannot be had; a known answer of the library's, made wrong in a copy
/// of it, is as good: what was computed and what is expected do not agree.
#[test]
fn s7_self_test() {
    let path = Installation::get().library_dir.join("jwt_sso.so");
    let library = std::fs::read(path).expect("the library is installed");
    // The beginnings of the signatures in crates/core/src/self_test.rs.
    let signatures = [
        ("RS256", "PFrBgV_tB0sptFM_"),
        ("ES256", "6wgFKvCJT53bQjf1"),
        ("EdDSA", "gO5YuTBo7OJcZLXo"),
    ];
    for (algorithm, signature) in signatures {
        let cluster = Cluster::builder().prepare();
        replace_library(&cluster, &with_wrong_signature(&library, signature));
        let log = cluster.try_start().expect_err("it is not to start");
        let said = "FATAL:  jwt_sso: the self-test of the cryptographic library failed";
        assert!(log.contains(said), "{log}");
        assert!(log.contains(&format!("DETAIL:  Its answer for {algorithm} is wrong.")), "{log}");
        assert!(log.contains("HINT:  Install a build of jwt_sso for this processor"), "{log}");
    }
}

fn with_wrong_signature(library: &[u8], signature: &str) -> Vec<u8> {
    let is_it = |at: &usize| library[*at..].starts_with(signature.as_bytes());
    let places: Vec<usize> = (0..library.len()).filter(is_it).collect();
    let [at] = places[..] else { panic!("{signature} is in the library {} times", places.len()) };
    let mut wrong = library.to_owned();
    wrong[at] = b'A';
    wrong
}
