//! The keys of one issuer, over all of its fetches.
//!
//! A fetched set does not simply replace the one before. Front ends of the same
//! issuer answer differently for hours (Entra's do), so a key that is missing
//! from a set verifies for another ten minutes, and a `kid` that comes with
//! other numbers stands beside the key that had it before. A set that can no
//! longer be renewed serves for a while, and then no more.

mod seen;

use crate::jwk::PublicKey;
use crate::time::UnixTime;
pub(crate) use seen::raw_keys;
pub use seen::{JwksProblem, MAX_KEYS, SeenKey, seen_keys};
use std::time::Duration;

/// How long a key verifies after a fetched set was found to lack it, in seconds.
///
/// Not after the last set that had it: that one may be an hour old, and then the
/// first answer of another front end would end the key at once, which is what
/// the grace is against.
pub const GRACE: u64 = 10 * 60;

/// What is held of one issuer. The default is before the first fetch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldKeys {
    /// Those of the last set in its order, then the vanished ones.
    pub keys: Vec<HeldKey>,
    /// When the last fetch succeeded.
    pub last_success: Option<UnixTime>,
    /// How long its set is fresh.
    pub lifetime: Duration,
}

/// A key and its history.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldKey {
    /// The key as its issuer publishes it.
    pub key: SeenKey,
    /// The fetch that brought it.
    pub first_seen: UnixTime,
    /// The last fetch whose set had it.
    pub last_seen: UnixTime,
    /// The first fetch whose set lacked it; `None` while it is in the set.
    pub vanished: Option<UnixTime>,
}

impl HeldKey {
    /// Whether the last set had it.
    pub fn present(&self) -> bool {
        self.vanished.is_none()
    }

    /// Whether there is no more use in holding it: it vanished, and its grace is
    /// over or it never verified anything.
    fn outlived(&self, now: UnixTime) -> bool {
        self.vanished.is_some_and(|since| self.key.public.is_err() || now >= since.plus(GRACE))
    }
}

/// How good the held keys are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Nothing was fetched yet.
    Never,
    /// Within the lifetime.
    Fresh,
    /// Past the lifetime, and still served.
    Stale,
    /// No longer served.
    Expired,
}

impl State {
    /// The word for it in the view `issuers`.
    pub fn name(self) -> &'static str {
        match self {
            State::Never => "never",
            State::Fresh => "fresh",
            State::Stale => "stale",
            State::Expired => "expired",
        }
    }
}

impl HeldKeys {
    /// A fetch brought this set, fresh for `lifetime`. Keys that had expired by
    /// then do not come back to life with the grace of vanished ones.
    pub fn merge(
        &mut self,
        seen: Vec<SeenKey>,
        now: UnixTime,
        lifetime: Duration,
        max_stale: Duration,
    ) {
        if self.state(now, max_stale) == State::Expired {
            self.keys.clear();
        }
        let mut before = std::mem::take(&mut self.keys);
        for key in seen {
            if self.keys.iter().any(|held| held.key == key) {
                continue; // published twice
            }
            let known = before.iter().position(|held| held.key == key);
            let first_seen = known.map_or(now, |at| before.swap_remove(at).first_seen.min(now));
            self.keys.push(HeldKey { key, first_seen, last_seen: now, vanished: None });
        }
        before.retain(|old| !self.keys.iter().any(|new| new.key.describes_again(&old.key)));
        for old in &mut before {
            // The clock may have been set back; a grace must not last longer for it.
            old.vanished = Some(old.vanished.map_or(now, |since| since.min(now)));
        }
        before.retain(|old| !old.outlived(now));
        before.sort_by_key(|old| std::cmp::Reverse(old.vanished));
        before.truncate(MAX_KEYS);
        self.keys.append(&mut before);
        self.last_success = Some(now);
        self.lifetime = lifetime;
    }

    /// Forgets the keys that are not in the last set, at an administrator's word.
    pub fn drop_vanished(&mut self) {
        self.keys.retain(HeldKey::present);
    }

    /// Forgets the keys whose grace is over, and says whether there were any.
    pub fn drop_outlived(&mut self, now: UnixTime) -> bool {
        let held = self.keys.len();
        self.keys.retain(|key| !key.outlived(now));
        self.keys.len() < held
    }

    /// The keys that verify tokens now, and the second from which each does not
    /// unless a fetch succeeds before.
    pub fn usable(&self, now: UnixTime, max_stale: Duration) -> Vec<(&PublicKey, UnixTime)> {
        let usable = |held| {
            let (key, until) = self.serving(held, max_stale)?;
            (now < until).then_some((key, until))
        };
        self.keys.iter().filter_map(usable).collect()
    }

    /// The second from which one of these keys verifies nothing; `None` for a
    /// key that never does.
    pub fn until(&self, held: &HeldKey, max_stale: Duration) -> Option<UnixTime> {
        self.serving(held, max_stale).map(|(_, until)| until)
    }

    fn serving<'k>(
        &self,
        held: &'k HeldKey,
        max_stale: Duration,
    ) -> Option<(&'k PublicKey, UnixTime)> {
        let key = held.key.public.as_ref().ok()?;
        let grace_ends = held.vanished.map_or(UnixTime::LAST, |since| since.plus(GRACE));
        Some((key, self.serves_until(max_stale)?.min(grace_ends)))
    }

    /// The second from which the set is no longer fresh.
    pub fn fresh_until(&self) -> Option<UnixTime> {
        self.end(self.lifetime)
    }

    /// The second from which the set does not serve at all.
    pub fn serves_until(&self, max_stale: Duration) -> Option<UnixTime> {
        self.end(self.lifetime.max(max_stale))
    }

    /// How good the keys are now.
    pub fn state(&self, now: UnixTime, max_stale: Duration) -> State {
        let before = |end: Option<UnixTime>| end.is_some_and(|end| now < end);
        if self.last_success.is_none() {
            State::Never
        } else if before(self.fresh_until()) {
            State::Fresh
        } else if before(self.serves_until(max_stale)) {
            State::Stale
        } else {
            State::Expired
        }
    }

    /// The second by which `duration` has passed since the last success. Its
    /// time was cut to whole seconds, so one second more, or a set of one
    /// second's lifetime would be over before its renewal is due.
    fn end(&self, duration: Duration) -> Option<UnixTime> {
        let whole = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
        Some(self.last_success?.plus(whole.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests;
