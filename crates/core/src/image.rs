//! The key sets as one flat run of bytes, for shared memory.
//!
//! Written by the key worker, read by every login and by the views. A login
//! touches the set's entry, a binary search over its keys and the keys that it
//! takes. Reading trusts nothing: an offset out of bounds finds nothing.
//!
//! All numbers are little-endian; a text is its length (u32) and its bytes.
//!
//! ```text
//! magic, number of sets, offset of the key entries, refused settings (bits, u64), policy
//!     fingerprint (32 bytes)
//! per set, sorted by source: source (32 bytes), offset of its record
//! per set record: state, attempts, brake (u64), serves until (u64), first key, keys,
//!     usable keys, then the rest of About
//! per key, of each set sorted by kid (none before any): offset of its record
//! per key record: KeyRecord
//! ```

mod bytes;
mod read;

pub use read::{Lookup, lookup, sets, status};

use crate::digest::Digest;
use crate::jwk::{Curve, Material, PublicKey};
use bytes::Writer;

const MAGIC: u32 = 0x4a53_0002;
const HEADER: usize = 20 + 32;
const SET_ENTRY: usize = 32 + 4;
const KEY_ENTRY: usize = 4;

/// Keys of one source, and what there is to say of them.
#[derive(Clone, Debug, PartialEq)]
pub struct KeySet {
    /// What the keys were made of; the set's name.
    pub source: Digest,
    /// The keys, in any order; none where `left_out`.
    pub keys: Vec<KeyRecord>,
    /// Whether the set had to be left out for want of room.
    pub left_out: bool,
    /// Counts the fetches that ended, so that who waits for one knows.
    pub attempts: u32,
    /// No forced fetch before this time, in seconds since 1970.
    pub brake_until: u64,
    /// For the views.
    pub about: About,
}

/// One key of a set, usable or not.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyRecord {
    /// Its name.
    pub kid: Option<String>,
    /// The key; `None` where it cannot verify a token.
    pub key: Option<PublicKey>,
    /// It verifies nothing from this time on, in seconds since 1970; `u64::MAX` for ever.
    pub until: u64,
    /// For the views.
    pub about: KeyAbout,
}

/// What the view of keys shows besides.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)] // the columns' names
pub struct KeyAbout {
    pub kty: String,
    pub alg: String,
    pub use_: String,
    pub bits: u32,
    /// Why it is not usable.
    pub note: String,
    /// Seconds since 1970; 0 for a static key.
    pub first_seen: u64,
    pub last_seen: u64,
    /// The first fetch whose set lacked it; 0 while it is there.
    pub vanished: u64,
}

/// What the view of issuers shows. Times are seconds since 1970, 0 for never.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// The issuer; empty for the set that all issuers without their own share.
    pub issuer: String,
    /// Whether the keys are fetched.
    pub fetched: bool,
    /// Where the key set was last found.
    pub jwks_uri: String,
    /// The last fetch that brought a key set.
    pub last_success: u64,
    /// The last fetch that ended.
    pub last_attempt: u64,
    /// When the next one begins.
    pub next_refresh: u64,
    /// Until when the keys are as good as new.
    pub fresh_until: u64,
    /// Until when they serve at all; `u64::MAX` for ever.
    pub serves_until: u64,
    /// Why the last fetch failed; empty where it did not.
    pub last_error: String,
    /// The issuer's clock less ours, in seconds, as its last answer had it.
    pub clock_offset: Option<i64>,
}

/// What the worker says of the policy it serves.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Status {
    /// Fingerprint of the policy in force; all zero where there is none.
    pub policy: Digest,
    /// The refused settings, as bits.
    pub refused: u64,
}

/// The bytes of an image without any set.
pub const EMPTY_LEN: usize = HEADER;

impl KeySet {
    /// A static set: nothing about it changes until the settings do.
    pub fn of_settings(source: Digest, issuer: &str, keys: Vec<PublicKey>) -> KeySet {
        let record = |key: PublicKey| KeyRecord {
            kid: key.kid.clone(),
            until: u64::MAX,
            about: KeyAbout::of(&key),
            key: Some(key),
        };
        KeySet {
            source,
            keys: keys.into_iter().map(record).collect(),
            left_out: false,
            attempts: 0,
            brake_until: 0,
            about: About { issuer: issuer.to_owned(), serves_until: u64::MAX, ..About::default() },
        }
    }

    /// The bytes that this set takes in an image.
    pub fn encoded_len(&self) -> usize {
        let mut record = Writer::default();
        put_set(&mut record, self, 0);
        let keys: usize = self
            .keys
            .iter()
            .map(|key| {
                let mut record = Writer::default();
                put_key(&mut record, key);
                KEY_ENTRY + record.len()
            })
            .sum();
        SET_ENTRY + record.len() + keys
    }
}

