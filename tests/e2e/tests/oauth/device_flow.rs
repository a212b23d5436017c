//! psql's own device flow (RFC 8628) against a real OpenID provider, whose keys the server
//! fetches, and somebody at a browser:
//! 1. psql gets its token, and a session whose SYSTEM_USER is the user of the browser
//! 2. the same token's owner is refused as a role that is not his

use std::io::{BufRead, BufReader, Read};
use std::process::Child;

use jwt_sso_e2e::browser::Browser;
use jwt_sso_e2e::oauthbearer::{builder, method, offered};
use jwt_sso_e2e::provider::{DEVICE_CLIENT, RESOURCE, keys};
use jwt_sso_e2e::{Cluster, Provider};
use regex::Regex;

struct World {
    cluster: Cluster,
    provider: Provider,
}

impl World {
    fn start() -> World {
        let provider = Provider::start(&keys("first"));
        let url = provider.url();
        let line = format!("hostssl all all all {}\n", method(&url, "delegate_ident_mapping=1"));
        let cluster = builder(&line).start();
        cluster.sql("CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN");
        let ca = provider.ca_path().display().to_string();
        cluster.configure(&[
            ("jwt_sso.enabled", "on"),
            ("jwt_sso.issuers", &url),
            ("jwt_sso.audience", RESOURCE),
            ("jwt_sso.jwks_auto_fetch_enabled", "on"),
            ("jwt_sso.issuer_custom_ca", &ca),
            ("jwt_sso.identity_map", &format!("{url} alice@corp alice")),
        ]);
        World { cluster, provider }
    }

    /// psql on its way to a login, as far as to the code that it shows.
    fn psql(&self, role: &str, sql: &str) -> Psql {
        let conninfo =
            format!("oauth_issuer={} oauth_client_id={DEVICE_CLIENT}", self.provider.url());
        let ca = self.provider.ca_path().display().to_string();
        // libpq takes another CA in its debug mode only, which shows the traffic on stderr.
        let psql = self.cluster.psql().user(role).uri(&conninfo);
        let psql = psql.env("PGOAUTHDEBUG", "UNSAFE").env("PGOAUTHCAFILE", &ca);
        Psql::waiting_for_its_user(psql.start(sql))
    }

    /// What somebody does who is told to visit a page and to enter a code.
    fn sign_in(&self, psql: &Psql, user: &str) {
        let mut browser = Browser::open(&self.provider.ca_path(), &psql.page);
        browser.submit(&[("user_code", &psql.code)]);
        assert!(browser.page().contains(&psql.code), "{}", browser.page());
        browser.submit(&[]);
        browser.submit(&[("login", user), ("password", "any")]);
        browser.submit(&[]);
        assert!(browser.page().contains("Sign-in Success"), "{}", browser.page());
    }
}

/// psql that has shown its user a page and a code.
struct Psql {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    page: String,
    code: String,
}

impl Psql {
    fn waiting_for_its_user(mut child: Child) -> Psql {
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let prompt = Regex::new(r"Visit (\S+) and enter the code: (\S+)").unwrap();
        let mut said = String::new();
        loop {
            let from = said.len();
            let read = stderr.read_line(&mut said).expect("psql speaks UTF-8");
            assert!(read > 0, "psql asks for nothing:\n{said}");
            if let Some(found) = prompt.captures(&said[from..]) {
                let (page, code) = (found[1].to_owned(), found[2].to_owned());
                return Psql { child, stderr, page, code };
            }
        }
    }

    /// Exit status 0, standard output and the rest of standard error.
    fn end(mut self) -> (bool, String, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        // psql's own words on stdout are few: they fit into the pipe.
        self.stderr.read_to_string(&mut stderr).expect("psql speaks UTF-8");
        self.child.stdout.take().expect("piped").read_to_string(&mut stdout).unwrap();
        let status = self.child.wait().expect("psql ends");
        (status.success(), stdout.trim().to_owned(), stderr)
    }
}

#[test]
fn s1_signed_in() {
    if !offered() {
        return;
    }
    let world = World::start();
    let mark = world.cluster.log_mark();
    let psql = world.psql("alice", "SELECT SYSTEM_USER, current_user");
    assert!(!world.cluster.log_since(mark).contains("jwt_sso: "), "a probe is no login");
    world.sign_in(&psql, "alice@corp");
    let (success, stdout, stderr) = psql.end();
    assert!(success, "{stderr}\n{}", world.cluster.log_tail());
    assert_eq!(stdout, "oauth:alice@corp|alice");
    let line = world.cluster.wait_log(mark, "jwt_sso: accepted door=oauth user=\"alice\" ");
    let issuer = format!(r#" issuer="{}" principal="alice@corp" "#, world.provider.url());
    assert!(line.contains(&issuer), "{line}");
    let log = world.cluster.log_since(mark);
    assert_eq!(log.matches("jwt_sso: accepted").count(), 1, "{log}");
    assert!(!log.contains("jwt_sso: refused"), "{log}");
}

#[test]
fn s2_another_role() {
    if !offered() {
        return;
    }
    let world = World::start();
    let mark = world.cluster.log_mark();
    let psql = world.psql("bob", "SELECT 1");
    world.sign_in(&psql, "alice@corp");
    let (success, stdout, stderr) = psql.end();
    assert!(!success && stdout.is_empty(), "{stdout}");
    let told = "FATAL:  JWT authentication failed for user \"bob\"\n\
                DETAIL:  The token was issued for [\"alice@corp\"], which does not map to the \
                requested role. (reference ";
    assert!(stderr.contains(told), "{stderr}");
    world.cluster.wait_log(mark, "jwt_sso: refused reason=role_not_mapped .* door=oauth ");
}
