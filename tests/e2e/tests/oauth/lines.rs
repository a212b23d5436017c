//! What an `oauth` line says, each line for a role of its own:
//! 1. its issuer is the only one that is believed there, beside all that is configured
//! 2. its issuer as the URI of a discovery document, of either kind
//! 3. `delegate_ident_mapping=1`: our identity map decides, and pg_ident has no part in it
//! 4. `map=`: pg_ident decides, by literal and by regex, and our map has no part in it
//! 5. neither: the identity is the role
//! 6. an array of identities: the first that maps is who the client is
//! 7. `host`: a token that came in clear is refused, until `require_tls = off`
//! 8. the Unix socket counts as safe

use crate::{ISSUER, refuse, refused_by, terms, token};
use jwt_sso_e2e::oauthbearer::{self, builder, login, method, offered};
use jwt_sso_e2e::{Client, Cluster, Issuer, Transport, accepted};
use serde_json::json;

const OTHER: &str = "https://other.example";

fn line(role: &str, issuer: &str, options: &str) -> String {
    format!("hostssl all {role} all {}\n", method(issuer, options))
}

/// Another issuer with the keys of the example.
fn issuer(iss: &str) -> Issuer {
    Issuer { iss: iss.to_owned(), ..Issuer::example().clone() }
}

/// Adds lines to pg_ident.conf, and reloads.
fn add_idents(cluster: &Cluster, lines: &str) {
    let old = std::fs::read_to_string(cluster.data_dir().join("pg_ident.conf")).unwrap();
    cluster.write_file("pg_ident.conf", format!("{old}{lines}").as_bytes());
    cluster.reload();
}

/// SYSTEM_USER of a login that must succeed.
#[track_caller]
fn system_user(cluster: &Cluster, role: &str, token: &str) -> String {
    let mut session = crate::login(cluster, role, token).login.session();
    session.query("SELECT SYSTEM_USER").unwrap()[0][0].clone()
}

