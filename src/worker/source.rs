//! One issuer whose keys are fetched: its schedule, its keys, its last errors.

use crate::clock;
use crate::pg::process;
use jwt_sso_core::digest::Digest;
use jwt_sso_core::held_keys::{HeldKey, HeldKeys, SeenKey, State, seen_keys};
use jwt_sso_core::image::{About, KeyAbout, KeyRecord, KeySet};
use jwt_sso_core::kept_file::KeptSet;
use jwt_sso_core::lifetime::lifetime;
use jwt_sso_core::policy::{FetchPlace, Policy};
use jwt_sso_core::schedule::{Schedule, Tick};
use jwt_sso_core::time::UnixTime;
use jwt_sso_fetch::{FetchError, Fetched, Place, Request};
use std::sync::Arc;
use std::time::Duration;

/// What the policy says of fetching, for every issuer alike.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Bound on one fetch.
    pub timeout: Duration,
    /// Lifetime of a set whose response states none.
    pub refresh_interval: Duration,
    /// How long the last good keys serve.
    pub max_stale: Duration,
    /// PEM certificates instead of the system's roots.
    pub custom_ca: Option<Arc<[u8]>>,
}

impl Terms {
    /// Of this policy.
    pub fn of(policy: &Policy) -> Terms {
        Terms {
            timeout: Duration::from_secs(policy.client_timeout),
            refresh_interval: Duration::from_secs(policy.jwks_refresh_interval),
            max_stale: Duration::from_secs(policy.jwks_max_stale),
            custom_ca: policy.issuer_custom_ca.pem().map(|pem| Arc::from(pem.as_bytes())),
        }
    }
}

/// What a fetch came to: a key set, or why there is none.
pub type Outcome = Result<Fetched, FetchError>;

/// An issuer whose keys are fetched.
pub struct Source {
    /// What the keys come from.
    pub digest: Digest,
    /// The issuer.
    pub issuer: String,
    /// Where its keys are.
    place: FetchPlace,
    /// When to fetch.
    pub schedule: Schedule,
    held: HeldKeys,
    jwks_uri: String,
    last_attempt: Option<UnixTime>,
    last_error: String,
    clock_offset: Option<i64>,
    /// So many outcomes from now on forget the vanished keys.
    pub forget_after: u32,
    /// Names the fetch in flight; the outcome of another one is not this source's.
    pub flight: u64,
}

impl Source {
    /// A source whose first fetch is due at once, with the keys that were kept
    /// of it, if any.
    pub fn new(digest: Digest, issuer: &str, place: FetchPlace, kept: Option<KeptSet>) -> Source {
        let jwks_uri = match (&kept, &place) {
            (Some(kept), _) => kept.jwks_uri.clone(),
            (None, FetchPlace::Jwks(url)) => url.clone(),
            (None, FetchPlace::Discovery { .. }) => String::new(),
        };
        Source {
            digest,
            issuer: issuer.to_owned(),
            place,
            schedule: Schedule::new(clock::tick()),
            held: kept.map(|kept| kept.held).unwrap_or_default(),
            jwks_uri,
            last_attempt: None,
            last_error: String::new(),
            clock_offset: None,
            forget_after: 0,
            flight: 0,
        }
    }

    /// What is to be asked now.
    pub fn request(&self, terms: &Terms) -> Request {
        let place = match &self.place {
            FetchPlace::Jwks(url) => Place::Jwks { url: url.clone() },
            FetchPlace::Discovery { url, accepted_issuers } => {
                Place::Discovery { url: url.clone(), accepted_issuers: accepted_issuers.clone() }
            }
        };
        Request {
            issuer: self.issuer.clone(),
            place,
            custom_ca: terms.custom_ca.clone(),
            timeout: terms.timeout,
        }
    }

    /// Takes in what a fetch came to. What there is to say in the log comes back:
    /// the first failure after a success, and the first success after a failure.
    pub fn take(&mut self, outcome: Outcome, terms: &Terms) -> Option<String> {
        let (now, tick) = (clock::now(), clock::tick());
        let failing = !self.last_error.is_empty();
        // Every outcome that an administrator waits for forgets, a failure too:
        // who refreshes wants a key gone, and may do so while the issuer is down.
        let forget = self.forget_after > 0;
        self.forget_after = self.forget_after.saturating_sub(1);
        self.last_attempt = Some(now);
        let merged = self.merge(outcome, now, terms);
        if forget {
            self.held.drop_vanished();
        }
        match merged {
            Ok(fresh_for) => {
                self.last_error.clear();
                self.schedule.succeeded(tick, fresh_for, process::random_unit());
                let again =
                    format!("jwt_sso: the keys of issuer {:?} are fetched again", self.issuer);
                failing.then_some(again)
            }
            Err(why) => {
                let news = why != self.last_error;
                self.last_error = why;
                self.schedule.failed(tick, process::random_unit());
                news.then(|| self.failure(now, terms))
            }
        }
    }

