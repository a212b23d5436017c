//! The key sets as one flat run of bytes, for shared memory.
//!
//! Written by the key worker, read by every login: a look-up touches the set's
//! entry, a binary search over its keys and the keys it returns. Reading
//! trusts nothing: an offset out of bounds finds nothing.
//!
//! All numbers are little-endian u32. The layout:
//!
//! ```text
//! magic, number of sets, refused settings (bits, u64), policy fingerprint (32 bytes)
//! per set, sorted by fingerprint: fingerprint (32 bytes), state, first key, number of keys
//! per key, of each set sorted by kid (none before any): offset, length
//! per key: flags, algorithm, material kind, kid length, first length, second length, bytes
//! ```

use crate::algorithm::Algorithm;
use crate::digest::Digest;
use crate::jwk::{Curve, Material, PublicKey};

const MAGIC: u32 = 0x4a53_0001;
const HEADER: usize = 16 + 32;
const SET_ENTRY: usize = 32 + 12;
const KEY_ENTRY: usize = 8;
const KEY_HEADER: usize = 24;

/// Keys of one source.
#[derive(Clone, Debug, PartialEq)]
pub struct KeySet {
    /// What the keys were made of; the set's name.
    pub source: Digest,
    /// The keys, in any order; none where `left_out`.
    pub keys: Vec<PublicKey>,
    /// Whether the set had to be left out for want of room.
    pub left_out: bool,
}

impl KeySet {
    /// The bytes that this set takes in an image.
    pub fn encoded_len(&self) -> usize {
        let key_len = |key: &PublicKey| {
            let material = match &key.material {
                Material::Rsa { n, e } => n.len() + e.len(),
                Material::Ec { point, .. } => point.len(),
                Material::Ed25519 { x } => x.len(),
            };
            KEY_ENTRY + KEY_HEADER + key.kid.as_deref().map_or(0, str::len) + material
        };
        SET_ENTRY + self.keys.iter().map(key_len).sum::<usize>()
    }
}

/// The bytes of an image without any set.
pub const EMPTY_LEN: usize = HEADER;

/// What the worker says of the policy it serves.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Status {
    /// Fingerprint of the policy in force; all zero where there is none.
    pub policy: Digest,
    /// The refused settings, as bits.
    pub refused: u64,
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    /// There is no set of that source.
    NoSet,
    /// The set had to be left out for want of room.
    LeftOut,
    /// The set's keys of that `kid` (all, without one), and how many it has in all.
    Keys(Vec<PublicKey>, usize),
}

/// Writes the image.
pub fn encode(status: &Status, sets: &[KeySet]) -> Vec<u8> {
    let mut sets: Vec<&KeySet> = sets.iter().collect();
    sets.sort_by_key(|set| *set.source.as_bytes());
    let keys: usize = sets.iter().map(|set| set.keys.len()).sum();

    let mut image = Vec::new();
    put(&mut image, MAGIC);
    put(&mut image, sets.len() as u32);
    image.extend_from_slice(&status.refused.to_le_bytes());
    image.extend_from_slice(status.policy.as_bytes());

    let mut entries = Vec::with_capacity(keys * KEY_ENTRY);
    let mut records = Vec::new();
    let records_at = HEADER + sets.len() * SET_ENTRY + keys * KEY_ENTRY;
    for set in &sets {
        image.extend_from_slice(set.source.as_bytes());
        put(&mut image, u32::from(set.left_out));
        put(&mut image, (entries.len() / KEY_ENTRY) as u32);
        put(&mut image, set.keys.len() as u32);
        let mut sorted: Vec<&PublicKey> = set.keys.iter().collect();
        sorted.sort_by(|a, b| a.kid.cmp(&b.kid));
        for key in sorted {
            let start = records.len();
            put_key(&mut records, key);
            put(&mut entries, (records_at + start) as u32);
            put(&mut entries, (records.len() - start) as u32);
        }
    }
    image.extend_from_slice(&entries);
    image.extend_from_slice(&records);
    image
}

/// Finds the keys of `source` that carry `kid`; all of them without one.
pub fn lookup(image: &[u8], source: &Digest, kid: Option<&str>) -> Lookup {
    find(image, source, kid).unwrap_or(Lookup::NoSet)
}

