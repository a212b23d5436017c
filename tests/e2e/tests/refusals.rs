//! Each reason code: the client's text and the server's log line.
//! (`misconfigured` is in startup.rs, `role_not_mapped` and `reserved_role` in roles.rs, the
//! doors' side of 1 and 2 in doors.rs.)
//! 1. `disabled`   2. `insecure_transport`   3. `no_token`
//! 4. `malformed_token`, for many kinds of malformation   5. `unsupported_algorithm`
//! 6. `unknown_issuer`, which says so where only a slash or the scheme differs
//! 7. `keys_unavailable`: no keys, an empty set, keys yet to be fetched
//! 8. `unknown_key`   9. `bad_signature`
//! 10. `missing_expiry`, `expired`, `not_yet_valid`, `issued_in_future`, `lifetime_too_long`
//! 11. `invalid_claim`   12. `audience_mismatch`   13. `required_claim`   14. `missing_claim`
//! 15. a token cut at 4095 bytes gets the hint about psql's prompt, others do not
//! 16. hostile names cannot forge a log line; each value is cut at 200 bytes

use std::sync::LazyLock;

use jwt_sso_e2e::expect::Refusal;
use jwt_sso_e2e::issuer::encode;
use jwt_sso_e2e::token::{now, tampered};
use jwt_sso_e2e::{Algorithm, Client, Cluster, Issuer, SigningKey, Token, Transport, refused};
use serde_json::{Value, json};

/// The server of all tests but the first, with one issuer for each kind of entry.
struct World {
    cluster: Cluster,
    main: Issuer,
    strict: Issuer,
    rsa_only: Issuer,
    no_audience: Issuer,
    without_keys: [Issuer; 3],
}

static WORLD: LazyLock<World> = LazyLock::new(World::start);

impl World {
    fn start() -> World {
        let issuer = |name: &str| Issuer::new(&format!("https://{name}.example"));
        let mut main = issuer("issuer");
        main.keys.push(SigningKey::generate("k2", Algorithm::Es256));
        let world = World {
            cluster: Cluster::builder().start(),
            main,
            strict: issuer("strict"),
            rsa_only: issuer("rsa"),
            no_audience: issuer("noaudience"),
            without_keys: ["nokeys", "empty", "fetched"].map(issuer),
        };
        let jwks = |issuer: &Issuer| serde_json::from_str::<Value>(&issuer.jwks()).unwrap();
        let issuers = json!({"issuers": {
            "https://issuer.example": {"jwks": jwks(&world.main), "audience": "postgres"},
            "https://strict.example": {
                "jwks": jwks(&world.strict), "audience": ["other", "postgres"], "claim": "email",
                "required_claims": {"email_verified": true, "/realm/roles": ["db", "dba"]},
            },
            "https://rsa.example": {
                "jwks": jwks(&world.rsa_only), "audience": "postgres", "algorithms": ["RS256"],
            },
            "https://noaudience.example": {"jwks": jwks(&world.no_audience)},
            "https://nokeys.example": {"audience": "postgres"},
            "https://empty.example": {"audience": "postgres", "jwks": {"keys": []}},
            "https://fetched.example": {
                "audience": "postgres", "jwks_uri": "https://fetched.example/keys",
            },
        }});
        let map = json!([
            r"https://issuer.example /^(.*)$ \1",
            r"https://strict.example /^(.*)@corp\.example$ \1",
        ]);
        for role in ["alice LOGIN", "bob LOGIN"] {
            world.cluster.sql(&format!("CREATE ROLE {role}"));
        }
        world.cluster.configure(&[
            ("jwt_sso.enabled", "on"),
            ("jwt_sso.issuers", &issuers.to_string()),
            ("jwt_sso.identity_map", &map.to_string()),
            ("jwt_sso.max_token_lifetime", "1h"),
        ]);
        world
    }
}

/// A good token of the main issuer.
fn token(subject: &str) -> Token {
    WORLD.main.token(subject)
}

/// A good token of the strict issuer, for alice.
fn strict() -> Token {
    let token = WORLD.strict.token("42").claim("email", "alice@corp.example");
    token.claim("email_verified", true).claim("realm", json!({"roles": ["x", "db"]}))
}

