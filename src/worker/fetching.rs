//! Every issuer whose keys are fetched, the threads that fetch, and the
//! questions that wait for them.

use super::kept;
use super::source::{self, Outcome, Source, Terms};
use crate::clock;
use crate::keyring::{self, Question as Kind};
use crate::pg::places::Question;
use crate::pg::{message, threads};
use jwt_sso_core::digest::Digest;
use jwt_sso_core::held_keys::SeenKey;
use jwt_sso_core::image::KeySet;
use jwt_sso_core::kept_file::KeptSet;
use jwt_sso_core::policy::{KeySource, Policy};
use jwt_sso_core::schedule::{Asked, Tick};
use jwt_sso_fetch::FetchError;
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How many fetches run at once, so that a slow issuer delays no other.
const MOST_THREADS: usize = 8;

/// How often the kept file is written at most when only times have changed.
const KEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Grace periods end without an event; they are looked after this often.
const TIDY_INTERVAL: Duration = Duration::from_secs(60);

/// An outcome, the source it is for, and the number of its fetch.
type Ended = (Digest, u64, Outcome);

/// The issuers whose keys are fetched.
pub struct Fetching {
    terms: Option<Terms>,
    sources: Vec<Source>,
    /// Kept sets of sources that are not configured now.
    kept: HashMap<Digest, KeptSet>,
    sender: Sender<Ended>,
    receiver: Receiver<Ended>,
    /// A byte comes out of the one for each outcome that a thread puts into the other.
    bell: UnixStream,
    ringer: Arc<UnixStream>,
    running: usize,
    /// Numbers the fetches.
    flights: u64,
    /// Questions that wait for a source's fetch, and refreshes for those they lack.
    waiting: Vec<Waiting>,
    answered: Vec<Question>,
    kept_at: Option<Tick>,
    /// The keys in the file, without their times.
    kept_keys: Vec<KeptKeys>,
    keep_soon: bool,
    keep_failed: bool,
    tidied_at: Tick,
}

struct Waiting {
    question: Question,
    /// The sources whose next outcome it waits for, and how many outcomes.
    outstanding: HashMap<Digest, u32>,
}

impl Fetching {
    /// Without any issuer yet, but with the keys that were kept.
    pub fn new() -> std::io::Result<Fetching> {
        let (bell, ringer) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        ringer.set_nonblocking(true)?;
        let (sender, receiver) = channel();
        Ok(Fetching {
            terms: None,
            sources: Vec::new(),
            kept: known_sets(),
            sender,
            receiver,
            bell,
            ringer: Arc::new(ringer),
            running: 0,
            flights: 0,
            waiting: Vec::new(),
            answered: Vec::new(),
            kept_at: None,
            kept_keys: Vec::new(),
            keep_soon: false,
            keep_failed: false,
            tidied_at: clock::tick(),
        })
    }

    /// Becomes readable when a fetch has ended.
    pub fn results(&self) -> &UnixStream {
        &self.bell
    }

    /// Fetches what this policy says from now on. A source that comes from the
    /// same as before goes on with its keys and its schedule.
    pub fn configure(&mut self, policy: Option<&Policy>) {
        self.terms = policy.map(Terms::of);
        let mut before: HashMap<Digest, Source> =
            self.sources.drain(..).map(|source| (source.digest, source)).collect();
        for issuer in policy.iter().flat_map(|policy| policy.issuers.iter()) {
            let Some((policy, place)) = policy.and_then(|p| Some((p, p.fetch_place(issuer)?)))
            else {
                continue;
            };
            let KeySource::Fetched(digest) = policy.key_source(issuer) else { continue };
            let source = before.remove(&digest).unwrap_or_else(|| {
                Source::new(digest, &issuer.iss, place, self.kept.remove(&digest))
            });
            self.sources.push(source);
        }
        for gone in before.into_values() {
            // Its outcome will count for nobody: who waits for it waits in vain.
            for waiting in &mut self.waiting {
                waiting.outstanding.remove(&gone.digest);
            }
            // Its keys serve nobody any more, but an administrator who takes the
            // change back finds them again.
            self.kept.extend(gone.kept().map(|kept| (kept.source, kept)));
        }
        self.answer_settled();
    }

