//! `--browser` (RFC 8252, PKCE):
//! 1. somebody signs in at the real provider, whose way back is a port of the system's choice
//! 2. what comes with another state is turned away, and the sign-in goes on
//! 3. only one answer is taken, and the page after it is plain
//! 4. a provider's refusal is told, and another provider's answer is refused (RFC 9207)
//! 5. an ID token without our nonce is refused
//! 6. a port that is taken is named; nobody comes in time
//! 7. the URL holds the challenge and never the verifier, which the token request has

use std::net::TcpListener;
use std::process::Command;

use jwt_sso_e2e::Provider;
use jwt_sso_e2e::browser::Browser;
use jwt_sso_e2e::provider::{COMMAND_CLIENT, keys};
use serde_json::json;
use url::Url;

use crate::oidc_double::{OidcDouble, error, tokens};
use crate::scene::{Home, Started, claims, text};

/// The URL that the command shows.
pub fn shown(started: &mut Started) -> Url {
    let line = started.line("Sign in at ");
    Url::parse(line.split_whitespace().last().expect("a URL")).expect("a URL")
}

fn field(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

/// Goes back with these fields; status and page.
fn come_back(url: &Url, fields: &[(&str, &str)]) -> (String, String) {
    let mut back = Url::parse(&field(url, "redirect_uri").expect("a way back")).expect("a URL");
    assert_eq!((back.scheme(), back.host_str()), ("http", Some("127.0.0.1")));
    back.query_pairs_mut().extend_pairs(fields);
    let mut curl = Command::new("curl");
    curl.args(["-q", "-s", "--noproxy", "*", "-i", back.as_str()]);
    let output = curl.output().expect("curl runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (text.lines().next().unwrap_or_default().to_owned(), text)
}

fn start(home: &Home, double: &OidcDouble) -> (Started, Url) {
    let mut arguments = double.arguments("--browser");
    arguments.push("--no-open");
    let mut started = home.token(&arguments).start();
    let url = shown(&mut started);
    (started, url)
}

fn silent() -> OidcDouble {
    OidcDouble::start(json!({}), |_, _, _| error("server_error", "must not be asked"))
}

#[test]
fn s1_signed_in() {
    for host in ["127.0.0.1", "localhost"] {
        signed_in(host);
    }
}

fn signed_in(host: &str) {
    let (provider, home) = (Provider::start(&keys("first")), Home::new());
    let (issuer, ca) = (provider.url(), provider.ca_path());
    let arguments = [
        "--browser",
        "--no-open",
        "--redirect-host",
        host,
        "--issuer",
        &issuer,
        "--client-id",
        COMMAND_CLIENT,
        "--ca",
        text(&ca),
    ];
    let mut started = home.token(&arguments).start();
    let url = shown(&mut started);
    let way_back = field(&url, "redirect_uri").expect("a way back");
    assert!(way_back.starts_with(&format!("http://{host}:")), "{way_back}");
    let mut browser = Browser::open(&ca, url.as_str());
    browser.submit(&[("login", "alice@corp"), ("password", "any")]);
    browser.submit(&[]);
    assert!(browser.page().contains("handed to jwt-sso"), "{}", browser.page());
    let said = started.end();
    let claims = claims(said.token());
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!("alice@corp"), &json!(COMMAND_CLIENT)));
    assert_eq!(claims["nonce"], json!(field(&url, "nonce").expect("a nonce")));
}

#[test]
fn s2_another_state() {
    let home = Home::new();
    let double = silent();
    let (started, url) = start(&home, &double);
    for fields in [
        vec![("code", "stolen"), ("state", "x")],
        vec![("code", "stolen")],
        vec![("error", "access_denied"), ("state", "")],
    ] {
        let (status, page) = come_back(&url, &fields);
        assert!(status.contains("400") && page.contains("Not this sign-in"), "{page}");
    }
    assert!(double.asked("/token").is_empty());
    // It still waits, for the right one.
    let state = field(&url, "state").expect("a state");
    come_back(&url, &[("code", "right"), ("state", &state)]);
    let said = started.end();
    assert!(said.failed(1).contains("must not be asked"), "{said:?}");
    assert_eq!(double.asked("/token")[0].field("code"), Some("right"));
}

