//! When one issuer's keys are fetched next.
//!
//! A state machine without a clock: every call says what time it is. A fetch is
//! in flight, or waits for its due time; there is no third state, so a schedule
//! is never idle. Four things move the due time: the lifetime of what was
//! fetched, the back-off after a failure, a login that needs keys, and an
//! administrator.

use std::time::Duration;

/// The time between the starts of two fetches that unknown `kid`s forced.
pub const BRAKE: Duration = Duration::from_secs(30);
/// The back-off after the first failure; it doubles with each further one.
pub const SHORTEST_BACK_OFF: Duration = Duration::from_secs(1);
/// The longest back-off.
pub const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);
/// A set is renewed when between these shares of its lifetime are over. The
/// rest is for retries.
const RENEWAL: (f64, f64) = (0.75, 0.90);
/// Jitter takes up to this share off a back-off.
const BACK_OFF_JITTER: f64 = 0.25;

/// Milliseconds of a clock that only goes forward.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tick(pub u64);

impl Tick {
    /// This time and `duration` more, in whole milliseconds.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Tick {
        Tick(self.0.saturating_add(milliseconds(duration)))
    }

    /// The time from `self` to `later`; zero where that is not later.
    pub fn until(self, later: Tick) -> Duration {
        Duration::from_millis(later.0.saturating_sub(self.0))
    }
}

/// The schedule of one issuer. The first fetch is due at once.
#[derive(Clone, Debug)]
pub struct Schedule {
    phase: Phase,
    /// Failures since the last success.
    failures: u32,
    /// Counts the fetches that ended.
    ended: u32,
    /// Set when a forced fetch starts.
    brake_until: Option<Tick>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// A fetch is to start at `due`; `forced` is one that arms the brake.
    Waiting { due: Tick, forced: bool },
    /// A fetch runs; `again` is set where another must follow it at once.
    InFlight { again: bool },
}

/// What a login that needs keys is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Asked {
    /// A fetch has ended since the login looked: it is to look again first.
    LookAgain,
    /// A fetch for it is due now.
    FetchNow,
    /// A fetch that is in flight or due may answer it. Where it does not, the
    /// login may ask again: a scheduled fetch can have begun before the key
    /// was published, and a forced one then follows.
    Joined,
    /// No fetch is made for it before then: the brake or the back-off is on.
    NotBefore {
        /// When it goes off.
        until: Tick,
    },
}

/// Which fetch answers an administrator.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Refresh {
    /// The next one to end; it is due now.
    FetchNow,
    /// The one after the one in flight, which may have begun before whatever
    /// the administrator wants to see.
    AfterThis,
}

impl Schedule {
    /// A schedule whose first fetch is due at once.
    pub fn new(now: Tick) -> Schedule {
        Schedule {
            phase: Phase::Waiting { due: now, forced: false },
            failures: 0,
            ended: 0,
            brake_until: None,
        }
    }

    /// When the next fetch is to start; `None` while one is in flight.
    pub fn due(&self) -> Option<Tick> {
        match self.phase {
            Phase::Waiting { due, .. } => Some(due),
            Phase::InFlight { .. } => None,
        }
    }

    /// Whether a fetch runs.
    pub fn in_flight(&self) -> bool {
        matches!(self.phase, Phase::InFlight { .. })
    }

    /// Until when unknown `kid`s force no fetch. May be past; `None` where none
    /// has forced one yet.
    pub fn brake_until(&self) -> Option<Tick> {
        self.brake_until
    }

    /// The fetches that failed since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// How many fetches have ended.
    pub fn ended(&self) -> u32 {
        self.ended
    }

    /// A fetch starts. Without effect while one is in flight.
    pub fn started(&mut self, now: Tick) {
        if let Phase::Waiting { forced, .. } = self.phase {
            if forced {
                self.brake_until = Some(now.plus(BRAKE));
            }
            self.phase = Phase::InFlight { again: false };
        }
    }

    /// The fetch gave a set that is fresh for `lifetime`, which counts as a
    /// second at least. `jitter` is a random number from 0 to 1.
    pub fn succeeded(&mut self, now: Tick, lifetime: Duration, jitter: f64) {
        self.failures = 0;
        let share = RENEWAL.0 + (RENEWAL.1 - RENEWAL.0) * unit(jitter);
        self.rest(now, part(lifetime.max(Duration::from_secs(1)), share));
    }

    /// The fetch failed, or never came to an end. `jitter` is a random number
    /// from 0 to 1; it shortens the back-off and never prolongs it.
    pub fn failed(&mut self, now: Tick, jitter: f64) {
        let doublings = self.failures.min(LONGEST_BACK_OFF.as_secs().ilog2() + 1);
        self.failures = self.failures.saturating_add(1);
        let back_off = (SHORTEST_BACK_OFF * 2u32.pow(doublings)).min(LONGEST_BACK_OFF);
        self.rest(now, part(back_off, 1.0 - BACK_OFF_JITTER * unit(jitter)));
    }

    fn rest(&mut self, now: Tick, pause: Duration) {
        self.ended = self.ended.saturating_add(1);
        let due = match self.phase {
            Phase::InFlight { again: true } => now,
            _ => now.plus(pause),
        };
        self.phase = Phase::Waiting { due, forced: false };
    }

    /// A login's `kid` is in no set that is held. The back-off does not stand
    /// in its way, the brake does. `seen` is what [`Schedule::ended`] was when
    /// the login looked: without it, a question that crosses the end of a fetch
    /// would force another one for nothing, and arm the brake.
    pub fn unknown_kid(&mut self, now: Tick, seen: u32) -> Asked {
        match self.phase {
            _ if seen < self.ended => Asked::LookAgain,
            Phase::InFlight { .. } => Asked::Joined,
            Phase::Waiting { due, .. } if due <= now => Asked::Joined,
            Phase::Waiting { .. } => match self.brake_until {
                Some(until) if now < until => Asked::NotBefore { until },
                _ => {
                    self.phase = Phase::Waiting { due: now, forced: true };
                    Asked::FetchNow
                }
            },
        }
    }

    /// A login waits and there are no usable keys at all. After a failure the
    /// back-off runs its course. After a success, which then gave no keys or
    /// keys that have run out since, the brake decides as for an unknown `kid`.
    pub fn asked(&mut self, now: Tick, seen: u32) -> Asked {
        match self.phase {
            _ if seen < self.ended => Asked::LookAgain,
            Phase::Waiting { due, .. } if self.failures > 0 && now < due => {
                Asked::NotBefore { until: due }
            }
            _ => self.unknown_kid(now, seen),
        }
    }

    /// An administrator wants a fetch, whatever back-off or brake say.
    pub fn refresh(&mut self, now: Tick) -> Refresh {
        match &mut self.phase {
            Phase::InFlight { again } => {
                *again = true;
                Refresh::AfterThis
            }
            Phase::Waiting { due, .. } => {
                *due = now.min(*due);
                Refresh::FetchNow
            }
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// That share of a duration, in whole milliseconds.
fn part(duration: Duration, share: f64) -> Duration {
    // Both are finite and not negative; a cast from f64 saturates.
    Duration::from_millis((milliseconds(duration) as f64 * share) as u64)
}

/// A random number as it should be; 0 for what is none.
fn unit(jitter: f64) -> f64 {
    if (0.0..=1.0).contains(&jitter) { jitter } else { 0.0 }
}

#[cfg(test)]
mod tests;
