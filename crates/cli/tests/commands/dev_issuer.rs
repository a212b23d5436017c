//! `jwt-sso dev-issuer`:
//! 1. what it prints, run by psql, makes a server that its tokens log in to
//! 2. `token` and its flags; the token endpoint, asked by curl as by openidconnect
//! 3. new keys by SIGHUP and by `rotate`
//! 4. it listens on loopback only
//! 5. SIGINT and SIGTERM end it, and a temporary folder with it; a named one stays, with its keys
//! 6. two on one folder, folders without an issuer
//! 7. it says loudly what it is for

use crate::program::{Ran, program, run, run_with};
use jwt_sso_e2e::{Client, Cluster};
use openidconnect::core::CoreProviderMetadata;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// One that runs; killed where the test fails.
struct Running {
    child: Child,
    /// What it printed.
    sql: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Running {
        let mut command = program(&["dev-issuer"]);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut sql = String::new();
        while !sql.contains("pg_reload_conf") {
            let read = output.read_line(&mut sql).unwrap();
            assert!(read > 0, "it has ended: {sql}");
        }
        Running { child, sql }
    }

    fn said(&self, what: &str) -> String {
        let line = self.sql.lines().find_map(|line| line.strip_prefix(&format!("-- {what} ")));
        line.unwrap_or_else(|| panic!("no {what} in {}", self.sql)).trim().to_owned()
    }

    fn url(&self) -> String {
        self.said("issuer")
    }

    fn ca(&self) -> PathBuf {
        PathBuf::from(self.said("CA").trim_end_matches(" (removed at the end)"))
    }

    fn folder(&self) -> PathBuf {
        self.ca().parent().unwrap().to_owned()
    }

    fn token(&self, more: &[&str]) -> Ran {
        let mut command = program(&["dev-issuer", "token", "--subject", "alice", "--dir"]);
        command.arg(self.folder()).args(more);
        run_with(command, "")
    }

    fn claims(&self, more: &[&str]) -> Value {
        claims(&self.token(more).ended(0).stdout)
    }

    /// curl with these arguments, at a path of the issuer.
    fn curl(&self, path: &str, arguments: &[&str]) -> Value {
        let mut curl = Command::new("curl");
        curl.args(["-q", "--noproxy", "*", "-sS", "--cacert"]).arg(self.ca()).args(arguments);
        let ran = run_with(
            {
                curl.arg(format!("{}{path}", self.url()));
                curl
            },
            "",
        )
        .ended(0);
        serde_json::from_str(&ran.stdout).unwrap()
    }

