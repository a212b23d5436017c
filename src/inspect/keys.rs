//! What the views of issuers and keys show, and `refresh()`.

use super::demand_preload;
use crate::clock;
use crate::keyring::{self, Question};
use crate::pg::process;
use crate::settings;
use jwt_sso_core::digest::Digest;
use jwt_sso_core::image::{About, KeyAbout, KeyRecord, KeySet};
use jwt_sso_core::issuers::{Issuer, IssuerKeys};
use jwt_sso_core::policy::{KeySource, Policy};
use jwt_sso_core::time::UnixTime;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;
use std::time::Duration;

/// The rows of the view `issuers`: one for each configured issuer.
#[pg_extern(volatile, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn issuer_rows() -> TableIterator<
    'static,
    (
        name!(issuer, String),
        name!(source, &'static str),
        name!(jwks_uri, Option<String>),
        name!(state, &'static str),
        name!(keys, i32),
        name!(last_success, Option<TimestampWithTimeZone>),
        name!(last_attempt, Option<TimestampWithTimeZone>),
        name!(last_error, Option<String>),
        name!(next_refresh, Option<TimestampWithTimeZone>),
    ),
> {
    let policy = policy();
    let sets = keyring::sets();
    let now = clock::now().seconds();
    let row = |issuer: &Issuer| {
        let set = digest_of(&policy, issuer).and_then(|digest| find(&sets, &digest)).cloned();
        let about = set.as_ref().map(|set| set.about.clone()).unwrap_or_default();
        let usable = set.iter().flat_map(|set| &set.keys).filter(|key| is_usable(key, now)).count();
        (
            process::presentable(&issuer.iss),
            source_name(&policy, issuer),
            text(&about.jwks_uri),
            state(&policy, issuer, &about, now),
            usable as i32,
            time(about.last_success),
            time(about.last_attempt),
            text(&about.last_error),
            time(about.next_refresh),
        )
    };
    TableIterator::new(policy.issuers.iter().map(row).collect::<Vec<_>>())
}

/// The rows of the view `keys`. The issuer is NULL for the keys that all
/// issuers without their own share.
#[pg_extern(volatile, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn key_rows() -> TableIterator<
    'static,
    (
        name!(issuer, Option<String>),
        name!(kid, Option<String>),
        name!(kty, Option<String>),
        name!(alg, Option<String>),
        name!(use, Option<String>),
        name!(bits, Option<i32>),
        name!(usable, bool),
        name!(note, Option<String>),
        name!(first_seen, Option<TimestampWithTimeZone>),
        name!(last_seen, Option<TimestampWithTimeZone>),
    ),
> {
    let policy = policy();
    let current: Vec<Digest> =
        policy.issuers.iter().filter_map(|issuer| digest_of(&policy, issuer)).collect();
    let now = clock::now().seconds();
    let mut rows = Vec::new();
    // Sets of the policy before are there for logins in flight only.
    for set in keyring::sets().into_iter().filter(|set| current.contains(&set.source)) {
        for key in &set.keys {
            let about = &key.about;
            rows.push((
                text(&set.about.issuer),
                key.kid.as_deref().map(process::presentable),
                text(&about.kty),
                text(&about.alg),
                text(&about.use_),
                i32::try_from(about.bits).ok().filter(|bits| *bits > 0),
                is_usable(key, now),
                note(about),
                time(about.first_seen),
                time(about.last_seen),
            ));
        }
    }
    TableIterator::new(rows)
}

/// Fetches the keys of one issuer, or of all that are fetched, now; waits for
/// the result. Keys that have vanished from a set are dropped at once.
#[pg_extern(volatile, parallel_unsafe)]
fn refresh(
    issuer: default!(Option<&str>, "NULL"),
) -> TableIterator<'static, (name!(issuer, String), name!(ok, bool), name!(detail, String))> {
    demand_preload();
    let policy = policy();
    let wanted = |candidate: &&Issuer| issuer.is_none_or(|iss| candidate.iss == iss);
    let chosen: Vec<&Issuer> = policy.issuers.iter().filter(wanted).collect();
    if let (Some(iss), true) = (issuer, chosen.is_empty()) {
        let shown: String = iss.chars().take(200).collect();
        error!("issuer {shown:?} is not in jwt_sso.issuers");
    }
    let fetched: Vec<(&Issuer, Digest)> =
        chosen.iter().filter_map(|one| Some((*one, fetched_digest(&policy, one)?))).collect();
    let before = keyring::sets();
    if !fetched.is_empty() {
        wait_for(&fetched, issuer.is_none(), policy.client_timeout);
    }
    let sets = keyring::sets();
    let answered = |set: &KeySet| {
        let old = find(&before, &set.source);
        old.is_none_or(|old| old.attempts != set.attempts)
    };
    let row = |one: &&Issuer| {
        let set = fetched_digest(&policy, one).map(|digest| find(&sets, &digest));
        let (ok, detail) = match set {
            None => (true, "static keys: nothing to fetch".to_owned()),
            Some(None) => (false, "not configured in the server yet: reload first".to_owned()),
            Some(Some(set)) if !answered(set) => (false, "no answer in time".to_owned()),
            Some(Some(set)) => outcome(set),
        };
        (process::presentable(&one.iss), ok, process::presentable(&detail))
    };
    TableIterator::new(chosen.iter().map(row).collect::<Vec<_>>())
}

/// Asks the worker and waits for its answer.
fn wait_for(fetched: &[(&Issuer, Digest)], all: bool, client_timeout: u64) {
    let about = match fetched {
        [(_, digest)] if !all => *digest,
        _ => Digest::default(),
    };
    let Some(ticket) = keyring::ask(Question::Refresh, &about, 0) else {
        error!("too many refreshes are under way; try again");
    };
    // A fetch in flight comes first, and eight run at once.
    let rounds = 2 * (fetched.len() as u64).div_ceil(8);
    ticket.wait(Duration::from_secs(client_timeout * rounds + 5));
}

fn outcome(set: &KeySet) -> (bool, String) {
    if set.left_out {
        return (false, "the keys do not fit into jwt_sso.key_cache_size".to_owned());
    }
    if !set.about.last_error.is_empty() {
        return (false, set.about.last_error.clone());
    }
    let now = clock::now().seconds();
    let usable = set.keys.iter().filter(|key| is_usable(key, now)).count();
    let skipped = set.keys.iter().filter(|key| key.key.is_none()).count();
    let skipped = if skipped > 0 { format!(", {skipped} left out") } else { String::new() };
    let keys = if usable == 1 { "key" } else { "keys" };
    (true, format!("{usable} {keys} from {}{skipped}", set.about.jwks_uri))
}

/// The policy as this session's settings have it. Without preload there are no
/// settings, and nothing is configured.
pub(super) fn policy() -> Policy {
    if !process::is_preloaded() {
        return Policy::default();
    }
    settings::compile_session().unwrap_or_else(|refused| {
        let names: Vec<&str> = refused.iter().map(|(setting, _)| setting.name).collect();
        error!("wrong in this session: {}; see jwt_sso.check()", names.join(", "))
    })
}

fn digest_of(policy: &Policy, issuer: &Issuer) -> Option<Digest> {
    match policy.key_source(issuer) {
        KeySource::Global(digest) | KeySource::Entry(digest) | KeySource::Fetched(digest) => {
            Some(digest)
        }
        KeySource::None => None,
    }
}

fn fetched_digest(policy: &Policy, issuer: &Issuer) -> Option<Digest> {
    match policy.key_source(issuer) {
        KeySource::Fetched(digest) => Some(digest),
        _ => None,
    }
}

fn find<'s>(sets: &'s [KeySet], digest: &Digest) -> Option<&'s KeySet> {
    sets.iter().find(|set| set.source == *digest)
}

