//! The background worker: it owns the keys, fetches them and keeps them, and
//! says in the log what the postmaster, which must not stop for it, leaves unsaid.

mod fetching;
mod kept;
mod sessions;
mod source;

use crate::pg::background::{self, Wake};
use crate::pg::{message, places};
use crate::settings;
use crate::{hba, keyring};
use fetching::Fetching;
use jwt_sso_core::advice::Advice;
use jwt_sso_core::digest::Digest;
use jwt_sso_core::hba::faults::{self, Fault};
use jwt_sso_core::image::{KeyAbout, KeyRecord, KeySet, Status};
use jwt_sso_core::issuers::IssuerKeys;
use jwt_sso_core::jwks::StaticJwks;
use jwt_sso_core::policy::{KeySource, Policy};
use jwt_sso_core::rounds::SettingSet;
use sessions::Looks;
use std::collections::BTreeSet;
use std::time::Duration;

/// After it ended, whatever the cause.
const RESTART: Duration = Duration::from_secs(1);

/// Registers the worker. Only while the library is preloaded.
pub fn init() {
    background::register("jwt_sso worker", RESTART, main);
}

fn main() {
    settings::become_owner();
    background::attach();
    places::become_publisher();
    let mut worker = match Worker::new() {
        Ok(worker) => worker,
        Err(why) => return message::log(&format!("jwt_sso: the worker cannot work: {why}")),
    };
    worker.take_policy();
    loop {
        worker.work();
        match background::wait(worker.fetching.results(), worker.next_wake()) {
            Wake::End => return,
            Wake::Reload => worker.reload(),
            Wake::Look => {}
        }
    }
}

struct Worker {
    fetching: Fetching,
    /// The static keys of the policy in force.
    settings_sets: Vec<KeySet>,
    /// What was published last, under the policy in force.
    published: Vec<KeySet>,
    /// What was published last under the policy before.
    earlier: Vec<KeySet>,
    status: Status,
    /// What the log has already.
    said: Vec<Advice>,
    said_lines: Vec<String>,
    left_out: BTreeSet<[u8; 32]>,
    looks: Looks,
}

impl Worker {
    fn new() -> std::io::Result<Worker> {
        Ok(Worker {
            fetching: Fetching::new()?,
            settings_sets: Vec::new(),
            published: Vec::new(),
            earlier: Vec::new(),
            status: Status::default(),
            said: Vec::new(),
            said_lines: Vec::new(),
            left_out: BTreeSet::new(),
            looks: Looks::new(),
        })
    }

    /// When to look after the work, whether or not anything happens before.
    fn next_wake(&self) -> Option<Duration> {
        let sessions =
            settings::in_force(|policy| policy.ok().and_then(|policy| self.looks.next(policy)));
        [self.fetching.next_wake(), sessions].into_iter().flatten().min()
    }

    /// Starts what is due, takes in what has come, answers who can be answered.
    fn work(&mut self) {
        let mut changed = self.fetching.collect();
        changed |= self.fetching.look_at(places::questions());
        changed |= self.fetching.start_due();
        if changed {
            self.publish();
            self.fetching.keep();
        }
        let answered = self.fetching.take_answered();
        if !answered.is_empty() {
            places::answer(&answered);
        }
        settings::in_force(|policy| policy.ok().map(|policy| self.looks.look_if_due(policy)));
    }

    fn reload(&mut self) {
        let before = settings::refused();
        settings::reload();
        let refused = settings::refused();
        if !refused.is_empty() {
            say_refused(refused);
        } else if !before.is_empty() {
            message::log("jwt_sso: every setting is accepted again; the new policy is in force");
        }
        self.take_policy();
    }

    /// Works by the policy in force from now on.
    fn take_policy(&mut self) {
        let refused = settings::refused().bits();
        let (sets, status) = settings::in_force(|policy| {
            let policy = policy.ok();
            self.fetching.configure(policy);
            let fingerprint = policy.map(Policy::fingerprint).unwrap_or_default();
            let sets = policy.map(settings_sets).unwrap_or_default();
            (sets, Status { policy: fingerprint, refused })
        });
        if status.policy != self.status.policy {
            self.earlier = self.published.clone();
        }
        self.settings_sets = sets;
        self.status = status;
        self.looks.soon();
        self.publish();
        self.said = say_advice(&self.said);
        self.said_lines = say_token_lines(&self.said_lines);
    }

