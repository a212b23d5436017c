//! `--client-credentials`:
//! 1. the real provider's access token, with the secret from a file and from the environment
//! 2. a wrong secret, and none at all
//! 3. the secret goes by Basic or in the form, as the metadata says, or not at all
//! 4. an opaque access token is no token, and the message says what to do; its text is not shown
//! 5. an answer that is no JSON is not shown either
//! 6. an issuer that is none: another name, no TLS that is trusted, nobody there

use jwt_sso_e2e::Provider;
use jwt_sso_e2e::provider::{RESOURCE, keys};
use serde_json::json;

use crate::double::Answer;
use crate::oidc_double::{OidcDouble, error, tokens};
use crate::scene::{Home, Run, claims, text};

fn double_with_secret(home: &Home, double: &OidcDouble) -> Run {
    home.token(&double.arguments("--client-credentials")).env("JWT_SSO_CLIENT_SECRET", "s3+cr t")
}

#[test]
fn s1_granted() {
    let (provider, home) = (Provider::start(&keys("first")), Home::new());
    let (issuer, ca) = (provider.url(), provider.ca_path());
    let secret = home.write("secret", "secret\n");
    let arguments = [
        "--client-credentials",
        "--issuer",
        &issuer,
        "--client-id",
        "svc_es256",
        "--ca",
        text(&ca),
        "--resource",
        RESOURCE,
        "--scope",
        "db:connect",
    ];
    let from_file = [&arguments[..], &["--client-secret-file", text(&secret)]].concat();
    let said = home.token(&from_file).end();
    let claims_of = claims(said.token());
    assert_eq!((&claims_of["aud"], &claims_of["sub"]), (&json!(RESOURCE), &json!("svc_es256")));
    assert_eq!(said.stderr, "", "nothing to say");

    let forced = [&arguments[..], &["--force"]].concat();
    let said = home.token(&forced).env("JWT_SSO_CLIENT_SECRET", "secret").end();
    assert_eq!(claims(said.token())["sub"], json!("svc_es256"));
}

#[test]
fn s2_wrong_secret() {
    let (provider, home) = (Provider::start(&keys("first")), Home::new());
    let (issuer, ca) = (provider.url(), provider.ca_path());
    let arguments = [
        "--client-credentials",
        "--issuer",
        &issuer,
        "--client-id",
        "svc_es256",
        "--ca",
        text(&ca),
    ];
    let said = home.token(&arguments).env("JWT_SSO_CLIENT_SECRET", "hunter2").end();
    let stderr = said.failed(1);
    assert!(
        stderr.contains("no token for the client: the provider says invalid_client"),
        "{stderr}"
    );
    assert!(stderr.contains("hint: is the client id right"), "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");

    let said = home.token(&arguments).end();
    let told = "needs --client-secret-file, or JWT_SSO_CLIENT_SECRET";
    assert!(said.failed(2).contains(told), "{said:?}");

    let empty = home.write("empty", "\n");
    let said =
        home.token(&[&arguments[..], &["--client-secret-file", text(&empty)]].concat()).end();
    assert!(said.failed(1).contains("is empty"), "{said:?}");
}

#[test]
fn s3_basic_or_post() {
    let grant = |issuer: &jwt_sso_e2e::Issuer| tokens(&issuer.token("svc").sign(), None);
    for (methods, basic) in [
        (json!(null), true),
        (json!(["client_secret_post", "client_secret_basic"]), true),
        (json!(["client_secret_post"]), false),
    ] {
        let metadata = json!({"token_endpoint_auth_methods_supported": methods});
        let double = OidcDouble::start(metadata, move |issuer, _, _| grant(issuer));
        double_with_secret(&Home::new(), &double).end().token();
        let [asked] = double.asked("/token").try_into().unwrap();
        assert_eq!(asked.field("grant_type"), Some("client_credentials"));
        // RFC 6749 §2.3.1: id and secret are form-encoded before Basic.
        let header = basic.then_some("Basic Y2xpOnMzJTJCY3IrdA==");
        assert_eq!(asked.header("authorization"), header);
        assert_eq!(asked.field("client_secret"), (!basic).then_some("s3+cr t"));
    }
    let metadata = json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]});
    let double = OidcDouble::start(metadata, move |issuer, _, _| grant(issuer));
    let said = double_with_secret(&Home::new(), &double).end();
    assert!(said.failed(1).contains("neither by client_secret_basic nor by"), "{said:?}");
    assert!(double.asked("/token").is_empty());
}

#[test]
fn s4_opaque() {
    let double = OidcDouble::start(json!({}), |_, _, _| tokens("2YotnFZFEjr1zCsicMWpAA", None));
    let home = Home::new();
    let said = double_with_secret(&home, &double).end();
    let stderr = said.failed(1);
    assert!(stderr.contains("the provider's access_token is of no use: it is opaque"), "{stderr}");
    assert!(stderr.contains("hint: ask for the ID token (--use-token id_token)"), "{stderr}");
    assert!(!stderr.contains("2Yotn") && home.kept().is_empty(), "{stderr}");
}

#[test]
fn s5_no_json() {
    for body in ["{\"access_token\": \"s3cr3t", "{\"access_token\": 7, \"token_type\": \"s3cr3t\"}"]
    {
        let double = OidcDouble::start(json!({}), move |_, _, _| {
            Answer(200, "Content-Type: application/json\r\n", body.to_owned())
        });
        let said = double_with_secret(&Home::new(), &double).end();
        let stderr = said.failed(1);
        assert!(stderr.contains("the answer is not what OAuth wants"), "{stderr}");
        assert!(!stderr.contains("s3cr3t"), "{stderr}");
    }
}

#[test]
fn s6_no_issuer() {
    let provider = Provider::start(&keys("first"));
    let double = OidcDouble::start(json!({"issuer": "https://other.example"}), |_, _, _| {
        error("server_error", "")
    });
    let slash = format!("{}/", provider.url());
    let ca = provider.ca_path();
    for (issuer, ca, told, hint) in [
        (provider.url().as_str(), None, "certificate of the server is not trusted", "--ca names"),
        (&slash, Some(&ca), "unexpected issuer URI", "to the last slash"),
        (&double.double.url(), None, "unexpected issuer URI", "to the last slash"),
        (&format!("{}/nothing", provider.url()), Some(&ca), "HTTP status 404", "--issuer is what"),
        ("http://idp.example", None, "an http URL of a host that is not this one", ""),
    ] {
        let mut arguments =
            vec!["--client-credentials", "--issuer", issuer, "--client-id", "svc_es256"];
        if let Some(ca) = ca {
            arguments.extend(["--ca", text(ca)]);
        }
        let said = Home::new().token(&arguments).env("JWT_SSO_CLIENT_SECRET", "secret").end();
        let stderr = said.failed(1);
        assert!(stderr.contains(told) && stderr.contains(hint), "{issuer}: {stderr}");
        assert!(stderr.contains(issuer), "{stderr}");
    }
}
