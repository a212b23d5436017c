//! Google as the issuer.
//! 1. `claim = email` and one regex; then a second line for one service account; then `gcp_\1`
//!    for all numeric ids: all by ALTER SYSTEM
//! 2. Google beside other issuers, each with its own keys; both names that Google goes by
//! 3. the key set as `curl` prints it: refused by ALTER SYSTEM for its line breaks, taken by way
//!    of `jq -c` and of `jwks_file`
//! 4. CockroachDB's manual: the regex `/^([9-0]*)$` is refused with its position
//! 5. CockroachDB's manual: the issuer with a trailing slash refuses Google's tokens, and the
//!    log says why

use std::process::Command;

use jwt_sso_e2e::installation::output_of;
use jwt_sso_e2e::{Algorithm, Cluster, Issuer, SigningKey, Token};
use serde_json::{Value, json};

use crate::{enters, refused, server};

const ISSUER: &str = "https://accounts.google.com";
const AUDIENCE: &str = "984901724939-njig7lkv7k724rbv2hllvr4of8ul7th7.apps.googleusercontent.com";
const PEOPLE: &str = r"https://accounts.google.com /^(.*)@cockroachlabs\.com$ \1";
const SERVICE_ACCOUNT: &str = "https://accounts.google.com 1232316645658094244789 roach";
const NUMERIC_IDS: &str = r"https://accounts.google.com /^([0-9]*)$ gcp_\1";

/// Two RSA keys with `alg` and `use`; the second signs, as it often does.
fn google() -> Issuer {
    let key = |kid: &str| {
        let key = SigningKey::generate(kid, Algorithm::Rs256);
        key.with("alg", json!("RS256")).with("use", json!("sig"))
    };
    let mut issuer = Issuer::with_key(ISSUER, key("c88d809f4db943df53da7accfd47764d05ba391f"));
    issuer.keys.push(key("73e25f9789119c8a19e6a6bd7be65fb1ca9ba5f8"));
    issuer.audience = AUDIENCE.to_owned();
    issuer
}

/// An ID token of a person.
fn person(google: &Issuer, name: &str) -> Token {
    let token = google.token("110169484474386276334").claim("azp", AUDIENCE);
    let token = token.claim("email", format!("{name}@cockroachlabs.com"));
    token.claim("email_verified", true).claim("hd", "cockroachlabs.com").claim("name", name)
}

/// An ID token of the metadata server, which names no e-mail address unless asked to.
fn service_account(google: &Issuer, id: &str) -> Token {
    google.token(id).claim("azp", id)
}

/// A server with everything but the identity map and, where they are not wanted, the keys.
fn configured(google: &Issuer, roles: &[&str]) -> Cluster {
    let cluster = server(roles);
    cluster.configure(&[
        ("jwt_sso.enabled", "on"),
        ("jwt_sso.issuers", ISSUER),
        ("jwt_sso.audience", AUDIENCE),
        ("jwt_sso.claim", "email"),
        ("jwt_sso.jwks", &google.jwks()),
    ]);
    cluster
}

fn map(lines: &[&str]) -> String {
    json!(lines).to_string()
}

/// The key set as `curl https://www.googleapis.com/oauth2/v3/certs` prints it.
fn as_curl_prints(google: &Issuer) -> String {
    let keys: Value = serde_json::from_str(&google.jwks()).unwrap();
    serde_json::to_string_pretty(&keys).unwrap() + "\n"
}

#[test]
fn s1_people_then_service_accounts() {
    let google = google();
    let cluster =
        configured(&google, &["maxroach", "roach", "gcp_42", "gcp_110169484474386276334"]);
    let maxroach = person(&google, "maxroach").sign();
    let roach = service_account(&google, "1232316645658094244789").sign();
    let robot = service_account(&google, "42").sign();

    cluster.configure(&[("jwt_sso.identity_map", PEOPLE)]);
    enters(&cluster, "maxroach", &maxroach);
    let stranger = person(&google, "maxroach").claim("email", "maxroach@cockroachlabsXcom");
    refused(&cluster, "maxroach", &stranger.sign(), "role_not_mapped");
    refused(&cluster, "roach", &maxroach, "role_not_mapped");
    refused(&cluster, "roach", &roach, "missing_claim");

    // The numeric id is `sub`, so both kinds of identity need their own claim.
    cluster.configure(&[("jwt_sso.identity_map", &map(&[PEOPLE, SERVICE_ACCOUNT]))]);
    enters(&cluster, "maxroach", &maxroach);
    cluster.configure(&[("jwt_sso.claim", "sub")]);
    enters(&cluster, "roach", &roach);
    refused(&cluster, "gcp_42", &robot, "role_not_mapped");

    let all = map(&[PEOPLE, SERVICE_ACCOUNT, NUMERIC_IDS]);
    cluster.configure(&[("jwt_sso.identity_map", &all)]);
    enters(&cluster, "gcp_42", &robot);
    enters(&cluster, "roach", &roach);
    enters(&cluster, "gcp_110169484474386276334", &maxroach);
    refused(&cluster, "roach", &robot, "role_not_mapped");
    assert_eq!(cluster.sql("SHOW jwt_sso.identity_map"), all, "kept as it was typed");
}

