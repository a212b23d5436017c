//! docs/providers/, run: the settings of each recipe are made on a real server as they are to be
//! pasted, a token shaped as the recipe says is accepted for the role that it names, and what it
//! warns of is refused with the log line that it has.
//!
//! The tokens are signed by a key of the tests. Instead of fetching it, the server is given it in
//! the issuer's entry, where `jwks` means static keys whatever the switch says.
//!
//! 1. Entra ID   2. Okta   3. Google   4. Keycloak   5. Auth0   6. Amazon Cognito
//! 7. GitHub Actions   8. GitLab CI   9. Kubernetes
//! 10. the index names these pages and no others; each page has a recipe, and each recipe a trap

mod page;
mod walk;

use std::collections::BTreeSet;

use page::{Page, names};
use regex::Regex;

#[test]
fn s01_entra_id() {
    walk::page("entra-id");
}

#[test]
fn s02_okta() {
    walk::page("okta");
}

#[test]
fn s03_google() {
    walk::page("google");
}

#[test]
fn s04_keycloak() {
    walk::page("keycloak");
}

#[test]
fn s05_auth0() {
    walk::page("auth0");
}

#[test]
fn s06_cognito() {
    walk::page("cognito");
}

#[test]
fn s07_github_actions() {
    walk::page("github-actions");
}

#[test]
fn s08_gitlab_ci() {
    walk::page("gitlab-ci");
}

#[test]
fn s09_kubernetes() {
    walk::page("kubernetes");
}

#[test]
fn s10_index() {
    let link = Regex::new(r"\(([a-z0-9-]+)\.md\)").expect("a valid pattern");
    let index = page::text("README");
    let linked: BTreeSet<String> = link.captures_iter(&index).map(|l| l[1].to_owned()).collect();
    assert_eq!(linked, names());
    for name in names() {
        let recipes = Page::read(&name).recipes;
        assert!(!recipes.is_empty(), "{name} has no recipe");
        for recipe in recipes {
            assert!(!recipe.traps.is_empty(), "{name}, {}: no trap", recipe.title);
        }
    }
}
