//! `--device` (RFC 8628):
//! 1. somebody signs in at the real provider's page, and the ID token is printed
//! 2. the access token of the same flow, for a resource
//! 3. a provider that asks to slow down, and to wait, gets what it asks for
//! 4. a refusal, an expired code and a provider's own error are told apart
//! 5. control characters from the provider reach no terminal
//! 6. an ID token for another client, or of another issuer, is refused
//! 7. without a device endpoint there is a hint

use std::sync::atomic::{AtomicUsize, Ordering};

use jwt_sso_e2e::Provider;
use jwt_sso_e2e::browser::Browser;
use jwt_sso_e2e::provider::{COMMAND_CLIENT, RESOURCE, keys};
use serde_json::{Value, json};

use crate::oidc_double::{OidcDouble, codes, error, tokens};
use crate::scene::{Home, Said, Started, claims, text};

/// Somebody at the page and the code that the command shows.
pub fn sign_in(provider: &Provider, started: &mut Started, user: &str) {
    let line = started.line("Sign in at ");
    let words: Vec<&str> = line.split_whitespace().collect();
    let (page, code) = (words[3], words[words.len() - 1]);
    let complete = started.line("or at ");
    assert!(complete.contains(&format!("{page}?user_code={code}")), "{complete}");
    let mut browser = Browser::open(&provider.ca_path(), page);
    browser.submit(&[("user_code", code)]);
    browser.submit(&[]);
    browser.submit(&[("login", user), ("password", "any")]);
    browser.submit(&[]);
    assert!(browser.page().contains("Sign-in Success"), "{}", browser.page());
}

fn run(home: &Home, double: &OidcDouble) -> Said {
    home.token(&double.arguments("--device")).end()
}

#[test]
fn s1_signed_in() {
    let (provider, home) = (Provider::start(&keys("first")), Home::new());
    let (issuer, ca) = (provider.url(), provider.ca_path());
    let mut started = home
        .token(&["--device", "--issuer", &issuer, "--client-id", COMMAND_CLIENT, "--ca", text(&ca)])
        .start();
    sign_in(&provider, &mut started, "alice@corp");
    let said = started.end();
    let claims = claims(said.token());
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!("alice@corp"), &json!(COMMAND_CLIENT)));
    assert_eq!(claims["iss"], json!(issuer));
    assert!(!said.stderr.contains("\x1b["), "no colours without a terminal: {}", said.stderr);
}

#[test]
fn s2_access_token() {
    let (provider, home) = (Provider::start(&keys("first")), Home::new());
    let (issuer, ca) = (provider.url(), provider.ca_path());
    let arguments = [
        "--device",
        "--issuer",
        &issuer,
        "--client-id",
        COMMAND_CLIENT,
        "--ca",
        text(&ca),
        "--use-token",
        "access_token",
        "--resource",
        RESOURCE,
        "--scope",
        "openid db:connect",
    ];
    let mut started = home.token(&arguments).start();
    sign_in(&provider, &mut started, "alice@corp");
    let said = started.end();
    assert_eq!(claims(said.token())["aud"], json!(RESOURCE));
}

#[test]
fn s3_patience() {
    let (asked, home) = (AtomicUsize::new(0), Home::new());
    let double = OidcDouble::start(json!({}), move |issuer, request, _| {
        if request.path == "/device" {
            return codes();
        }
        match asked.fetch_add(1, Ordering::SeqCst) {
            0 => error("authorization_pending", ""),
            1 => error("slow_down", ""),
            _ => tokens("opaque", Some(&issuer.token("alice").sign())),
        }
    });
    let said = run(&home, &double);
    assert_eq!(claims(said.token())["sub"], json!("alice"));
    let [begin] = double.asked("/device").try_into().unwrap();
    assert_eq!(begin.field("client_id"), Some("cli"));
    assert_eq!(begin.field("scope"), Some("openid"));
    let polls = double.asked("/token");
    assert_eq!(polls.len(), 3);
    for poll in polls {
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        assert_eq!(
            (poll.field("grant_type"), poll.field("device_code")),
            (Some(grant), Some("dev"))
        );
    }
}

#[test]
fn s4_refused() {
    for (code, told, hint) in [
        ("access_denied", "access_denied: so it is", "whoever signed in declined"),
        ("expired_token", "expired_token: so it is", "run the command again"),
        ("invalid_client", "invalid_client: so it is", "is the client id right"),
    ] {
        let home = Home::new();
        let double = OidcDouble::start(json!({}), move |_, request, _| match &*request.path {
            "/device" => codes(),
            _ => error(code, "so it is"),
        });
        let said = run(&home, &double);
        let stderr = said.failed(1);
        let told = format!("error: nobody signed in: the provider says {told}");
        assert!(stderr.contains(&told) && stderr.contains(hint), "{stderr}");
        assert!(home.kept().is_empty());
    }
}

#[test]
fn s5_no_control_characters() {
    let home = Home::new();
    let double = OidcDouble::start(json!({}), |_, request, _| match &*request.path {
        "/device" => crate::double::json(&json!({
            "device_code": "dev", "user_code": "A\u{1b}[2JB\u{202e}C", "expires_in": 600,
            "verification_uri": "https://idp.example/device", "interval": 1,
        })),
        _ => error("access_denied", "\u{1b}]0;owned\u{7} \r\nerror: none"),
    });
    let said = run(&home, &double);
    let stderr = said.failed(1);
    assert!(!stderr.contains(['\u{1b}', '\u{7}', '\u{202e}', '\r']), "{stderr:?}");
    assert!(stderr.contains("with the code A\\u001b[2JB\\u202eC\n"), "{stderr:?}");
}

#[test]
fn s6_id_token_of_another() {
    let another = |claim: &'static str, value: Value| {
        OidcDouble::start(json!({}), move |issuer, request, _| match &*request.path {
            "/device" => codes(),
            _ => {
                let token = issuer.token("alice").claim(claim, value.clone()).sign();
                tokens("opaque", Some(&token))
            }
        })
    };
    for (claim, value, told) in [
        ("aud", json!("other"), "Invalid audiences"),
        ("iss", json!("https://other.example"), "Invalid issuer"),
        ("exp", json!(1_000_000_000), "Expired"),
    ] {
        let said = run(&Home::new(), &another(claim, value));
        let stderr = said.failed(1);
        assert!(stderr.contains("the provider's ID token is not sound: "), "{stderr}");
        assert!(stderr.contains(told), "{stderr}");
    }
    // One audience of several is ours.
    let several = another("aud", json!(["project", "cli"]));
    run(&Home::new(), &several).token();
    let forged = OidcDouble::start(json!({}), |issuer, request, _| match &*request.path {
        "/device" => codes(),
        _ => {
            let other = jwt_sso_e2e::Issuer::new(&issuer.iss);
            tokens("opaque", Some(&other.token("alice").claim("aud", "cli").sign()))
        }
    });
    let said = run(&Home::new(), &forged);
    assert!(said.failed(1).contains("Signature verification failed"), "{said:?}");
}

#[test]
fn s7_no_device_endpoint() {
    let metadata = json!({"device_authorization_endpoint": null});
    let double = OidcDouble::start(metadata, |_, _, _| error("server_error", ""));
    let said = run(&Home::new(), &double);
    let stderr = said.failed(1);
    assert!(stderr.contains("has no device flow"), "{stderr}");
    assert!(stderr.contains("hint: --browser"), "{stderr}");
}