#[test]
fn s1_issuer_of_the_line() {
    if !offered() {
        return;
    }
    let lines = line("alice", ISSUER, "delegate_ident_mapping=1")
        + &line("bob", OTHER, "delegate_ident_mapping=1")
        + &line("carol", "https://third.example", "delegate_ident_mapping=1")
        + &line("dave", "https://issuer.example/", "delegate_ident_mapping=1");
    let cluster = builder(&lines).start();
    Issuer::example().install(&cluster, &["alice", "bob", "carol", "dave"]);
    cluster.configure(&[("jwt_sso.issuers", &json!([ISSUER, OTHER]).to_string())]);
    let mark = cluster.log_mark();
    let exchange = crate::login(&cluster, "alice", &token("alice"));
    accepted(&cluster, mark, "alice", exchange.login, &terms("alice"));
    crate::login(&cluster, "bob", &issuer(OTHER).token("bob").sign()).login.session();

    let refusal = refuse(&cluster, "alice", &issuer(OTHER).token("alice").sign(), "unknown_issuer");
    assert!(refusal.error.detail.contains("its log says why"), "{:?}", refusal.error);
    assert!(refusal.log.contains(r#" issuer="https://other.example" "#), "{}", refusal.log);
    let named = r#"detail="only the issuer \"https://issuer.example\" is believed here""#;
    assert!(refusal.log.contains(named), "{}", refusal.log);
    let exchange = crate::login(&cluster, "bob", &token("bob"));
    refused_by(&cluster, "bob", &exchange, OTHER, "unknown_issuer");
    // A line's issuer that is not configured lets nobody in, nor one that is only nearly it.
    let third = issuer("https://third.example");
    for token in [token("carol"), third.token("carol").sign()] {
        let exchange = crate::login(&cluster, "carol", &token);
        refused_by(&cluster, "carol", &exchange, &third.iss, "unknown_issuer");
    }
    let exchange = crate::login(&cluster, "dave", &token("dave"));
    refused_by(&cluster, "dave", &exchange, "https://issuer.example/", "unknown_issuer");
}

#[test]
fn s2_discovery_uri() {
    if !offered() {
        return;
    }
    let options = "delegate_ident_mapping=1";
    let uri = |kind: &str, path: &str| format!("{ISSUER}/.well-known/{kind}{path}");
    let tenant = format!("{ISSUER}/tenant");
    let lines = line("alice", &uri("openid-configuration", ""), options)
        + &line("bob", &uri("oauth-authorization-server", ""), options)
        + &line("carol", &uri("oauth-authorization-server", "/tenant"), options)
        + &line("dave", &uri("unheard-of", ""), options);
    let cluster = builder(&lines).start();
    Issuer::example().install(&cluster, &["alice", "bob", "carol", "dave"]);
    cluster.configure(&[("jwt_sso.issuers", &json!([ISSUER, tenant]).to_string())]);
    for role in ["alice", "bob"] {
        assert_eq!(system_user(&cluster, role, &token(role)), format!("oauth:{role}"));
    }
    let of_tenant = issuer(&tenant).token("carol").sign();
    assert_eq!(system_user(&cluster, "carol", &of_tenant), "oauth:carol");
    for (role, token) in [("carol", token("carol")), ("dave", token("dave"))] {
        let exchange = crate::login(&cluster, role, &token);
        let line = document(&exchange);
        assert!(line.contains("/.well-known/"), "{line}");
        jwt_sso_e2e::refused(&cluster, role, &exchange.login, "unknown_issuer");
    }
}

/// The document that the protocol's error names: the line's own, where it names one.
fn document(exchange: &oauthbearer::Exchange) -> String {
    let error = exchange.error.as_ref().expect("an error");
    error["openid-configuration"].as_str().expect("a URI").to_owned()
}

#[test]
fn s3_delegated_mapping() {
    if !offered() {
        return;
    }
    let cluster = builder(&line("all", ISSUER, "delegate_ident_mapping=1")).start();
    Issuer::example().install(&cluster, &["alice", "reader"]);
    add_idents(&cluster, "m alice reader\n");
    cluster.configure(&[("jwt_sso.identity_map", r"https://issuer.example /^(.*)@corp$ \1")]);
    assert_eq!(system_user(&cluster, "alice", &token("alice@corp")), "oauth:alice@corp");
    for role in ["alice", "reader"] {
        let refusal = refuse(&cluster, role, &token("alice"), "role_not_mapped");
        assert!(refusal.log.contains("no line of the identity map"), "{}", refusal.log);
    }
}

#[test]
fn s4_map_of_the_line() {
    if !offered() {
        return;
    }
    let cluster = builder(&line("all", ISSUER, "map=m")).start();
    Issuer::example().install(&cluster, &["alice", "bob", "reader"]);
    let idents = "m \"auth0|7\" reader\nm /^(.*)@corp$ \\1\nother /^.* reader\n";
    add_idents(&cluster, idents);
    // Our own map would give alice everything.
    cluster.configure(&[("jwt_sso.identity_map", "https://issuer.example /^.*$ alice")]);
    let log_of = |role: &str, subject: &str| {
        let refusal = refuse(&cluster, role, &token(subject), "role_not_mapped");
        assert!(refusal.error.detail.contains("does not map"), "{:?}", refusal.error);
        refusal.log
    };
    assert_eq!(system_user(&cluster, "reader", &token("auth0|7")), "oauth:auth0|7");
    assert_eq!(system_user(&cluster, "alice", &token("alice@corp")), "oauth:alice@corp");
    let log = log_of("bob", "alice@corp");
    assert!(log.contains("pg_ident.conf"), "{log}");
    for (role, subject) in [("alice", "alice"), ("reader", "x"), ("alice", "alice@corp.org")] {
        log_of(role, subject);
    }
    // Reserved roles stay reserved, whatever pg_ident says.
    refuse(&cluster, "postgres", &token("postgres@corp"), "reserved_role");
    cluster.wait_log(
        jwt_sso_e2e::cluster::LogMark::start(),
        "no match in usermap \"m\" for user \"bob\" authenticated as \"alice@corp\"",
    );
}

#[test]
fn s5_neither() {
    if !offered() {
        return;
    }
    let cluster = builder(&line("all", ISSUER, "")).start();
    Issuer::example().install(&cluster, &["alice", "bob"]);
    cluster.configure(&[("jwt_sso.identity_map", "https://issuer.example alice bob")]);
    assert_eq!(system_user(&cluster, "alice", &token("alice")), "oauth:alice");
    for (role, subject) in [("bob", "alice"), ("alice", "Alice"), ("alice", "alic")] {
        let refusal = refuse(&cluster, role, &token(subject), "role_not_mapped");
        assert!(refusal.log.contains("equality"), "{}", refusal.log);
    }
}

#[test]
fn s6_array_of_identities() {
    if !offered() {
        return;
    }
    let lines = line("viewer,owner", ISSUER, "map=m")
        + &line("dba", ISSUER, "")
        + &line("admin", ISSUER, "delegate_ident_mapping=1");
    let cluster = builder(&lines).start();
    Issuer::example().install(&cluster, &["viewer", "owner", "dba", "admin"]);
    add_idents(&cluster, "m auditor viewer\nm dba viewer\n");
    cluster.configure(&[
        ("jwt_sso.claim", "groups"),
        ("jwt_sso.identity_map", "https://issuer.example auditor admin"),
    ]);
    let groups = json!(["staff", "dba", "auditor", "dba\u{0}x"]);
    let token = Issuer::example().token("7").claim("groups", groups).sign();
    assert_eq!(system_user(&cluster, "viewer", &token), "oauth:dba");
    assert_eq!(system_user(&cluster, "dba", &token), "oauth:dba");
    assert_eq!(system_user(&cluster, "admin", &token), "oauth:auditor");
    let refusal = refuse(&cluster, "owner", &token, "role_not_mapped");
    assert!(refusal.error.detail.contains(r#"["staff","dba","auditor","#), "{:?}", refusal.error);
    // What C cannot carry is nobody, and not the part before its NUL.
    let cut = Issuer::example().token("7").claim("groups", json!(["dba\u{0}x"])).sign();
    for role in ["viewer", "dba"] {
        refuse(&cluster, role, &cut, "role_not_mapped");
    }
}

#[test]
fn s7_in_clear() {
    if !offered() {
        return;
    }
    let cluster = builder(&format!("host all all all {}\n", method(ISSUER, ""))).start();
    Issuer::example().install(&cluster, &["alice"]);
    let plain = Client::new(&cluster, "alice").by(Transport::Plain);
    let exchange = login(&plain, &token("alice"));
    let refusal = refused_by(&cluster, "alice", &exchange, ISSUER, "insecure_transport");
    assert!(refusal.error.hint.contains("sslmode=verify-full"), "{:?}", refusal.error);
    crate::login(&cluster, "alice", &token("alice")).login.session();
    cluster.configure(&[("jwt_sso.require_tls", "off")]);
    login(&plain, &token("alice")).login.session();
}

#[test]
fn s8_unix_socket() {
    if !offered() {
        return;
    }
    let cluster = builder(&format!("local all all {}\n", method(ISSUER, ""))).start();
    Issuer::example().install(&cluster, &["alice"]);
    let socket = Client::new(&cluster, "alice").by(Transport::Socket);
    login(&socket, &token("alice")).login.session();
    let refused = login(&socket, &token("bob"));
    refused_by(&cluster, "alice", &refused, ISSUER, "role_not_mapped");
}
