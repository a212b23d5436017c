//! The provider's answer, in every wrong way.

use crate::browser::nothing_secret_in;
use crate::visitor::{Reply, Visitor};
use crate::world::{Console, World, database_options};
use serde_json::json;

#[track_caller]
pub fn is_page(reply: &Reply, status: u16, heading: &str, says: &[&str]) {
    assert_eq!((reply.status, reply.heading().as_str()), (status, heading), "{reply:?}");
    for text in says {
        assert!(reply.body.contains(text), "{text:?} is not in {reply:?}");
    }
    assert!(reply.body.contains("href=\"/\""), "no way back: {reply:?}");
    assert_eq!(reply.header("cache-control"), "no-store");
}

pub fn visitor(world: &World) -> Visitor {
    Visitor::new(&world.provider.ca_path())
}

/// A whole sign-in; the answer of the console.
#[track_caller]
pub fn whole(world: &World, user: &str) -> Reply {
    let visitor = visitor(world);
    let back = visitor.sign_in(world.console.origin(), user);
    visitor.get(&back)
}

/// A URL with a part of its query replaced, or left out where there is no value.
fn with(url: &str, name: &str, value: Option<&str>) -> String {
    let (path, query) = url.split_once('?').expect("a query");
    let own = format!("{name}=");
    let parts = query.split('&').filter(|part| !part.starts_with(&own)).map(str::to_owned);
    let parts: Vec<String> = parts.chain(value.map(|value| format!("{own}{value}"))).collect();
    format!("{path}?{}", parts.join("&"))
}

#[test]
fn s9_answers_that_do_not_belong_here() {
    let world = World::start();
    let origin = world.console.origin().to_owned();
    let visitor = visitor(&world);
    let back = visitor.sign_in(&origin, "alice");
    let other = "This answer belongs to another sign-in";
    let incomplete = "The answer of the provider is incomplete";
    for (url, status, heading) in [
        (with(&back, "state", Some("other")), 400, other),
        (with(&back, "state", Some("")), 400, other),
        (with(&back, "state", None), 400, incomplete),
        (format!("{back}&state=twice"), 400, incomplete),
        (format!("{origin}/callback"), 400, "There is nothing here any more"),
        (format!("{origin}/callback?unknown=1"), 400, "There is nothing here any more"),
        (format!("{origin}/callback?error=access_denied&state=x"), 400, other),
    ] {
        is_page(&visitor.get(&url), status, heading, &[]);
    }
    // Nothing of that has used the sign-in up.
    let page = visitor.get(&back);
    assert_eq!(page.status, 200, "{page:?}");
    world.logs_in("alice", &page.token());

    for (change, value, heading) in [
        ("iss", Some("https://evil.example"), "The answer is not your provider's"),
        ("iss", None, "The answer is not your provider's"),
        ("code", None, incomplete),
        ("code", Some("forged"), "The identity provider no longer knows this sign-in"),
    ] {
        let visitor = self::visitor(&world);
        let back = with(&visitor.sign_in(&origin, "alice"), change, value);
        is_page(&visitor.get(&back), 400, heading, &[]);
    }
    // An answer that is an error, of the provider that was asked.
    let visitor = self::visitor(&world);
    let back = with(&visitor.sign_in(&origin, "alice"), "code", None);
    let said = "error=server_error&error_description=%3Cb%3EOut%20of%20order%3C/b%3E";
    let page = visitor.get(&format!("{back}&{said}"));
    let heading = "The identity provider refused the sign-in";
    is_page(&page, 502, heading, &["server_error", "&#60;b&#62;Out of order"]);
    let log = world.console.log();
    for reason in ["wrong_state", "malformed_answer", "other_issuer", "code_refused"] {
        assert!(log.contains(&format!("failed reason={reason}")), "{reason}: {log}");
    }
    nothing_secret_in(&log, &page.body);
}

