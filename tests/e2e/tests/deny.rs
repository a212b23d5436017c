//! `jwt_sso.deny`: whom no token lets in any more:
//! 1. new logins are refused as `denied`; the log names the element, the client hears no more
//!    than that it is denied
//! 2. open sessions that meet an element are ended after the reload; the others stay
//! 3. the members of an element are ANDed, and each is compared whole
//! 4. an element with `until` in the past means nothing; one in the future does
//! 5. a login that was under way during the reload is ended soon after
//! 6. renew() by a token that is denied
//! 7. sessions that no token opened are left alone
//! 8. a principal is any identity of the token, whichever maps to the role, at logins and in
//!    open sessions
//! 9. a wrong list is refused when it is written, and keeps the whole policy before at a reload

use jwt_sso_e2e::expect::{alive, ended};
use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::token::now;
use jwt_sso_e2e::wire::Wire;
use jwt_sso_e2e::{Client, Cluster, Issuer, Token, refused};
use serde_json::{Value, json};

const ISS: &str = "https://issuer.example";

fn start() -> Cluster {
    let cluster = Cluster::builder().start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    Issuer::example().install(&cluster, &["alice", "bob"]);
    cluster
}

fn deny(cluster: &Cluster, list: Value) {
    cluster.configure(&[("jwt_sso.deny", &list.to_string())]);
}

fn token(subject: &str) -> Token {
    Issuer::example().token(subject)
}

fn open(cluster: &Cluster, role: &str, token: &Token) -> Wire {
    Client::new(cluster, role).login(&token.sign()).session()
}

#[track_caller]
fn denied(cluster: &Cluster, role: &str, token: &Token, element: usize) {
    let login = Client::new(cluster, role).login(&token.sign());
    let refusal = refused(cluster, role, &login, "denied");
    let detail = format!("detail=\"element {element} of jwt_sso.deny\"");
    assert!(refusal.log.contains(&detail), "{}", refusal.log);
    let told = "The server's administrator denies this login. (reference ";
    assert!(refusal.error.detail.starts_with(told), "{:?}", refusal.error);
    assert_eq!(refusal.error.hint, "");
}

#[test]
fn s1_logins() {
    let cluster = start();
    open(&cluster, "alice", &token("alice"));
    deny(&cluster, json!([{"principal": "mallory"}, {"principal": "alice"}]));
    denied(&cluster, "alice", &token("alice"), 2);
    open(&cluster, "bob", &token("bob"));
    // Whoever is not proven, or may not have the role, hears that first.
    let login = Client::new(&cluster, "alice").login(&token("alice").claim("exp", 1).sign());
    refused(&cluster, "alice", &login, "expired");
    let login = Client::new(&cluster, "bob").login(&token("alice").sign());
    refused(&cluster, "bob", &login, "role_not_mapped");
    cluster.reset(&["jwt_sso.deny"]);
    open(&cluster, "alice", &token("alice"));
}

#[test]
fn s2_sessions() {
    let cluster = start();
    let mut alice = open(&cluster, "alice", &token("alice"));
    let mut busy = open(&cluster, "alice", &token("alice"));
    let mut bob = open(&cluster, "bob", &token("bob"));
    busy.query("BEGIN").unwrap();
    let mark = cluster.log_mark();
    deny(&cluster, json!([{"issuer": ISS, "principal": "alice"}]));
    ended(&mut alice);
    ended(&mut busy);
    let line = cluster.wait_log(mark, "jwt_sso: ended session reason=denied");
    let head =
        r#"door=hook user="alice" issuer="https://issuer.example" principal="alice" kid="k1""#;
    assert!(line.contains(head), "{line}");
    alive(&mut bob);
    cluster.until("two lines", || cluster.log_since(mark).matches("reason=denied").count() == 2);
    assert_eq!(cluster.sql("SELECT string_agg(principal, ' ') FROM jwt_sso.sessions"), "bob");
}

#[test]
fn s3_members() {
    let cluster = start();
    let alice = token("alice").claim("jti", "t-1");
    let mut session = open(&cluster, "alice", &alice);
    for element in [
        json!({"issuer": "https://other.example", "principal": "alice"}),
        json!({"principal": "alice", "kid": "k2"}),
        json!({"principal": "alice", "jti": "t-2"}),
        json!({"principal": "ALICE"}),
        json!({"principal": "alic"}),
        json!({"issuer": "https://issuer.example/"}),
        json!({"issuer": ISS, "principal": "alice", "kid": "k1", "jti": "t-1", "until": "2001-01-01T00:00:00Z"}),
    ] {
        let mut bob = open(&cluster, "bob", &token("bob"));
        deny(&cluster, json!([element, {"principal": "bob"}]));
        denied(&cluster, "bob", &token("bob"), 2);
        open(&cluster, "alice", &alice);
        // The worker has looked at everybody by this list once bob is out.
        ended(&mut bob);
        alive(&mut session);
        deny(&cluster, json!([]));
    }
    // Without a claim there is nothing that an element could meet.
    let without = token("alice").without_header("kid");
    for element in [json!({"kid": "k1"}), json!({"jti": "t-1"})] {
        deny(&cluster, json!([element]));
        denied(&cluster, "alice", &alice, 1);
        open(&cluster, "alice", &without);
    }
    ended(&mut session);
    deny(&cluster, json!([{"issuer": ISS, "principal": "alice", "kid": "k1", "jti": "t-1"}]));
    denied(&cluster, "alice", &alice, 1);
}

