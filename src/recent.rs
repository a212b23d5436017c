//! The last refusals, in shared memory: what a user quotes from his error
//! message is found there by its reference.

use crate::pg::area::Table;
use crate::pg::{port, process};
use crate::report::{self, Door};
use crate::short_text::ShortText;
use jwt_sso_core::decision::Facts;

/// How many are kept.
const KEPT: usize = 128;

/// A refusal.
#[derive(Clone, Copy)]
pub struct Refused {
    /// Counts refusals from 1; 0 where the record is free.
    serial: u64,
    /// Microseconds since 2000.
    pub at: i64,
    /// As the client's error and the log line have it.
    pub reference: ShortText<8>,
    /// The reason code.
    pub reason: ShortText<32>,
    /// The door.
    pub door: Door,
    /// The role that was asked for, which need not exist.
    pub role: ShortText<64>,
    /// The token's `iss`, unproven; empty where it was not read.
    pub issuer: ShortText<200>,
    /// The header's `kid`, unproven; empty where it was not read.
    pub kid: ShortText<100>,
    /// Where the client is.
    pub address: ShortText<64>,
}

const FREE: Refused = Refused {
    serial: 0,
    at: 0,
    reference: ShortText::EMPTY,
    reason: ShortText::EMPTY,
    door: Door::Hook,
    role: ShortText::EMPTY,
    issuer: ShortText::EMPTY,
    kid: ShortText::EMPTY,
    address: ShortText::EMPTY,
};

static TABLE: Table<Refused> = Table::new(|| KEPT, FREE);

/// Asks for the table. Only while the library is preloaded.
pub fn init() {
    TABLE.register();
}

/// Keeps a refusal in the place of the oldest. What strangers wrote is escaped
/// and cut as in the log line.
pub fn push(door: Door, role: &str, reason: &str, reference: &str, facts: &Facts) {
    let mut refused = Refused {
        serial: 0,
        at: process::now(),
        reference: ShortText::of(reference),
        reason: ShortText::of(reason),
        door,
        role: visible(role),
        issuer: visible(facts.issuer.as_deref().unwrap_or_default()),
        kid: visible(facts.kid.as_deref().unwrap_or_default()),
        address: visible(&port::client_address()),
    };
    TABLE.change(|records| {
        let last = records.iter().map(|record| record.serial).max().unwrap_or(0);
        refused.serial = last + 1;
        // One after the other, so that this place has the oldest.
        records[(last % KEPT as u64) as usize] = refused;
    });
}

fn visible<const N: usize>(text: &str) -> ShortText<N> {
    ShortText::of(&report::escaped(text, N))
}

/// The last refusals, the newest first.
pub fn all() -> Vec<Refused> {
    let mut records = TABLE.read(<[Refused]>::to_vec).unwrap_or_default();
    records.retain(|record| record.serial > 0);
    records.sort_by_key(|record| std::cmp::Reverse(record.serial));
    records
}
