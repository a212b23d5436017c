//! What holds of a schedule whatever happens to it, in any order.
//!
//! A shell is played that fetches what is due, sometimes late, and whose
//! fetches take their time and succeed or fail; logins and administrators ask
//! in between.
//!
//! 1. No two forced fetches start within 30 s of one another.
//! 2. A fetch is in flight or due: never idle, and never later than the bounds
//!    of lifetime and back-off allow.
//! 3. Whoever is told to fetch now or to join has a fetch due now or in flight.
//! 4. Whoever is told "not before" is told no more than 60 s.
//! 5. Whoever has missed the end of a fetch is told to look again, and moves nothing.
//! 6. Without administrators, an issuer that answers sees no more fetches than
//!    its lifetime and the brake make.

use jwt_sso_core::schedule::{Asked, BRAKE, LONGEST_BACK_OFF, Refresh, Schedule, Tick};
use proptest::prelude::*;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
enum Event {
    /// The clock goes on.
    Pass(u64),
    /// The shell looks at the clock, and starts what is due.
    Look,
    Succeed {
        lifetime: u64,
        jitter: f64,
    },
    Fail {
        jitter: f64,
    },
    /// A login that has seen the end of all fetches but so many.
    UnknownKid(u32),
    /// The same.
    NoKeys(u32),
    Refresh,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => prop_oneof![0..50u64, 0..5_000u64, 0..90_000u64].prop_map(Event::Pass),
        4 => Just(Event::Look),
        2 => (0..4_000_000u64, 0.0..=1.0).prop_map(|(lifetime, jitter)| Event::Succeed { lifetime, jitter }),
        2 => (0.0..=1.0).prop_map(|jitter| Event::Fail { jitter }),
        4 => missed().prop_map(Event::UnknownKid),
        2 => missed().prop_map(Event::NoKeys),
        1 => Just(Event::Refresh),
    ];
    proptest::collection::vec(event, 1..200)
}

fn missed() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(0), 1 => 1..3u32]
}

/// A schedule, its shell, and what was seen of them.
struct Played {
    schedule: Schedule,
    now: Tick,
    /// When the fetch in flight, or the last one, started.
    last_start: Option<Tick>,
    starts: usize,
    /// A login was told to fetch, and no fetch has started since.
    to_force: bool,
    /// When the fetches started that logins were told to make.
    forced: Vec<Tick>,
}

impl Played {
    fn new() -> Played {
        let now = Tick(5_000);
        let schedule = Schedule::new(now);
        Played { schedule, now, last_start: None, starts: 0, to_force: false, forced: Vec::new() }
    }

    fn step(&mut self, event: Event) -> Result<(), TestCaseError> {
        let now = self.now;
        match event {
            Event::Pass(milliseconds) => self.now = Tick(now.0 + milliseconds),
            Event::Look => self.look(),
            Event::Succeed { lifetime, jitter } if self.schedule.in_flight() => {
                let lifetime = Duration::from_millis(lifetime);
                self.schedule.succeeded(now, lifetime, jitter);
                let latest = now.plus(lifetime.max(Duration::from_secs(1)));
                prop_assert!(self.schedule.due().is_some_and(|due| now <= due && due < latest));
            }
            Event::Fail { jitter } if self.schedule.in_flight() => {
                self.schedule.failed(now, jitter);
                let latest = now.plus(LONGEST_BACK_OFF);
                prop_assert!(self.schedule.due().is_some_and(|due| now <= due && due <= latest));
            }
            Event::Succeed { .. } | Event::Fail { .. } => {}
            Event::UnknownKid(missed) => self.ask(missed, BRAKE, Schedule::unknown_kid)?,
            Event::NoKeys(missed) => self.ask(missed, LONGEST_BACK_OFF, Schedule::asked)?,
            Event::Refresh => match self.schedule.refresh(now) {
                Refresh::FetchNow => prop_assert!(self.is_due()),
                Refresh::AfterThis => prop_assert!(self.schedule.in_flight()),
            },
        }
        prop_assert_eq!(self.schedule.due().is_none(), self.schedule.in_flight());
        Ok(())
    }

    fn look(&mut self) {
        if self.is_due() {
            self.schedule.started(self.now);
            self.starts += 1;
            self.last_start = Some(self.now);
            if std::mem::take(&mut self.to_force) {
                self.forced.push(self.now);
            }
        }
    }

    fn is_due(&self) -> bool {
        self.schedule.due().is_some_and(|due| due <= self.now)
    }

    fn ask(
        &mut self,
        missed: u32,
        longest: Duration,
        ask: fn(&mut Schedule, Tick, u32) -> Asked,
    ) -> Result<(), TestCaseError> {
        let (ended, due) = (self.schedule.ended(), self.schedule.due());
        let seen = ended.saturating_sub(missed);
        match ask(&mut self.schedule, self.now, seen) {
            Asked::LookAgain => prop_assert!(seen < ended && self.schedule.due() == due),
            _ if seen < ended => prop_assert!(false, "an answer that was missed"),
            Asked::FetchNow => {
                prop_assert!(self.is_due());
                self.to_force = true;
            }
            Asked::Joined => prop_assert!(self.is_due() || self.schedule.in_flight()),
            Asked::NotBefore { until } => {
                prop_assert!(self.now < until && until <= self.now.plus(longest));
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn forced_fetches_are_braked_and_no_schedule_is_idle(events in events()) {
        let mut played = Played::new();
        for event in events {
            played.step(event)?;
        }
        for pair in played.forced.windows(2) {
            prop_assert!(pair[0].until(pair[1]) >= BRAKE, "{:?}", pair);
        }
        prop_assert!(played.forced.len() <= played.starts);
    }

    #[test]
    fn back_off_keeps_its_bounds(jitters in proptest::collection::vec(0.0..=1.0f64, 1..20)) {
        let mut schedule = Schedule::new(Tick(0));
        let mut bound = 1_000u64;
        for jitter in jitters {
            schedule.started(Tick(0));
            schedule.failed(Tick(0), jitter);
            let Some(Tick(pause)) = schedule.due() else { panic!("idle") };
            prop_assert!(bound * 3 / 4 <= pause && pause <= bound, "{} of {}", pause, bound);
            bound = (bound * 2).min(60_000);
        }
    }

    /// A storm for ten minutes, many logins in each second, on an issuer that
    /// answers within `latency`.
    #[test]
    fn a_storm_of_unknown_kids_costs_the_issuer_two_fetches_a_minute(
        latency in 0..2_000u64,
        logins in proptest::collection::vec(0..600_000u64, 500..1_000),
    ) {
        let mut played = Played::new();
        let mut logins = logins;
        logins.sort_unstable();
        for login in logins {
            played.now = Tick(5_000 + login);
            if played.last_start.is_some_and(|start| start.0 + latency <= played.now.0) {
                played.step(Event::Succeed { lifetime: 3_600_000, jitter: 0.5 })?;
            }
            played.step(Event::UnknownKid(0))?;
            played.step(Event::Look)?;
        }
        // The first one, and one for each 30 s begun.
        prop_assert!(played.starts <= 1 + 21, "{}", played.starts);
        prop_assert!(played.forced.len() >= 15, "a brake that never lets go is none");
    }
}