#[track_caller]
fn refuse(role: &str, token: &str, reason: &str) -> Refusal {
    let login = Client::new(&WORLD.cluster, role).login(token);
    assert!(login.prompted, "refused before the prompt: {:?}", login.error());
    refused(&WORLD.cluster, role, &login, reason)
}

/// What the client is told beyond the reason must not help a guesser.
#[track_caller]
fn assert_bland(refusal: &Refusal) {
    for secret in ["example", "k1", "k2", "postgres", "https"] {
        let told = format!("{} {}", refusal.error.detail, refusal.error.hint);
        assert!(!told.contains(secret), "tells {secret}: {told}");
    }
}

#[track_caller]
fn assert_detail(refusal: &Refusal, facts: &[&str]) {
    for fact in facts {
        let detail = &refusal.error.detail;
        assert!(detail.contains(fact), "the client is not told {fact}: {detail}");
    }
}

#[test]
fn s01_disabled() {
    let cluster = Cluster::builder().start();
    cluster.sql("CREATE ROLE alice LOGIN");
    let login = Client::new(&cluster, "alice").login(&token("alice").sign());
    assert!(!login.prompted);
    assert_bland(&refused(&cluster, "alice", &login, "disabled"));
}

#[test]
fn s02_insecure_transport() {
    let client = Client::new(&WORLD.cluster, "alice").by(Transport::Plain);
    let login = client.login(&token("alice").sign());
    assert!(!login.prompted);
    let refusal = refused(&WORLD.cluster, "alice", &login, "insecure_transport");
    assert!(refusal.error.hint.contains("sslmode=verify-full"), "{:?}", refusal.error);
}

#[test]
fn s03_no_token() {
    refuse("alice", "", "no_token");
}