    fn publish(&mut self) {
        let mut sets = self.settings_sets.clone();
        sets.extend(self.fetching.sets());
        let capacity = settings::key_cache_bytes();
        let served = std::mem::take(&mut self.published);
        self.published = keyring::publish(sets, self.status, capacity, &served, &self.earlier);
        let left_out: Vec<&KeySet> = self.published.iter().filter(|set| set.left_out).collect();
        for set in &left_out {
            if !self.left_out.contains(set.source.as_bytes()) {
                let owner = match set.about.issuer.as_str() {
                    "" => "jwt_sso.jwks and jwt_sso.jwks_file".to_owned(),
                    issuer => format!("issuer {issuer:?}"),
                };
                message::log(&format!(
                    "jwt_sso: the keys of {owner} do not fit into jwt_sso.key_cache_size and are \
                     left out; its logins are refused as keys_unavailable"
                ));
            }
        }
        self.left_out = left_out.iter().map(|set| *set.source.as_bytes()).collect();
    }
}

/// Every static key set of the policy.
fn settings_sets(policy: &Policy) -> Vec<KeySet> {
    let mut sets = Vec::new();
    let global = policy.jwks.is_configured() || policy.jwks_file.is_configured();
    if global && !policy.jwks_auto_fetch_enabled {
        sets.push(static_set(policy.global_keys(), "", &[&policy.jwks, &policy.jwks_file]));
    }
    for issuer in policy.issuers.iter() {
        if let (IssuerKeys::Static(jwks), KeySource::Entry(source)) =
            (&issuer.keys, policy.key_source(issuer))
        {
            sets.push(static_set(source, &issuer.iss, &[jwks]));
        }
    }
    sets
}

/// The keys of these settings; the view shows those too that verify nothing.
fn static_set(source: Digest, issuer: &str, settings: &[&StaticJwks]) -> KeySet {
    let keys = settings.iter().flat_map(|jwks| jwks.keys()).collect();
    let mut set = KeySet::of_settings(source, issuer, keys);
    let unusable = settings.iter().flat_map(|jwks| jwks.unusable());
    set.keys.extend(unusable.map(|key| KeyRecord {
        about: KeyAbout { note: key.why.to_string(), ..KeyAbout::default() },
        kid: key.kid,
        key: None,
        until: 0,
    }));
    set
}

/// Names each line by which tokens are asked for, and what is wrong about it,
/// that was not `said` before.
fn say_token_lines(said: &[String]) -> Vec<String> {
    let rules = hba::in_force();
    let mut sayings = Vec::new();
    for line in faults::token_lines(&rules.places, &hba::site(&rules)) {
        sayings.push(line.to_string());
        let errors = line.faults.iter().filter(|fault| fault.is_error());
        sayings.extend(errors.map(Fault::to_string));
    }
    for saying in sayings.iter().filter(|saying| !said.contains(saying)) {
        message::log(&format!("jwt_sso: {saying}"));
    }
    sayings
}

fn say_refused(refused: SettingSet) {
    let names = settings::names(refused).join(", ");
    let consequence = if settings::is_sound() {
        "the whole previous policy stays in force"
    } else {
        "there is no policy in force, and every token login is refused as misconfigured"
    };
    message::log(&format!("jwt_sso: refused in this reload: {names}; {consequence}"));
}

/// Warns of what is unwise in the policy in force and was not `said` before.
fn say_advice(said: &[Advice]) -> Vec<Advice> {
    let advice = settings::in_force(|policy| policy.map(Policy::advice).unwrap_or_default());
    for new in advice.iter().filter(|advice| !said.contains(advice)) {
        message::warning(&settings::advice_message(new));
    }
    advice
}
