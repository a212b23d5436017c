//! What is counted: logins by outcome, door and issuer, and how long the parts
//! of a decision took. In shared memory, without a lock on the way of a login.

use crate::pg::area::{Counters, Table};
use crate::pg::process;
use crate::report::Door;
use crate::short_text::ShortText;
use jwt_sso_core::decision::Phase;
use jwt_sso_core::digest::Digest;
use jwt_sso_core::issuers::MAX_ISSUERS;
use jwt_sso_core::refusal::Reason;
use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What came of a login.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Let in.
    Accepted,
    /// Refused by a check.
    Refused(Reason),
    /// Refused because the decision itself failed.
    Broken,
}

/// The code that the log and `stats` have for [`Outcome::Broken`].
pub const INTERNAL_ERROR: &str = "internal_error";

impl Outcome {
    const COUNT: usize = Reason::ALL.len() + 2;

    fn index(self) -> usize {
        match self {
            Outcome::Accepted => 0,
            Outcome::Broken => 1,
            Outcome::Refused(reason) => 2 + reason as usize,
        }
    }

    fn all() -> impl Iterator<Item = Outcome> {
        let refused = Reason::ALL.into_iter().map(Outcome::Refused);
        [Outcome::Accepted, Outcome::Broken].into_iter().chain(refused)
    }

    /// The reason code of a refusal.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Outcome::Accepted => None,
            Outcome::Broken => Some(INTERNAL_ERROR),
            Outcome::Refused(reason) => Some(reason.code()),
        }
    }
}

/// The first entry is that of logins without a configured issuer, whose names
/// anyone may invent, and of issuers for which there is no entry left.
const ISSUERS: usize = 1 + MAX_ISSUERS;

#[derive(Clone, Copy)]
struct IssuerName {
    used: bool,
    digest: Digest,
    name: ShortText<200>,
}

const UNUSED: IssuerName =
    IssuerName { used: false, digest: Digest::from_bytes([0; 32]), name: ShortText::EMPTY };

static NAMES: Table<IssuerName> = Table::new(|| ISSUERS, UNUSED);
static LOGINS: Counters = Counters::new(ISSUERS * Door::ALL.len() * Outcome::COUNT);
static LATENCY: Counters = Counters::new(PHASES.len() * BUCKETS);
/// When counting began, in microseconds since 2000; 0 before the first count.
static SINCE: Counters = Counters::new(1);

/// Asks for the counters. Only while the library is preloaded.
pub fn init() {
    NAMES.register();
    LOGINS.register();
    LATENCY.register();
    SINCE.register();
}