#[test]
fn s04_malformed_token() {
    let good = token("alice").sign();
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload) = (token("alice").header_text(), token("alice").payload_text());
    let twice = |json: &str, member: &str| json.replacen('{', &format!("{{{member},"), 1);
    let raw = |header: &str, payload: &str| token("alice").sign_raw(header, payload);
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let malformed = [
        "x".to_owned(),
        "secret password".to_owned(),
        parts[..2].join("."),
        format!("{good}.{}", parts[2]),
        format!("{good}="),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{}.{}+.{}", parts[0], parts[1], parts[2]),
        raw("[]", &payload),
        raw(&header, "\"alice\""),
        raw(&header, &format!("{payload} x")),
        raw(&twice(&header, r#""alg":"none""#), &payload),
        raw(&header, &twice(&payload, r#""sub":"bob""#)),
        raw(&header, &twice(&payload, r#""x":{"a":1,"a":2}"#)),
        raw(&header, &twice(&payload, &format!(r#""x":{deep}"#))),
        token("alice").claim("iss", 7).sign(),
        token("alice").claim("sub", 7).sign(),
        token("alice").claim("aud", json!({"a": 1})).sign(),
        token("alice").header("crit", json!(["exp"])).sign(),
        token("alice").header("typ", "secevent+jwt").sign(),
    ];
    for (number, token) in malformed.iter().enumerate() {
        eprintln!("malformed token {number}");
        refuse("alice", token, "malformed_token");
    }
}

#[test]
fn s05_unsupported_algorithm() {
    let unsigned = token("alice").header("alg", "none");
    let unsigned =
        format!("{}.{}.", encode(unsigned.header_text()), encode(unsigned.payload_text()));
    refuse("alice", &unsigned, "unsupported_algorithm");
    let names = ["HS256", "NONE", "ES256K", "es256", "RSA-OAEP", ""].map(Value::from);
    for alg in names.into_iter().chain([json!(7), json!(null), json!(["ES256"])]) {
        refuse("alice", &token("alice").header("alg", alg).sign(), "unsupported_algorithm");
    }
    refuse("alice", &token("alice").without_header("alg").sign(), "unsupported_algorithm");
    refuse("alice", &WORLD.rsa_only.token("alice").sign(), "unsupported_algorithm");
}

#[test]
fn s06_unknown_issuer() {
    let other = token("alice").claim("iss", "https://other.example").sign();
    let refusal = refuse("alice", &other, "unknown_issuer");
    assert_bland(&refusal);
    assert!(refusal.log.contains(r#"issuer="https://other.example""#), "{}", refusal.log);
    assert_bland(&refuse("alice", &token("alice").without("iss").sign(), "unknown_issuer"));

    let slash = token("alice").claim("iss", "https://issuer.example/").sign();
    let refusal = refuse("alice", &slash, "unknown_issuer");
    assert_bland(&refusal);
    let (_, detail) = refusal.log.split_once("detail=").expect("a detail");
    assert!(detail.contains("slash"), "{}", refusal.log);
    for scheme in ["http://issuer.example", "issuer.example"] {
        let refusal =
            refuse("alice", &token("alice").claim("iss", scheme).sign(), "unknown_issuer");
        assert_bland(&refusal);
        let (_, detail) = refusal.log.split_once("detail=").expect("a detail");
        assert!(detail.contains("scheme") || detail.contains("https:"), "{}", refusal.log);
    }
}

#[test]
fn s07_keys_unavailable() {
    for issuer in &WORLD.without_keys {
        assert_bland(&refuse("alice", &issuer.token("alice").sign(), "keys_unavailable"));
    }
}

#[test]
fn s08_unknown_key() {
    let stranger = SigningKey::generate("k9", Algorithm::Es256);
    let refusal = refuse("alice", &token("alice").key(&stranger).sign(), "unknown_key");
    assert_bland(&refusal);
    assert!(refusal.log.contains(r#"kid="k9""#), "{}", refusal.log);
    // Two keys fit: without kid, none is chosen.
    refuse("alice", &token("alice").without_header("kid").sign(), "unknown_key");
    // The kid is known, but its key has another curve.
    let misfit = SigningKey::generate("k1", Algorithm::Es384);
    refuse("alice", &token("alice").key(&misfit).sign(), "unknown_key");
}

#[test]
fn s09_bad_signature() {
    assert_bland(&refuse("alice", &tampered(&token("alice").sign()), "bad_signature"));
    let impostor = SigningKey::generate("k1", Algorithm::Es256);
    refuse("alice", &token("alice").key(&impostor).sign(), "bad_signature");
    let (good, other) = (token("alice").sign(), token("bob").sign());
    let payload = other.split('.').nth(1).unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    refuse("bob", &format!("{}.{payload}.{}", parts[0], parts[2]), "bad_signature");
}

#[test]
fn s10_times() {
    let refusal = refuse("alice", &token("alice").without("exp").sign(), "missing_expiry");
    assert_detail(&refusal, &["exp"]);
    let past = token("alice").claim("iat", now() - 400).claim("exp", now() - 100);
    let refusal = refuse("alice", &past.sign(), "expired");
    assert_detail(&refusal, &["expired at "]);
    assert!(refusal.error.hint.contains("new token"), "{:?}", refusal.error);
    refuse("alice", &token("alice").claim("nbf", now() + 100).sign(), "not_yet_valid");
    refuse("alice", &token("alice").claim("iat", now() + 100).sign(), "issued_in_future");
    let long = token("alice").claim("exp", now() + 7200);
    refuse("alice", &long.sign(), "lifetime_too_long");
    refuse("alice", &long.without("iat").sign(), "lifetime_too_long");
    // Within the leeway of 30 s all three are fine.
    let near = token("alice").claim("iat", now() + 15).claim("nbf", now() + 15);
    Client::new(&WORLD.cluster, "alice").login(&near.sign()).session();
    let near = token("alice").claim("iat", now() - 100).claim("exp", now() - 5);
    Client::new(&WORLD.cluster, "alice").login(&near.sign()).session();
}

#[test]
fn s11_invalid_claim() {
    for exp in [json!("soon"), json!(null), json!(true), json!(-1), json!(253_402_300_800_u64)] {
        refuse("alice", &token("alice").claim("exp", exp).sign(), "invalid_claim");
    }
    let huge = token("alice").payload_text().replacen("\"exp\":", "\"exp\":1e999,\"was\":", 1);
    let header = token("alice").header_text();
    refuse("alice", &token("alice").sign_raw(&header, &huge), "invalid_claim");
    refuse("alice", &token("alice").claim("nbf", "x").sign(), "invalid_claim");
    refuse("alice", &token("alice").claim("iat", json!(null)).sign(), "invalid_claim");
    for email in [json!(true), json!(null), json!(""), json!([]), json!({}), json!(1.5)] {
        refuse("alice", &strict().claim("email", email).sign(), "invalid_claim");
    }
    let mixed = json!(["alice@corp.example", 7.5]);
    refuse("alice", &strict().claim("email", mixed).sign(), "invalid_claim");
}

#[test]
fn s12_audience_mismatch() {
    let refusal =
        refuse("alice", &token("alice").claim("aud", "wrong").sign(), "audience_mismatch");
    assert_detail(&refusal, &["wrong"]);
    let fact = r#"detail="token audience [\"wrong\"], accepted [\"postgres\"]""#;
    assert!(refusal.log.contains(fact), "{}", refusal.log);
    refuse("alice", &token("alice").without("aud").sign(), "audience_mismatch");
    refuse("alice", &token("alice").claim("aud", json!([])).sign(), "audience_mismatch");
    refuse("alice", &WORLD.no_audience.token("alice").sign(), "audience_mismatch");
}

#[test]
fn s13_required_claim() {
    for value in [json!(false), json!("true"), json!(1), json!(null)] {
        refuse("alice", &strict().claim("email_verified", value).sign(), "required_claim");
    }
    let refusal = refuse("alice", &strict().without("email_verified").sign(), "required_claim");
    assert_detail(&refusal, &["email_verified"]);
    let other = json!({"roles": ["x", "dbx"]});
    refuse("alice", &strict().claim("realm", other).sign(), "required_claim");
    Client::new(&WORLD.cluster, "alice").login(&strict().sign()).session();
}

#[test]
fn s14_missing_claim() {
    let refusal = refuse("alice", &strict().without("email").sign(), "missing_claim");
    assert_detail(&refusal, &["\"email\""]);
}

#[test]
fn s15_cut_by_the_prompt() {
    let cut = &token("alice").padded(5000)[..4095];
    let refusal = refuse("alice", cut, "malformed_token");
    assert!(refusal.error.hint.contains("PGPASSWORD"), "{:?}", refusal.error);
    let other = &token("alice").padded(5000)[..4094];
    let refusal = refuse("alice", other, "malformed_token");
    assert!(!refusal.error.hint.contains("PGPASSWORD"), "{:?}", refusal.error);
}

#[test]
fn s16_hostile_names() {
    let forged = "\\\" x=\"\n2026-11-21 LOG:  jwt_sso: accepted door=hook";
    let mark = WORLD.cluster.log_mark();
    refuse(forged, &token("alice").sign(), "role_not_mapped");
    let hostile = format!("{forged}\u{7f}\u{1b}[2J\u{2028}{}", "\u{e9}".repeat(5000));
    let refusal = refuse("alice", &token("alice").claim("iss", &*hostile).sign(), "unknown_issuer");
    assert_bland(&refusal);
    let refusals = [
        refusal,
        refuse("alice", &token("alice").header("kid", &*hostile).sign(), "unknown_key"),
        refuse("alice", &token(&hostile).sign(), "role_not_mapped"),
        refuse("alice", &token("alice").claim("aud", &*hostile).sign(), "audience_mismatch"),
        refuse("alice", &token("alice").header("alg", &*hostile).sign(), "unsupported_algorithm"),
    ];
    for Refusal { log, error } in &refusals {
        assert!(log.chars().all(|c| !c.is_control() && c != '\u{2028}'), "{log:?}");
        assert!(error.raw.len() < 1000, "{} bytes for the client", error.raw.len());
        let (_, values) = log.split_once("jwt_sso: ").expect("our line");
        for value in values.split("=\"").skip(1) {
            let end = value.find("\" ").unwrap_or(value.len());
            assert!(end <= 201, "a value of {end} bytes: {log}");
        }
    }
    // Wherever a line of the log begins, it does not begin with the forged text.
    let log = WORLD.cluster.log_since(mark);
    assert!(!log.lines().any(|line| line.starts_with("2026-11-21 LOG:")), "{log}");
}
