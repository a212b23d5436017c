//! `--file`, `--command`, and what is no token:
//! 1. a file is read anew each time and never kept
//! 2. a file that is missing, empty or endless
//! 3. a command's output; its standard error and its status count
//! 4. a command that does not end
//! 5. each kind of thing that is no token is told apart, and none is shown
//! 6. one source and no more; none at all

use jwt_sso_e2e::Issuer;

use crate::scene::{Home, some_token, text};

#[test]
fn s1_read_anew() {
    let home = Home::new();
    for subject in ["system:serviceaccount:app:one", "system:serviceaccount:app:two"] {
        let token = some_token(subject);
        let path = home.write("token", &format!("{token}\n"));
        assert_eq!(home.token(&["--file", text(&path)]).end().token(), token);
    }
    assert!(home.kept().is_empty());
}

#[test]
fn s2_no_file() {
    let home = Home::new();
    let missing = home.path("missing");
    let said = home.token(&["--file", text(&missing)]).end();
    let told = format!("cannot read the token in {}: No such file", missing.display());
    assert!(said.failed(1).contains(&told), "{said:?}");
    let empty = home.write("empty", " \n");
    let said = home.token(&["--file", text(&empty)]).end();
    assert!(
        said.failed(1).contains(&format!("the token in {} is empty", empty.display())),
        "{said:?}"
    );
    let said = home.token(&["--file", "/dev/zero"]).end();
    assert!(said.failed(1).contains("the token in /dev/zero is of no use"), "{said:?}");
}

#[test]
fn s3_command() {
    let home = Home::new();
    let token = some_token("alice");
    let path = home.write("token", &format!("\n{token}\n"));
    let command = format!("echo hello >&2; cat '{}'", path.display());
    let said = home.token(&["--command", &command]).end();
    assert_eq!(said.token(), token);
    assert_eq!(said.stderr, "hello\n");

    let said = home.token(&["--no-cache", "--command", &format!("{command}; exit 3")]).end();
    let stderr = said.failed(1);
    assert!(stderr.contains("the command for the token failed: exit status: 3"), "{stderr}");
    assert!(!stderr.contains(&token), "{stderr}");

    let said = home.token(&["--command", "no-such-program-anywhere"]).end();
    assert!(said.failed(1).contains("exit status: 127"), "{said:?}");
}

#[test]
fn s4_command_without_end() {
    let said = Home::new().token(&["--timeout", "1", "--command", "exec sleep 600"]).end();
    let stderr = said.failed(1);
    assert!(stderr.contains("did not end in time") && stderr.contains("--timeout"), "{stderr}");
}

#[test]
fn s5_no_token() {
    let issuer = Issuer::example();
    let token = || issuer.token("alice");
    let encrypted = "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d".to_owned();
    for (found, told) in [
        ("2YotnFZFEjr1zCsicMWpAA".to_owned(), "it is opaque"),
        (encrypted, "it is encrypted (a JWE)"),
        (token().claim("exp", 1_300_819_380).sign(), "it expired at 2011-03-22T18:43:00Z"),
        (token().without("exp").sign(), "it has no exp"),
        (token().claim("exp", "soon").sign(), "a server would refuse it as invalid_claim"),
        (token().header("alg", "HS256").sign(), "it is signed with HS256"),
        (token().header("alg", "none").sign(), "it is signed with none"),
        (token().header("typ", "logout+jwt").sign(), "it is no JWT: its typ is logout+jwt"),
        (token().padded(70_000), "it is no JWT: 70000 bytes are too long for a password"),
        (format!("{}\n{}", token().sign(), token().sign()), "it is more than one word"),
        ("a.b.c".to_owned(), "it is no JWT: the header is not base64url"),
    ] {
        let home = Home::new();
        let path = home.write("token", &found);
        let said = home.token(&["--command", &format!("cat '{}'", path.display())]).end();
        let stderr = said.failed(1);
        let told = format!("error: what the command printed is of no use: {told}");
        assert!(stderr.contains(&told), "{told}: {stderr}");
        let part = found.rsplit('.').next().unwrap_or_default();
        assert!(part.len() < 9 || !stderr.contains(part), "{stderr}");
        assert!(home.kept().is_empty());
    }
}

#[test]
fn s6_one_source() {
    let home = Home::new();
    let said = home.token(&[]).end();
    let stderr = said.failed(2);
    assert!(stderr.contains("nothing says where the token comes from"), "{stderr}");
    let said = home.token(&["--device", "--file", "x"]).end();
    assert!(said.failed(2).contains("cannot be used with"), "{said:?}");
    let said = home.token(&["--device", "--client-id", "x"]).end();
    assert!(said.failed(2).contains("the source device needs --issuer"), "{said:?}");
}