    fn merge(
        &mut self,
        outcome: Outcome,
        now: UnixTime,
        terms: &Terms,
    ) -> Result<Duration, String> {
        let fetched = outcome.map_err(|error| error.to_string())?;
        let seen = seen_keys(&fetched.body)
            .map_err(|problem| format!("GET {}: {problem}", fetched.jwks_uri))?;
        let fresh_for = lifetime(fetched.lifetime, terms.refresh_interval);
        self.held.merge(seen, now, fresh_for, terms.max_stale);
        self.jwks_uri = fetched.jwks_uri;
        self.clock_offset = fetched.clock_offset;
        Ok(fresh_for)
    }

    fn failure(&self, now: UnixTime, terms: &Terms) -> String {
        let serving = match self.held.state(now, terms.max_stale) {
            State::Never | State::Expired => "there are none to serve".to_owned(),
            State::Fresh | State::Stale => match self.held.serves_until(terms.max_stale) {
                Some(until) => format!("the last good ones serve until {until}"),
                None => String::new(),
            },
        };
        let (issuer, error) = (&self.issuer, &self.last_error);
        format!("jwt_sso: the keys of issuer {issuer:?} could not be fetched: {error}; {serving}")
    }

    /// Forgets keys whose grace is over; whether there were any.
    pub fn drop_outlived(&mut self) -> bool {
        self.held.drop_outlived(clock::now())
    }

    /// The set as shared memory holds it.
    pub fn key_set(&self, terms: &Terms) -> KeySet {
        let seconds = |time: Option<UnixTime>| time.map_or(0, UnixTime::seconds);
        let record = |held: &HeldKey| record(held, self.held.until(held, terms.max_stale));
        let about = About {
            issuer: self.issuer.clone(),
            fetched: true,
            jwks_uri: self.jwks_uri.clone(),
            last_success: seconds(self.held.last_success),
            last_attempt: seconds(self.last_attempt),
            next_refresh: self.schedule.due().map_or(0, wall_clock),
            fresh_until: seconds(self.held.fresh_until()),
            serves_until: seconds(self.held.serves_until(terms.max_stale)),
            last_error: self.last_error.clone(),
            clock_offset: self.clock_offset,
        };
        KeySet {
            source: self.digest,
            keys: self.held.keys.iter().map(record).collect(),
            left_out: false,
            attempts: self.schedule.ended(),
            // A login may join a fetch that is in flight, whatever set it off.
            brake_until: match self.schedule.brake_until() {
                Some(until) if !self.schedule.in_flight() => wall_clock(until),
                _ => 0,
            },
            about,
        }
    }

    /// The set as the file keeps it; `None` before the first fetch.
    pub fn kept(&self) -> Option<KeptSet> {
        self.held.last_success?;
        Some(KeptSet {
            source: self.digest,
            issuer: self.issuer.clone(),
            jwks_uri: self.jwks_uri.clone(),
            held: self.held.clone(),
        })
    }
}

/// The second in which this tick falls, rounded up.
fn wall_clock(tick: Tick) -> u64 {
    let ahead = clock::tick().until(tick).as_millis().div_ceil(1000);
    clock::now().seconds().saturating_add(u64::try_from(ahead).unwrap_or(u64::MAX))
}

fn record(held: &HeldKey, until: Option<UnixTime>) -> KeyRecord {
    let seen = &held.key;
    KeyRecord {
        kid: seen.kid.clone(),
        key: seen.public.as_ref().ok().cloned(),
        until: until.map_or(0, UnixTime::seconds),
        about: KeyAbout {
            kty: seen.kty.clone().unwrap_or_default(),
            alg: seen.alg.clone().unwrap_or_default(),
            use_: seen.use_.clone().unwrap_or_default(),
            bits: seen.bits.unwrap_or(0),
            note: seen.public.as_ref().err().cloned().unwrap_or_default(),
            first_seen: held.first_seen.seconds(),
            last_seen: held.last_seen.seconds(),
            vanished: held.vanished.map_or(0, UnixTime::seconds),
        },
    }
}

/// A set that an earlier worker published, as it would be kept; `None` where it
/// was never fetched.
pub fn kept_of(set: KeySet) -> Option<KeptSet> {
    let time = |seconds: u64| UnixTime::from_seconds(seconds).filter(|_| seconds > 0);
    let last_success = time(set.about.last_success).filter(|_| set.about.fetched)?;
    if set.left_out {
        return None;
    }
    let held = |record: KeyRecord| {
        let text = |text: String| (!text.is_empty()).then_some(text);
        let about = record.about;
        Some(HeldKey {
            key: SeenKey {
                kid: record.kid,
                kty: text(about.kty),
                alg: text(about.alg),
                use_: text(about.use_),
                bits: (about.bits > 0).then_some(about.bits),
                public: record.key.ok_or(about.note),
            },
            first_seen: time(about.first_seen)?,
            last_seen: time(about.last_seen)?,
            vanished: time(about.vanished),
        })
    };
    // The set was fresh for its lifetime and the second in which it came.
    let fresh_for = set.about.fresh_until.saturating_sub(set.about.last_success + 1);
    let held = HeldKeys {
        keys: set.keys.into_iter().filter_map(held).collect(),
        last_success: Some(last_success),
        lifetime: Duration::from_secs(fresh_for),
    };
    Some(KeptSet {
        source: set.source,
        issuer: set.about.issuer,
        jwks_uri: set.about.jwks_uri,
        held,
    })
}
