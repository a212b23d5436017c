//! What a person does and sees, in Chromium.

use crate::chromium::{Chromium, shown};
use crate::world::{Console, World, cluster, database_options};
use jwt_sso_e2e::Provider;
use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::provider::keys;
use serde_json::json;
use std::net::TcpListener;

/// Chromium that takes the provider's certificate.
pub fn chromium(world: &World) -> Chromium {
    Chromium::start(&[world.issuer().trim_start_matches("https://")])
}

/// From the start page to the token page.
#[track_caller]
pub fn sign_in(chromium: &mut Chromium, origin: &str, user: &str) {
    assert_eq!(chromium.open(&format!("{origin}/")), 200);
    chromium.click("#login");
    chromium.fill("input[name=login]", user);
    chromium.fill("input[name=password]", "secret");
    chromium.click("button[type=submit]");
    chromium.click("button[type=submit]");
}

/// Nothing is asked of anybody but these, and the browser has nothing to complain of.
#[track_caller]
fn keeps_to_itself(chromium: &mut Chromium, console: &str, provider: &str) {
    let asked = chromium.requests_of(console);
    assert!(asked.iter().any(|url| url.ends_with(".css")), "{asked:?}");
    let others = asked.iter().filter(|url| !url.starts_with(console) && !url.starts_with(provider));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(chromium.complaints_of(console), Vec::<String>::new());
}

/// Neither the token nor any part of it, nor what else a sign-in has, is in the log.
#[track_caller]
pub fn nothing_secret_in(log: &str, token: &str) {
    for part in token.split('.').filter(|part| part.len() > 8) {
        assert!(!log.contains(part), "{log}");
    }
    for word in ["code=", "state=", "jwt_sso_sign_in", "code_verifier", "PRIVATE"] {
        assert!(!log.contains(word), "{word}: {log}");
    }
}

#[test]
fn s1_from_the_button_to_psql() {
    let world = World::start();
    let (origin, issuer) = (world.console.origin().to_owned(), world.issuer());
    let mut chromium = chromium(&world);
    chromium.order("allow_clipboard", json!(origin));
    assert_eq!(chromium.open(&format!("{origin}/")), 200);
    assert_eq!(chromium.title(), "Generate JWT auth token for cluster SSO");
    assert_eq!(chromium.text("#login"), "Sign in with <Example>");
    assert_eq!(chromium.order("count", json!("a.button, button")), 1);

    sign_in(&mut chromium, &origin, "alice");
    assert_eq!(chromium.text("h1"), "Generate JWT auth token for cluster SSO");
    chromium.arrive(&format!("{origin}/callback")); // the code is out of the address
    let length = chromium.evaluate("history.length");
    assert!(length.as_u64().is_some_and(|length| length < 10), "{length}");
    assert_eq!(chromium.text("#only-role"), "alice");
    let page = shown(&chromium.text("main"));
    assert!(page.contains("Valid for 1"), "{page}");
    assert!(!page.contains("would refuse"), "{page}");
    assert!(page.contains(&world.cluster.port().to_string()), "{page}");

    let token = chromium.value("#token");
    chromium.click("[data-copy=token]");
    assert_eq!(chromium.text("#announce"), "Token copied");
    let copied = chromium.paste();
    assert!(copied == token, "what was copied is not what is shown");
    world.logs_in("alice", &copied);

    // The ready-made URI, as it was copied.
    chromium.click("[data-copy=uri]");
    let uri = chromium.paste();
    assert!(uri.starts_with("postgresql://alice:"), "{}", uri.len());
    let run = world.cluster.psql().uri(&uri).run("SELECT current_user");
    assert_eq!(run.stdout, "alice", "{}", run.stderr);
    // The ready-made shell lines and the line of .pgpass.
    for (id, also) in [("psql", " -XAtc 'SELECT current_user'"), ("export", "")] {
        chromium.click(&format!("[data-copy={id}]"));
        let mut line = chromium.paste() + also;
        if id == "export" {
            line +=
                "\npsql -XAtc 'SELECT current_user' 'host=localhost user=alice dbname=postgres'";
        }
        assert_eq!(shell(&world, &line, ""), "alice");
    }
    chromium.click("[data-copy=pgpass]");
    let pgpass = chromium.paste();
    let line = "psql -XAtc 'SELECT current_user' 'host=localhost user=alice dbname=postgres'";
    assert_eq!(shell(&world, line, &pgpass), "alice");
    chromium.click("[data-copy=jdbc]");
    let jdbc = chromium.paste();
    assert!(jdbc.starts_with("jdbc:postgresql://localhost:"), "{}", shown(&jdbc));
    assert!(jdbc.contains(&format!("&password={token}&sslmode=verify-full")));

    keeps_to_itself(&mut chromium, &origin, &issuer);
    let asked = chromium.requests_of("");
    assert!(asked.iter().all(|url| !url.contains(&token)), "a token in a URL");
    let log = world.console.log();
    nothing_secret_in(&log, &token);
    let line = world.console.wait_log("token handed out");
    let said = format!("principal=[\"alice\"] issuer=\"{issuer}\" roles=[\"alice\"] expires=\"20");
    assert!(line.contains(&said), "{line}");

    // Another one: the provider knows the person by now.
    chromium.click("#another");
    assert_eq!(chromium.text("h1"), "Generate JWT auth token for cluster SSO");
    assert!(chromium.value("#token") != token, "the same token again");
    // What is loaded again is not asked for again.
    chromium.order("evaluate", json!("location.reload()"));
    assert_eq!(chromium.text("#back"), "Back to the start page");
    assert_eq!(chromium.text("h1"), "There is nothing here any more");
    chromium.click("#back");
    assert_eq!(chromium.text("#login"), "Sign in with <Example>");
}