fn source_name(policy: &Policy, issuer: &Issuer) -> &'static str {
    match (policy.key_source(issuer), &issuer.keys) {
        (KeySource::Global(_), _) => "jwks",
        (KeySource::Entry(_), _) => "entry",
        (KeySource::Fetched(_), IssuerKeys::Uri(_)) => "jwks_uri",
        (KeySource::Fetched(_), _) => "discovery",
        (KeySource::None, _) => "none",
    }
}

/// `static`, or how good the fetched keys are.
fn state(policy: &Policy, issuer: &Issuer, about: &About, now: u64) -> &'static str {
    match policy.key_source(issuer) {
        KeySource::Fetched(_) => about.state(now),
        _ => "static",
    }
}

fn is_usable(key: &KeyRecord, now: u64) -> bool {
    key.key.is_some() && now < key.until
}

fn note(about: &KeyAbout) -> Option<String> {
    match UnixTime::from_seconds(about.vanished).filter(|_| about.vanished > 0) {
        Some(since) => Some(format!("not in the issuer's set since {since}")),
        None => text(&about.note),
    }
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| process::presentable(text))
}

/// Seconds since 1970; 0 is never.
fn time(seconds: u64) -> Option<TimestampWithTimeZone> {
    if seconds == 0 {
        return None;
    }
    TimestampWithTimeZone::try_from(clock::server_time(seconds)?).ok()
}