/// Marks the beginning, where nothing was counted yet.
pub fn begin() {
    if let [since] = SINCE.numbers() {
        let now = process::now() as u64;
        let _ = since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// Counts a login. `issuer` is the configured issuer that its token names.
pub fn count(outcome: Outcome, door: Door, issuer: Option<&str>) {
    begin();
    let entry = issuer.and_then(entry_of).unwrap_or(0);
    let index = (entry * Door::ALL.len() + door as usize) * Outcome::COUNT + outcome.index();
    if let Some(number) = LOGINS.numbers().get(index) {
        number.fetch_add(1, Ordering::Relaxed);
    }
}

/// The entry of a configured issuer, made where there is none yet.
fn entry_of(issuer: &str) -> Option<usize> {
    let digest = Digest::of(&[issuer.as_bytes()]);
    let known = |names: &[IssuerName]| {
        names.iter().take_while(|name| name.used).position(|name| name.digest == digest)
    };
    let entry = match NAMES.read(known)? {
        Some(entry) => entry,
        None => NAMES.change(|names| {
            // Another process may have been faster.
            known(names).or_else(|| {
                let free = names[..MAX_ISSUERS].iter().position(|name| !name.used)?;
                let name = ShortText::of(issuer);
                names[free] = IssuerName { used: true, digest, name };
                Some(free)
            })
        })??,
    };
    Some(entry + 1)
}

/// A row of the view `stats`.
pub struct Count {
    /// What came of these logins.
    pub outcome: Outcome,
    /// The door.
    pub door: Door,
    /// A configured issuer; `None` for all the others together.
    pub issuer: Option<String>,
    /// How many.
    pub count: u64,
}

/// Every count that is not 0.
pub fn counts() -> Vec<Count> {
    let used = |names: &[IssuerName]| {
        names.iter().take_while(|name| name.used).map(|name| name.name.to_string()).collect()
    };
    let names: Vec<String> = NAMES.read(used).unwrap_or_default();
    let issuers = std::iter::once(None).chain(names.into_iter().map(Some));
    let mut numbers = LOGINS.numbers().iter();
    let mut counts = Vec::new();
    for issuer in issuers {
        for door in Door::ALL {
            for (outcome, number) in Outcome::all().zip(numbers.by_ref().take(Outcome::COUNT)) {
                let count = number.load(Ordering::Relaxed);
                if count > 0 {
                    counts.push(Count { outcome, door, issuer: issuer.clone(), count });
                }
            }
        }
    }
    counts
}

/// When counting began, in microseconds since 2000.
pub fn since() -> Option<i64> {
    let since = SINCE.numbers().first()?.load(Ordering::Relaxed);
    i64::try_from(since).ok().filter(|since| *since > 0)
}

/// Counts from 0 again.
pub fn reset() {
    for number in LOGINS.numbers().iter().chain(LATENCY.numbers()) {
        number.store(0, Ordering::Relaxed);
    }
    if let [since] = SINCE.numbers() {
        since.store(process::now() as u64, Ordering::Relaxed);
    }
}

/// The phases that are measured, and their names.
const PHASES: [(Phase, &str); 3] =
    [(Phase::Keys, "keys"), (Phase::Signature, "signature"), (Phase::Mapping, "identity_map")];

/// The upper bounds of the buckets in milliseconds; one more has none.
const BOUNDS: [f64; 15] = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 50.0, 250.0, 1_000.0, 5_000.0, 15_000.0,
];
const BUCKETS: usize = BOUNDS.len() + 1;

/// Measures the phases of one decision.
pub struct Stopwatch(RefCell<Vec<(Phase, Instant)>>);

impl Stopwatch {
    /// Nothing has begun.
    pub fn new() -> Stopwatch {
        Stopwatch(RefCell::default())
    }

    /// The phase begins, and the one before ends.
    pub fn begins(&self, phase: Phase) {
        self.0.borrow_mut().push((phase, Instant::now()));
    }

    /// The decision is over: adds each measured phase to its bucket.
    pub fn stop(self) {
        let marks = self.0.into_inner();
        let ends = marks.iter().skip(1).map(|(_, time)| *time).chain([Instant::now()]);
        for ((phase, start), end) in marks.iter().zip(ends) {
            if let Some(row) = PHASES.iter().position(|(measured, _)| measured == phase) {
                observe(row, end.saturating_duration_since(*start));
            }
        }
    }
}

fn observe(row: usize, took: Duration) {
    let milliseconds = took.as_secs_f64() * 1_000.0;
    let bucket = BOUNDS.iter().position(|bound| milliseconds <= *bound).unwrap_or(BOUNDS.len());
    if let Some(number) = LATENCY.numbers().get(row * BUCKETS + bucket) {
        number.fetch_add(1, Ordering::Relaxed);
    }
}

/// The rows of the view `stats_latency`: phase, upper bound in milliseconds,
/// and how many took no longer (cumulative; the last bound is infinite).
pub fn latencies() -> Vec<(&'static str, f64, u64)> {
    let mut rows = Vec::new();
    for ((_, name), numbers) in PHASES.iter().zip(LATENCY.numbers().chunks(BUCKETS)) {
        let mut below = 0;
        for (bound, number) in BOUNDS.into_iter().chain([f64::INFINITY]).zip(numbers) {
            below += number.load(Ordering::Relaxed);
            rows.push((*name, bound, below));
        }
    }
    rows
}
