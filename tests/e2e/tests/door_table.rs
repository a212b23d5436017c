//! One decision, whatever the door: one table of tokens, at each door that the server under test
//! has. The same token gets the same reason code in the log, and the client the same DETAIL and
//! HINT.
//! 1. every case of the table
//! 2. the same while jwt_sso is disabled
//!
//! To add a door, add an entry to [`DOORS`].

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::issuer::encode;
use jwt_sso_e2e::oauthbearer;
use jwt_sso_e2e::token::{now, tampered};
use jwt_sso_e2e::wire::Login;
use jwt_sso_e2e::{Algorithm, Client, Cluster, Issuer, SigningKey, refused};
use serde_json::{Value, json};

/// A door, and how a client goes through it.
struct Door {
    /// As the log names it. A connection to the database of that name goes there.
    name: &'static str,
    /// Whether the server under test has it.
    exists: fn(&Installation) -> bool,
    /// The rest of its HBA line.
    method: &'static str,
    /// Other databases that lead there, and the rest of their lines.
    others: &'static [(&'static str, &'static str)],
    /// The cases whose token cannot be sent there as it is.
    unlike: &'static [&'static str],
    /// Lines of postgresql.conf that it needs.
    conf: &'static str,
    /// A login with a token.
    login: fn(&Client, &str) -> Login,
}

const DOORS: &[Door] = &[
    Door {
        name: "hook",
        exists: |_| true,
        method: "trust",
        others: &[],
        unlike: &[],
        conf: "",
        login: |client, token| client.login(token),
    },
    Door {
        name: "pam",
        exists: |server| server.with_pam,
        method: "pam pamservice=jwt_sso",
        others: &[],
        unlike: &[],
        conf: "",
        login: |client, token| client.login(token),
    },
    Door {
        name: "oauth",
        exists: |server| server.major >= 18,
        // A line believes one issuer.
        method: r#"oauth issuer="https://issuer.example" scope=openid delegate_ident_mapping=1"#,
        others: &[
            (
                "strict",
                r#"oauth issuer="https://strict.example" scope=db delegate_ident_mapping=1"#,
            ),
            (
                "keyless",
                r#"oauth issuer="https://keyless.example" scope=db delegate_ident_mapping=1"#,
            ),
        ],
        // Blanks before a bearer token are none of it.
        unlike: &["a blank"],
        conf: "oauth_validator_libraries = 'jwt_sso'",
        login: |client, token| {
            let line = ["strict", "keyless"].into_iter().find(|name| is_of(token, name));
            let client = client.clone().parameter("database", line.unwrap_or("oauth"));
            oauthbearer::login(&client, token).login
        },
    },
];

/// Whether the token says that it is of `https://NAME.example`.
fn is_of(token: &str, name: &str) -> bool {
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Value = serde_json::from_slice(&payload.unwrap_or_default()).unwrap_or_default();
    claims["iss"] == format!("https://{name}.example")
}

/// A token, and what comes of it.
struct Case {
    name: &'static str,
    role: &'static str,
    /// Of the start-up packet.
    replication: &'static str,
    token: String,
    /// None: let in.
    reason: Option<&'static str>,
}

struct World {
    cluster: Cluster,
    doors: Vec<&'static Door>,
    main: Issuer,
    strict: Issuer,
}

impl World {
    fn start() -> World {
        let doors: Vec<&Door> =
            DOORS.iter().filter(|door| (door.exists)(Installation::get())).collect();
        let mut lines = String::new();
        let mut builder = Cluster::builder();
        let databases = || {
            let all = doors.iter().flat_map(|door| door.others.iter().copied());
            all.chain(doors.iter().map(|door| (door.name, door.method)))
        };
        for (database, method) in databases() {
            lines += &format!("hostssl {database} all all {method}\n");
        }
        for Door { conf, .. } in &doors {
            builder = builder.conf(conf);
        }
        let cluster = builder.token_hba(&lines).start();
        for (database, _) in databases() {
            cluster.sql(&format!("CREATE DATABASE {database}"));
        }
        let main = Issuer::new("https://issuer.example");
        let strict = Issuer::new("https://strict.example");
        let jwks = |issuer: &Issuer| serde_json::from_str::<Value>(&issuer.jwks()).unwrap();
        let issuers = json!({"issuers": {
            "https://issuer.example": {"jwks": jwks(&main)},
            "https://strict.example": {
                "jwks": jwks(&strict), "claim": "email", "algorithms": ["ES256"],
                "required_claims": {"email_verified": true},
            },
            "https://keyless.example": {"jwks": {"keys": []}},
        }});
        let map = json!([
            r"https://issuer.example /^(.*)$ \1",
            r"https://strict.example /^(.*)@corp\.example$ \1",
        ]);
        cluster.sql("CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN");
        cluster.sql("CREATE ROLE root SUPERUSER LOGIN; CREATE ROLE standby REPLICATION LOGIN");
        cluster.configure(&[
            ("jwt_sso.enabled", "on"),
            ("jwt_sso.audience", "postgres"),
            ("jwt_sso.issuers", &issuers.to_string()),
            ("jwt_sso.identity_map", &map.to_string()),
            ("jwt_sso.max_token_lifetime", "1h"),
        ]);
        World { cluster, doors, main, strict }
    }

    /// Takes each case through each door.
    fn run(&self, cases: &[Case]) {
        for case in cases {
            let mut told = Vec::new();
            for door in self.doors.iter().filter(|door| !door.unlike.contains(&case.name)) {
                eprintln!("{} at {}", case.name, door.name);
                let client = Client::new(&self.cluster, case.role).at(door.name);
                let client = client.parameter("replication", case.replication);
                let login = (door.login)(&client.parameter("database", door.name), &case.token);
                told.push(self.outcome(case, login));
            }
            assert!(told.iter().all(|one| *one == told[0]), "{}: {told:#?}", case.name);
        }
    }

