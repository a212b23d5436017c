//! What is asked of the console that is no sign-in, and how it starts and ends.

use crate::answers::{is_page, visitor};
use crate::visitor::Visitor;
use crate::world::{Console, World, cluster, database_options};
use jwt_sso_e2e::Provider;
use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::provider::keys;
use std::process::Command;

#[test]
fn s21_other_pages_methods_and_hosts() {
    let world = World::start();
    let origin = world.console.origin().to_owned();
    let visitor = visitor(&world);
    is_page(&visitor.get(&format!("{origin}/nothing")), 404, "No such page", &[]);
    is_page(&visitor.get(&format!("{origin}/assets/0/console.css")), 404, "No such page", &[]);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
        for path in ["/", "/login", "/callback"] {
            let reply = visitor.ask(&format!("{origin}{path}"), &["-X", method]);
            is_page(&reply, 405, "Not possible here", &[]);
        }
    }
    for host in ["evil.example", "localhost.evil.example", "x@localhost", "a b"] {
        let header = format!("Host: {host}");
        let reply = visitor.ask(&format!("{origin}/"), &["-H", &header]);
        assert!([421, 400].contains(&reply.status), "{host}: {reply:?}");
        assert!(!reply.body.contains("id=\"login\""), "{host}");
    }
    let reply = visitor.ask(&format!("{origin}/"), &["-H", "Host: evil.example"]);
    is_page(&reply, 421, "This is not the console's address", &[&origin]);
    let target = ["--request-target", "http://evil.example/"];
    assert_eq!(visitor.ask(&format!("{origin}/"), &target).status, 421);
    // By another of its names the button leads to where the cookie will be.
    let port = origin.rsplit(':').next().expect("a port");
    let page = visitor.get(&format!("http://127.0.0.1:{port}/"));
    assert!(page.body.contains(&format!("href=\"{origin}/login\"")), "{page:?}");

    let page = visitor.get(&format!("{origin}/"));
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
             connect-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
        ("strict-transport-security", ""),
        ("set-cookie", ""),
        ("server", ""),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    assert!(page.header("permissions-policy").contains("camera=()"));
    let assets: Vec<&str> = page.body.split('"').filter(|it| it.starts_with("/assets/")).collect();
    assert_eq!(assets.len(), 2, "{page:?}");
    for path in assets {
        let asset = visitor.get(&format!("{origin}{path}"));
        assert_eq!(asset.status, 200);
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
    }
    let long = format!("{origin}/?{}", "a".repeat(100_000));
    assert!([414, 431].contains(&visitor.get(&long).status));
}

#[test]
fn s22_addresses_signals_certificates() {
    let refused = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jwt-sso"));
        let output = command.arg("console").args(options).output().expect("jwt-sso runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let error = refused(&["--listen", "0.0.0.0:0"]);
    assert!(error.contains("will not listen on 0.0.0.0:0 without TLS"), "{error}");
    assert!(error.contains("--behind-tls-proxy"), "{error}");
    let error = refused(&["--tls-cert", "a"]);
    assert!(error.contains("--tls-key"), "{error}");
    let error = refused(&["--oidc-client-id", "a", "--oidc-provider-url", "http://idp.example"]);
    assert!(error.contains("--oidc-provider-url: an http URL of a host"), "{error}");

    let provider = Provider::start(&keys("first"));
    let cluster = cluster(&provider, "console");
    let folder = tempfile::tempdir().expect("a temp dir");
    let path = |name: &str| folder.path().join(name);
    let renew = || {
        let authority = Authority::new();
        let (cert, key) = authority.localhost_pem();
        std::fs::write(path("ca"), authority.pem()).expect("own folder");
        std::fs::write(path("cert"), cert).expect("own folder");
        std::fs::write(path("key"), key).expect("own folder");
    };
    renew();
    let mut options = database_options(&cluster);
    for (name, file) in [("--tls-cert", "cert"), ("--tls-key", "key")] {
        options.extend([name.to_owned(), path(file).display().to_string()]);
    }
    let mut console = Console::start(&options);
    let start = format!("{}/", console.origin());
    let visitor = Visitor::new(&path("ca"));
    assert_eq!(visitor.get(&start).status, 200);
    renew();
    console.signal("HUP");
    console.wait_log("the certificate was read again");
    assert_eq!(visitor.get(&start).status, 200, "by the new CA");
    std::fs::write(path("key"), "no key").expect("own folder");
    console.signal("HUP");
    console.wait_log("warning: the certificate before stays in use: ");
    assert_eq!(visitor.get(&start).status, 200);
    console.signal("TERM");
    assert!(console.ends_well());
    console.wait_log("jwt-sso console: ended");
}