#[test]
fn s3_one_answer() {
    let home = Home::new();
    let double = silent();
    let (started, url) = start(&home, &double);
    let state = field(&url, "state").expect("a state");
    let (status, page) = come_back(&url, &[("code", "once"), ("state", &state)]);
    assert!(status.contains("200"), "{status}");
    assert!(page.contains("content-security-policy: default-src 'none'"), "{page}");
    assert!(page.contains("cache-control: no-store"), "{page}");
    let (status, _) = come_back(&url, &[("code", "twice"), ("state", &state)]);
    // Closed already, or not any more for this.
    assert!(status.is_empty() || status.contains("410"), "{status}");
    started.end();
    let codes: Vec<_> =
        double.asked("/token").iter().map(|r| r.field("code").map(str::to_owned)).collect();
    assert_eq!(codes, [Some("once".to_owned())]);
}

#[test]
fn s4_refused() {
    let home = Home::new();
    let double = silent();
    let promise = json!({"authorization_response_iss_parameter_supported": true});
    let naming = OidcDouble::start(promise, |_, _, _| error("server_error", ""));
    for (double, fields, told) in [
        (
            &double,
            vec![("error", "access_denied"), ("error_description", "no \u{1b}[31mway")],
            "the provider refused the sign-in: access_denied no \\u001b[31mway",
        ),
        (
            &double,
            vec![("code", "c"), ("iss", "https://evil.example")],
            "the answer is from another provider: it names https://evil.example",
        ),
        (&double, vec![], "the answer holds no code"),
        (&naming, vec![("code", "c")], "the answer does not name its provider"),
    ] {
        let (started, url) = start(&home, double);
        let state = field(&url, "state").expect("a state");
        let mut fields = fields;
        fields.push(("state", &state));
        let (status, page) = come_back(&url, &fields);
        assert!(status.contains("400") && page.contains("The sign-in failed"), "{page}");
        assert!(!page.contains("evil") && !page.contains("access_denied"), "{page}");
        let said = started.end();
        assert!(said.failed(1).contains(told), "{said:?}");
    }
    assert!(double.asked("/token").is_empty() && naming.asked("/token").is_empty());
}

#[test]
fn s5_another_nonce() {
    for nonce in [None, Some("of another sign-in")] {
        let double = OidcDouble::start(json!({}), move |issuer, _, _| {
            let token = issuer.token("alice");
            let token = match nonce {
                Some(nonce) => token.claim("nonce", nonce),
                None => token,
            };
            tokens("opaque", Some(&token.sign()))
        });
        let home = Home::new();
        let (started, url) = start(&home, &double);
        let state = field(&url, "state").expect("a state");
        come_back(&url, &[("code", "c"), ("state", &state)]);
        let said = started.end();
        assert!(said.failed(1).contains("Invalid nonce"), "{said:?}");
        assert!(home.kept().is_empty());
    }
}

#[test]
fn s6_no_way_back() {
    let home = Home::new();
    let double = silent();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut arguments = double.arguments("--browser");
    arguments.extend(["--no-open", "--redirect-port", &port]);
    let said = home.token(&arguments).end();
    let told = format!("cannot listen on 127.0.0.1:{port} for the browser: Address already in use");
    assert!(said.failed(1).contains(&told), "{said:?}");

    let mut arguments = double.arguments("--browser");
    arguments.extend(["--no-open", "--timeout", "1"]);
    let said = home.token(&arguments).end();
    assert!(said.failed(1).contains("nobody signed in in time"), "{said:?}");
}

#[test]
fn s7_pkce() {
    let home = Home::new();
    let double = silent();
    let mut arguments = double.arguments("--browser");
    arguments.extend([
        "--no-open",
        "--scope",
        "openid offline_access",
        "--resource",
        "postgres://db",
    ]);
    let mut started = home.token(&arguments).start();
    let url = shown(&mut started);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "cli"),
        ("scope", "openid offline_access"),
        ("prompt", "consent"),
        ("resource", "postgres://db"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(field(&url, name).as_deref(), Some(value), "{url}");
    }
    let state = field(&url, "state").expect("a state");
    come_back(&url, &[("code", "c"), ("state", &state)]);
    started.end();
    let [asked] = double.asked("/token").try_into().unwrap();
    let verifier = asked.field("code_verifier").expect("a verifier");
    assert!(verifier.len() >= 43 && !url.as_str().contains(verifier), "{verifier}");
    assert_eq!(asked.field("redirect_uri"), field(&url, "redirect_uri").as_deref());
    assert_eq!(asked.field("resource"), Some("postgres://db"));
}
