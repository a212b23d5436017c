//! What `check()` finds of the keys that are fetched.

use super::{Finding, error, warning};
use crate::clock;
use crate::keyring;
use jwt_sso_core::image::About;
use jwt_sso_core::policy::{KeySource, Policy};
use jwt_sso_core::time::UnixTime;

/// Every issuer whose keys are not as they should be.
pub fn findings(policy: &Policy) -> Vec<Finding> {
    let sets = keyring::sets();
    let now = clock::now().seconds();
    let mut findings = Vec::new();
    for issuer in policy.issuers.iter() {
        let source = match policy.key_source(issuer) {
            KeySource::Fetched(source) | KeySource::Global(source) | KeySource::Entry(source) => {
                source
            }
            KeySource::None => continue,
        };
        let set = sets.iter().find(|set| set.source == source);
        match set {
            Some(set) if set.left_out => findings.push(no_room(&issuer.iss)),
            Some(_) => {}
            None => findings.push(not_published(&issuer.iss)),
        }
        let Some(set) = set.filter(|set| set.about.fetched) else { continue };
        findings.extend(freshness(&set.about, now));
        findings.extend(clocks(&set.about, policy.clock_skew));
    }
    findings
}

fn no_room(issuer: &str) -> Finding {
    error(
        format!("the keys of issuer {issuer} do not fit into jwt_sso.key_cache_size"),
        "ALTER SYSTEM SET jwt_sso.key_cache_size = '16MB'; and restart the server.",
    )
}

/// Not even the word that they do not fit; or a reload is on its way.
fn not_published(issuer: &str) -> Finding {
    warning(
        format!("the keys of issuer {issuer} are not published"),
        "Run check() again in a moment; where it stays, raise jwt_sso.key_cache_size.",
    )
}

fn freshness(about: &About, now: u64) -> Option<Finding> {
    let (issuer, why) = (&about.issuer, &about.last_error);
    let hint = "Look at jwt_sso.issuers, then SELECT * FROM jwt_sso.refresh();";
    match about.state(now) {
        "never" if why.is_empty() => None, // the first fetch is under way
        "never" => Some(error(format!("no keys of issuer {issuer} could be fetched: {why}"), hint)),
        "expired" => {
            let since = written(about.serves_until);
            Some(error(format!("the keys of issuer {issuer} expired at {since}: {why}"), hint))
        }
        "stale" => {
            let since = written(about.fresh_until);
            Some(warning(
                format!("the keys of issuer {issuer} are stale since {since}: {why}"),
                hint,
            ))
        }
        _ if !why.is_empty() => {
            Some(warning(format!("issuer {issuer} could not be reached: {why}"), hint))
        }
        _ => None,
    }
}

/// Half of the leeway used up is worth a word; latency takes up to two seconds.
fn clocks(about: &About, skew: u64) -> Option<Finding> {
    let offset = about.clock_offset?;
    (offset.unsigned_abs() > (skew / 2).max(2)).then(|| {
        let (seconds, direction) =
            (offset.unsigned_abs(), if offset > 0 { "ahead of" } else { "behind" });
        warning(
            format!(
                "the clock of issuer {} is {seconds} s {direction} this server's",
                about.issuer
            ),
            "Set the clocks right: tokens are refused as expired, or as not valid yet.",
        )
    })
}

fn written(seconds: u64) -> String {
    UnixTime::from_seconds(seconds).unwrap_or(UnixTime::LAST).to_string()
}