#[test]
fn s2_several_issuers() {
    let google = google();
    let okta = Issuer::new("https://corp.okta.com/oauth2/default");
    let gitlab = Issuer::new("https://gitlab.com");
    let cluster = server(&["maxroach", "ann", "deploy"]);
    let entry = |issuer: &Issuer| {
        let jwks: Value = serde_json::from_str(&issuer.jwks()).unwrap();
        json!({"jwks": jwks, "audience": issuer.audience})
    };
    let mut entries = json!({
        ISSUER: entry(&google),
        "https://corp.okta.com/oauth2/default": entry(&okta),
        "https://gitlab.com": entry(&gitlab),
    });
    entries[ISSUER]["claim"] = json!("email");
    entries[ISSUER]["required_claims"] = json!({"email_verified": true});
    let pipeline = "project_path:corp/db:ref_type:branch:ref:main";
    let lines = [
        PEOPLE,
        r"https://corp.okta.com/oauth2/default /^(.*)@corp\.example$ \1",
        &format!("https://gitlab.com {pipeline} deploy"),
    ];
    cluster.configure(&[
        ("jwt_sso.enabled", "on"),
        ("jwt_sso.issuers", &json!({"issuers": entries}).to_string()),
        ("jwt_sso.identity_map", &map(&lines)),
    ]);
    enters(&cluster, "maxroach", &person(&google, "maxroach").sign());
    enters(&cluster, "ann", &okta.token("ann@corp.example").sign());
    enters(&cluster, "deploy", &gitlab.token(pipeline).sign());

    let unverified = person(&google, "maxroach").claim("email_verified", false);
    refused(&cluster, "maxroach", &unverified.sign(), "required_claim");
    // Each issuer's keys and lines are its own.
    let forged = okta.token("ann@corp.example").claim("iss", "https://gitlab.com");
    refused(&cluster, "ann", &forged.sign(), "bad_signature");
    refused(&cluster, "ann", &gitlab.token("ann@corp.example").sign(), "role_not_mapped");
}

#[test]
fn s2_both_names() {
    let google = google();
    let cluster = configured(&google, &["maxroach"]);
    let lines = [PEOPLE, r"accounts.google.com /^(.*)@cockroachlabs\.com$ \1"];
    cluster.configure(&[("jwt_sso.identity_map", &map(&lines))]);
    let short = person(&google, "maxroach").claim("iss", "accounts.google.com").sign();
    refused(&cluster, "maxroach", &short, "unknown_issuer");
    let issuers = json!([ISSUER, "accounts.google.com"]).to_string();
    cluster.configure(&[("jwt_sso.issuers", &issuers)]);
    enters(&cluster, "maxroach", &short);
    enters(&cluster, "maxroach", &person(&google, "maxroach").sign());
}

#[test]
fn s3_the_key_set_as_printed() {
    let google = google();
    let cluster = configured(&google, &["maxroach"]);
    cluster.configure(&[("jwt_sso.identity_map", PEOPLE), ("jwt_sso.jwks", r#"{"keys":[]}"#)]);
    let maxroach = person(&google, "maxroach").sign();
    refused(&cluster, "maxroach", &maxroach, "keys_unavailable");

    let printed = as_curl_prints(&google);
    let file = cluster.write_file("google.json", printed.as_bytes());
    let error = cluster.try_alter_system("jwt_sso.jwks", &printed).unwrap_err();
    assert!(error.contains("must not contain a newline"), "{error}");

    cluster.configure(&[("jwt_sso.jwks_file", "google.json")]);
    enters(&cluster, "maxroach", &maxroach);
    cluster.reset(&["jwt_sso.jwks_file"]);
    refused(&cluster, "maxroach", &maxroach, "keys_unavailable");

    let found = Command::new("jq").arg("--version").output().is_ok();
    assert!(found, "jq is missing: run scripts/client-deps.sh, as `make test` does");
    let one_line = output_of(Command::new("jq").args(["-c", "."]).arg(file));
    cluster.configure(&[("jwt_sso.jwks", &one_line)]);
    enters(&cluster, "maxroach", &maxroach);
}

#[test]
fn s4_the_manuals_regex() {
    let google = google();
    let cluster = configured(&google, &["gcp_42"]);
    let slip = r"https://accounts.google.com /^([9-0]*)$ gcp_\1";
    for (value, line) in [(slip.to_owned(), 1), (map(&[PEOPLE, slip]), 2)] {
        let error = cluster.try_alter_system("jwt_sso.identity_map", &value).unwrap_err();
        let message = "invalid value for parameter \"jwt_sso.identity_map\"";
        assert!(error.contains(message), "{error}");
        // Counted in the regex, without the slash: ^([9-0]*)$
        let place = format!("DETAIL:  line {line}: the regex is wrong at position 4: ");
        assert!(error.contains(&place) && error.contains("range"), "{error}");
    }
    let robot = service_account(&google, "42").sign();
    cluster.configure(&[("jwt_sso.claim", "sub"), ("jwt_sso.identity_map", NUMERIC_IDS)]);
    enters(&cluster, "gcp_42", &robot);
}

#[test]
fn s5_the_manuals_slash() {
    let google = google();
    let cluster = configured(&google, &["maxroach"]);
    let maxroach = person(&google, "maxroach").sign();
    cluster.configure(&[
        ("jwt_sso.issuers", "https://accounts.google.com/"),
        ("jwt_sso.identity_map", PEOPLE),
    ]);
    let line = refused(&cluster, "maxroach", &maxroach, "unknown_issuer");
    assert!(line.contains(r#"issuer="https://accounts.google.com""#), "{line}");
    let (_, detail) = line.split_once("detail=").expect("a detail");
    assert!(detail.contains("slash"), "{line}");
    assert!(detail.contains("https://accounts.google.com/"), "{line}");

    cluster.configure(&[("jwt_sso.issuers", ISSUER)]);
    enters(&cluster, "maxroach", &maxroach);
}