    /// Holds a login to end as the case says; DETAIL and HINT of a refusal.
    #[track_caller]
    fn outcome(&self, case: &Case, login: Login) -> (String, String) {
        let Some(reason) = case.reason else {
            let mut session = login.session();
            assert_eq!(session.query("SELECT current_user").unwrap(), [[case.role]]);
            return Default::default();
        };
        let error = refused(&self.cluster, case.role, &login, reason).error;
        let (detail, _) = error.detail.rsplit_once("(reference ").expect("a reference");
        (detail.to_owned(), error.hint)
    }

    fn cases(&self) -> Vec<Case> {
        let alice = || self.main.token("alice");
        let strict = || {
            let token = self.strict.token("42").claim("email", "alice@corp.example");
            token.claim("email_verified", true)
        };
        let case =
            |name, reason, token| Case { name, role: "alice", replication: "false", token, reason };
        let refused = |name, reason, token| case(name, Some(reason), token);
        let as_role = |role, case| Case { role, ..case };
        let unsigned = alice().header("alg", "none");
        let unsigned =
            format!("{}.{}.", encode(unsigned.header_text()), encode(unsigned.payload_text()));
        let twice = alice().payload_text().replacen('{', r#"{"sub":"bob","#, 1);
        let stranger = SigningKey::generate("k9", Algorithm::Es256);
        let impostor = SigningKey::generate("k1", Algorithm::Es256);
        let past = alice().claim("iat", now() - 400).claim("exp", now() - 100);
        let proven = |role: &str| self.main.token(role).sign();
        vec![
            case("valid", None, alice().sign()),
            case("valid, 20,000 bytes", None, alice().padded(20_000)),
            case("valid, with required claims", None, strict().sign()),
            refused("a word", "malformed_token", "secret".to_owned()),
            refused("two parts", "malformed_token", "a.b".to_owned()),
            refused("a blank", "malformed_token", format!(" {}", alice().sign())),
            refused("padding", "malformed_token", format!("{}=", alice().sign())),
            refused("cut by psql's prompt", "malformed_token", alice().padded(5000)[..4095].into()),
            refused(
                "a member twice",
                "malformed_token",
                alice().sign_raw(&alice().header_text(), &twice),
            ),
            refused("crit", "malformed_token", alice().header("crit", json!(["exp"])).sign()),
            refused("typ", "malformed_token", alice().header("typ", "secevent+jwt").sign()),
            refused("alg none", "unsupported_algorithm", unsigned),
            refused("HMAC", "unsupported_algorithm", alice().header("alg", "HS256").sign()),
            refused("no alg", "unsupported_algorithm", alice().without_header("alg").sign()),
            refused("iss", "unknown_issuer", alice().claim("iss", "https://o.example").sign()),
            refused(
                "a slash",
                "unknown_issuer",
                alice().claim("iss", "https://issuer.example/").sign(),
            ),
            refused("no iss", "unknown_issuer", alice().without("iss").sign()),
            refused(
                "no keys",
                "keys_unavailable",
                alice().claim("iss", "https://keyless.example").sign(),
            ),
            refused("kid", "unknown_key", alice().key(&stranger).sign()),
            refused("tampered", "bad_signature", tampered(&alice().sign())),
            refused("another's key", "bad_signature", alice().key(&impostor).sign()),
            refused("another issuer's key", "bad_signature", {
                alice().claim("iss", "https://strict.example").sign()
            }),
            refused("no exp", "missing_expiry", alice().without("exp").sign()),
            refused("exp", "expired", past.sign()),
            refused("nbf", "not_yet_valid", alice().claim("nbf", now() + 100).sign()),
            refused("iat", "issued_in_future", alice().claim("iat", now() + 100).sign()),
            refused("lifetime", "lifetime_too_long", alice().claim("exp", now() + 7200).sign()),
            refused("exp of text", "invalid_claim", alice().claim("exp", "soon").sign()),
            refused("aud", "audience_mismatch", alice().claim("aud", "wrong").sign()),
            refused("no aud", "audience_mismatch", alice().without("aud").sign()),
            refused("a claim", "required_claim", strict().claim("email_verified", false).sign()),
            refused("no such claim", "required_claim", strict().without("email_verified").sign()),
            refused("no identity", "missing_claim", strict().without("email").sign()),
            refused("an empty identity", "invalid_claim", strict().claim("email", "").sign()),
            refused("another domain", "role_not_mapped", {
                strict().claim("email", "alice@corp.example.org").sign()
            }),
            as_role("bob", refused("another role", "role_not_mapped", alice().sign())),
            as_role("ghost", refused("a missing role", "role_not_mapped", alice().sign())),
            as_role("root", refused("a superuser", "reserved_role", proven("root"))),
            as_role("pg_monitor", refused("pg_*", "reserved_role", proven("pg_monitor"))),
            Case {
                replication: "database",
                ..as_role("standby", refused("replication", "reserved_role", proven("standby")))
            },
        ]
    }
}

#[test]
fn s1_every_case_s2_disabled() {
    let world = World::start();
    let cases = world.cases();
    world.run(&cases);
    world.cluster.configure(&[("jwt_sso.enabled", "off")]);
    let disabled = |case: Case| Case { reason: Some("disabled"), ..case };
    world.run(&cases.into_iter().map(disabled).collect::<Vec<_>>());
}
