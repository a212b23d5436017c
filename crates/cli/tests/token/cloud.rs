//! `--gcp-metadata` and `--github-actions`:
//! 1. Google's metadata server is asked as documented
//! 2. an answer without Google's header is not Google's
//! 3. Google: asked again when busy, refused at once otherwise; nowhere but on Google Cloud
//! 4. GitHub is asked as documented, with the job's own bearer, which no message shows
//! 5. GitHub: a job without the permission is told so; nothing is kept for the next job

use serde_json::json;

use crate::double::{Answer, Double, json as answer};
use crate::scene::{Home, Run, some_token};

const GOOGLE: &str = "Metadata-Flavor: Google\r\nContent-Type: text/html\r\n";

fn google(double: &Double) -> Run {
    Home::new()
        .token(&["--gcp-metadata", "--audience", "https://db.example/?a=b"])
        .env("GCE_METADATA_HOST", &double.host())
}

fn github(home: &Home, double: &Double) -> Run {
    home.token(&["--github-actions", "--audience", "postgres"])
        .env("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{}/token?api-version=2.0", double.url()))
        .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "b3ar3r")
}

#[test]
fn s1_google() {
    let token = some_token("1232316645658094244789");
    let given = token.clone();
    let double = Double::start(move |_, _| Answer(200, GOOGLE, given.clone()));
    assert_eq!(google(&double).end().token(), token);
    let [asked] = double.asked().try_into().unwrap();
    let path = "/computeMetadata/v1/instance/service-accounts/default/identity";
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", path));
    assert_eq!(asked.header("metadata-flavor"), Some("Google"));
    assert_eq!(asked.field("audience"), Some("https://db.example/?a=b"));
    assert_eq!(asked.field("format"), Some("full"));
}

#[test]
fn s2_not_google() {
    let double = Double::start(|_, _| Answer(200, "", some_token("captive portal")));
    let said = google(&double).end();
    assert!(said.failed(1).contains("is not Google's metadata server"), "{said:?}");
}

#[test]
fn s3_google_refuses() {
    let token = some_token("1232316645658094244789");
    let given = token.clone();
    let double = Double::start(move |_, before| match before {
        0 => Answer(503, GOOGLE, String::new()),
        _ => Answer(200, GOOGLE, given.clone()),
    });
    assert_eq!(google(&double).end().token(), token);

    let double = Double::start(|_, _| Answer(404, GOOGLE, "no service account".to_owned()));
    let said = google(&double).end();
    assert!(said.failed(1).contains("404 Not Found: no service account"), "{said:?}");
    assert_eq!(double.asked().len(), 1);

    let said = Home::new()
        .token(&["--gcp-metadata", "--audience", "a"])
        .env("GCE_METADATA_HOST", "metadata.evil.example")
        .end();
    assert!(said.failed(1).contains("an http URL of a host that is not this one"), "{said:?}");
    let said = Home::new().token(&["--gcp-metadata"]).end();
    assert!(said.failed(2).contains("needs --audience"), "{said:?}");
}

#[test]
fn s4_github() {
    let token = some_token("repo:corp/app:ref:refs/heads/main");
    let given = token.clone();
    let double = Double::start(move |_, _| answer(&json!({"count": 1, "value": given})));
    let home = Home::new();
    assert_eq!(github(&home, &double).end().token(), token);
    let [asked] = double.asked().try_into().unwrap();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/token"));
    assert_eq!(asked.header("authorization"), Some("bearer b3ar3r"));
    assert_eq!(asked.field("api-version"), Some("2.0"));
    assert_eq!(asked.field("audience"), Some("postgres"));
    assert!(home.kept().is_empty(), "the next job is another one");
}

#[test]
fn s5_github_refuses() {
    let double = Double::start(|_, _| Answer(403, "", "{\"message\":\"not allowed\"}".to_owned()));
    let said = github(&Home::new(), &double).end();
    let stderr = said.failed(1);
    assert!(stderr.contains("GitHub gives no ID token: 403 Forbidden: not allowed"), "{stderr}");
    assert!(!stderr.contains("b3ar3r"), "{stderr}");

    let said = Home::new().token(&["--github-actions"]).end();
    let stderr = said.failed(1);
    assert!(stderr.contains("ACTIONS_ID_TOKEN_REQUEST_URL"), "{stderr}");
    assert!(stderr.contains("hint: the job needs `permissions: id-token: write`"), "{stderr}");
}
