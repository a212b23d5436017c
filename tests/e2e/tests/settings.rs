//! Mistakes at ALTER SYSTEM: each is refused with `invalid value for parameter`, a DETAIL
//! that names the place, and the old value stays.
//! 1. JSON: syntax, duplicate, unknown and mistyped members, nesting
//! 2. the identity map: regex position, `\1` without a group, field counts with line numbers
//! 3. algorithms, audience, claim paths
//! 4. keys: malformed (index named), private and symmetric (not repeated)
//! 5. files: FIFO (no hang), directory, missing, over 16 MB, bad content with its line
//! 6. limits: 256 kB of text, 1,000 issuers, 2,000 regexes, 64 kB per regex, 200,000 lines
//! 7. numbers and booleans, in core's own words
//! 8. control characters, with a HINT about backslashes
//! 9. legal values are taken: '' and [] (none), numbers as text, JSON arrays, an issuer without scheme
//! 10. legal but unwise values get a WARNING
//! 11. pg_settings has the documented settings and no others
//! 12. what the token console reads; none of it changes the policy's fingerprint

use std::fs::File;
use std::process::Command;
use std::sync::LazyLock;

use jwt_sso_e2e::installation::output_of;
use jwt_sso_e2e::{Algorithm, Cluster, Issuer, SigningKey};
use regex::Regex;
use serde_json::json;

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::builder().start());

/// Holds a value to be refused; `place` is a regex on the DETAIL. Returns psql's message.
#[track_caller]
fn refuse(setting: &str, value: &str, place: &str) -> String {
    let kept = || CLUSTER.sql(&format!("SHOW jwt_sso.{setting}"));
    let before = kept();
    let Err(error) = CLUSTER.try_alter_system(&format!("jwt_sso.{setting}"), value) else {
        panic!("{setting} takes {value:.200}");
    };
    let message = format!("invalid value for parameter \"jwt_sso.{setting}\"");
    assert!(error.contains(&message), "{error:.1000}");
    let detail = error.split_once("DETAIL:").map_or("", |(_, detail)| detail);
    let found = Regex::new(place).unwrap().is_match(detail);
    assert!(found, "DETAIL does not match {place}: {error:.2000}");
    let saved = std::fs::read_to_string(CLUSTER.data_dir().join("postgresql.auto.conf")).unwrap();
    if value.len() > 3 {
        assert!(!saved.contains(value), "{setting} was saved");
    }
    assert_eq!(kept(), before);
    error
}

