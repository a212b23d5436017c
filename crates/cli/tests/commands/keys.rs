//! `jwt-sso keys`:
//! 1. the keys of a real provider, as a statement that psql runs: a login with them
//! 2. keys that can verify nothing are left out and named; what is printed is accepted
//! 3. a set that is none, empty, secret or from elsewhere: exit 1, nothing printed
//! 4. a file is replaced in one step: mode, owner, links; and left alone where it has the keys
//! 5. a disk without room, and a fetch that fails, leave the old file
//! 6. several at once on one file: it is whole at any time, and nothing is left beside it
//! 7. wrong usage
//! 8. a hostile issuer's key set stays a value of the statement

use crate::program::{Ran, program, run, run_with};
use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::faulty_issuer::{Answer, FaultyIssuer};
use jwt_sso_e2e::provider::{audience, keys};
use jwt_sso_e2e::{Algorithm, Client, Cluster, Provider, SigningKey};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use tempfile::TempDir;

/// An issuer behind HTTPS, and a folder with its CA.
struct Scene {
    issuer: FaultyIssuer,
    folder: TempDir,
}

impl Scene {
    fn publishing(jwks: &Value) -> Scene {
        let authority = Authority::new();
        let issuer = FaultyIssuer::https(authority.localhost());
        issuer.publish(jwks);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        Scene { issuer, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ca(&self) -> String {
        self.path("ca.pem").display().to_string()
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = program(&["keys", &self.issuer.base, "--ca", &self.ca()]);
        command.args(more);
        command
    }

    fn run(&self, more: &[&str]) -> Ran {
        run_with(self.command(more), "")
    }

    fn write_to(&self, path: &Path) -> Ran {
        self.run(&["--output", path.to_str().unwrap()])
    }

    /// Everything beside the CA.
    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != "ca.pem");
        names.sort();
        names
    }
}

fn key(kid: &str) -> Value {
    SigningKey::generate(kid, Algorithm::Es256).jwk()
}

fn set(keys: &[&Value]) -> Value {
    json!({ "keys": keys })
}

fn kids(text: &str) -> Vec<String> {
    let set: Value = serde_json::from_str(text).unwrap();
    let keys = set["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn s1_a_login_with_the_printed_statement() {
    let provider = Provider::start(&keys("first"));
    let cluster = Cluster::builder().start();
    cluster.sql("CREATE ROLE alice LOGIN");
    cluster.alter_system("jwt_sso.enabled", "on");
    cluster.alter_system("jwt_sso.issuers", &provider.url());
    cluster.alter_system("jwt_sso.audience", &audience());
    let ca = provider.ca_path().display().to_string();
    let by_discovery = run(&["keys", &provider.url(), "--ca", &ca, "--alter-system"]).ended(0);
    assert_eq!(by_discovery.stdout.lines().count(), 1);
    assert!(by_discovery.stderr.contains("SELECT pg_reload_conf()"), "{by_discovery:?}");
    cluster.sql(&by_discovery.stdout);
    cluster.reload();
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let token = provider.id_token(algorithm, "alice");
        Client::new(&cluster, "alice").login(&token).session();
    }
    let by_url = run(&["keys", "--jwks-uri", &provider.jwks_uri(), "--ca", &ca]).ended(0);
    assert_eq!(kids(&by_url.stdout).len(), 4);
    cluster.alter_system("jwt_sso.jwks", by_url.stdout.trim_end());
}

#[test]
fn s2_keys_that_verify_nothing_are_left_out() {
    let (good, mut encryption) = (key("good"), key("\u{1b}[2J"));
    encryption["use"] = json!("enc");
    let scene = Scene::publishing(&set(&[&encryption, &good, &json!({"kty": "RSA"})]));
    let ran = scene.run(&[]).ended(0);
    assert_eq!(kids(&ran.stdout), ["good"]);
    let words = r#"left out: key 1 "\u001b[2J": its "use" is "enc", not "sig""#;
    assert!(ran.stderr.contains(words), "{ran:?}");
    assert!(ran.stderr.contains("left out: key 3: member \"n\" is missing"), "{ran:?}");
}

