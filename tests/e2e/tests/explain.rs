//! The dry run, `jwt_sso.explain()`:
//! 1. a token that a login accepts: 13 checks in order, all ok
//! 2. it says what the log of the refused login says, for every kind of refusal
//! 3. it goes on after a failure: several rows are false at once
//! 4. a token without its signature is taken, and only the signature is unknown
//! 5. denied tokens, and roles that do not exist, may not log in, are superusers
//! 6. which policy: after a bad reload the previous one, in old and in new sessions; none after
//!    a bad start; a session whose files have changed since
//! 7. fetched keys: it waits for them as a login does, and an unknown kid is refused as there
//! 8. the token is in no log line, it counts nowhere and is no refusal; with a bind parameter and
//!    log_parameter_max_length = 0 the server's own logging leaves it out too
//! 9. the text of a database in another encoding

use std::io::Read;

use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::faulty_issuer::FaultyIssuer;
use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::message::{ServerError, frame};
use jwt_sso_e2e::token::{now, tampered};
use jwt_sso_e2e::{Algorithm, Client, Cluster, Issuer, SigningKey, Transport, refused};
use serde_json::{Value, json};

const CHECKS: [&str; 13] = [
    "policy",
    "enabled",
    "form",
    "issuer",
    "keys",
    "key",
    "signature",
    "time",
    "audience",
    "required_claims",
    "identity",
    "identity_map",
    "role",
];

/// A row of explain().
#[derive(Clone, Debug)]
struct Row {
    check: String,
    ok: Option<bool>,
    detail: String,
}

fn parse(output: &str) -> Vec<Row> {
    let rows: Vec<Value> = output.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row["step"], json!(i + 1), "{row}");
    }
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    rows.iter()
        .map(|row| Row {
            check: text(&row["check"]),
            ok: row["ok"].as_bool(),
            detail: text(&row["detail"]),
        })
        .collect()
}

fn question(token: &str, role: &str) -> String {
    format!("SELECT row_to_json(e) FROM jwt_sso.explain('{token}', '{role}') AS e")
}

#[track_caller]
fn explain(cluster: &Cluster, token: &str, role: &str) -> Vec<Row> {
    let rows = parse(&cluster.sql(&question(token, role)));
    let checks: Vec<&str> = rows.iter().map(|row| row.check.as_str()).collect();
    assert_eq!(checks, CHECKS);
    rows
}

#[track_caller]
fn row<'r>(rows: &'r [Row], check: &str) -> &'r Row {
    rows.iter().find(|row| row.check == check).unwrap_or_else(|| panic!("no {check}"))
}

fn with_outcome(rows: &[Row], ok: Option<bool>) -> Vec<&str> {
    rows.iter().filter(|row| row.ok == ok).map(|row| row.check.as_str()).collect()
}

/// A server that takes the issuer's tokens.
fn start() -> (Cluster, Issuer) {
    let cluster = Cluster::builder().token_hba("hostssl all all all trust\n").start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    let issuer = Issuer::example();
    issuer.install(&cluster, &["alice"]);
    (cluster, issuer.clone())
}