#[test]
fn s4_until() {
    let cluster = start();
    let mut alice = open(&cluster, "alice", &token("alice"));
    let past = json!({"principal": "alice", "until": "2020-01-01T00:00:00Z"});
    let future = json!({"principal": "bob", "until": "2999-01-01T00:00:00Z"});
    let mut bob = open(&cluster, "bob", &token("bob"));
    deny(&cluster, json!([past, future]));
    ended(&mut bob);
    alive(&mut alice);
    open(&cluster, "alice", &token("alice"));
    denied(&cluster, "bob", &token("bob"), 2);
}

#[test]
fn s5_under_way() {
    let cluster = start();
    let mut wire = Client::new(&cluster, "alice").open();
    wire.prompt();
    deny(&cluster, json!([{"principal": "alice"}]));
    denied(&cluster, "alice", &token("alice"), 1);
    // It was forked before the reload and lets in by the policy before.
    let mark = cluster.log_mark();
    let answer = frame(b'p', format!("{}\0", token("alice").sign()).as_bytes());
    wire.send(&answer).unwrap();
    cluster.wait_log(mark, "jwt_sso: accepted door=hook user=\"alice\"");
    while wire.read().is_some() {}
    cluster.wait_log(mark, "jwt_sso: ended session reason=denied .*user=\"alice\"");
}

#[test]
fn s6_renew() {
    let cluster = start();
    let mut session = open(&cluster, "alice", &token("alice"));
    deny(&cluster, json!([{"jti": "stolen"}]));
    let renew = |session: &mut Wire, token: Token| {
        let token = token.claim("exp", now() + 5_000).sign();
        session.query(&format!("SELECT jwt_sso.renew('{token}')"))
    };
    let mark = cluster.log_mark();
    let error = renew(&mut session, token("alice").claim("jti", "stolen")).unwrap_err();
    assert_eq!((&*error.severity, &*error.code), ("ERROR", "28000"));
    assert!(error.detail.starts_with("The server's administrator denies this login."), "{error:?}");
    cluster.wait_log(mark, "jwt_sso: refused reason=denied .*door=renew user=\"alice\"");
    // What it goes on with counts from then on.
    renew(&mut session, token("alice").claim("jti", "fine")).unwrap();
    deny(&cluster, json!([{"jti": "fine"}]));
    ended(&mut session);
}

#[test]
fn s7_other_sessions() {
    let cluster = start();
    cluster.sql("ALTER ROLE alice PASSWORD 'secret'");
    cluster.configure(&[("jwt_sso.allow_password", "on")]);
    let mut by_password = Client::new(&cluster, "alice").login("secret").session();
    let mut by_token = open(&cluster, "alice", &token("alice"));
    deny(&cluster, json!([{"principal": "alice"}]));
    ended(&mut by_token);
    alive(&mut by_password);
    alive(&mut Client::new(&cluster, "alice").login("secret").session());
}

#[test]
fn s8_any_identity() {
    let cluster = start();
    let map = json!([format!("{ISS} staff alice"), format!("{ISS} contractors bob")]).to_string();
    cluster.configure(&[("jwt_sso.claim", "groups"), ("jwt_sso.identity_map", &map)]);
    let both = token("alice").claim("groups", json!(["staff", "contractors"]));
    let staff = token("alice").claim("groups", json!(["staff"]));
    let mut by_both = open(&cluster, "alice", &both);
    let mut by_staff = open(&cluster, "alice", &staff);
    deny(&cluster, json!([{"principal": "contractors"}]));
    ended(&mut by_both);
    alive(&mut by_staff);
    denied(&cluster, "alice", &both, 1);
    open(&cluster, "alice", &staff);
}

#[test]
fn s9_wrong() {
    let cluster = start();
    for (list, detail) in [
        (r#"[{"principal":"alice"},{}]"#, "element 2: names no issuer, principal, kid or jti"),
        (r#"[{"user":"alice"}]"#, "unknown member"),
        ("alice", "text, not a JSON array of objects"),
    ] {
        let error = cluster.try_alter_system("jwt_sso.deny", list).unwrap_err();
        assert!(error.contains(detail), "{list}: {error}");
    }
    deny(&cluster, json!([{"principal": "alice"}]));
    let mark = cluster.log_mark();
    cluster.sql("ALTER SYSTEM RESET jwt_sso.deny");
    cluster.append_conf("jwt_sso.deny = '[{}]'");
    cluster.reload();
    cluster.wait_log(mark, "refused in this reload: jwt_sso.deny; the whole previous policy stays");
    denied(&cluster, "alice", &token("alice"), 1);
}
