//! The keys in shared memory: the worker publishes, logins look up.

use crate::pg::{message, shmem};
use jwt_sso_core::decision::{Found, Keys};
use jwt_sso_core::digest::Digest;
use jwt_sso_core::image::{self, KeySet, Lookup, Status};
use jwt_sso_core::issuers::{Issuer, IssuerKeys};
use jwt_sso_core::policy::{KeySource, Policy};
use jwt_sso_core::refusal::NoKeys;
use std::time::Duration;

/// How long a login waits for the worker to publish the keys of the policy
/// that the login was forked with: at start and after a reload, a moment.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(15);

/// Asks for shared memory of that many bytes for the keys.
pub fn init(bytes: usize) {
    shmem::reserve(bytes);
}

/// The keys as a login finds them.
pub struct SharedKeys;

impl Keys for SharedKeys {
    fn find(&self, _issuer: &Issuer, source: &KeySource, kid: Option<&str>) -> Found {
        match source {
            KeySource::Global(digest) | KeySource::Entry(digest) => find_set(digest, kid),
            KeySource::Fetched => Found::Unavailable(NoKeys::NotFetched),
            KeySource::None => Found::Unavailable(NoKeys::NotConfigured),
        }
    }
}

fn find_set(source: &Digest, kid: Option<&str>) -> Found {
    let look = || shmem::read(|image, _| image::lookup(image, source, kid));
    let is_there = |image: &[u8]| image::lookup(image, source, Some("")) != Lookup::NoSet;
    let found = match look() {
        Some(Lookup::NoSet) if shmem::wait(PUBLISH_TIMEOUT, is_there) => look(),
        other => other,
    };
    match found {
        None | Some(Lookup::NoSet) => Found::Unavailable(NoKeys::NotPublished),
        Some(Lookup::LeftOut) => Found::Unavailable(NoKeys::CacheFull),
        Some(Lookup::Keys(_, 0)) => Found::Unavailable(NoKeys::EmptySet),
        Some(Lookup::Keys(of_kid, issuer_keys)) => Found::Keys { of_kid, issuer_keys },
    }
}

/// What the worker last said of its policy; `None` where it said nothing yet.
pub fn status() -> Option<Status> {
    shmem::read(|image, _| image::status(image)).flatten()
}

/// Publishes the static keys of `policy`, or of none where there is no policy,
/// and gives back what it published.
///
/// The sets that were published before stay beside them until the next time:
/// a login that was forked before a reload, and whose client takes its time to
/// answer, is still decided by the policy, and so the keys, that it began with.
/// Sets that do not fit into `capacity` bytes are left out; of those of the
/// policy in force the log says which.
pub fn publish(
    policy: Option<&Policy>,
    status: Status,
    capacity: usize,
    before: &[KeySet],
) -> Vec<KeySet> {
    let mut room = capacity.saturating_sub(image::EMPTY_LEN);
    let mut sets = Vec::new();
    for (owner, mut set) in policy.map(static_sets).unwrap_or_default() {
        if set.encoded_len() > room {
            message::log(&format!(
                "jwt_sso: the keys of {owner} do not fit into jwt_sso.key_cache_size and are left \
                 out; its logins are refused as keys_unavailable"
            ));
            set = KeySet { keys: Vec::new(), left_out: true, ..set };
        }
        room = room.saturating_sub(set.encoded_len());
        sets.push(set);
    }
    let published = sets.clone();
    for set in before {
        if set.encoded_len() <= room && sets.iter().all(|other| other.source != set.source) {
            room -= set.encoded_len();
            sets.push(set.clone());
        }
    }
    if !shmem::publish(&image::encode(&status, &sets)) {
        message::log("jwt_sso: the keys do not fit into jwt_sso.key_cache_size; raise it");
    }
    published
}

/// Every static key set of the policy, with the name of who owns it.
fn static_sets(policy: &Policy) -> Vec<(String, KeySet)> {
    let mut sets = Vec::new();
    if policy.jwks.is_configured() || policy.jwks_file.is_configured() {
        let mut keys = policy.jwks.keys();
        keys.extend(policy.jwks_file.keys());
        let set = KeySet { source: policy.global_keys(), keys, left_out: false };
        sets.push(("jwt_sso.jwks and jwt_sso.jwks_file".to_owned(), set));
    }
    for issuer in policy.issuers.iter() {
        if let (IssuerKeys::Static(jwks), KeySource::Entry(source)) =
            (&issuer.keys, policy.key_source(issuer))
        {
            let set = KeySet { source, keys: jwks.keys(), left_out: false };
            sets.push((format!("issuer {:?}", issuer.iss), set));
        }
    }
    sets
}
