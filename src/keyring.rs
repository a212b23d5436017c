//! The keys in shared memory: the worker publishes, logins look up, and the few
//! that must wait for keys wait here.

use crate::clock;
use crate::pg::places::{self, KINDS, Ticket};
use crate::pg::shmem;
use jwt_sso_core::decision::{Found, Keys};
use jwt_sso_core::digest::Digest;
use jwt_sso_core::image::{self, KeySet, Lookup, Status};
use jwt_sso_core::issuers::{Issuer, IssuerKeys};
use jwt_sso_core::jwk::PublicKey;
use jwt_sso_core::policy::{KeySource, Policy};
use jwt_sso_core::refusal::NoKeys;
use std::time::{Duration, Instant};

/// What a waiting process wants of the worker; the kinds of [`places`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Question {
    /// A login: its issuer has no usable key.
    NoKeys = 0,
    /// A login: its `kid` is unknown.
    UnknownKid = 1,
    /// An administrator's refresh, of one source or, where it is all zero, of all.
    Refresh = 2,
}

/// The places that logins may hold, and of those the ones for unknown `kid`s,
/// whose number an attacker decides.
const LOGIN_PLACES: usize = 32;
const UNKNOWN_KID_PLACES: usize = 8;
/// The places left for administrators.
const REFRESH_PLACES: usize = places::PLACES - LOGIN_PLACES;

/// A login asks at most so often: a scheduled fetch that it joined may have
/// begun before its key was published, and then the brake lets one more follow.
const MOST_QUESTIONS: usize = 3;

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
            KeySource::Fetched(digest) => self.find_fetched(digest, kid),
            KeySource::None => Found::Unavailable(NoKeys::NotConfigured),
        }
    }
}

impl SharedKeys<'_> {
    fn find_static(&self, issuer: &Issuer, source: &Digest, kid: Option<&str>) -> Found {
        match look(source, kid) {
            Lookup::NoSet => self.read_settings(issuer, kid),
            Lookup::LeftOut => Found::Unavailable(NoKeys::CacheFull),
            Lookup::Found { usable: 0, .. } => Found::Unavailable(NoKeys::EmptySet),
            Lookup::Found { of_kid, usable, .. } => Found::Keys { of_kid, issuer_keys: usable },
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

    fn find_fetched(&self, source: &Digest, kid: Option<&str>) -> Found {
        let deadline = Instant::now() + Duration::from_secs(self.policy.client_timeout);
        let mut ticket: Option<(Question, Ticket)> = None;
        for asked in 0..=MOST_QUESTIONS {
            let (found, question, seen) = match look(source, kid) {
                Lookup::LeftOut => return Found::Unavailable(NoKeys::CacheFull),
                Lookup::NoSet => (Found::Unavailable(NoKeys::NotFetched), Question::NoKeys, 0),
                Lookup::Found { usable: 0, why_none, attempts, .. } => {
                    (Found::Unavailable(why_none), Question::NoKeys, attempts)
                }
                Lookup::Found { of_kid, usable, attempts, brake_until, .. } => {
                    let braked = clock::now().seconds() < brake_until;
                    let wait = of_kid.is_empty() && kid.is_some() && !braked;
                    let found = Found::Keys { of_kid, issuer_keys: usable };
                    if !wait {
                        return found;
                    }
                    (found, Question::UnknownKid, attempts)
                }
            };
            // An answer that brought no keys is the answer.
            let answered_in_vain = asked > 0 && question == Question::NoKeys;
            if answered_in_vain || asked == MOST_QUESTIONS {
                return found;
            }
            match &ticket {
                Some((before, ticket)) if *before == question => ticket.ask_again(seen),
                _ => {
                    drop(ticket.take());
                    ticket = ask(question, source, seen).map(|ticket| (question, ticket));
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match &ticket {
                Some((_, ticket)) if ticket.wait(left) => {}
                _ => return found,
            }
        }
        Found::Unavailable(NoKeys::NotFetched)
    }
}

fn look(source: &Digest, kid: Option<&str>) -> Lookup {
    let now = clock::now().seconds();
    shmem::read(|image| image::lookup(image, source, kid, now)).unwrap_or(Lookup::NoSet)
}

/// Takes a place to wait in, where there is one for this kind of question.
/// `seen` is how many fetches had ended by what the one who asks looked at.
pub fn ask(question: Question, source: &Digest, seen: u32) -> Option<Ticket> {
    places::ask(question as usize, *source.as_bytes(), seen, |held| admits(question, held))
}

fn admits(question: Question, held: &[usize; KINDS]) -> bool {
    let [no_keys, unknown_kid, refresh] = *held;
    match question {
        Question::NoKeys => no_keys + unknown_kid < LOGIN_PLACES,
        Question::UnknownKid => {
            no_keys + unknown_kid < LOGIN_PLACES && unknown_kid < UNKNOWN_KID_PLACES
        }
        Question::Refresh => refresh < REFRESH_PLACES,
    }
}

/// What the worker last said of its policy; `None` where it said nothing yet.
pub fn status() -> Option<Status> {
    shmem::read(image::status).flatten()
}

/// Every key set that is published, for the views.
pub fn sets() -> Vec<KeySet> {
    shmem::read(image::sets).unwrap_or_default()
}

/// Publishes these sets of the policy in force, and gives back what it
/// published, some of it perhaps without keys.
///
/// What does not fit into `capacity` bytes is left out: first the sets that
/// `before` had not, then those that have grown since, so that an issuer which
/// works does not lose its keys to another one. The sets of `earlier`, published under other settings, follow
/// where there is room: a login that was forked before a reload, and whose
/// client takes its time to answer, is still decided by the policy, and so the
/// keys, that it began with.
pub fn publish(
    sets: Vec<KeySet>,
    status: Status,
    capacity: usize,
    before: &[KeySet],
    earlier: &[KeySet],
) -> Vec<KeySet> {
    let mut room = capacity.saturating_sub(image::EMPTY_LEN);
    // Each set has at least its entry, which says that its keys are left out.
    let mut published: Vec<KeySet> = Vec::new();
    for stub in sets.iter().map(stub) {
        if stub.encoded_len() <= room {
            room -= stub.encoded_len();
            published.push(stub);
        }
    }
    let rank = |set: &KeySet| {
        let old = before.iter().find(|old| old.source == set.source && !old.left_out);
        match old {
            Some(old) if set.encoded_len() <= old.encoded_len() => 0,
            Some(_) => 1,
            None => 2,
        }
    };
    let mut sets = sets;
    sets.sort_by_cached_key(rank);
    for set in sets {
        let place = published.iter_mut().find(|stub| stub.source == set.source);
        let Some(place) = place else { continue };
        let more = set.encoded_len() - place.encoded_len();
        if more <= room {
            room -= more;
            *place = set;
        }
    }
    let mut all = published.clone();
    for set in earlier {
        if set.encoded_len() <= room && all.iter().all(|other| other.source != set.source) {
            room -= set.encoded_len();
            all.push(set.clone());
        }
    }
    shmem::publish(&image::encode(&status, &all));
    published
}

/// What is said of a set whose keys do not fit.
fn stub(set: &KeySet) -> KeySet {
    KeySet { keys: Vec::new(), left_out: true, ..set.clone() }
}
