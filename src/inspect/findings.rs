//! The findings of `jwt_sso.check()`.

mod doors;
mod key_sets;
mod library;
mod logging;
pub mod roles;
mod sessions;

use crate::keyring;
use crate::pg::process;
use crate::settings;
use jwt_sso_core::digest::Digest;
use jwt_sso_core::image::Status;
use jwt_sso_core::issuers::{Issuer, IssuerKeys};
use jwt_sso_core::policy::Policy;
use jwt_sso_core::rounds::SettingSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// What a finding means for the administrator.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Logins fail, or somebody may get in who should not.
    Error,
    /// Legal, but unwise.
    Warning,
    /// For information.
    Ok,
}

impl Severity {
    /// As the column shows it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Ok => "ok",
        }
    }
}

/// One row of `check()`.
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What to do about a library that was loaded too late.
pub const PRELOAD_HINT: &str =
    "Add jwt_sso to shared_preload_libraries in postgresql.conf and restart the server.";

/// Every finding, worst first.
pub fn all() -> Vec<Finding> {
    if !process::is_preloaded() {
        let text = "jwt_sso is not loaded by shared_preload_libraries: no login is checked";
        return vec![error(text, PRELOAD_HINT)];
    }
    let status = keyring::status();
    let mut findings = Vec::from_iter(soundness(status.as_ref()));
    findings.extend(library::findings());
    findings.extend(doors::findings());
    findings.extend(writable_files());
    findings.extend(logging::findings());
    // What is not in force is not worth judging before it can be.
    let refused = status.as_ref().is_some_and(|status| status.refused != 0);
    match settings::compile_session() {
        Ok(_) if refused => {}
        Ok(policy) => {
            findings.extend(completeness(&policy));
            findings.extend(keys(&policy));
            findings.extend(laxness(&policy));
            findings.extend(policy.advice().iter().map(|advice| Finding {
                severity: Severity::Warning,
                text: advice.to_string(),
                hint: Some(advice.hint()),
            }));
            findings.extend(roles::findings(&policy));
            findings.extend(key_sets::findings(&policy));
            findings.extend(sessions::findings(&policy));
            findings.extend(status.iter().flat_map(|status| fingerprint(status, &policy)));
        }
        Err(refused) => findings.extend(refused.into_iter().map(|(setting, why)| Finding {
            severity: Severity::Error,
            text: format!("{} is wrong: {why}", setting.name),
            hint: Some(why.hint.unwrap_or_else(|| {
                format!("ALTER SYSTEM RESET {}; SELECT pg_reload_conf(); or mend it.", setting.name)
            })),
        })),
    }
    findings.sort_by_key(|finding| finding.severity);
    findings
}

fn error(text: impl Into<String>, hint: impl Into<String>) -> Finding {
    Finding { severity: Severity::Error, text: text.into(), hint: Some(hint.into()) }
}

fn warning(text: impl Into<String>, hint: impl Into<String>) -> Finding {
    Finding { severity: Severity::Warning, text: text.into(), hint: Some(hint.into()) }
}

/// What the last reload, or the start, came to, as the worker says.
fn soundness(status: Option<&Status>) -> Option<Finding> {
    let Some(status) = status else {
        return Some(error(
            "the key worker has published nothing: no login has keys",
            "The server log says more of \"jwt_sso worker\"; it needs one of max_worker_processes.",
        ));
    };
    let refused = settings::names(SettingSet::from_bits(status.refused)).join(", ");
    if refused.is_empty() {
        return None;
    }
    let text = match in_force(status) {
        None => format!("no policy is in force, every token login is refused: refused {refused}"),
        Some(_) => format!("the previous policy is still in force: refused {refused}"),
    };
    let hint = "The server log says what is wrong. Mend it, then SELECT pg_reload_conf().";
    Some(error(text, hint))
}

/// Files by which whoever may write them lets himself in.
fn writable_files() -> Vec<Finding> {
    let finding = |(setting, path): (&str, PathBuf)| {
        let mode = std::fs::metadata(&path).ok()?.permissions().mode();
        (mode & 0o022 != 0).then(|| {
            warning(
                format!(
                    "others than its owner may write the file of {setting}: {}",
                    path.display()
                ),
                format!("chmod go-w {}", path.display()),
            )
        })
    };
    settings::files().into_iter().filter_map(finding).collect()
}

