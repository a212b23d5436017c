//! People who log in all the time: with good tokens, and with others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::scene::{NotIn, Scene};

/// How many of them.
const PEOPLE: u64 = 2;

/// What became of their logins.
#[derive(Clone, Debug, Default)]
pub struct Count {
    /// Good tokens that got in.
    pub entered: u64,
    /// Forged ones that did not.
    pub kept_out: u64,
    /// Logins that the server could not answer, because it restarted.
    pub interrupted: u64,
    /// Forged tokens that got in.
    pub wrong_acceptances: Vec<String>,
    /// Good tokens that did not.
    pub wrong_refusals: Vec<String>,
    /// The longest time without a good login.
    pub gap: Duration,
}

impl Count {
    /// Both together.
    pub fn add(&mut self, other: &Count) {
        self.entered += other.entered;
        self.kept_out += other.kept_out;
        self.interrupted += other.interrupted;
        self.wrong_acceptances.extend_from_slice(&other.wrong_acceptances);
        self.wrong_refusals.extend_from_slice(&other.wrong_refusals);
        self.gap = self.gap.max(other.gap);
    }
}

/// Does something while people log in; says what became of them, and of it.
pub fn under_traffic(scene: &Scene, act: impl FnOnce() -> Result) -> (Count, Result) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let person = |number| {
            let done = &done;
            scope.spawn(move || log_in(scene, number, done))
        };
        let people: Vec<_> = (0..PEOPLE).map(person).collect();
        let result = act();
        done.store(true, Ordering::Relaxed);
        let mut count = Count::default();
        for person in people {
            count.add(&person.join().expect("a person's thread ends"));
        }
        (count, result)
    })
}

fn log_in(scene: &Scene, mut number: u64, done: &AtomicBool) -> Count {
    let mut count = Count::default();
    let mut last = Instant::now();
    while !done.load(Ordering::Relaxed) {
        number += PEOPLE;
        match scene.enter(&scene.idp.good()) {
            Ok(session) => {
                session.close();
                count.entered += 1;
                count.gap = count.gap.max(last.elapsed());
                last = Instant::now();
            }
            Err(NotIn::Interrupted(_)) => count.interrupted += 1,
            Err(NotIn::Refused(words)) => count.wrong_refusals.push(words),
        }
        match scene.enter(&scene.idp.forged(number)) {
            Ok(_) => count.wrong_acceptances.push(format!("forged token {}", number % 5)),
            Err(NotIn::Interrupted(_)) => count.interrupted += 1,
            Err(NotIn::Refused(_)) => count.kept_out += 1,
        }
        // As little as this leaves the machine time for what is tried.
        thread::sleep(Duration::from_millis(5));
    }
    count.gap = count.gap.max(last.elapsed());
    count
}
