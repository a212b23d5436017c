//! Where the settings come from, and what is wrong with them.

use crate::answers::{is_page, visitor, whole};
use crate::browser::free_port;
use crate::world::{Console, World, cluster, database_options};
use jwt_sso_e2e::provider::keys;
use jwt_sso_e2e::{Cluster, Provider};
use serde_json::json;

#[test]
fn s14_switched_off() {
    let world = World::start();
    let origin = world.console.origin().to_owned();
    let back = visitor(&world).sign_in(&origin, "alice");
    world.configure(&[("jwt_sso.oidc_generate_cluster_sso_token_enabled", "off")]);
    let page = visitor(&world).get(&format!("{origin}/"));
    assert_eq!(page.status, 200);
    assert!(page.body.contains("No tokens are handed out here"), "{page:?}");
    assert!(!page.body.contains("id=\"login\""), "{page:?}");
    for url in [format!("{origin}/login"), back] {
        let heading = "No tokens are handed out here";
        let setting = "jwt_sso.oidc_generate_cluster_sso_token_enabled";
        is_page(&visitor(&world).get(&url), 403, heading, &[setting]);
    }
    world.configure(&[("jwt_sso.oidc_generate_cluster_sso_token_enabled", "on")]);
    assert_eq!(whole(&world, "alice").status, 200);
}

#[test]
fn s15_the_database_is_down() {
    let world = World::start();
    let origin = world.console.origin().to_owned();
    world.cluster.stop();
    world.settled();
    for path in ["/", "/login", "/callback?code=a&state=b", "/unknown"] {
        let page = visitor(&world).get(&format!("{origin}{path}"));
        is_page(&page, 503, "The database does not answer", &[]);
        assert_eq!(page.header("retry-after"), "30");
    }
    let line = world.console.wait_log("failed reason=database_down");
    assert!(line.contains("cannot connect to localhost: "), "{line}");
    // A console that is started meanwhile waits for it, too.
    let mut options = database_options(&world.cluster);
    options.extend(["--ca".to_owned(), world.provider.ca_path().display().to_string()]);
    let console = Console::start(&options);
    console.wait_log("warning: reason=database_down");
    world.cluster.start();
    world.settled();
    assert_eq!(whole(&world, "alice").status, 200);
    assert_eq!(visitor(&world).get(&format!("{}/", console.origin())).status, 200);
}

#[test]
fn s16_settings_that_are_wrong() {
    let provider = Provider::start(&keys("first"));
    let cluster = cluster(&provider, "console");
    let console = Console::start(&database_options(&cluster));
    let world = World { provider, cluster, console };
    let page = || visitor(&world).get(&format!("{}/", world.console.origin()));
    let heading = "The console's settings are wrong";
    for (name, value, says) in [
        ("jwt_sso.oidc_client_id", "", "jwt_sso.oidc_client_id: not set, and the console"),
        ("jwt_sso.oidc_provider_url", "", "jwt_sso.oidc_provider_url: not set"),
        ("jwt_sso.oidc_redirect_url", "http://localhost/login", "is that of another page"),
    ] {
        world.configure(&[(name, value)]);
        is_page(&page(), 500, heading, &[says]);
        world.cluster.reset(&[name]);
        world.cluster.configure(&[
            ("jwt_sso.oidc_client_id", "console"),
            ("jwt_sso.oidc_provider_url", &world.issuer()),
        ]);
    }
    world.cluster.sql("REVOKE pg_read_all_settings FROM console");
    world.settled();
    is_page(&page(), 500, "The console may not read its settings", &["GRANT pg_read_all_settings"]);

    let plain = Cluster::builder().plain().core_hba("hostssl all all all scram-sha-256\n").start();
    plain.sql("CREATE ROLE console LOGIN PASSWORD 'console'");
    let console = Console::start(&database_options(&plain));
    let page = visitor(&world).get(&format!("{}/", console.origin()));
    let says = ["shared_preload_libraries", "restart"];
    is_page(&page, 500, "The server does not take tokens", &says);
    console.wait_log("warning: reason=not_preloaded");
}

#[test]
fn s17_settings_that_do_not_fit_together() {
    let world = World::start();
    let origin = world.console.origin().to_owned();
    let start = || visitor(&world).get(&format!("{origin}/"));
    assert!(!start().body.contains("For administrators"));

    world.configure(&[("jwt_sso.audience", "other")]);
    let warning = "jwt_sso.audience does not contain the client id";
    assert!(start().body.contains(warning), "{:?}", start());
    let page = whole(&world, "alice");
    assert_eq!(page.status, 200, "{page:?}");
    let refusal =
        "audience_mismatch: token audience [&#34;console&#34;], accepted [&#34;other&#34;]";
    assert!(page.body.contains(refusal), "{page:?}");
    world.console.wait_log("warning: the server would refuse it: audience_mismatch");
    let console = Console::start(&database_options(&world.cluster));
    console.wait_log(&format!("warning: {warning}"));

    let required = json!({"issuers": {world.issuer(): {"required_claims": {"mfa": true}}}});
    world.configure(&[("jwt_sso.audience", "console"), ("jwt_sso.issuers", &required.to_string())]);
    let page = whole(&world, "alice");
    assert!(page.body.contains("required_claim: claim &#34;mfa&#34; is absent"), "{page:?}");

    world.configure(&[("jwt_sso.issuers", "https://idp.example")]);
    assert!(start().body.contains("is not one of jwt_sso.issuers"), "{:?}", start());
    let says = ["unknown_issuer", "jwt_sso.issuers"];
    is_page(&whole(&world, "alice"), 500, "The server would refuse this token", &says);

    world.configure(&[("jwt_sso.issuers", &world.issuer()), ("jwt_sso.enabled", "off")]);
    assert!(start().body.contains("jwt_sso.enabled is off"), "{:?}", start());
    let page = whole(&world, "alice");
    assert!(page.body.contains("disabled: jwt_sso.enabled is off"), "{page:?}");
}

