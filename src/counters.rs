//! What is counted: logins by outcome, door and issuer, and how long the parts
//! of a decision took. In shared memory. A login adds with atomic operations,
//! and holds a lock that keeps nobody out but a reset.

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

impl Outcome {
    const COUNT: usize = Reason::ALL.len() + 2;

    fn index(self) -> usize {
        match self {
            Outcome::Accepted => 0,
            Outcome::Broken => 1,
            Outcome::Refused(reason) => 2 + reason as usize,
        }
    }

    /// Each at its index.
    fn all() -> impl Iterator<Item = Outcome> {
        let refused = Reason::ALL.into_iter().map(Outcome::Refused);
        [Outcome::Accepted, Outcome::Broken].into_iter().chain(refused)
    }

    /// The reason code of a refusal.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Outcome::Accepted => None,
            Outcome::Broken => Some("internal_error"),
            Outcome::Refused(reason) => Some(reason.code()),
        }
    }
}

// Counts are found by these numbers, and named by their place in the list.
const _: () = {
    let mut index = 0;
    while index < Reason::ALL.len() {
        assert!(Reason::ALL[index] as usize == index);
        index += 1;
    }
    index = 0;
    while index < Door::ALL.len() {
        assert!(Door::ALL[index] as usize == index);
        index += 1;
    }
};

#[derive(Clone, Copy)]
struct IssuerName {
    used: bool,
    digest: Digest,
    name: ShortText<200>,
}

const UNUSED: IssuerName =
    IssuerName { used: false, digest: Digest::from_bytes([0; 32]), name: ShortText::EMPTY };

/// The issuers that were counted since the last reset, also those that are no
/// longer configured. Its lock, held shared, keeps a reset out of a count.
static NAMES: Table<IssuerName> = Table::new(|| MAX_ISSUERS, UNUSED);

/// Numbers of one issuer: by door, and within each by outcome.
const NUMBERS: usize = Door::ALL.len() * Outcome::COUNT;

/// First those of logins without a configured issuer, whose names anyone may
/// invent, and of issuers for which `NAMES` has no room left. Then those of each
/// issuer at its place in `NAMES`.
static LOGINS: Counters = Counters::new((1 + MAX_ISSUERS) * NUMBERS, || 0);
static LATENCY: Counters = Counters::new(PHASES.len() * BUCKETS, || 0);
/// When counting began, in microseconds since 2000.
static SINCE: Counters = Counters::new(1, now);

fn now() -> u64 {
    process::now().unsigned_abs()
}

/// Asks for the counters. Only while the library is preloaded.
pub fn init() {
    NAMES.register();
    LOGINS.register();
    LATENCY.register();
    SINCE.register();
}

/// Counts a login. `issuer` is the configured issuer that its token names.
pub fn count(outcome: Outcome, door: Door, issuer: Option<&str>) {
    let add = |place: usize| {
        let index = place * NUMBERS + door as usize * Outcome::COUNT + outcome.index();
        if let Some(number) = LOGINS.numbers().get(index) {
            number.fetch_add(1, Ordering::Relaxed);
        }
    };
    let Some(issuer) = issuer else { return add(0) };
    let digest = Digest::of(&[issuer.as_bytes()]);
    let is_known = |names: &[IssuerName]| match find(names, &digest) {
        Some(at) if names[at].used => {
            add(1 + at);
            true
        }
        _ => false,
    };
    if NAMES.read(is_known) == Some(false) {
        let name = ShortText::of(issuer);
        NAMES.change(|names| {
            // Another process may have been faster, and then this changes nothing.
            let found = find(names, &digest);
            if let Some(at) = found {
                names[at] = IssuerName { used: true, digest, name };
            }
            add(found.map_or(0, |at| 1 + at));
        });
    }
}

/// Where this issuer is, or is to be: from the place that its digest says, the
/// first that is its own or free. `None` where it is not there and all are taken.
fn find(names: &[IssuerName], digest: &Digest) -> Option<usize> {
    let [first, second, ..] = *digest.as_bytes();
    let start = usize::from(u16::from_be_bytes([first, second])) % names.len();
    let mut places = (start..names.len()).chain(0..start);
    places.find(|at| !names[*at].used || names[*at].digest == *digest)
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

/// Every count that is not 0, and at each door that of accepted logins without
/// an issuer, so that a server that has seen nobody says so. None where the
/// library was not preloaded.
pub fn counts() -> Vec<Count> {
    // Under the lock, so that a reset in between gives no issuer another one's number.
    NAMES.read(counts_of).unwrap_or_default()
}

fn counts_of(names: &[IssuerName]) -> Vec<Count> {
    let issuers = names.iter().map(|name| name.used.then(|| name.name.to_string()));
    let mut counts = Vec::new();
    for (issuer, numbers) in
        std::iter::once(None).chain(issuers).zip(LOGINS.numbers().chunks(NUMBERS))
    {
        for (door, numbers) in Door::ALL.into_iter().zip(numbers.chunks(Outcome::COUNT)) {
            for (outcome, number) in Outcome::all().zip(numbers) {
                let count = number.load(Ordering::Relaxed);
                if count > 0 || (issuer.is_none() && outcome == Outcome::Accepted) {
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
    i64::try_from(since).ok()
}

/// Counts from 0 again, and forgets the issuers that were counted. No login is
/// half in the old count and half in the new.
pub fn reset() {
    NAMES.change(|names| {
        names.fill(UNUSED);
        for number in LOGINS.numbers().iter().chain(LATENCY.numbers()) {
            number.store(0, Ordering::Relaxed);
        }
        for since in SINCE.numbers() {
            since.store(now(), Ordering::Relaxed);
        }
    });
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

    /// The decision is over: adds each measured phase to its bucket. The last
    /// one that began ends here, also where it ended in a refusal.
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
