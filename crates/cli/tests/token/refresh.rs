//! The refresh token:
//! 1. the real provider gives one where offline_access is asked for; it gets the next token without
//!    anybody at a browser, and is replaced
//! 2. without offline_access there is none
//! 3. one that is refused: somebody signs in again
//! 4. an answer about somebody else, or without an ID token: somebody signs in again
//! 5. another fault is told, and nobody is asked to sign in; what is kept stays

use std::fs;
use std::path::Path;

use jwt_sso_e2e::browser::Browser;
use jwt_sso_e2e::provider::{COMMAND_CLIENT, keys};
use jwt_sso_e2e::{Issuer, Provider};
use serde_json::{Value, json};

use crate::browser::shown;
use crate::double::{Answer, json as answer};
use crate::oidc_double::{OidcDouble, codes, error, tokens};
use crate::scene::{Home, claims, text};

/// Puts an expired token of the same user in the place of the one that is kept.
fn expire(path: &Path, issuer: &Issuer, subject: &str) -> Value {
    let mut kept: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    kept["token"] = json!(issuer.token(subject).claim("exp", 1_700_000_000).sign());
    fs::write(path, kept.to_string()).unwrap();
    kept
}

fn kept(home: &Home) -> Value {
    serde_json::from_slice(&fs::read(home.the_kept()).unwrap()).unwrap()
}

fn sign_in(home: &Home, provider: &Provider, scope: &str) -> String {
    let (issuer, ca) = (provider.url(), provider.ca_path());
    let mut started = home.token(&arguments(&issuer, text(&ca), scope)).start();
    let mut browser = Browser::open(&ca, shown(&mut started).as_str());
    browser.submit(&[("login", "alice@corp"), ("password", "any")]);
    browser.submit(&[]);
    started.end().token().to_owned()
}

fn arguments<'a>(issuer: &'a str, ca: &'a str, scope: &'a str) -> Vec<&'a str> {
    let client = ["--client-id", COMMAND_CLIENT, "--issuer", issuer, "--ca", ca];
    [&["--browser", "--no-open", "--scope", scope], &client[..]].concat()
}

#[test]
fn s1_refreshed() {
    let (mut provider, home) = (Provider::start(&keys("first")), Home::new());
    let scope = "openid offline_access";
    let first = sign_in(&home, &provider, scope);
    let (issuer, ca) = (provider.url(), provider.ca_path());
    let before = expire(&home.the_kept(), &provider.issuer(), "alice@corp");
    let said = home.token(&arguments(&issuer, text(&ca), scope)).end();
    assert_ne!(said.token(), first);
    assert_eq!(claims(said.token())["sub"], json!("alice@corp"));
    assert_eq!(said.stderr, "", "nobody is asked");
    let after = kept(&home);
    assert_ne!(after["refresh_token"], before["refresh_token"], "replaced");
    assert!(after["refresh_token"].is_string());
    assert_eq!(provider.requests("/token"), 2);
}

#[test]
fn s2_not_asked_for() {
    let (provider, home) = (Provider::start(&keys("first")), Home::new());
    sign_in(&home, &provider, "openid");
    assert_eq!(kept(&home).get("refresh_token"), None);
}

/// A provider whose answer to a refresh token is the test's.
fn double(refreshed: impl Fn(&Issuer) -> Answer + Send + Sync + 'static) -> OidcDouble {
    OidcDouble::start(json!({}), move |issuer, request, _| {
        match (&*request.path, request.field("grant_type")) {
            ("/device", _) => codes(),
            (_, Some("refresh_token")) => refreshed(issuer),
            _ => answer(&json!({
                "access_token": "opaque", "token_type": "Bearer", "refresh_token": "r1",
                "id_token": issuer.token("alice").sign(),
            })),
        }
    })
}

#[test]
fn s3_refused() {
    let double = double(|_| error("invalid_grant", "expired"));
    let home = Home::new();
    home.token(&double.arguments("--device")).end().token();
    expire(&home.the_kept(), &double.issuer, "alice");
    let said = home.token(&double.arguments("--device")).end();
    said.token();
    assert!(said.stderr.contains("Sign in at https://idp.example/device"), "{said:?}");
    let grants: Vec<_> =
        double.asked("/token").iter().map(|r| r.field("refresh_token").is_some()).collect();
    assert_eq!(grants, [false, true, false]);
    assert_eq!(double.asked("/device").len(), 2);
}

#[test]
fn s4_of_no_use() {
    let someone_else = double(|issuer| tokens("opaque", Some(&issuer.token("mallory").sign())));
    let no_id_token = double(|_| tokens("opaque", None));
    let unsound = double(|issuer| {
        tokens("opaque", Some(&issuer.token("alice").claim("aud", "other").sign()))
    });
    for double in [someone_else, no_id_token, unsound] {
        let home = Home::new();
        home.token(&double.arguments("--device")).end().token();
        expire(&home.the_kept(), &double.issuer, "alice");
        let said = home.token(&double.arguments("--device")).end();
        assert_eq!(claims(said.token())["sub"], json!("alice"));
        assert_eq!(double.asked("/device").len(), 2);
    }
    // One that is not replaced stays.
    let same = double(|issuer| tokens("opaque", Some(&issuer.token("alice").sign())));
    let home = Home::new();
    home.token(&same.arguments("--device")).end().token();
    expire(&home.the_kept(), &same.issuer, "alice");
    home.token(&same.arguments("--device")).end().token();
    assert_eq!((same.asked("/device").len(), &kept(&home)["refresh_token"]), (1, &json!("r1")));
    let forced = [&same.arguments("--device")[..], &["--force"]].concat();
    home.token(&forced).end().token();
    assert_eq!(same.asked("/device").len(), 2, "--force asks somebody");
}

#[test]
fn s5_another_fault() {
    let double = double(|_| error("temporarily_unavailable", "later"));
    let home = Home::new();
    home.token(&double.arguments("--device")).end().token();
    let before = expire(&home.the_kept(), &double.issuer, "alice");
    let said = home.token(&double.arguments("--device")).end();
    let stderr = said.failed(1);
    assert!(
        stderr
            .contains("cannot refresh the token: the provider says temporarily_unavailable: later"),
        "{stderr}"
    );
    assert_eq!((double.asked("/device").len(), kept(&home)), (1, before));
}
