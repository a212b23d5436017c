//! From the settings of a recipe to the logins and refusals that it promises.

use jwt_sso_e2e::token::now;
use jwt_sso_e2e::{Algorithm, Cluster, Issuer, SigningKey};
use regex::Regex;
use serde_json::{Value, json};

use crate::page::{Page, Recipe, Wrong};

/// Walks through all recipes of a page, one after the other on one server.
#[track_caller]
pub fn page(name: &str) {
    let cluster = Cluster::builder().token_hba("hostssl all all all trust\n").start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    for recipe in Page::read(name).recipes {
        eprintln!("{name}: {}", recipe.title);
        walk(&cluster, &recipe);
        cluster.sql("ALTER SYSTEM RESET ALL");
        cluster.sql(&format!("DROP ROLE {}", recipe.role));
    }
}

#[track_caller]
fn walk(cluster: &Cluster, recipe: &Recipe) {
    let kid = recipe.header["kid"].as_str().expect("a kid");
    let issuer = Issuer::with_key("unused", SigningKey::generate(kid, Algorithm::Rs256));
    set_up(cluster, recipe, &issuer);
    sound(cluster);

    let token = sign(&issuer, &recipe.header, &recipe.claims);
    let output = cluster.psql().user(&recipe.role).token(&token).run("SELECT current_user");
    assert_eq!(output.stdout, recipe.role, "{}\n{}", output.stderr, cluster.log_tail());

    for (wrong, line) in &recipe.traps {
        let password = match wrong {
            Wrong::Claims(patch) => sign(&issuer, &recipe.header, &merged(&recipe.claims, patch)),
            Wrong::Header(patch) => sign(&issuer, &merged(&recipe.header, patch), &recipe.claims),
            Wrong::Password(password) => password.clone(),
        };
        let mark = cluster.log_mark();
        let output = cluster.psql().user(&recipe.role).token(&password).run("SELECT 1");
        assert!(!output.success, "{wrong:?} got in");
        let logged = cluster.wait_log(mark, "jwt_sso: refused ");
        let (_, logged) = logged.split_once("LOG:  ").expect("a LOG line");
        assert!(is_like(line, logged), "the page has\n{line}\nand the server\n{logged}");
    }
}

/// Makes the settings as they are to be pasted, but for the path of a CA's file; then gives the
/// issuer's entry the key of the tests.
#[track_caller]
fn set_up(cluster: &Cluster, recipe: &Recipe, issuer: &Issuer) {
    let certificate = std::fs::read(cluster.ca_path()).expect("the cluster's CA");
    let ca = cluster.write_file("provider-ca.pem", &certificate);
    let paths = Regex::new("'/etc/[^']*\\.pem'").expect("a valid pattern");
    let settings = paths.replace_all(&recipe.settings, format!("'{}'", ca.display()));
    let settings = settings.replace("key-set", &issuer.jwks());
    let (settings, reload) = settings.rsplit_once('\n').expect("lines");
    assert_eq!(reload, "SELECT pg_reload_conf();", "{}: the last line", recipe.title);
    cluster.sql(settings);

    let file = "SELECT setting FROM pg_file_settings WHERE name = 'jwt_sso.issuers'";
    let mut issuers: Value =
        serde_json::from_str(&cluster.sql(file)).expect("the form with entries");
    let entries = issuers["issuers"].as_object_mut().expect("the form with entries");
    let key_set: Value = serde_json::from_str(&issuer.jwks()).expect("a key set");
    let fetched = recipe.settings.contains("jwt_sso.jwks_auto_fetch_enabled = on;");
    for entry in entries.values_mut() {
        let entry = entry.as_object_mut().expect("an entry");
        let own = entry.contains_key("jwks_uri") || entry.contains_key("jwks");
        assert!(own || fetched, "{}: where the keys come from", recipe.title);
        entry.remove("jwks_uri");
        entry.insert("jwks".to_owned(), key_set.clone());
    }
    cluster.configure(&[("jwt_sso.issuers", &issuers.to_string())]);
}

/// `check()` finds nothing wrong and nothing unwise.
#[track_caller]
fn sound(cluster: &Cluster) {
    let findings = "SELECT severity, finding FROM jwt_sso.check() WHERE severity <> 'ok'";
    assert_eq!(cluster.sql(findings), "");
}

/// Signs what the page shows, with today's times and the lifetime of the page's.
fn sign(issuer: &Issuer, header: &Value, claims: &Value) -> String {
    let mut claims = claims.clone();
    let seconds =
        |name: &str| claims[name].as_u64().unwrap_or_else(|| panic!("{name} in {claims}"));
    let lifetime = seconds("exp") - seconds("iat");
    claims["iat"] = json!(now());
    claims["exp"] = json!(now() + lifetime);
    if claims.get("nbf").is_some() {
        claims["nbf"] = json!(now());
    }
    issuer.token("unused").sign_raw(&header.to_string(), &claims.to_string())
}

/// RFC 7396.
fn merged(target: &Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut target = target.as_object().cloned().unwrap_or_default();
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            let before = target.remove(name).unwrap_or_default();
            target.insert(name.clone(), merged(&before, value));
        }
    }
    Value::Object(target)
}

/// Whether a log line is as the page has it: the reference is any, `…` is any text.
fn is_like(documented: &str, logged: &str) -> bool {
    let pattern = regex::escape(documented).replace('…', ".*");
    let pattern = pattern.replace("ref=7f3a2c1b", "ref=[0-9a-f]{8}");
    Regex::new(&format!("^{pattern}$")).expect("a valid pattern").is_match(logged)
}