#[test]
fn s10_a_code_is_used_once() {
    let world = World::start();
    let visitor = visitor(&world);
    let back = visitor.sign_in(world.console.origin(), "alice");
    let first = visitor.get(&back);
    assert_eq!(first.status, 200, "{first:?}");
    is_page(&visitor.get(&back), 400, "This sign-in was used already", &[]);
    world.console.wait_log("failed reason=replayed");
    world.logs_in("alice", &first.token());
    // A preview of the link uses nothing up.
    let back = visitor.sign_in(world.console.origin(), "alice");
    assert_eq!(visitor.ask(&back, &["--head"]).status, 405);
    assert_eq!(visitor.get(&back).status, 200);
}

#[test]
fn s11_no_sign_in_in_this_browser() {
    let world = World::start();
    let origin = world.console.origin().to_owned();
    let heading = "The sign-in has expired";
    let begun = visitor(&world).get(&format!("{origin}/login"));
    let cookie = begun.header("set-cookie").to_owned();
    for part in ["jwt_sso_sign_in=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");

    let signed_in = visitor(&world);
    let back = signed_in.sign_in(&origin, "alice");
    // Another browser, and one whose cookie was made by somebody else.
    is_page(&visitor(&world).get(&back), 400, heading, &["ten minutes", &origin]);
    let forged = ["-H", "Cookie: jwt_sso_sign_in=AAAA"];
    is_page(&visitor(&world).ask(&back, &forged), 400, heading, &[]);
    // Another process has another key.
    let mut options = database_options(&world.cluster);
    options.extend(["--ca".to_owned(), world.provider.ca_path().display().to_string()]);
    let console = Console::start(&options);
    let elsewhere = back.replace(&origin, console.origin());
    is_page(&signed_in.get(&elsewhere), 400, heading, &[]);
    assert_eq!(signed_in.get(&back).status, 200);
}

#[test]
fn s12_the_provider_is_down() {
    let mut world = World::start();
    let origin = world.console.origin().to_owned();
    let visitor = visitor(&world);
    let back = visitor.sign_in(&origin, "alice");
    world.provider.stop();
    let heading = "The identity provider does not answer";
    is_page(&visitor.get(&format!("{origin}/login")), 502, heading, &["Try again"]);
    is_page(&visitor.get(&back), 502, heading, &[]);
    assert_eq!(visitor.get(&format!("{origin}/")).status, 200);
    let line = world.console.wait_log("failed reason=provider_down");
    assert!(line.contains("/.well-known/openid-configuration: "), "{line}");
    world.provider.start_again(&jwt_sso_e2e::provider::keys("second"));
    world.provider.allow_redirects(&[&format!("{origin}/callback")]);
    let page = whole(&world, "alice");
    assert_eq!(page.status, 200, "{page:?}");
}

#[test]
fn s13_people_without_a_role() {
    let world = World::start();
    let issuer = world.issuer();
    let lines = |lines: &[&str]| {
        let lines: Vec<String> = lines.iter().map(|line| format!("{issuer} {line}")).collect();
        json!(lines).to_string()
    };
    let heading = "You have no role here";
    world.configure(&[("jwt_sso.identity_map", &lines(&["bob bob"]))]);
    let page = whole(&world, "<i>alice");
    is_page(&page, 403, heading, &["&#60;i&#62;alice", "jwt_sso.identity_map"]);
    assert!(!page.body.contains("<textarea"), "no token for nobody");
    world.console.wait_log("failed reason=nobody detail=\"role_not_mapped: ");

    world.configure(&[("jwt_sso.identity_map", &lines(&["alice postgres"]))]);
    is_page(&whole(&world, "alice"), 403, heading, &["reserved_role: the role is a superuser"]);

    world.configure(&[("jwt_sso.identity_map", &lines(&["alice postgres", "alice alice"]))]);
    let page = whole(&world, "alice");
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("As &#34;postgres&#34;: reserved_role: "), "{page:?}");
    assert!(!page.body.contains("<select"), "alice alone is offered: {page:?}");

    world.configure(&[("jwt_sso.identity_map", &lines(&["alice missing"]))]);
    let page = whole(&world, "alice");
    assert!(page.body.contains("The server has no role &#34;missing&#34;."), "{page:?}");

    world.configure(&[("jwt_sso.identity_map", ""), ("jwt_sso.claim", "email")]);
    let says = ["missing_claim: the token has no claim &#34;email&#34;", "jwt_sso.oidc_scopes"];
    is_page(&whole(&world, "alice"), 403, heading, &says);
}