    fn kids(&self) -> Vec<String> {
        let set = self.curl("/jwks", &[]);
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Its exit code, and what it said on standard error.
    fn end(mut self, signal: Signal) -> (Option<i32>, String) {
        self.signal(signal);
        let status = self.child.wait().unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (status.code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gracefully, since its folder is to go with it.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.signal(Signal::TERM);
            self.child.wait().ok();
        }
    }
}

fn claims(token: &str) -> Value {
    let ran = run_with(program(&["inspect", "--json"]), token).ended(0);
    serde_json::from_str::<Value>(&ran.stdout).unwrap()["claims"].clone()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn s1_a_login() {
    let issuer = Running::start(&["--alg", "PS256", "--alg", "EdDSA"]);
    let cluster = Cluster::builder().start();
    cluster.sql("CREATE ROLE alice LOGIN; CREATE ROLE \"svc/a\" LOGIN");
    cluster.sql("CREATE EXTENSION jwt_sso");
    cluster.sql(&issuer.sql);
    cluster.reload();
    for alg in ["PS256", "EdDSA"] {
        let token = issuer.token(&["--alg", alg]).ended(0).stdout;
        Client::new(&cluster, "alice").login(token.trim_end()).session();
    }
    let answer =
        issuer.curl("/token", &["-u", "svc%2Fa:any", "-d", "grant_type=client_credentials"]);
    Client::new(&cluster, "svc/a").login(answer["access_token"].as_str().unwrap()).session();
    issuer.signal(Signal::HUP);
    let old = issuer.kids();
    cluster.until("the new keys", || issuer.kids().len() > 2 || old.len() > 2);
    let token = issuer.token(&[]).ended(0).stdout;
    Client::new(&cluster, "alice").login(token.trim_end()).session();
    // The keys that it publishes are those that a setting takes, too.
    let keys = run(&["keys", &issuer.url(), "--ca", text(&issuer.ca())]).ended(0);
    cluster.alter_system("jwt_sso.jwks", keys.stdout.trim_end());
}

#[test]
fn s2_tokens() {
    let issuer = Running::start(&["--audience", "db", "--expires-in", "10m"]);
    let plain = issuer.claims(&[]);
    assert_eq!((&plain["aud"], &plain["sub"]), (&json!("db"), &json!("alice")));
    assert_eq!(plain["exp"].as_u64().unwrap() - plain["iat"].as_u64().unwrap(), 3600);
    let flags = [
        "--audience",
        "a",
        "--audience",
        "b",
        "--claim",
        "email=a=b",
        "--claim-json",
        "groups=[\"x\"]",
        "--claim-json",
        "iat=null",
        "--expires-in",
        "90s",
    ];
    let rich = issuer.claims(&flags);
    assert_eq!(rich["aud"], json!(["a", "b"]));
    assert_eq!((&rich["email"], &rich["groups"]), (&json!("a=b"), &json!(["x"])));
    assert_eq!(rich.get("iat"), None);
    issuer.token(&["--claim", "nothing"]).ended(2).said("is no claim");
    issuer.token(&["--claim-json", "a=b"]).ended(2).said("is not JSON");
    issuer.token(&["--alg", "RS256"]).ended(2).said("has keys of ES256 only");
    issuer.token(&["--alg", "HS256"]).ended(2).said("there are RS256");

    let grant = "grant_type=client_credentials";
    let post = ["-d", grant, "-d", "client_id=bob", "-d", "audience=x", "-d", "scope=openid"];
    let answer = issuer.curl("/token", &post);
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(answer["id_token"], answer["access_token"]);
    let answer = claims(answer["access_token"].as_str().unwrap());
    assert_eq!((&answer["sub"], &answer["aud"]), (&json!("bob"), &json!("x")));
    for (form, error) in [
        (&["-d", "grant_type=password", "-d", "client_id=a"][..], "unsupported_grant_type"),
        (&["-d", grant], "invalid_client"),
    ] {
        assert_eq!(issuer.curl("/token", form)["error"], error);
    }
    assert_eq!(issuer.curl("/authorize", &[])["error"], "unsupported_response_type");
    let metadata = issuer.curl("/.well-known/openid-configuration", &[]);
    let typed: CoreProviderMetadata = serde_json::from_value(metadata).unwrap();
    assert_eq!(typed.issuer().as_str(), issuer.url());
    assert!(typed.token_endpoint().is_some());
}

#[test]
fn s3_new_keys() {
    let issuer = Running::start(&["--alg", "ES256", "--alg", "ES384"]);
    let first = issuer.kids();
    assert_eq!(first.len(), 2);
    let folder = issuer.folder();
    let rotate = ["dev-issuer", "rotate", "--dir", text(&folder)];
    let ran = run(&rotate).ended(0);
    let second = issuer.kids();
    assert_eq!(second.len(), 4);
    assert_eq!(second[2..], first);
    assert!(ran.stderr.contains(&second[0]), "{ran:?}");
    let header = run_with(program(&["inspect"]), issuer.token(&[]).stdout).ended(0).stdout;
    assert!(header.contains(&second[0]), "{header}");
    run(&[&rotate[..], &["--withdraw"]].concat()).ended(0);
    let third = issuer.kids();
    assert_eq!(third.len(), 2);
    assert!(third.iter().all(|kid| !second.contains(kid)));
}

#[test]
fn s4_loopback_only() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[2001:db8::1]:443"] {
        run(&["dev-issuer", "--listen", address]).ended(2).said("is not loopback");
    }
    run(&["dev-issuer", "--listen", "localhost:0"]).ended(2);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    run(&["dev-issuer", "--listen", &address]).ended(1).said("cannot listen on 127.0.0.1:");
    let other = Running::start(&["--listen", "127.0.0.2:0"]);
    assert!(other.url().starts_with("https://127.0.0.2:"), "{}", other.url());
    assert_eq!(other.kids().len(), 1);
}