/// What the worker said of its policy; `None` before it said anything.
pub fn status(image: &[u8]) -> Option<Status> {
    number_of_sets(image)?;
    let refused = u64::from_le_bytes(image.get(8..16)?.try_into().ok()?);
    let policy = image.get(16..HEADER)?.try_into().ok()?;
    Some(Status { refused, policy: Digest::from_bytes(policy) })
}

fn find(image: &[u8], source: &Digest, kid: Option<&str>) -> Option<Lookup> {
    let sets = number_of_sets(image)?;
    let source_of = |i: usize| image.get(HEADER + i * SET_ENTRY..)?.get(..32);
    let set = search(sets, |i| Some(source_of(i)?.cmp(source.as_bytes().as_slice())))?;
    let entry = HEADER + set * SET_ENTRY;
    if number(image, entry + 32)? != 0 {
        return Some(Lookup::LeftOut);
    }
    let first = number(image, entry + 36)? as usize;
    let count = number(image, entry + 40)? as usize;
    let entries = HEADER + sets * SET_ENTRY;
    let record = |i: usize| -> Option<&[u8]> {
        let at = entries.checked_add(first.checked_add(i)?.checked_mul(KEY_ENTRY)?)?;
        let start = number(image, at)? as usize;
        image.get(start..start.checked_add(number(image, at + 4)? as usize)?)
    };
    let Some(kid) = kid else {
        let keys = (0..count).map_while(|i| key(record(i)?)).collect();
        return Some(Lookup::Keys(keys, count));
    };
    let Some(hit) = search(count, |i| Some(kid_of(record(i)?)?.cmp(&Some(kid.as_bytes())))) else {
        return Some(Lookup::Keys(Vec::new(), count));
    };
    let has_kid = |i: &usize| record(*i).and_then(kid_of) == Some(Some(kid.as_bytes()));
    let start = (0..hit).rev().take_while(has_kid).last().unwrap_or(hit);
    let keys = (start..count).take_while(has_kid).map_while(|i| key(record(i)?)).collect();
    Some(Lookup::Keys(keys, count))
}

