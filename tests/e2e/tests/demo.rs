//! What `make demo` runs:
//! 1. it ends well, shows the logins before and after a change of key and without the provider,
//!    at least six refusals, no whole token, and leaves nothing
//! 2. with `KEEP=1` the commands that it prints work: the login, and the one that stops the server

use std::path::Path;
use std::process::Command;

use jwt_sso_e2e::installation::output_of;
use regex::Regex;

fn demo() -> Command {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    demo.env_remove("KEEP");
    demo
}

/// The data directory that the first line names.
fn data_directory(screen: &str) -> &Path {
    let (first, _) = screen.split_once('\n').expect("more than one line");
    Path::new(first.rsplit(' ').next().expect("a last word"))
}

#[test]
fn s1_shows_and_leaves_nothing() {
    let screen = output_of(&mut demo());
    let kids = Regex::new(r#"LOG:  jwt_sso: accepted door=hook .* kid="([^"]*)""#).unwrap();
    let kids: Vec<_> = kids.captures_iter(&screen).map(|found| found[1].to_owned()).collect();
    assert_eq!(kids, ["demo-1", "demo-2", "demo-2"], "{screen}");
    assert!(screen.contains("the last good ones serve until"), "{screen}");
    for reason in [
        "expired",
        "audience_mismatch",
        "unknown_key",
        "bad_signature",
        "role_not_mapped",
        "insecure_transport",
    ] {
        let line = format!("LOG:  jwt_sso: refused reason={reason} ");
        assert_eq!(screen.matches(&line).count(), 1, "{reason}: {screen}");
    }
    let token = Regex::new(r"eyJ[A-Za-z0-9_-]+\.").unwrap();
    assert!(!token.is_match(&screen), "{screen}");
    let summary = screen.lines().next_back().unwrap();
    assert!(summary.starts_with("Shown: "), "{summary}");
    assert!(data_directory(&screen).is_absolute(), "{screen}");
    assert!(!data_directory(&screen).exists(), "{screen}");
}

#[test]
fn s2_keeps() {
    let screen = output_of(demo().env("KEEP", "1"));
    // Whatever does not hold is told after the server is stopped.
    let command = |part: &str| screen.lines().rfind(|line| line.contains(part));
    let typed = |line: Option<&str>| line?.strip_prefix("$ ").map(str::to_owned);
    let export = typed(command("$ export ")).unwrap_or_default();
    let login = typed(command("alice.jwt")).unwrap_or_default();
    let psql = format!("{export}; {login} -XAtc 'SELECT current_user'");
    let entered = Command::new("sh").args(["-c", &psql]).output().unwrap();
    let stop = typed(command(" stop && ")).expect("a command that stops the server");
    output_of(Command::new("sh").args(["-c", &stop]));

    assert_eq!(String::from_utf8_lossy(&entered.stdout), "alice\n", "{psql}\n{entered:?}");
    assert!(!data_directory(&screen).exists(), "{screen}");
}