/// Runs a line as a person's shell does, with this server's CA and this ~/.pgpass.
fn shell(world: &World, line: &str, pgpass: &str) -> String {
    let folder = tempfile::tempdir().expect("a temp dir");
    let file = folder.path().join("pgpass");
    std::fs::write(&file, format!("{pgpass}\n")).expect("own folder");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("own file");
    let mut shell = jwt_sso_e2e::installation::Installation::get().shell();
    shell.args(["-c", line]).env("PGSSLROOTCERT", world.cluster.ca_path());
    shell.env("PGPORT", world.cluster.port().to_string()).env("PGSSLMODE", "verify-full");
    let output = shell.env("PGPASSFILE", &file).output().expect("sh runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn s2_by_keyboard_alone() {
    let world = World::start();
    let origin = world.console.origin().to_owned();
    let mut chromium = chromium(&world);
    chromium.order("allow_clipboard", json!(origin));
    chromium.open(&format!("{origin}/"));
    let focused = |chromium: &mut Chromium| {
        let text = chromium.evaluate("document.activeElement.innerText");
        text.as_str().unwrap_or_default().to_owned()
    };
    chromium.press("Tab");
    assert_eq!(focused(&mut chromium), "Skip to content");
    chromium.press("Enter");
    chromium.press("Tab");
    assert_eq!(focused(&mut chromium), "Sign in with <Example>");
    let outline = chromium.evaluate("getComputedStyle(document.activeElement).outlineStyle");
    assert_eq!(outline, "solid", "the focus is to be seen");
    chromium.press("Enter");
    chromium.fill("input[name=login]", "alice");
    chromium.fill("input[name=password]", "secret");
    chromium.press("Enter");
    // The page before has a button to submit, too.
    chromium.text("button:has-text('Continue')");
    chromium.evaluate("document.querySelector('button[type=submit]').focus()");
    chromium.press("Enter");
    chromium.text("#only-role");
    let mut seen = Vec::new();
    while focused(&mut chromium) != "Copy token" {
        chromium.press("Tab");
        seen.push(focused(&mut chromium));
        assert!(seen.len() < 20, "{seen:?}");
    }
    chromium.press("Enter");
    assert_eq!(chromium.text("#announce"), "Token copied");
    let copied = chromium.paste();
    world.logs_in("alice", &copied);
}

#[test]
fn s3_several_roles() {
    let world = World::start();
    let issuer = world.issuer();
    let map = json!([
        format!("{issuer} alice alice"),
        format!("{issuer} alice app"),
        format!("{issuer} /^(al).*$ \"{{}} x:y'z\""),
    ]);
    world.cluster.sql("CREATE ROLE \"{} x:y'z\" LOGIN");
    world.configure(&[("jwt_sso.identity_map", &map.to_string())]);
    let origin = world.console.origin().to_owned();
    let mut chromium = chromium(&world);
    chromium.order("allow_clipboard", json!(origin));
    sign_in(&mut chromium, &origin, "alice");
    for role in ["app", "alice", "{} x:y'z"] {
        chromium.order("choose", json!(["#role", role]));
        chromium.click("[data-copy=uri]");
        let uri = chromium.paste();
        let run = world.cluster.psql().uri(&uri).run("SELECT current_user");
        assert_eq!(run.stdout, role, "{}", run.stderr);
        chromium.click("[data-copy=psql]");
        let line = chromium.paste() + " -XAtc 'SELECT current_user'";
        assert_eq!(shell(&world, &line, ""), role);
        chromium.click("[data-copy=pgpass]");
        let pgpass = chromium.paste();
        let name = role.replace('\'', r"\'").replace('\'', r"'\''");
        let line = format!(
            "psql -XAtc 'SELECT current_user' 'host=localhost dbname=postgres user='\\''{name}'\\'''"
        );
        assert_eq!(shell(&world, &line, &pgpass), role);
    }
    assert_eq!(chromium.complaints_of(&origin), Vec::<String>::new());
}

#[test]
fn s4_the_clock_runs_out() {
    let world = World::start();
    let origin = world.console.origin().to_owned();
    let mut chromium = chromium(&world);
    chromium.order("install_clock", json!(null));
    sign_in(&mut chromium, &origin, "alice");
    let clock = chromium.text("#clock");
    assert!(
        clock.starts_with("Valid for 11 h 5") || clock.starts_with("Valid for 12 h"),
        "{clock}"
    );
    chromium.order("skip_time", json!(11 * 3600 + 30 * 60));
    let clock = chromium.text("#clock");
    assert!(clock.starts_with("Valid for 2") || clock.starts_with("Valid for 30 min"), "{clock}");
    assert!(!chromium.visible("body.expired"));
    chromium.order("skip_time", json!(3600));
    assert_eq!(chromium.text("#clock"), "Expired");
    let announced = chromium.text("#announce");
    assert_eq!(announced, "The token has expired. Generate another token.");
    assert_eq!(chromium.evaluate("document.querySelector('[data-copy]').disabled"), true);
    assert_eq!(chromium.text("#another.primary"), "Generate another token");
}

#[test]
fn s5_the_person_cancels() {
    let world = World::start();
    let origin = world.console.origin().to_owned();
    let mut chromium = chromium(&world);
    chromium.open(&format!("{origin}/login"));
    chromium.click("a[href$=abort]");
    assert_eq!(chromium.text("h1"), "The sign-in was not completed");
    let page = chromium.text("main");
    assert!(page.contains("access was denied (access_denied)"), "{page}");
    chromium.arrive(&format!("{origin}/callback"));
    chromium.click("#back");
    chromium.arrive(&format!("{origin}/"));
    let line = world.console.wait_log("reason=access_denied");
    assert!(line.contains("failed"), "{line}");
}

#[test]
fn s6_without_scripts() {
    let world = World::start();
    let issuer = world.issuer();
    let map = json!([format!("{issuer} alice alice"), format!("{issuer} alice app")]);
    world.configure(&[("jwt_sso.identity_map", &map.to_string())]);
    let origin = world.console.origin().to_owned();
    let mut chromium = chromium(&world);
    chromium.order("person", json!({"scripts": false}));
    sign_in(&mut chromium, &origin, "alice");
    let token = chromium.value("#token");
    for hidden in ["[data-copy=token]", "#clock", "#role"] {
        assert!(!chromium.visible(hidden), "{hidden}");
    }
    let page = shown(&chromium.text("main"));
    assert!(page.contains("until ") && page.contains(" UTC"), "{page}");
    assert!(page.contains("alice, app. The lines below have the first."), "{page}");
    world.logs_in("alice", &token);
}

#[test]
fn s7_over_tls() {
    let mut provider = Provider::start(&keys("first"));
    let cluster = cluster(&provider, "console");
    let folder = tempfile::tempdir().expect("a temp dir");
    let authority = Authority::new();
    let (cert, key) = authority.localhost_pem();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("cert"), cert).expect("own folder");
    std::fs::write(path("key"), key).expect("own folder");
    let mut options = database_options(&cluster);
    let ca = provider.ca_path().display().to_string();
    for option in ["--ca", &ca, "--tls-cert", &path("cert"), "--tls-key", &path("key")] {
        options.push(option.to_owned());
    }
    let console = Console::start(&options);
    let origin = console.origin().to_owned();
    assert!(origin.starts_with("https://"), "{origin}");
    let callback = format!("{origin}/callback");
    cluster.configure(&[("jwt_sso.oidc_redirect_url", &callback)]);
    provider.allow_redirects(&[&callback]);
    let world = World { provider, cluster, console };
    world.settled();

    let issuer = world.issuer();
    let mut chromium = Chromium::start(&[
        issuer.trim_start_matches("https://"),
        origin.trim_start_matches("https://"),
    ]);
    chromium.order("allow_clipboard", json!(origin));
    sign_in(&mut chromium, &origin, "alice");
    chromium.click("[data-copy=token]");
    let token = chromium.paste();
    world.logs_in("alice", &token);
    let cookies = chromium.order("cookies", json!(null));
    let own = cookies.as_array().expect("a list").iter();
    let own = own.clone().find(|cookie| cookie["name"] == "__Host-jwt_sso_sign_in");
    let own = own.unwrap_or_else(|| panic!("{cookies}"));
    assert_eq!((&own["secure"], &own["httpOnly"]), (&json!(true), &json!(true)));
    assert_eq!(own["sameSite"], "Lax");
    keeps_to_itself(&mut chromium, &origin, &issuer);
}

/// A port that nobody listens on at this moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}