    /// Takes in every outcome that has come; whether anything changed.
    pub fn collect(&mut self) -> bool {
        self.drain_bell();
        let mut changed = self.tidy();
        while let Ok((digest, flight, outcome)) = self.receiver.try_recv() {
            self.running -= 1;
            let Some(terms) = self.terms.clone() else { continue };
            // A source that was taken out of the settings and put in again has
            // another fetch in flight; the older answer may hold a removed key.
            let is_its = |source: &&mut Source| source.digest == digest && source.flight == flight;
            let Some(source) = self.sources.iter_mut().find(is_its) else { continue };
            changed = true;
            if let Some(line) = source.take(outcome, &terms) {
                message::log(&line);
            }
            self.keep_soon = true;
            self.settle(digest);
        }
        changed
    }

    fn drain_bell(&mut self) {
        let mut bytes = [0; 64];
        loop {
            match self.bell.read(&mut bytes) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn tidy(&mut self) -> bool {
        if self.tidied_at.plus(TIDY_INTERVAL) > clock::tick() {
            return false;
        }
        self.tidied_at = clock::tick();
        self.sources.iter_mut().fold(false, |changed, source| source.drop_outlived() | changed)
    }

    /// One outcome of `digest` less to wait for.
    fn settle(&mut self, digest: Digest) {
        for waiting in &mut self.waiting {
            if let Some(count) = waiting.outstanding.get_mut(&digest) {
                *count -= 1;
                if *count == 0 {
                    waiting.outstanding.remove(&digest);
                }
            }
        }
        self.answer_settled();
    }

    /// Who waits for nothing any more has the answer.
    fn answer_settled(&mut self) {
        let answered = self.waiting.extract_if(.., |waiting| waiting.outstanding.is_empty());
        self.answered.extend(answered.map(|waiting| waiting.question));
    }

    /// Looks at the open questions; whether a new one has set something off.
    pub fn look_at(&mut self, questions: Vec<Question>) -> bool {
        self.waiting.retain(|waiting| questions.contains(&waiting.question));
        let mut news = false;
        for question in questions {
            let known = self.waiting.iter().any(|waiting| waiting.question == question);
            if !known && !self.answered.contains(&question) {
                news = true;
                self.consider(question);
            }
        }
        news
    }

    fn consider(&mut self, question: Question) {
        let about = Digest::from_bytes(question.about);
        let outstanding = if question.kind == Kind::Refresh as usize {
            self.refresh(about)
        } else {
            match self.wanted(question, about) {
                Some(outstanding) => outstanding,
                None => return, // not configured here yet: a reload is on its way
            }
        };
        if outstanding.is_empty() {
            self.answered.push(question);
        } else {
            self.waiting.push(Waiting { question, outstanding });
        }
    }

    /// A login wants keys of this source: which outcomes it waits for.
    fn wanted(&mut self, question: Question, about: Digest) -> Option<HashMap<Digest, u32>> {
        let source = self.sources.iter_mut().find(|source| source.digest == about)?;
        let asked = if question.kind == Kind::NoKeys as usize {
            source.schedule.asked(clock::tick(), question.seen)
        } else {
            source.schedule.unknown_kid(clock::tick(), question.seen)
        };
        Some(match asked {
            Asked::FetchNow | Asked::Joined => HashMap::from([(about, 1)]),
            Asked::LookAgain | Asked::NotBefore { .. } => HashMap::new(),
        })
    }

    /// An administrator wants fetches: of which sources, and how many of each.
    fn refresh(&mut self, about: Digest) -> HashMap<Digest, u32> {
        let all = about == Digest::default();
        let mut outstanding = HashMap::new();
        for source in self.sources.iter_mut().filter(|source| all || source.digest == about) {
            let in_flight = source.schedule.in_flight();
            let _ = source.schedule.refresh(clock::tick());
            let outcomes = if in_flight { 2 } else { 1 };
            source.forget_after = outcomes;
            outstanding.insert(source.digest, outcomes);
        }
        outstanding
    }

    /// Starts the fetches that are due, as long as threads are free, those that
    /// wait longest first; whether any was started.
    pub fn start_due(&mut self) -> bool {
        let Some(terms) = self.terms.clone() else { return false };
        let mut due: Vec<(Tick, usize)> = self
            .sources
            .iter()
            .enumerate()
            .filter_map(|(index, source)| Some((source.schedule.due()?, index)))
            .filter(|(due, _)| *due <= clock::tick())
            .collect();
        due.sort();
        let mut started = false;
        for (_, index) in due {
            if self.running == MOST_THREADS {
                break;
            }
            started |= self.start(index, &terms);
        }
        started
    }

    fn start(&mut self, index: usize, terms: &Terms) -> bool {
        let Some(source) = self.sources.get_mut(index) else { return false };
        let request = source.request(terms);
        let (digest, sender, ringer) =
            (source.digest, self.sender.clone(), Arc::clone(&self.ringer));
        self.flights += 1;
        let flight = self.flights;
        source.flight = flight;
        source.schedule.started(clock::tick());
        self.running += 1;
        let spawned = threads::spawn("jwt_sso fetch", move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| jwt_sso_fetch::fetch(&request)));
            let broken = |_| Err(internal_error("the fetch failed inside"));
            let _ = sender.send((digest, flight, outcome.unwrap_or_else(broken)));
            // A full pipe is as good: the worker has not emptied it yet.
            let _ = (&*ringer).write(&[0]);
        });
        if let Err(error) = spawned {
            let _ = self.sender.send((
                digest,
                flight,
                Err(internal_error(&format!("no thread: {error}"))),
            ));
            let _ = (&*self.ringer).write(&[0]);
        }
        true
    }

    /// How long until there is something to do.
    pub fn next_wake(&self) -> Option<Duration> {
        let now = clock::tick();
        let due = self.sources.iter().filter_map(|source| source.schedule.due());
        let next = due.map(|due| now.until(due)).min()?;
        // While every thread is busy, the end of one is what to wait for.
        Some(if self.running == MOST_THREADS { TIDY_INTERVAL } else { next.min(TIDY_INTERVAL) })
    }

    /// The questions that have an answer now.
    pub fn take_answered(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.answered)
    }

    /// The fetched sets as shared memory holds them.
    pub fn sets(&self) -> Vec<KeySet> {
        let Some(terms) = &self.terms else { return Vec::new() };
        self.sources.iter().map(|source| source.key_set(terms)).collect()
    }

    /// Writes the kept file, where there is anything new; not more than once in
    /// [`KEEP_INTERVAL`] where only times are.
    pub fn keep(&mut self) {
        if !self.keep_soon {
            return;
        }
        let now = clock::tick();
        let sets: Vec<KeptSet> = self.sources.iter().filter_map(Source::kept).collect();
        let keys: Vec<KeptKeys> = sets.iter().map(keys_of).collect();
        let rested = self.kept_at.is_none_or(|at| at.plus(KEEP_INTERVAL) <= now);
        // A disk that is full now is full at the next outcome too: rest first.
        let due = rested || (keys != self.kept_keys && !self.keep_failed);
        if sets.is_empty() || !due {
            return;
        }
        self.kept_at = Some(now);
        let written = kept::write(&sets);
        self.keep_failed = written.is_err();
        if let Err(error) = written {
            message::log(&format!("jwt_sso: the fetched keys could not be kept: {error}"));
            return;
        }
        self.kept_keys = keys;
        self.keep_soon = false;
    }
}

/// A kept set without the times that every fetch changes.
type KeptKeys = (Digest, Duration, Vec<(SeenKey, bool)>);

fn keys_of(set: &KeptSet) -> KeptKeys {
    let keys = set.held.keys.iter().map(|held| (held.key.clone(), held.present())).collect();
    (set.source, set.held.lifetime, keys)
}

/// The sets that were kept, and those that an earlier worker published and
/// that are younger: the file may be missing, or the disk full.
fn known_sets() -> HashMap<Digest, KeptSet> {
    let mut known = kept::read();
    for set in keyring::sets().into_iter().filter_map(source::kept_of) {
        let older = |kept: &KeptSet| kept.held.last_success <= set.held.last_success;
        if known.get(&set.source).is_none_or(older) {
            known.insert(set.source, set);
        }
    }
    known
}

fn internal_error(cause: &str) -> FetchError {
    FetchError { url: String::new(), status: None, cause: cause.to_owned() }
}
