//! What is kept:
//! 1. a token is asked for once, and once more with --force; its file and folder are its owner's alone
//! 2. other options are another token, and so is a command in another folder or environment
//! 3. one that ends soon is asked for anew, a tenth of its lifetime before its end
//! 4. --no-cache neither takes nor keeps
//! 5. a file that others may read, that is somebody else's, a link or no JSON is passed over
//! 6. a folder that others may use, or that cannot be made, keeps nothing; the token is printed
//! 7. of two at once, one asks, and the other gets the same; a killed one does not block the next
//! 8. --clear-cache

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;
use std::sync::Arc;
use std::thread;

use jwt_sso_e2e::Issuer;

use crate::scene::{Home, Run, some_token};

/// A command that counts how often it is run, and prints another token each time.
struct Counted {
    home: Home,
    command: String,
}

impl Counted {
    /// `lifetime` is that of the tokens, in seconds.
    fn new(lifetime: u64) -> Counted {
        let home = Home::new();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let exp = now.as_secs() + lifetime;
        for number in 1..=4 {
            let token = Issuer::example().token(&format!("user{number}")).claim("exp", exp).sign();
            home.write(&format!("token{number}"), &token);
        }
        let folder = home.path("");
        let folder = folder.display();
        let command = format!(
            "echo run >> '{folder}/runs'; cat '{folder}/token'$(grep -c run '{folder}/runs')"
        );
        Counted { home, command }
    }

    fn run(&self, more: &[&str]) -> Run {
        self.home.token(&[&["--command", &self.command], more].concat())
    }

    fn token(&self, more: &[&str]) -> String {
        self.run(more).end().token().to_owned()
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.home.path("runs")).unwrap_or_default().lines().count()
    }
}

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn s1_kept() {
    let counted = Counted::new(3600);
    let first = counted.token(&[]);
    assert_eq!(counted.token(&[]), first);
    assert_eq!(counted.runs(), 1);
    assert_eq!(mode(&counted.home.the_kept()), 0o600);
    assert_eq!(mode(&counted.home.path("cache/jwt-sso")), 0o700);
    let second = counted.token(&["--force"]);
    assert_ne!(second, first);
    assert_eq!((counted.token(&[]), counted.runs()), (second, 2));
}

#[test]
fn s2_another_environment() {
    // As a job of GitLab CI, whose token is in a variable, on a runner of several projects.
    let home = Home::new();
    let print = ["--command", "printenv DB_TOKEN"];
    for subject in ["alice", "bob"] {
        let token = some_token(subject);
        let said = home.token(&print).env("DB_TOKEN", &token).end();
        assert_eq!(said.token(), token);
    }
}

#[test]
fn s2_other_options() {
    let counted = Counted::new(3600);
    let first = counted.token(&[]);
    assert_ne!(counted.token(&["--audience", "other"]), first);
    assert_eq!((counted.token(&[]), counted.runs()), (first.clone(), 2));
    assert_eq!(counted.home.kept().len(), 2);
    let mut elsewhere = counted.run(&[]);
    elsewhere.0.current_dir("/");
    assert_ne!(elsewhere.end().token(), first);
}

#[test]
fn s3_before_the_end() {
    let counted = Counted::new(200);
    let first = counted.token(&[]);
    let path = counted.home.the_kept();
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let obtained = kept["obtained"].as_u64().unwrap();
    // As if it had come long ago: 200 seconds are left of 1,900, and of 2,200.
    for (ago, is_kept) in [(1_700, true), (2_000, false)] {
        let mut older = kept.clone();
        older["obtained"] = (obtained - ago).into();
        fs::write(&path, older.to_string()).unwrap();
        assert_eq!(counted.token(&[]) == first, is_kept, "{ago}");
    }
    // As if it were of tomorrow: the clock went back.
    let mut later = kept.clone();
    later["obtained"] = (obtained + 86_400).into();
    fs::write(&path, later.to_string()).unwrap();
    assert_ne!(counted.token(&[]), first);
    assert_eq!(counted.runs(), 3);
}