/// Binary search over `count` sorted places; `None` too where one can't be read.
fn search(count: usize, compare: impl Fn(usize) -> Option<std::cmp::Ordering>) -> Option<usize> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match compare(middle)? {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Equal => return Some(middle),
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

fn number_of_sets(image: &[u8]) -> Option<usize> {
    (number(image, 0)? == MAGIC).then_some(number(image, 4)? as usize)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn put(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

fn put_key(record: &mut Vec<u8>, key: &PublicKey) {
    let (kind, first, second): (u32, &[u8], &[u8]) = match &key.material {
        Material::Rsa { n, e } => (0, n, e),
        Material::Ec { curve: Curve::P256, point } => (1, point, &[]),
        Material::Ec { curve: Curve::P384, point } => (2, point, &[]),
        Material::Ec { curve: Curve::P521, point } => (3, point, &[]),
        Material::Ed25519 { x } => (4, x, &[]),
    };
    let kid = key.kid.as_deref().unwrap_or_default();
    put(record, u32::from(key.kid.is_some()));
    put(record, key.algorithm.map_or(u32::MAX, |alg| alg as u32));
    put(record, kind);
    put(record, kid.len() as u32);
    put(record, first.len() as u32);
    put(record, second.len() as u32);
    record.extend_from_slice(kid.as_bytes());
    record.extend_from_slice(first);
    record.extend_from_slice(second);
}

/// The record's `kid`, `Some(None)` where the key has none.
fn kid_of(record: &[u8]) -> Option<Option<&[u8]>> {
    if number(record, 0)? == 0 {
        return Some(None);
    }
    record.get(KEY_HEADER..)?.get(..number(record, 12)? as usize).map(Some)
}

fn key(record: &[u8]) -> Option<PublicKey> {
    let kid = match kid_of(record)? {
        Some(kid) => Some(std::str::from_utf8(kid).ok()?.to_owned()),
        None => None,
    };
    let algorithm = match number(record, 4)? {
        u32::MAX => None,
        index => Some(*Algorithm::ALL.get(index as usize)?),
    };
    let body = record.get(KEY_HEADER..)?.get(number(record, 12)? as usize..)?;
    let first_length = number(record, 16)? as usize;
    let first = body.get(..first_length)?.to_vec();
    let second = body.get(first_length..)?.get(..number(record, 20)? as usize)?.to_vec();
    let material = match number(record, 8)? {
        0 => Material::Rsa { n: first, e: second },
        1 => Material::Ec { curve: Curve::P256, point: first },
        2 => Material::Ec { curve: Curve::P384, point: first },
        3 => Material::Ec { curve: Curve::P521, point: first },
        4 => Material::Ed25519 { x: first },
        _ => return None,
    };
    Some(PublicKey { kid, algorithm, material })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ed(kid: Option<&str>, byte: u8) -> PublicKey {
        let material = Material::Ed25519 { x: vec![byte; 32] };
        PublicKey { kid: kid.map(str::to_owned), algorithm: Some(Algorithm::EdDsa), material }
    }

    fn rsa(kid: &str) -> PublicKey {
        let material = Material::Rsa { n: vec![7; 256], e: vec![1, 0, 1] };
        PublicKey { kid: Some(kid.to_owned()), algorithm: None, material }
    }

    fn source(name: &str) -> Digest {
        Digest::of(&[name.as_bytes()])
    }

    fn sample() -> Vec<u8> {
        let keys = vec![ed(Some("b"), 1), rsa("a"), ed(None, 2), ed(Some("b"), 3)];
        let one = KeySet { source: source("one"), keys, left_out: false };
        let many = (0..100).map(|i| rsa(&format!("k{i}"))).collect();
        let many = KeySet { source: source("many"), keys: many, left_out: false };
        let out = KeySet { source: source("out"), keys: Vec::new(), left_out: true };
        encode(&Status { policy: source("policy"), refused: 5 }, &[one, many, out])
    }

    #[test]
    fn finds_by_source_and_kid() {
        let image = sample();
        let one = source("one");
        assert_eq!(lookup(&image, &one, Some("a")), Lookup::Keys(vec![rsa("a")], 4));
        assert_eq!(lookup(&image, &one, Some("c")), Lookup::Keys(vec![], 4));
        let Lookup::Keys(both, 4) = lookup(&image, &one, Some("b")) else { panic!() };
        assert_eq!(both.len(), 2);
        let Lookup::Keys(all, 4) = lookup(&image, &one, None) else { panic!() };
        assert_eq!(all.len(), 4);
        for i in 0..100 {
            let kid = format!("k{i}");
            let found = lookup(&image, &source("many"), Some(&kid));
            assert_eq!(found, Lookup::Keys(vec![rsa(&kid)], 100));
        }
        assert_eq!(lookup(&image, &source("out"), None), Lookup::LeftOut);
        assert_eq!(lookup(&image, &source("other"), None), Lookup::NoSet);
        assert_eq!(status(&image), Some(Status { policy: source("policy"), refused: 5 }));
    }

    #[test]
    fn an_empty_kid_is_not_a_missing_one() {
        let keys = vec![ed(Some(""), 1), ed(None, 2)];
        let set = KeySet { source: source("s"), keys, left_out: false };
        let image = encode(&Status::default(), &[set]);
        assert_eq!(lookup(&image, &source("s"), Some("")), Lookup::Keys(vec![ed(Some(""), 1)], 2));
    }

    #[test]
    fn lengths_add_up() {
        let sets: Vec<KeySet> = [vec![ed(None, 1), rsa("x")], vec![]]
            .into_iter()
            .enumerate()
            .map(|(i, keys)| KeySet { source: source(&i.to_string()), keys, left_out: false })
            .collect();
        let sum = EMPTY_LEN + sets.iter().map(KeySet::encoded_len).sum::<usize>();
        assert_eq!(encode(&Status::default(), &sets).len(), sum);
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        assert_eq!(lookup(&[], &source("one"), None), Lookup::NoSet);
        assert_eq!(status(&[]), None);
        assert_eq!(status(&[0; 200]), None);
    }

    #[test]
    fn cut_or_changed_images_never_panic() {
        let image = sample();
        for end in 0..image.len() {
            lookup(&image[..end], &source("one"), Some("b"));
        }
        for at in 0..image.len().min(2000) {
            for value in [0, 0x7f, 0xff] {
                let mut hostile = image.clone();
                hostile[at] = value;
                for set in ["one", "many", "out"] {
                    lookup(&hostile, &source(set), None);
                    lookup(&hostile, &source(set), Some("b"));
                }
            }
        }
    }
}
