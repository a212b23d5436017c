//! The keys in shared memory: the worker publishes, logins look up.

use crate::pg::{message, shmem};
use jwt_sso_core::decision::{Found, Keys};
use jwt_sso_core::digest::Digest;
use jwt_sso_core::image::{self, KeySet, Lookup, Status};
use jwt_sso_core::issuers::{Issuer, IssuerKeys};
use jwt_sso_core::jwk::PublicKey;
use jwt_sso_core::policy::{KeySource, Policy};
use jwt_sso_core::refusal::NoKeys;

/// Asks for shared memory of that many bytes for the keys.
pub fn init(bytes: usize) {
    shmem::reserve(bytes);
}

/// The keys as a login finds them.
pub struct SharedKeys<'p> {
    /// What the login was forked with.
    pub policy: &'p Policy,
}

impl Keys for SharedKeys<'_> {
    fn find(&self, issuer: &Issuer, source: &KeySource, kid: Option<&str>) -> Found {
        match source {
            KeySource::Global(digest) | KeySource::Entry(digest) => {
                self.find_static(issuer, digest, kid)
            }
            KeySource::Fetched => Found::Unavailable(NoKeys::NotFetched),
            KeySource::None => Found::Unavailable(NoKeys::NotConfigured),
        }
    }
}

impl SharedKeys<'_> {
    fn find_static(&self, issuer: &Issuer, source: &Digest, kid: Option<&str>) -> Found {
        match shmem::read(|image| image::lookup(image, source, kid)).unwrap_or(Lookup::NoSet) {
            Lookup::NoSet => self.read_settings(issuer, kid),
            Lookup::LeftOut => Found::Unavailable(NoKeys::CacheFull),
            Lookup::Keys(_, 0) => Found::Unavailable(NoKeys::EmptySet),
            Lookup::Keys(of_kid, issuer_keys) => Found::Keys { of_kid, issuer_keys },
        }
    }

    /// The worker serves other settings than this login was forked with: it has
    /// not caught up, or a reload came while the client had its prompt, or it
    /// is just being started. The settings' text came by fork and is the same.
    fn read_settings(&self, issuer: &Issuer, kid: Option<&str>) -> Found {
        let keys = match &issuer.keys {
            IssuerKeys::Static(jwks) => jwks.keys(),
            IssuerKeys::Global => [self.policy.jwks.keys(), self.policy.jwks_file.keys()].concat(),
            IssuerKeys::Uri(_) => Vec::new(),
        };
        let issuer_keys = keys.len();
        if issuer_keys == 0 {
            return Found::Unavailable(NoKeys::EmptySet);
        }
        let has_kid = |key: &PublicKey| kid.is_none_or(|kid| key.kid.as_deref() == Some(kid));
        Found::Keys { of_kid: keys.into_iter().filter(has_kid).collect(), issuer_keys }
    }
}

/// What the worker last said of its policy; `None` where it said nothing yet.
pub fn status() -> Option<Status> {
    shmem::read(image::status).flatten()
}

/// Publishes the static keys of `policy`, or of none where there is no policy.
/// Sets that do not fit into `capacity` bytes are left out, and the log says which.
pub fn publish(policy: Option<&Policy>, status: Status, capacity: usize) {
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
    if !shmem::publish(&image::encode(&status, &sets)) {
        message::log("jwt_sso: the keys do not fit into jwt_sso.key_cache_size; raise it");
    }
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