#[test]
fn s01_json() {
    let place = "(?i)line|column|position|end|byte";
    for broken in ["{", r#"{"issuers": {"#, r#"["a","#, r#"["a" "b"]"#, "[1,]", "{} x"] {
        refuse("issuers", broken, place);
    }
    let entry = |members: &str| format!(r#"{{"issuers":{{"https://a.example":{{{members}}}}}}}"#);
    for (members, place) in [
        (r#""audience":"a","audience":"b""#, "audience"),
        (r#""audiense":"a""#, "audiense"),
        (r#""audience":7"#, "audience"),
        (r#""audience":[7]"#, "audience"),
        (r#""claim":["a"]"#, "claim"),
        (r#""claim":"/a//b""#, "claim"),
        (r#""jwks":7"#, "jwks"),
        (r#""jwks_uri":7"#, "jwks_uri"),
        (r#""jwks_uri":"nonsense""#, "jwks_uri"),
        (r#""algorithms":"RS256""#, "algorithms"),
        (r#""algorithms":["XY256"]"#, "XY256"),
        (r#""required_claims":["a"]"#, "required_claims"),
        (r#""required_claims":{"a":1,"a":2}"#, "a"),
    ] {
        refuse("issuers", &entry(members), place);
    }
    refuse(
        "issuers",
        r#"{"issuers":{"https://a.example":{},"https://a.example":{}}}"#,
        "a.example",
    );
    refuse("issuers", r#"{"issuer":{"https://a.example":{}}}"#, "issuer");
    refuse("issuers", r#"{"issuer_jwks_map":{"https://a.example":7}}"#, "a.example");
    refuse("issuers", "[7]", ".");
    refuse("issuers", &format!("{}1{}", "[".repeat(5000), "]".repeat(5000)), ".");
}

#[test]
fn s02_identity_map() {
    let map = |lines: &[&str]| json!(lines).to_string();
    // CockroachDB's manual prints this one.
    let slip = r"https://accounts.google.com /^([9-0]*)$ \1";
    for value in [slip.to_owned(), map(&[slip])] {
        refuse("identity_map", &value, r"line 1(?s:.*)(position|column|character|offset|byte|\^)");
    }
    refuse("identity_map", r"https://a.example bob \1", "line 1");
    refuse("identity_map", r"https://a.example /^bob$ \1", "line 1");
    refuse("identity_map", &map(&["# a comment", "i a b", "i a"]), "line 3");
    refuse("identity_map", &map(&["i a b", "i a b c"]), "line 2");
    refuse("identity_map", &map(&["i a b", "i \"a b"]), "line 2");
    refuse("identity_map", &map(&["i a b", "i /( b"]), "line 2");
    refuse("identity_map", r#"["i a b", 7]"#, "(?i)2|line|string");
    refuse("identity_map", r#"{"i":"a"}"#, ".");
}

#[test]
fn s03_lists_and_paths() {
    refuse("algorithms", "RS256,HS256", "HS256");
    refuse("algorithms", "none", "none");
    refuse("algorithms", "rs256", "rs256");
    refuse("audience", r#"{"a":1}"#, ".");
    refuse("audience", r#"["a",1]"#, ".");
    refuse("claim", "/a//b", "(?i)empty|segment");
    refuse("claim", "/a/", "(?i)empty|segment");
    refuse("claim", "/1/2/3/4/5/6/7/8/9/10/11", "10");
}

#[test]
fn s04_keys() {
    let key = SigningKey::generate("k", Algorithm::Es256);
    let private = key.clone().with("d", json!("c2VjcmV0LWVjLXNjYWxhcg")).jwk();
    let rsa_private = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "p": "c2VjcmV0LXByaW1l"});
    let symmetric = json!({"kty": "oct", "k": "c2VjcmV0LWhtYWMta2V5", "kid": "s"});
    for secret in [private, rsa_private, symmetric] {
        for value in [secret.clone(), json!({"keys": [key.jwk(), secret]})] {
            let error = refuse_secret("jwks", &value.to_string());
            assert!(!error.contains("c2VjcmV0"), "repeats the secret: {error}");
            let entry = json!({"issuers": {"https://a.example": {"jwks": value}}});
            let error = refuse_secret("issuers", &entry.to_string());
            assert!(!error.contains("c2VjcmV0"), "repeats the secret: {error}");
            let file = CLUSTER.write_file("private.json", value.to_string().as_bytes());
            let error = refuse_secret("jwks_file", &file.to_string_lossy());
            assert!(!error.contains("c2VjcmV0"), "repeats the secret: {error}");
        }
    }
    for broken in [json!({}), json!({"kty": "RSA", "e": "AQAB"}), json!(7)] {
        refuse("jwks", &json!({"keys": [key.jwk(), broken]}).to_string(), "[12]");
    }
    refuse(
        "jwks",
        &json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "?", "y": "?"}]}).to_string(),
        "x",
    );
    refuse("jwks", r#"{"keys":7}"#, "keys");
    refuse("jwks", r#"{"keys":[],"keys":[]}"#, "keys");
    refuse("jwks", "AQAB", ".");
}

/// Like [`refuse`], where the message must not repeat the value.
#[track_caller]
fn refuse_secret(setting: &str, value: &str) -> String {
    let error = CLUSTER.try_alter_system(&format!("jwt_sso.{setting}"), value).unwrap_err();
    assert!(error.contains(&format!("parameter \"jwt_sso.{setting}\"")), "{error}");
    assert!(error.contains("private") || error.contains("symmetric"), "{error}");
    error
}

#[test]
fn s05_files() {
    let fifo = CLUSTER.data_dir().join("fifo");
    output_of(Command::new("mkfifo").arg("-m").arg("666").arg(&fifo));
    let big = CLUSTER.write_file("big", b"");
    File::options().write(true).open(&big).unwrap().set_len((16 << 20) + 1).unwrap();
    for setting in ["jwks_file", "identity_map_file"] {
        refuse(setting, "fifo", "(?i)regular");
        refuse(setting, "/dev/zero", "(?i)regular");
        refuse(setting, "base", "(?i)regular|directory");
        refuse(setting, "no_such_file", "(?i)no_such_file|exist|No such");
        refuse(setting, "big", "(?i)16 ?M|16777216|large|big");
    }
    CLUSTER.write_file("bad_keys.json", b"{\"keys\":[}");
    refuse("jwks_file", "bad_keys.json", ".");
    CLUSTER.write_file("bad_map", b"# comment\n\ni a b\ni /[9-0] b\n");
    refuse("identity_map_file", "bad_map", "line 4");
    CLUSTER.write_file("latin1_map", b"i a b\ni f\xfc b\n");
    refuse("identity_map_file", "latin1_map", "(?i)line 2|UTF-8");
    CLUSTER.write_file("long_map", "i a b\n".repeat(200_001).as_bytes());
    refuse("identity_map_file", "long_map", "200[ ,_]?000");
}

#[test]
fn s06_limits() {
    for setting in ["issuers", "audience", "jwks", "identity_map", "claim", "algorithms"] {
        refuse(setting, &"a".repeat(256 * 1024 + 1), "256|262144");
    }
    let issuers: Vec<_> = (0..1001).map(|n| format!("https://i{n}.example")).collect();
    refuse("issuers", &json!(issuers).to_string(), "1[ ,_]?000");
    let lines = vec![r"i /^(.*)$ \1"; 2001];
    refuse("identity_map", &json!(lines).to_string(), "2[ ,_]?000");
    refuse("identity_map", r"i /^(\pL{1000}){100}$ \1", "line 1");
}

#[test]
fn s07_numbers_and_booleans() {
    for (setting, value, words) in [
        ("clock_skew", "999999", "outside the valid range"),
        ("clock_skew", "301", "outside the valid range"),
        ("clock_skew", "-1", "outside the valid range"),
        ("max_token_lifetime", "soon", "invalid value"),
        ("enabled", "maybe", "requires a Boolean value"),
        ("require_tls", "maybe", "requires a Boolean value"),
    ] {
        let error = CLUSTER.try_alter_system(&format!("jwt_sso.{setting}"), value).unwrap_err();
        assert!(error.contains(words) && error.contains(setting), "{error}");
    }
    CLUSTER.alter_system("jwt_sso.max_token_lifetime", "90");
    CLUSTER.reload();
    assert_eq!(CLUSTER.sql("SHOW jwt_sso.max_token_lifetime"), "90s");
    CLUSTER.reset(&["jwt_sso.max_token_lifetime"]);
    assert_eq!(CLUSTER.sql("SHOW jwt_sso.clock_skew"), "30s");
}

#[test]
fn s08_control_characters() {
    for setting in ["issuers", "audience", "claim", "identity_map"] {
        let error = refuse(setting, "i a \u{1}", ".");
        let hint = error.split_once("HINT:").expect("a HINT").1;
        assert!(hint.contains("ALTER SYSTEM") && hint.contains("double"), "{error}");
    }
}

#[test]
fn s09_legal() {
    let cluster = Cluster::builder().start();
    let key = SigningKey::generate("k", Algorithm::Es256).jwk();
    for (setting, value) in [
        ("issuers", ""),
        ("issuers", "[]"),
        ("issuers", "login.example"),
        ("issuers", "https://login.example/realms/x/.well-known/openid-configuration"),
        ("issuers", r#" ["https://a.example", "https://b.example/"]"#),
        ("issuers", r#"{"issuer_jwks_map": {"https://a.example": "https://a.example/keys"}}"#),
        ("issuers", r#"{"issuers": {"https://a.example": {}}}"#),
        ("audience", "984901724939"),
        ("audience", "[]"),
        ("audience", r#"["a", "b"]"#),
        ("claim", ""),
        ("claim", "/kubernetes.io/serviceaccount/name"),
        ("claim", "https://example.com/claim"),
        ("jwks", ""),
        ("jwks", "[]"),
        ("jwks", &key.to_string()),
        ("jwks", r#"{"keys":[]}"#),
        ("identity_map", ""),
        ("identity_map", "[]"),
        ("identity_map", r##"["# comment", "", "i a b", "i \"a b\" \"c d\""]"##),
        ("algorithms", "RS256, ES512,EdDSA"),
        ("jwks_file", ""),
    ] {
        cluster.alter_system(&format!("jwt_sso.{setting}"), value);
    }
}

#[test]
fn s10_unwise() {
    let key = SigningKey::generate("k", Algorithm::Es256);
    let encryption = key.clone().with("use", json!("enc")).jwk();
    let unknown = json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AQAB", "kid": "k"});
    for (setting, value, word) in [
        ("jwks", encryption.to_string(), "enc"),
        ("jwks", unknown.to_string(), "AKP"),
        ("issuers", "http://idp.example".to_owned(), "http"),
        ("identity_map", r"i /^(.*)@corp.example$ \1".to_owned(), "dot"),
    ] {
        let sql = format!("ALTER SYSTEM SET jwt_sso.{setting} = '{value}'");
        let cluster = Cluster::builder().start();
        let mut said = cluster.notices(&sql).unwrap_or_else(|e| panic!("{setting}: {e}"));
        let mark = cluster.log_mark();
        cluster.reload();
        said += &cluster.log_since(mark);
        let warned = Regex::new(&format!("WARNING:.*{word}")).unwrap().is_match(&said);
        assert!(warned, "no WARNING about {word}: {said}");
    }
}

#[test]
fn s11_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");
    let text = std::fs::read_to_string(path).expect("docs/settings.md is there");
    // A function of the schema is written with its parenthesis, a setting without.
    let name = Regex::new(r"jwt_sso\.([a-z_]+)\b(\(?)").unwrap();
    let mut documented: Vec<_> = name
        .captures_iter(&text)
        .filter(|found| found[2].is_empty())
        .map(|found| format!("jwt_sso.{}", &found[1]))
        .collect();
    documented.sort();
    documented.dedup();
    let defined = CLUSTER.sql(
        "SELECT name FROM pg_settings WHERE name LIKE 'jwt\\_sso.%' ORDER BY name COLLATE \"C\"",
    );
    assert_eq!(defined.lines().collect::<Vec<_>>(), documented);
    let user_settable = "SELECT name FROM pg_settings WHERE name LIKE 'jwt\\_sso.%'
        AND context NOT IN ('sighup', 'postmaster')";
    assert_eq!(CLUSTER.sql(user_settable), "");
    CLUSTER.sql("DROP ROLE IF EXISTS reader; CREATE ROLE reader");
    let map = CLUSTER.try_sql("SET ROLE reader; SHOW jwt_sso.identity_map");
    assert!(map.unwrap_err().contains("jwt_sso.identity_map"), "the map is not for everyone");
}

#[test]
fn s12_token_console() {
    refuse("oidc_provider_url", "http://idp.example", "http URL of a host");
    refuse("oidc_redirect_url", "/callback", "not an absolute URL");
    refuse("oidc_scopes", "profile email", "openid");
    refuse("oidc_generate_cluster_sso_token_use_token", "refresh_token", "none of the words");
    refuse("sql_host", "https://db.example", "not a host name");
    let port = CLUSTER.try_alter_system("jwt_sso.sql_port", "65536").unwrap_err();
    assert!(port.contains("outside the valid range"), "{port}");

    let cluster = Cluster::builder().start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    let fingerprint = "SELECT finding FROM jwt_sso.check() WHERE finding LIKE '%fingerprint%'";
    let before = cluster.sql(fingerprint);
    cluster.configure(&[
        ("jwt_sso.oidc_client_id", "console"),
        ("jwt_sso.oidc_client_secret_file", "/etc/jwt-sso/secret"),
        ("jwt_sso.oidc_provider_url", "https://idp.example"),
        ("jwt_sso.oidc_redirect_url", "https://console.example/callback"),
        ("jwt_sso.oidc_scopes", "openid email"),
        ("jwt_sso.oidc_generate_cluster_sso_token_enabled", "on"),
        ("jwt_sso.oidc_generate_cluster_sso_token_use_token", "access_token"),
        ("jwt_sso.sql_host", "db.example"),
        ("jwt_sso.sql_port", "6432"),
        ("jwt_sso.oidc_button_text", "Sign in"),
    ]);
    assert_eq!(cluster.sql("SHOW jwt_sso.sql_port"), "6432");
    assert_eq!(cluster.sql(fingerprint), before);
    assert!(before.contains("fingerprint"), "{before}");
}

#[test]
fn issuer_is_usable_after_all() {
    // The shared cluster has taken none of the mistakes above.
    let issuer = Issuer::example();
    let cluster = Cluster::builder().start();
    issuer.install(&cluster, &["alice"]);
    cluster.try_alter_system("jwt_sso.issuers", "{").unwrap_err();
    cluster.reload();
    let run = cluster.psql().user("alice").token(&issuer.token("alice").sign());
    assert_eq!(run.run("SELECT current_user").stdout, "alice");
}