#[test]
fn s3_nothing_unsound_is_printed() {
    let scene = Scene::publishing(&set(&[&key("a")]));
    let jwks = scene.issuer.url("/jwks");
    let mut private = key("b");
    private["d"] = json!("AQAB");
    let body = |value: Value| Answer::json(value);
    for (answer, words) in [
        (body(set(&[&key("a"), &private])), "key 2 of the set is a private or symmetric key"),
        (body(set(&[])), "the set has no keys"),
        (body(set(&[&json!({"kty": "AKP"})])), "no key that can verify a token: key 1: key type"),
        (body(json!({"error": "gone"})), "not a JWK set: it has no member \"keys\""),
        (Answer::json("<html>"), "not a JWK set: not JSON"),
        (Answer::status(503), "503"),
        (Answer::redirect("https://elsewhere.example/"), "another host"),
    ] {
        scene.issuer.answer("/jwks", answer);
        let ran = scene.run(&[]).ended(1);
        assert!(ran.stderr.contains(&jwks), "{ran:?}");
        ran.said(words);
    }
    run(&["keys", &scene.issuer.base]).ended(1).said("--ca names the certificates");
    let other = format!("{}/", scene.issuer.base);
    let ran = run(&["keys", &other, "--ca", &scene.ca()]).ended(1);
    ran.said("name the issuer exactly as its tokens do");
    run(&["keys", "http://idp.example"])
        .ended(1)
        .said("an http URL of a host that is not this one");
    scene.issuer.answer("/jwks", Answer::Silence);
    scene.run(&["--timeout", "1s"]).ended(1).said("no answer within 1 s");
}

#[test]
fn s4_a_file_is_replaced_in_one_step() {
    let (one, two) = (key("one"), key("two"));
    let scene = Scene::publishing(&set(&[&one, &two]));
    let file = scene.path("idp.jwks");
    let words = "2 of the issuer's keys; reload with SELECT pg_reload_conf()";
    scene.write_to(&file).ended(0).said(words);
    assert_eq!(kids(&fs::read_to_string(&file).unwrap()), ["one", "two"]);
    assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o644);

    let before = file.metadata().unwrap();
    scene.issuer.answer("/jwks", Answer::json(set(&[&two, &one])));
    scene.write_to(&file).ended(0).said("has these keys already: nothing to do");
    let after = file.metadata().unwrap();
    assert_eq!((after.ino(), after.mtime_nsec()), (before.ino(), before.mtime_nsec()));

    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    // Only root gives a file away.
    let root = rustix::process::geteuid().is_root();
    if root {
        chown(&file, Some(65534), Some(65534)).unwrap();
    }
    let link = scene.path("link.jwks");
    symlink("idp.jwks", &link).unwrap();
    scene.issuer.answer("/jwks", Answer::json(set(&[&two])));
    scene.write_to(&link).ended(0).said("1 of the issuer's keys");
    assert!(link.is_symlink());
    let replaced = file.metadata().unwrap();
    assert_ne!(replaced.ino(), before.ino(), "it was written into");
    assert_eq!(replaced.mode() & 0o7777, 0o640);
    if root {
        assert_eq!((replaced.uid(), replaced.gid()), (65534, 65534));
    }
    assert_eq!(kids(&fs::read_to_string(&file).unwrap()), ["two"]);

    fs::write(&file, "damaged").unwrap();
    scene.write_to(&file).ended(0).said("1 of the issuer's keys");
    assert_eq!(scene.files(), ["idp.jwks", "link.jwks"]);
}