impl About {
    /// The word for how good fetched keys are at `now`, in seconds since 1970.
    pub fn state(&self, now: u64) -> &'static str {
        if self.last_success == 0 {
            "never"
        } else if now < self.fresh_until {
            "fresh"
        } else if now < self.serves_until {
            "stale"
        } else {
            "expired"
        }
    }
}

impl KeyAbout {
    /// What the key itself says.
    pub fn of(key: &PublicKey) -> KeyAbout {
        let (kty, bits) = match &key.material {
            Material::Rsa { n, .. } => ("RSA", n.len() * 8 - leading_zeros(n)),
            Material::Ec { curve: Curve::P256, .. } => ("EC", 256),
            Material::Ec { curve: Curve::P384, .. } => ("EC", 384),
            Material::Ec { curve: Curve::P521, .. } => ("EC", 521),
            Material::Ed25519 { .. } => ("OKP", 256),
        };
        KeyAbout {
            kty: kty.to_owned(),
            alg: key.algorithm.map_or_else(String::new, |alg| alg.name().to_owned()),
            bits: bits as u32,
            ..KeyAbout::default()
        }
    }
}

fn leading_zeros(number: &[u8]) -> usize {
    number.first().map_or(0, |byte| byte.leading_zeros() as usize)
}

/// Writes the image.
pub fn encode(status: &Status, sets: &[KeySet]) -> Vec<u8> {
    let mut sets: Vec<&KeySet> = sets.iter().collect();
    sets.sort_by_key(|set| *set.source.as_bytes());

    let mut records = Writer::default();
    let mut starts = Vec::new();
    let mut first_key = 0;
    for set in &sets {
        starts.push(records.len());
        put_set(&mut records, set, first_key);
        first_key += set.keys.len() as u32;
    }
    let records_at = HEADER + sets.len() * SET_ENTRY;
    let keys_at = records_at + records.len();
    let mut key_records = Writer::default();
    let mut entries = Writer::default();
    let key_records_at = keys_at + first_key as usize * KEY_ENTRY;
    for set in &sets {
        let mut sorted: Vec<&KeyRecord> = set.keys.iter().collect();
        sorted.sort_by(|a, b| a.kid.cmp(&b.kid));
        for key in sorted {
            entries.u32((key_records_at + key_records.len()) as u32);
            put_key(&mut key_records, key);
        }
    }

    let mut image = Writer::default();
    image.u32(MAGIC);
    image.u32(sets.len() as u32);
    image.u32(keys_at as u32);
    image.u64(status.refused);
    image.raw(status.policy.as_bytes());
    for (set, start) in sets.iter().zip(starts) {
        image.raw(set.source.as_bytes());
        image.u32((records_at + start) as u32);
    }
    image.raw(records.bytes());
    image.raw(entries.bytes());
    image.raw(key_records.bytes());
    image.into_bytes()
}

fn put_set(record: &mut Writer, set: &KeySet, first_key: u32) {
    let about = &set.about;
    let usable = set.keys.iter().filter(|key| key.key.is_some()).count();
    record.u32(u32::from(set.left_out));
    record.u32(set.attempts);
    record.u64(set.brake_until);
    record.u64(about.serves_until);
    record.u32(first_key);
    record.u32(set.keys.len() as u32);
    record.u32(usable as u32);
    record.text(&about.issuer);
    record.u32(u32::from(about.fetched));
    record.text(&about.jwks_uri);
    for time in [about.last_success, about.last_attempt, about.next_refresh, about.fresh_until] {
        record.u64(time);
    }
    record.text(&about.last_error);
    record.u32(u32::from(about.clock_offset.is_some()));
    record.u64(about.clock_offset.unwrap_or(0) as u64);
}

/// What a login needs comes first.
fn put_key(record: &mut Writer, key: &KeyRecord) {
    record.u32(u32::from(key.kid.is_some()));
    record.text(key.kid.as_deref().unwrap_or_default());
    record.u64(key.until);
    let (kind, first, second): (u32, &[u8], &[u8]) = match key.key.as_ref().map(|key| &key.material)
    {
        None => (0, &[], &[]),
        Some(Material::Rsa { n, e }) => (1, n, e),
        Some(Material::Ec { curve: Curve::P256, point }) => (2, point, &[]),
        Some(Material::Ec { curve: Curve::P384, point }) => (3, point, &[]),
        Some(Material::Ec { curve: Curve::P521, point }) => (4, point, &[]),
        Some(Material::Ed25519 { x }) => (5, x, &[]),
    };
    let algorithm = key.key.as_ref().and_then(|key| key.algorithm);
    record.u32(kind);
    record.u32(algorithm.map_or(u32::MAX, |alg| alg as u32));
    record.blob(first);
    record.blob(second);
    record.text(&key.about.kty);
    record.text(&key.about.alg);
    record.text(&key.about.use_);
    record.u32(key.about.bits);
    record.text(&key.about.note);
    record.u64(key.about.first_seen);
    record.u64(key.about.last_seen);
    record.u64(key.about.vanished);
}

#[cfg(test)]
mod tests;
