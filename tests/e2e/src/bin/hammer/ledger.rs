//! What was sent, and what the client heard. Counted by all threads at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::scene::Way;

/// Counts of one kind.
#[derive(Debug, Default)]
pub struct Row {
    sent: [AtomicU64; Way::ALL.len()],
    /// Refusals that the client heard, with the right text.
    pub refused: AtomicU64,
    /// Connections that the server ended without a decision, as far as the client can tell.
    pub undecided: AtomicU64,
    /// The sum of the references of all refusals, modulo 2^64.
    pub references: AtomicU64,
}

impl Row {
    /// One more sent this way.
    pub fn send(&self, way: Way) {
        self.sent[way as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many were sent this way.
    pub fn sent(&self, way: Way) -> u64 {
        self.sent[way as usize].load(Ordering::Relaxed)
    }

    /// How many were sent.
    pub fn sent_in_all(&self) -> u64 {
        Way::ALL.iter().map(|way| self.sent(*way)).sum()
    }
}

/// All counts.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By kind.
    pub rows: Vec<Row>,
    /// Numbers that were handed out.
    pub next: AtomicU64,
    /// Real logins that got in.
    pub good: AtomicU64,
    /// Hostile packets that got in.
    pub wrong_acceptances: AtomicU64,
    /// Real logins that did not get in.
    pub wrong_refusals: AtomicU64,
    /// Other answers than those that were due.
    pub wrong_answers: AtomicU64,
    /// The first words about what went wrong.
    complaints: Mutex<Vec<String>>,
}

/// More than these say nothing new.
const COMPLAINTS: usize = 20;

impl Ledger {
    /// With a row for each kind.
    pub fn new(kinds: usize) -> Ledger {
        let rows = std::iter::repeat_with(Row::default).take(kinds).collect();
        Ledger { rows, ..Ledger::default() }
    }

    /// Counts a fault, and keeps the words.
    pub fn complain(&self, count: &AtomicU64, words: String) {
        count.fetch_add(1, Ordering::Relaxed);
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        if complaints.len() < COMPLAINTS {
            complaints.push(words);
        }
    }

    /// The first words about what went wrong.
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Hostile packets so far.
    pub fn sent(&self) -> u64 {
        self.rows.iter().map(Row::sent_in_all).sum()
    }

    /// Decisions that the client heard, each of which has a line in the log.
    pub fn decisions(&self) -> u64 {
        let refused = |row: &Row| row.refused.load(Ordering::Relaxed);
        self.rows.iter().map(refused).sum::<u64>() + self.good.load(Ordering::Relaxed)
    }
}