#[test]
fn s1_accepted() {
    let (cluster, issuer) = start();
    let token = issuer.token("alice").sign();
    let rows = explain(&cluster, &token, "alice");
    assert_eq!(with_outcome(&rows, Some(true)), CHECKS, "{rows:#?}");
    for (check, words) in [
        ("policy", "sound and in force, fingerprint "),
        ("enabled", "taken as one over TLS and not for replication"),
        ("form", "algorithm ES256, kid \"k1\""),
        ("issuer", "iss \"https://issuer.example\" is configured"),
        ("keys", "1 usable key"),
        ("time", "exp 2"),
        ("audience", r#"token audience ["postgres"], accepted ["postgres"]"#),
        ("required_claims", "no claims"),
        ("identity", r#"claim "sub" is ["alice"]"#),
        ("identity_map", r#"identity "alice" has the role "alice", by equality"#),
        ("role", "role \"alice\" may log in"),
    ] {
        let detail = &row(&rows, check).detail;
        assert!(detail.contains(words), "{check}: {detail}");
    }
    Client::new(&cluster, "alice").login(&token).session();
}

#[test]
fn s2_in_the_words_of_the_log() {
    let (cluster, issuer) = start();
    let entry = json!({"issuers": {"https://issuer.example": {
        "required_claims": {"email_verified": true},
    }}});
    cluster.configure(&[
        ("jwt_sso.issuers", &entry.to_string()),
        ("jwt_sso.identity_map", r"https://issuer.example /^([a-z]+)$ \1"),
        ("jwt_sso.max_token_lifetime", "1h"),
        ("jwt_sso.deny", r#"[{"jti":"stolen"}]"#),
    ]);
    cluster.sql("CREATE ROLE root SUPERUSER LOGIN");
    let token = |subject: &str| issuer.token(subject).claim("email_verified", true);
    let alice = || token("alice");
    let other = SigningKey::generate("k9", Algorithm::Es256);
    let cases = [
        ("form", "malformed_token", "no token".to_owned()),
        ("form", "unsupported_algorithm", alice().header("alg", "HS256").sign()),
        ("issuer", "unknown_issuer", alice().claim("iss", "https://issuer.example/").sign()),
        ("key", "unknown_key", alice().key(&other).sign()),
        ("signature", "bad_signature", tampered(&alice().sign())),
        ("time", "missing_expiry", alice().without("exp").sign()),
        ("time", "not_yet_valid", alice().claim("nbf", now() + 120).sign()),
        ("time", "lifetime_too_long", alice().claim("exp", now() + 7200).sign()),
        ("audience", "audience_mismatch", alice().claim("aud", "mail").sign()),
        ("required_claims", "required_claim", alice().claim("email_verified", "true").sign()),
        ("identity", "missing_claim", alice().without("sub").sign()),
        ("identity_map", "role_not_mapped", token("bob").sign()),
        ("role", "denied", alice().claim("jti", "stolen").sign()),
    ];
    for (check, reason, token) in &cases {
        let login = Client::new(&cluster, "alice").login(token);
        let log = refused(&cluster, "alice", &login, reason).log;
        let rows = explain(&cluster, token, "alice");
        let first = rows.iter().find(|row| row.ok == Some(false)).expect("a failure");
        assert_eq!(first.check, *check, "{rows:#?}");
        assert!(first.detail.starts_with(&format!("{reason}: ")), "{first:?}");
        let (_, logged) = log.split_once(" detail=").expect("the log has a detail");
        let logged: String = serde_json::from_str(logged).unwrap();
        // Times go on between the two.
        let same = logged.split(", now").next().expect("a part");
        assert!(first.detail.contains(same), "{first:?} {logged}");
    }
    let expired = token("alice").claim("exp", now() - 3600).claim("iat", now() - 7000).sign();
    let detail = row(&explain(&cluster, &expired, "alice"), "time").detail.clone();
    assert!(detail.starts_with("expired: exp 2") && detail.contains(", now 2"), "{detail}");
    let rows = explain(&cluster, &token("root").sign(), "root");
    assert_eq!(with_outcome(&rows, Some(false)), ["role"]);
    assert!(row(&rows, "role").detail.contains("jwt_sso.allow_superuser"), "{rows:#?}");
}

#[test]
fn s3_goes_on() {
    let (cluster, issuer) = start();
    cluster.configure(&[("jwt_sso.enabled", "off")]);
    let token = issuer.token("bob").claim("aud", "mail").claim("exp", now() - 9).claim("iat", 1);
    cluster.configure(&[("jwt_sso.clock_skew", "0")]);
    let rows = explain(&cluster, &tampered(&token.sign()), "pg_monitor");
    let failed = ["enabled", "signature", "time", "audience", "identity_map", "role"];
    assert_eq!(with_outcome(&rows, Some(false)), failed, "{rows:#?}");
    assert_eq!(with_outcome(&rows, None), [""; 0]);
    // Without an issuer there is no question of keys, but one of times.
    let rows = explain(&cluster, &token.claim("iss", "https://other.example").sign(), "alice");
    assert_eq!(with_outcome(&rows, Some(false)), ["enabled", "issuer", "time"]);
    let unknown =
        ["keys", "key", "signature", "audience", "required_claims", "identity", "identity_map"];
    assert_eq!(with_outcome(&rows, None), unknown);
    assert!(row(&rows, "keys").detail.starts_with("not reached: "), "{rows:#?}");
    // What is no token at all.
    let rows = explain(&cluster, "rubbish", "alice");
    assert_eq!(with_outcome(&rows, Some(false)), ["enabled", "form"]);
    assert_eq!(with_outcome(&rows, Some(true)), ["policy", "role"]);
}

#[test]
fn s4_without_a_signature() {
    let (cluster, issuer) = start();
    let token = issuer.token("alice").sign();
    let (unsigned, _) = token.rsplit_once('.').unwrap();
    for form in [unsigned.to_owned(), format!("{unsigned}.")] {
        let rows = explain(&cluster, &form, "alice");
        assert_eq!(with_outcome(&rows, None), ["signature"], "{rows:#?}");
        assert_eq!(with_outcome(&rows, Some(false)), [""; 0]);
        assert!(row(&rows, "signature").detail.starts_with("not checked"), "{rows:#?}");
    }
    let login = Client::new(&cluster, "alice").login(&format!("{unsigned}."));
    refused(&cluster, "alice", &login, "bad_signature");
}

#[test]
fn s5_roles() {
    let (cluster, issuer) = start();
    cluster
        .sql("CREATE ROLE sleeper NOLOGIN; CREATE ROLE almost LOGIN; CREATE ROLE root SUPERUSER");
    cluster.sql("GRANT root TO almost");
    cluster.configure(&[("jwt_sso.deny", r#"[{"principal":"bob"},{"principal":"alice"}]"#)]);
    for (role, ok, words) in [
        ("ghost", true, "role \"ghost\" does not exist: the server itself refuses it"),
        ("sleeper", true, "role \"sleeper\" may not log in: the server itself refuses it"),
        ("almost", true, "role \"almost\" can SET ROLE to a superuser"),
        ("root", false, "the role is a superuser and jwt_sso.allow_superuser is off"),
        ("pg_monitor", false, "roles that begin with pg_"),
        ("alice", false, "denied: element 2 of jwt_sso.deny"),
    ] {
        let rows = explain(&cluster, &issuer.token(role).sign(), role);
        let row = row(&rows, "role");
        assert!(row.ok == Some(ok) && row.detail.contains(words), "{row:?}");
        assert!(rows.iter().filter(|row| row.check != "role").all(|row| row.ok == Some(true)));
    }
}

#[test]
fn s6_which_policy() {
    let (cluster, issuer) = start();
    let token = issuer.token("alice").sign();
    // An old session, which has the refused value, and was forked with the policy before that.
    let mut old = cluster.psql().socket().user("postgres").start(&format!(
        "SELECT pg_sleep(0); \\! touch {0}/ready; while [ ! -e {0}/go ]; do sleep 0.1; done\n{1};",
        cluster.socket_dir().display(),
        question(&token, "alice"),
    ));
    cluster.until("the old session", || cluster.socket_dir().join("ready").exists());
    cluster.write_file("map", b"https://issuer.example alice alice\n");
    cluster.configure(&[("jwt_sso.identity_map_file", "map")]);
    cluster.write_file("map", b"only two\n");
    cluster.reload();
    std::fs::write(cluster.socket_dir().join("go"), "").unwrap();
    let mut output = String::new();
    old.stdout.take().expect("piped").read_to_string(&mut output).unwrap();
    old.wait().unwrap();
    // It cannot know the policy in force, and says so.
    let rows = parse(output.trim());
    let policy = row(&rows, "policy");
    assert!(policy.ok == Some(false), "{policy:?}");
    let words = "misconfigured: wrong in this session: jwt_sso.identity_map_file, and another \
                 policy is in force: ask again in a new session";
    assert_eq!(policy.detail, words);

    let rows = explain(&cluster, &token, "alice");
    let policy = row(&rows, "policy");
    assert!(policy.ok == Some(true), "{policy:?}");
    let words = "the previous policy is still in force: refused jwt_sso.identity_map_file";
    assert!(policy.detail.contains(words), "{policy:?}");
    assert_eq!(with_outcome(&rows, Some(true)), CHECKS, "{rows:#?}");
    assert!(row(&rows, "identity_map").detail.contains("by the identity map"), "{rows:#?}");
    Client::new(&cluster, "alice").login(&token).session();

    // A file that was edited, and not read again yet.
    cluster.write_file("map", b"https://issuer.example bob alice\n");
    let rows = explain(&cluster, &token, "alice");
    assert_eq!(with_outcome(&rows, Some(true)), CHECKS, "{rows:#?}");
    cluster.reload();
    let rows = explain(&cluster, &token, "alice");
    assert_eq!(with_outcome(&rows, Some(false)), ["identity_map"], "{rows:#?}");

    cluster.write_file("map", b"only two\n");
    cluster.restart();
    let rows = explain(&cluster, &token, "alice");
    assert_eq!(with_outcome(&rows, Some(false)), ["policy"], "{rows:#?}");
    assert_eq!(with_outcome(&rows, None), CHECKS[1..], "{rows:#?}");
    let policy = row(&rows, "policy");
    assert!(policy.detail.starts_with("misconfigured: no policy is in force"), "{policy:?}");
    assert!(policy.detail.contains("jwt_sso.identity_map_file"), "{policy:?}");
}

#[test]
fn s7_fetched_keys() {
    let authority = Authority::new();
    let server = FaultyIssuer::https(authority.localhost());
    let mut issuer = Issuer::new(&server.base);
    server.publish(issuer.jwks());
    let cluster = Cluster::builder().start();
    cluster.sql("CREATE EXTENSION jwt_sso; CREATE ROLE alice LOGIN");
    cluster.write_file("ca.pem", authority.pem().as_bytes());
    cluster.configure(&[
        ("jwt_sso.enabled", "on"),
        ("jwt_sso.audience", "postgres"),
        ("jwt_sso.jwks_auto_fetch_enabled", "on"),
        ("jwt_sso.issuer_custom_ca", "ca.pem"),
        ("jwt_sso.issuers", &issuer.iss),
    ]);
    // Whether or not the first fetch is over.
    let rows = explain(&cluster, &issuer.token("alice").sign(), "alice");
    assert_eq!(with_outcome(&rows, Some(true)), CHECKS, "{rows:#?}");
    // A new key, which nobody has asked for: the dry run waits until it is fetched.
    issuer.keys.push(SigningKey::generate("k2", Algorithm::Es256));
    server.publish(issuer.jwks());
    let token = issuer.token("alice").key(&issuer.keys[1]).sign();
    let rows = explain(&cluster, &token, "alice");
    assert_eq!(with_outcome(&rows, Some(true)), CHECKS, "{rows:#?}");
    // The brake is on now.
    let unknown = SigningKey::generate("k3", Algorithm::Es256);
    let rows = explain(&cluster, &issuer.token("alice").key(&unknown).sign(), "alice");
    assert_eq!(with_outcome(&rows, Some(false)), ["key"], "{rows:#?}");
    let detail = &row(&rows, "key").detail;
    assert!(detail.contains("kid \"k3\" is none of the issuer's 2 keys"), "{detail}");
}

#[test]
fn s8_leaves_no_trace() {
    let (cluster, issuer) = start();
    let accepted = issuer.token("alice").sign();
    let refused = issuer.token("alice").claim("aud", "mail").sign();
    let mark = cluster.log_mark();
    for token in [&accepted, &refused] {
        explain(&cluster, token, "alice");
    }
    let log = cluster.log_since(mark);
    assert!(!log.contains("jwt_sso:"), "{log}");
    for count in
        ["coalesce(sum(count), 0) FROM jwt_sso.stats", "count(*) FROM jwt_sso.recent_refusals"]
    {
        assert_eq!(cluster.sql(&format!("SELECT {count}")), "0", "{count}");
    }
    // A statement that fails is logged with its text, by default; not this one.
    let mark = cluster.log_mark();
    let fails = "SELECT 1 / (SELECT 0 * count(*) FROM jwt_sso.explain('{}', 'alice'))";
    cluster.try_sql(&fails.replace("{}", &accepted)).unwrap_err();
    cluster.wait_log(mark, "division by zero");
    assert!(!cluster.log_since(mark).contains(accepted.rsplit('.').next().unwrap()));
    // With all that the server can log switched on.
    cluster.alter_system("log_statement", "all");
    cluster.alter_system("log_min_duration_statement", "0");
    cluster.reload();
    let signature = accepted.rsplit('.').next().unwrap();
    let leaks = |ask: &dyn Fn()| {
        let mark = cluster.log_mark();
        ask();
        cluster.wait_log(mark, "jwt_sso.explain");
        cluster.log_since(mark).contains(signature)
    };
    assert!(leaks(&|| drop(explain(&cluster, &accepted, "alice"))), "a literal is logged");
    let asks = "SELECT bool_and(ok)::text FROM jwt_sso.explain($1, 'alice')";
    assert!(leaks(&|| bound(&cluster, "SELECT", asks, &accepted)), "a parameter is logged");
    let silence = "SET log_parameter_max_length = 0";
    assert!(!leaks(&|| bound(&cluster, silence, asks, &accepted)));
    // The ways of docs/explain.md, of which the first takes a psql with \bind.
    cluster.write_file("token", format!("{accepted}\n").as_bytes());
    let file = cluster.data_dir().join("token");
    if Installation::get().major >= 16 {
        let by_bind = format!(
            "{silence};\n\\set token `cat {}`\n\
             SELECT bool_and(ok) FROM jwt_sso.explain($1, 'alice') \\bind :token \\g\n",
            file.display()
        );
        assert!(!leaks(&|| assert_eq!(cluster.sql(&by_bind), "t")));
    }
    let copied = format!(
        "CREATE TEMP TABLE handed (token text);\n\\copy handed FROM '{}'\n\
         SELECT bool_and(e.ok) FROM handed, jwt_sso.explain(handed.token, 'alice') AS e;",
        file.display()
    );
    assert!(!leaks(&|| assert_eq!(cluster.sql(&copied), "t")));
}

/// Asks with the token as a parameter, as a driver does; all checks are to hold.
#[track_caller]
fn bound(cluster: &Cluster, before: &str, sql: &str, token: &str) {
    let client = Client::new(cluster, "postgres").by(Transport::Socket);
    let mut session = client.login("").session();
    session.query(before).unwrap();
    let length = u32::try_from(token.len()).unwrap().to_be_bytes();
    let text = |text: &str| [text.as_bytes(), b"\0"].concat();
    let parse = [&text("")[..], &text(sql), &[0, 0]].concat();
    let bind = [&[0, 0][..], &[0, 0], &[0, 1], &length, token.as_bytes(), &[0, 0]].concat();
    for (tag, body) in [(b'P', &parse[..]), (b'B', &bind), (b'E', &[0; 5]), (b'S', &[])] {
        session.send(&frame(tag, body)).unwrap();
    }
    let mut rows = Vec::new();
    loop {
        let message = session.read().expect("an answer");
        match message.tag {
            b'D' => rows.push(message.row()),
            b'E' => panic!("{:?}", ServerError::parse(&message.body)),
            b'Z' => break,
            _ => {}
        }
    }
    assert_eq!(rows, [["true"]]);
}

#[test]
fn s9_other_encodings() {
    let (cluster, issuer) = start();
    cluster.configure(&[("jwt_sso.claim", "who")]);
    let options = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'";
    cluster.sql(&format!("CREATE DATABASE latin {options}"));
    let psql = cluster.psql().socket().user("postgres").env("PGDATABASE", "latin");
    let token = issuer.token("alice").claim("who", "rôle").sign();
    let sql = format!("CREATE EXTENSION jwt_sso; {}", question(&token, "alice"));
    let run = psql.run(&format!("SET client_min_messages = error; {sql}"));
    assert!(run.success && run.stdout.is_ascii(), "{} {}", run.stdout, run.stderr);
    let rows = parse(&run.stdout);
    assert_eq!(with_outcome(&rows, Some(false)), ["identity_map"]);
    assert!(row(&rows, "identity").detail.contains(r"r\u{f4}le"), "{rows:#?}");
}