#[test]
fn s4_no_cache() {
    let counted = Counted::new(3600);
    let first = counted.token(&["--no-cache"]);
    assert!(counted.home.kept().is_empty());
    let second = counted.token(&[]);
    assert_ne!(second, first);
    assert_ne!(counted.token(&["--no-cache"]), second);
    assert_eq!((counted.token(&[]), counted.runs()), (second, 3));
}

#[test]
fn s5_files_that_are_not_ours() {
    let counted = Counted::new(3600);
    let first = counted.token(&[]);
    let path = counted.home.the_kept();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let said = counted.run(&[]).end();
    let second = said.token().to_owned();
    assert_ne!(second, first);
    let warning =
        format!("warning: {} is passed over: others may use it (mode 640)", path.display());
    assert!(said.stderr.contains(&warning), "{}", said.stderr);
    assert_eq!((mode(&path), counted.token(&[])), (0o600, second));

    let elsewhere = counted.home.write("elsewhere", "{}");
    fs::remove_file(&path).unwrap();
    symlink(&elsewhere, &path).unwrap();
    let said = counted.run(&[]).end();
    let third = said.token().to_owned();
    assert!(said.stderr.contains("is passed over"), "{}", said.stderr);
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "{}", "not written through the link");
    assert_eq!(counted.token(&[]), third);

    fs::write(&path, "{\"token\":\"s3cr3t").unwrap();
    let said = counted.run(&[]).end();
    said.token();
    assert!(said.stderr.contains("it is not what jwt-sso writes"), "{}", said.stderr);
    assert!(!said.stderr.contains("s3cr3t"));
}

#[test]
fn s6_folders_that_are_not_ours() {
    let counted = Counted::new(3600);
    fs::create_dir_all(counted.home.path("cache/jwt-sso")).unwrap();
    fs::set_permissions(counted.home.path("cache/jwt-sso"), Permissions::from_mode(0o777)).unwrap();
    let said = counted.run(&[]).end();
    said.token();
    assert!(said.stderr.contains("cannot keep tokens: others may use it (mode 777)"), "{said:?}");
    assert!(counted.home.kept().is_empty());

    let counted = Counted::new(3600);
    counted.home.write("cache", "a file in its place");
    let said = counted.run(&[]).end();
    said.token();
    assert!(
        said.stderr.contains("warning: ") && said.stderr.contains("cannot keep tokens"),
        "{said:?}"
    );
}

#[test]
fn s7_two_at_once() {
    let counted = Arc::new(Counted::new(3600));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let counted = counted.clone();
            thread::spawn(move || counted.token(&[]))
        })
        .collect();
    let tokens: Vec<String> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert_eq!(counted.runs(), 1);

    let home = Home::new();
    let (started, end) = (home.path("started"), home.path("end"));
    let wait = format!("while [ ! -e '{}' ]; do sleep 0.1; done", end.display());
    let command = format!("touch '{}'; {wait}", started.display());
    let mut killed = home.token(&["--command", &command]).0;
    let mut killed = killed.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !started.exists() {
        thread::sleep(std::time::Duration::from_millis(10));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    // What it had started goes on, and holds no lock.
    let said = home.token(&["--timeout", "1", "--command", &command]).end();
    fs::write(end, "").unwrap();
    assert!(said.failed(1).contains("did not end in time"), "{said:?}");
    assert!(!said.stderr.contains("Another jwt-sso"), "{said:?}");
}

#[test]
fn s8_clear() {
    let home = Home::new();
    let said = home.token(&["--clear-cache"]).end();
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), "There were no tokens.\n"));
    let token = some_token("alice");
    let path = home.write("token", &token);
    let command = format!("cat '{}'", path.display());
    home.token(&["--command", &command]).end().token();
    let said = home.token(&["--clear-cache"]).end();
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""));
    assert_eq!(said.stderr, "Removed 1 of them.\n");
    assert!(home.kept().is_empty());
}