#[test]
fn s18_the_identity_map_in_a_file() {
    let world = World::start();
    let map = format!("# ours\n{} alice app\n", world.issuer());
    world.cluster.write_file("sso.map", map.as_bytes());
    world.configure(&[("jwt_sso.identity_map_file", "sso.map")]);
    let page = whole(&world, "alice");
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("cannot be told in full"), "{page:?}");
    assert!(page.body.contains("YOUR_ROLE"), "{page:?}");
    assert!(!page.body.contains("would refuse"), "{page:?}");
    world.logs_in("app", &page.token());
    let start = visitor(&world).get(&format!("{}/", world.console.origin()));
    assert!(start.body.contains("--identity-map-file"), "{start:?}");

    world.cluster.sql("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO console");
    world.settled();
    let page = whole(&world, "alice");
    assert!(page.body.contains("<code id=\"only-role\">app</code>"), "{page:?}");
    assert!(!page.body.contains("cannot be told in full"), "{page:?}");
    world.cluster.sql("REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM console");

    let folder = tempfile::tempdir().expect("a temp dir");
    let copy = folder.path().join("copy.map").display().to_string();
    std::fs::write(&copy, &map).expect("own folder");
    let settings = [("jwt_sso.identity_map", ""), ("jwt_sso.identity_map_file", "")];
    let other = World::start_with(&settings, &["--identity-map-file", &copy]);
    // The server has no such file, so the copy means nothing.
    let page = whole(&other, "alice");
    assert!(page.body.contains("<code id=\"only-role\">alice</code>"), "{page:?}");
    let map = map.replace(&world.issuer(), &other.issuer());
    std::fs::write(&copy, &map).expect("own folder");
    other.cluster.write_file("sso.map", map.as_bytes());
    other.configure(&[("jwt_sso.identity_map_file", "sso.map")]);
    let page = whole(&other, "alice");
    assert!(page.body.contains("<code id=\"only-role\">app</code>"), "{page:?}");
}

#[test]
fn s19_access_tokens() {
    let which = "jwt_sso.oidc_generate_cluster_sso_token_use_token";
    let world = World::start_with(&[(which, "access_token")], &[]);
    let page = whole(&world, "alice");
    is_page(&page, 502, "This provider's token cannot be used", &["opaque", which]);
    world.console.wait_log("failed reason=opaque_token");
    world.configure(&[
        ("jwt_sso.oidc_client_id", "console_jwt"),
        ("jwt_sso.audience", "postgres://db"),
    ]);
    let page = whole(&world, "alice");
    assert_eq!(page.status, 200, "{page:?}");
    assert!(!page.body.contains("would refuse"), "{page:?}");
    world.logs_in("alice", &page.token());
}

#[test]
fn s20_settings_from_options_and_secrets() {
    let mut provider = Provider::start(&keys("first"));
    let folder = tempfile::tempdir().expect("a temp dir");
    let secret = folder.path().join("secret").display().to_string();
    std::fs::write(&secret, "secret\n").expect("own folder");
    let port = free_port();
    let callback = format!("http://localhost:{port}/callback");
    provider.allow_redirects(&[&callback]);
    let map = json!([format!("{} /^(.*)$ \\1_ro", provider.url())]).to_string();
    let options = |more: &[&str]| {
        let ca = provider.ca_path().display().to_string();
        let listen = format!("127.0.0.1:{port}");
        let url = provider.url();
        let own = [
            ("--ca", ca.as_str()),
            ("--oidc-client-id", "console_secret"),
            ("--oidc-provider-url", url.as_str()),
            ("--oidc-redirect-url", callback.as_str()),
            ("--identity-map", map.as_str()),
            ("--sql-host", "db.example"),
            ("--sql-port", "6432"),
        ];
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_jwt-sso"));
        command.args(["console", "--listen", &listen]).stderr(std::process::Stdio::piped());
        command.args(own.iter().flat_map(|(name, value)| [name, value])).args(more);
        command.env_remove("JWT_SSO_OIDC_CLIENT_SECRET");
        command
    };
    let answer = |console: &Console| {
        let visitor = crate::visitor::Visitor::new(&provider.ca_path());
        let back = visitor.sign_in(console.origin(), "alice");
        visitor.get(&back)
    };
    // From a file.
    let console = Console::run(options(&["--oidc-client-secret-file", &secret]));
    let page = answer(&console);
    assert_eq!(page.status, 200, "{page:?}");
    for text in ["<code id=\"only-role\">alice_ro</code>", "db.example:6432:*:"] {
        assert!(page.body.contains(text), "{page:?}");
    }
    std::fs::remove_file(&secret).expect("own file");
    let begun = crate::visitor::Visitor::new(&provider.ca_path())
        .get(&format!("{}/login", console.origin()));
    is_page(&begun, 500, "The console's settings are wrong", &["oidc_client_secret_file"]);
    assert!(!console.log().contains("\"secret\""), "{}", console.log());
    drop(console);
    // From the environment.
    let mut command = options(&[]);
    command.env("JWT_SSO_OIDC_CLIENT_SECRET", "secret");
    let console = Console::run(command);
    assert_eq!(answer(&console).status, 200);
    drop(console);
    // None, though the provider wants one.
    let console = Console::run(options(&[]));
    let page = answer(&console);
    is_page(&page, 502, "The identity provider refused the sign-in", &["invalid_client"]);
}
