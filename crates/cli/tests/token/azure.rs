//! `--azure-imds`:
//! 1. the metadata service of a machine is asked as Microsoft documents
//! 2. App Service and Container Apps: the endpoint that they name, with its header
//! 3. 404, 410, 429 and 5xx are asked again; the patience ends
//! 4. a refusal is told in Azure's words, and at once
//! 5. an answer without a token, and nobody there

use serde_json::json;

use crate::double::{Answer, Double, json as answer};
use crate::scene::{Home, Run, some_token};

const RESOURCE: &str = "api://11111111-2222-3333-4444-555555555555";

fn on_machine(home: &Home, double: &Double, more: &[&str]) -> Run {
    let arguments = [&["--azure-imds", "--resource", RESOURCE], more].concat();
    home.token(&arguments).env("AZURE_POD_IDENTITY_AUTHORITY_HOST", &double.url())
}

fn granted(token: &str) -> Answer {
    // As documented: all members are strings.
    answer(&json!({
        "access_token": token, "client_id": "", "expires_in": "86399", "expires_on": "1790000000",
        "resource": RESOURCE, "token_type": "Bearer",
    }))
}

#[test]
fn s1_metadata_service() {
    let token = some_token("6ae1c6a9");
    let given = token.clone();
    let double = Double::start(move |_, _| granted(&given));
    let said = on_machine(&Home::new(), &double, &["--client-id", "own"]).end();
    assert_eq!(said.token(), token);
    let [asked] = double.asked().try_into().unwrap();
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str()),
        ("GET", "/metadata/identity/oauth2/token")
    );
    assert_eq!(asked.header("metadata"), Some("true"));
    assert_eq!(asked.header("x-forwarded-for"), None);
    let fields = [("api-version", "2018-02-01"), ("resource", RESOURCE), ("client_id", "own")];
    assert_eq!(asked.fields, fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn s2_app_service() {
    let token = some_token("6ae1c6a9");
    let given = token.clone();
    let double = Double::start(move |_, _| granted(&given));
    let said = Home::new()
        .token(&["--azure-imds", "--resource", RESOURCE])
        .env("IDENTITY_ENDPOINT", &format!("{}/msi/token", double.url()))
        .env("IDENTITY_HEADER", "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a")
        .end();
    assert_eq!(said.token(), token);
    let [asked] = double.asked().try_into().unwrap();
    assert_eq!(asked.path, "/msi/token");
    assert_eq!(asked.header("x-identity-header"), Some("853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a"));
    assert_eq!(asked.header("metadata"), None);
    let fields = [("api-version", "2019-08-01"), ("resource", RESOURCE)];
    assert_eq!(asked.fields, fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn s3_asked_again() {
    for status in [404, 410, 429, 500, 503] {
        let token = some_token("6ae1c6a9");
        let given = token.clone();
        let double = Double::start(move |_, before| match before {
            0 => Answer(status, "", String::new()),
            _ => granted(&given),
        });
        let said = on_machine(&Home::new(), &double, &[]).end();
        assert_eq!(said.token(), token);
        assert_eq!(double.asked().len(), 2, "{status}");
    }
    let double = Double::start(|_, _| Answer(429, "", "{\"error\":\"too_many\"}".to_owned()));
    let said = on_machine(&Home::new(), &double, &["--timeout", "2"]).end();
    assert!(said.failed(1).contains("429 Too Many Requests: too_many"), "{said:?}");
    assert_eq!(double.asked().len(), 2);
}

#[test]
fn s4_refused() {
    let body =
        json!({"error": "invalid_request", "error_description": "Identity not found\u{1b}[2J"});
    let double = Double::start(move |_, _| Answer(400, "", body.to_string()));
    let said = on_machine(&Home::new(), &double, &[]).end();
    let stderr = said.failed(1);
    assert!(
        stderr.contains("Azure gives no token: 400 Bad Request: Identity not found\\u001b[2J\n"),
        "{stderr:?}"
    );
    assert!(stderr.contains("hint: the machine needs a managed identity"), "{stderr}");
    assert_eq!(double.asked().len(), 1);

    let said = Home::new().token(&["--azure-imds"]).end();
    assert!(said.failed(2).contains("the source azure-imds needs --resource"), "{said:?}");
}

#[test]
fn s5_no_token() {
    let double = Double::start(|_, _| answer(&json!({"access_tokem": "s3cr3t"})));
    let said = on_machine(&Home::new(), &double, &[]).end();
    let stderr = said.failed(1);
    assert!(stderr.contains("Azure's answer holds no token"), "{stderr}");
    assert!(!stderr.contains("s3cr3t"), "{stderr}");

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = Home::new()
        .token(&["--azure-imds", "--resource", RESOURCE])
        .env("AZURE_POD_IDENTITY_AUTHORITY_HOST", &format!("http://{nobody}"))
        .end();
    let stderr = said.failed(1);
    assert!(stderr.contains("connection refused"), "{stderr}");
    assert!(stderr.contains("hint: --azure-imds works on Azure only"), "{stderr}");
}