#[test]
fn s5_a_failure_leaves_the_old_file() {
    let scene = Scene::publishing(&set(&[&key("new")]));
    let file = scene.path("idp.jwks");
    fs::write(&file, "the old one").unwrap();
    // A shell that ignores the signal, so that the write fails as on a full disk.
    let mut shell = Command::new("sh");
    let line = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let keys = scene.command(&["--output", file.to_str().unwrap()]);
    shell.args(["-c", line, "sh"]).arg(keys.get_program()).args(keys.get_args());
    let full = run_with(shell, "").ended(1);
    full.said(&format!("cannot write {}: File too large", file.display()));
    for answer in [Answer::status(500), Answer::json(set(&[]))] {
        scene.issuer.answer("/jwks", answer);
        scene.write_to(&file).ended(1);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "the old one");
    assert_eq!(scene.files(), ["idp.jwks"]);
    scene.issuer.answer("/jwks", Answer::json(set(&[&key("new")])));
    let ran = scene.write_to(Path::new("/proc/idp.jwks")).ended(1);
    assert!(ran.stderr.contains("cannot write /proc/idp.jwks"), "{ran:?}");
    let nowhere = scene.path("missing/idp.jwks");
    scene.write_to(&nowhere).ended(1).said("No such file or directory");
}

#[test]
fn s6_several_at_once() {
    let (one, two) = (set(&[&key("one")]), set(&[&key("two"), &key("three")]));
    let scene = Scene::publishing(&one);
    let file = scene.path("idp.jwks");
    scene.write_to(&file).ended(0);
    let answers = (0..16).map(|i| Answer::json(if i % 2 == 0 { &two } else { &one })).collect();
    scene.issuer.answers("/jwks", answers);
    thread::scope(|scope| {
        let writers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| scene.write_to(&file).ended(0))).collect();
        while !writers.iter().all(|writer| writer.is_finished()) {
            let seen = kids(&fs::read_to_string(&file).unwrap());
            assert!(seen == ["one"] || seen == ["two", "three"], "{seen:?}");
        }
    });
    assert_eq!(scene.files(), ["idp.jwks"]);
}

#[test]
fn s7_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    run(&["keys"]).ended(2).said("required");
    run(&["keys", "[\"https://a\"]"]).ended(2).said("it looks like JSON");
    run(&["keys", "two words"]).ended(2).said("holds a blank");
    run(&["keys", "https://a", "--timeout", "soon"]).ended(2).said("not a length of time");
    let both = ["keys", "https://a", "--alter-system", "--output", at];
    run(&both).ended(2).said("cannot be used with");
    run(&["keys", "https://a", "--ca", at]).ended(1).said("cannot read");
    let scene = Scene::publishing(&set(&[&key("a")]));
    scene.run(&["--output", at]).ended(2).said("is not a regular file");
    scene.run(&["--output", "/dev/null"]).ended(2).said("is not a regular file");
}

#[test]
fn s8_a_hostile_key_set_stays_a_value() {
    let mut evil = key("'; ALTER SYSTEM SET work_mem = '1GB'; --\\");
    evil["note"] = json!("\\! touch \n\u{9b}2J\u{85}:var :'var' $$ \\' \u{20ac} E'\\''");
    let scene = Scene::publishing(&set(&[&evil]));
    let ran = scene.run(&["--alter-system"]).ended(0);
    assert!(ran.stdout.trim_end().chars().all(|c| matches!(c, ' '..='~')), "{ran:?}");
    let cluster = Cluster::builder().start();
    cluster.sql(&ran.stdout);
    cluster.reload();
    let held: Value = serde_json::from_str(&cluster.sql("SHOW jwt_sso.jwks")).unwrap();
    assert_eq!(held, set(&[&evil]));
    assert_eq!(cluster.sql("SHOW work_mem"), "4MB");
    // The other way of reading backslashes.
    let odd = format!("SET standard_conforming_strings = off;\n{}", ran.stdout);
    cluster.sql(&odd);
    cluster.reload();
    assert_eq!(cluster.sql("SHOW work_mem"), "4MB");
    let held: Value = serde_json::from_str(&cluster.sql("SHOW jwt_sso.jwks")).unwrap();
    assert_eq!(held, set(&[&evil]));
}