#[test]
fn s5_the_end() {
    for signal in [Signal::INT, Signal::TERM] {
        let issuer = Running::start(&[]);
        let folder = issuer.folder();
        let address = issuer.url().replace("https://localhost", "127.0.0.1");
        assert!(folder.join("ca.pem").exists());
        assert_eq!(issuer.end(signal).0, Some(0));
        assert!(!folder.exists(), "{}", folder.display());
        assert!(TcpStream::connect(address).is_err());
    }
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("idp");
    let issuer = Running::start(&["--dir", text(&folder)]);
    let kids = issuer.kids();
    assert_eq!(issuer.end(Signal::TERM).0, Some(0));
    let mode = |name: &str| fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("ca.pem"), mode("issuer.json")), (0o644, 0o600));
    let old_ca = parent.path().join("old.pem");
    fs::copy(folder.join("ca.pem"), &old_ca).unwrap();
    let again = Running::start(&["--dir", text(&folder)]);
    assert_eq!(again.kids(), kids);
    run(&["keys", &again.url(), "--ca", text(&old_ca)]).ended(0);
}

#[test]
fn s6_folders() {
    let issuer = Running::start(&[]);
    let folder = issuer.folder();
    let second = ["dev-issuer", "--dir", text(&folder)];
    run(&second).ended(1).said("another issuer runs on");
    let empty = tempfile::tempdir().unwrap();
    let at = text(empty.path());
    run(&["dev-issuer", "rotate", "--dir", at]).ended(2).said("there is no issuer in");
    let token = ["dev-issuer", "token", "--subject", "a", "--dir"];
    run(&[&token[..], &[at]].concat()).ended(2).said("there is no issuer in");
    run(&token[..4]).ended(2).said("--dir");
    fs::write(empty.path().join("issuer.json"), "{}").unwrap();
    run(&[&token[..], &[at]].concat()).ended(1).said("cannot read");
}

#[test]
fn s7_loudly() {
    let issuer = Running::start(&[]);
    assert!(issuer.sql.starts_with("-- FOR DEVELOPMENT ONLY"), "{}", issuer.sql);
    let metadata = issuer.curl("/.well-known/openid-configuration", &[]);
    assert_eq!(metadata["for_development_only"], true);
    assert!(issuer.kids().iter().all(|kid| kid.starts_with("dev-")));
    let answer = issuer
        .curl("/token", &["-d", "grant_type=client_credentials", "-d", "client_id=\u{1b}[2J"]);
    let token = answer["access_token"].as_str().unwrap().to_owned();
    let (_, said) = issuer.end(Signal::TERM);
    assert!(said.starts_with("FOR DEVELOPMENT ONLY"), "{said}");
    assert!(said.contains(r#"a token for "\u001b[2J""#), "{said}");
    assert!(!said.contains(token.rsplit('.').next().unwrap()), "{said}");
    let help = run(&["dev-issuer", "--help"]).ended(0).stdout;
    assert!(help.contains("FOR DEVELOPMENT ONLY"), "{help}");
    // The server's user can read the CA: a folder of mode 0755, a file of mode 0644.
    let issuer = Running::start(&[]);
    let mode = fs::metadata(issuer.folder()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o755);
}