/// The policy in force, and whether it is the one that this session sees.
fn fingerprint(status: &Status, seen: &Policy) -> Vec<Finding> {
    let Some(in_force) = in_force(status) else { return Vec::new() };
    let mut findings = Vec::new();
    if in_force != seen.fingerprint() && status.refused == 0 {
        findings.push(warning(
            "the policy in force is not what this session's settings and files say",
            "SELECT pg_reload_conf(), and then, as a command of its own, check() again.",
        ));
    }
    let text = format!("policy fingerprint {in_force}");
    findings.push(Finding { severity: Severity::Ok, text, hint: None });
    findings
}

fn in_force(status: &Status) -> Option<Digest> {
    (status.policy != Digest::default()).then_some(status.policy)
}

fn completeness(policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !policy.enabled {
        findings.push(warning(
            "jwt_sso.enabled is off: every token login is refused",
            "ALTER SYSTEM SET jwt_sso.enabled = on; SELECT pg_reload_conf();",
        ));
    }
    if policy.issuers.is_empty() {
        findings.push(error(
            "no issuer is configured",
            "ALTER SYSTEM SET jwt_sso.issuers = 'https://idp.example'; SELECT pg_reload_conf();",
        ));
    }
    let without: Vec<&str> = policy
        .issuers
        .iter()
        .filter(|issuer| policy.audience_of(issuer).is_empty())
        .map(|issuer| issuer.iss.as_str())
        .collect();
    if policy.issuers.is_empty() && policy.audience.is_empty() || !without.is_empty() {
        findings.push(error(
            format!("no audience is configured {}", for_issuers(&without)),
            "ALTER SYSTEM SET jwt_sso.audience = 'the aud of your tokens'; SELECT pg_reload_conf();",
        ));
    }
    findings
}

/// Issuers whose static keys cannot verify any token.
fn keys(policy: &Policy) -> Vec<Finding> {
    let fetched = |issuer: &&Issuer| policy.fetch_place(issuer).is_some();
    let global = policy.jwks.keys().len() + policy.jwks_file.keys().len();
    let without: Vec<&str> = policy
        .issuers
        .iter()
        .filter(|issuer| !fetched(issuer))
        .filter(|issuer| match &issuer.keys {
            IssuerKeys::Static(jwks) => jwks.keys().is_empty(),
            _ => global == 0,
        })
        .map(|issuer| issuer.iss.as_str())
        .collect();
    let mut findings = Vec::new();
    if !without.is_empty() {
        findings.push(error(
            format!("there is no key {}: its tokens are refused", for_issuers(&without)),
            "ALTER SYSTEM SET jwt_sso.jwks_auto_fetch_enabled = on; SELECT pg_reload_conf(); or set \
             jwt_sso.jwks, jwt_sso.jwks_file or the issuer's own jwks or jwks_uri.",
        ));
    }
    let none = |issuer: &&Issuer| policy.algorithms_of(issuer).is_empty();
    let without: Vec<&str> =
        policy.issuers.iter().filter(none).map(|issuer| issuer.iss.as_str()).collect();
    if !without.is_empty() {
        findings.push(error(
            format!("no algorithm is accepted {}", for_issuers(&without)),
            "ALTER SYSTEM RESET jwt_sso.algorithms; SELECT pg_reload_conf();",
        ));
    }
    findings
}

/// Locks that were opened on purpose.
fn laxness(policy: &Policy) -> Vec<Finding> {
    let open = [
        (!policy.require_tls, "jwt_sso.require_tls is off: tokens can travel in clear"),
        (policy.allow_superuser, "jwt_sso.allow_superuser is on: a token can open a superuser"),
        (policy.allow_replication, "jwt_sso.allow_replication is on: a token can copy the server"),
        (policy.allow_password, "jwt_sso.allow_password is on: stored passwords open token lines"),
    ];
    let finding = |(_, text): &(bool, &str)| {
        let name = text.split(' ').next().unwrap_or_default();
        warning(*text, format!("ALTER SYSTEM RESET {name}; SELECT pg_reload_conf();"))
    };
    open.iter().filter(|(is_open, _)| *is_open).map(finding).collect()
}

fn for_issuers(issuers: &[&str]) -> String {
    match issuers {
        [] => "at all".to_owned(),
        [first] => format!("for the issuer {first}"),
        [first, rest @ ..] => format!("for the issuer {first} and {} more", rest.len()),
    }
}
