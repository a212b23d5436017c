//! Reading an image, by a login and by the views.

use super::bytes::Reader;
use super::{About, HEADER, KEY_ENTRY, KeyAbout, KeyRecord, KeySet, MAGIC, SET_ENTRY, Status};
use crate::algorithm::Algorithm;
use crate::digest::Digest;
use crate::jwk::{Curve, Material, PublicKey};
use crate::refusal::NoKeys;
use std::cmp::Ordering;

/// What a look-up found.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    /// There is no set of that source.
    NoSet,
    /// The set had to be left out for want of room.
    LeftOut,
    /// There is a set.
    Found {
        /// Its keys of that `kid` (all, without one) that verify now.
        of_kid: Vec<PublicKey>,
        /// How many usable keys it has in all; none when it has served its time.
        usable: usize,
        /// Why there is none, where there is none.
        why_none: NoKeys,
        /// How many fetches of it have ended.
        attempts: u32,
        /// No forced fetch before this time, in seconds since 1970.
        brake_until: u64,
    },
}

/// Finds the keys of `source` that carry `kid`, all of them without one, and
/// that verify at `now`, in seconds since 1970.
pub fn lookup(image: &[u8], source: &Digest, kid: Option<&str>, now: u64) -> Lookup {
    find(image, source, kid, now).unwrap_or(Lookup::NoSet)
}

/// What the worker said of its policy; `None` before it said anything.
pub fn status(image: &[u8]) -> Option<Status> {
    let header = Header::read(image)?;
    Some(Status { policy: header.policy, refused: header.refused })
}

/// Every set, for the views. What cannot be read ends the list.
pub fn sets(image: &[u8]) -> Vec<KeySet> {
    let Some(header) = Header::read(image) else { return Vec::new() };
    let (mut records, mut keys) = (InOrder::default(), InOrder::default());
    let set = |index| header.set(image, index, &mut records, &mut keys);
    (0..header.sets).map_while(set).collect()
}

/// Where the last record ended. [`super::encode`] writes them one behind the
/// other, so one that begins before is damage. Without this an image whose
/// records share their bytes could be read into far more than it has.
#[derive(Default)]
struct InOrder(usize);

impl InOrder {
    /// Reads the record that is the image from `start` on.
    fn read<'a, T>(
        &mut self,
        image: &[u8],
        start: Reader<'a>,
        read: impl FnOnce(Reader<'a>) -> Option<(T, Reader<'a>)>,
    ) -> Option<T> {
        let offset = |reader: Reader<'_>| image.len() - reader.remaining();
        if offset(start) < self.0 {
            return None;
        }
        let (record, rest) = read(start)?;
        self.0 = offset(rest);
        Some(record)
    }
}

fn find(image: &[u8], source: &Digest, kid: Option<&str>, now: u64) -> Option<Lookup> {
    let header = Header::read(image)?;
    let source_of = |i: usize| Reader::at(image, HEADER + i * SET_ENTRY)?.raw(32);
    let wanted = source.as_bytes().as_slice();
    let index = search(header.sets, |i| Some(source_of(i)?.cmp(wanted)))?;
    let (set, _) = SetHead::read(set_record(image, index)?, image.len())?;
    if set.left_out {
        return Some(Lookup::LeftOut);
    }
    let record = |i: usize| header.key_record(image, set.first_key + i);
    let range = match kid {
        None => 0..set.keys,
        Some(kid) => range_of(set.keys, kid, |i| kid_of(record(i)?)),
    };
    let mut records = InOrder::default();
    let usable_key = |i| {
        let (_, key, until) = records.read(image, record(i)?, head_of_key)?;
        Some(key.filter(|_| now < until))
    };
    let of_kid = range.map_while(usable_key).flatten().collect();
    let SetHead { attempts, brake_until, .. } = set;
    let usable = if now < set.serves_until { set.usable } else { 0 };
    // A set that was never fetched has served its time since 1970.
    let why_none = match set.serves_until {
        0 => NoKeys::NotFetched,
        end if now >= end => NoKeys::Expired,
        _ => NoKeys::EmptySet,
    };
    Some(Lookup::Found { of_kid, usable, why_none, attempts, brake_until })
}

struct Header {
    sets: usize,
    keys_at: usize,
    refused: u64,
    policy: Digest,
}

impl Header {
    fn read(image: &[u8]) -> Option<Header> {
        let mut reader = Reader::at(image, 0)?;
        if reader.u32()? != MAGIC {
            return None;
        }
        let sets = reader.u32()? as usize;
        let keys_at = reader.u32()? as usize;
        let refused = reader.u64()?;
        let policy = Digest::from_bytes(reader.raw(32)?.try_into().ok()?);
        // More than this image can hold is damage, and nobody is to loop over it.
        (sets <= image.len() / SET_ENTRY).then_some(Header { sets, keys_at, refused, policy })
    }

    fn key_record<'a>(&self, image: &'a [u8], index: usize) -> Option<Reader<'a>> {
        let entry = self.keys_at.checked_add(index.checked_mul(KEY_ENTRY)?)?;
        Reader::at(image, Reader::at(image, entry)?.u32()? as usize)
    }

    fn set(
        &self,
        image: &[u8],
        index: usize,
        records: &mut InOrder,
        keys: &mut InOrder,
    ) -> Option<KeySet> {
        let source = Reader::at(image, HEADER + index * SET_ENTRY)?.raw(32)?;
        let (head, about) = records.read(image, set_record(image, index)?, |record| {
            let (head, rest) = SetHead::read(record, image.len())?;
            let (about, rest) = about(rest, head.serves_until)?;
            Some(((head, about), rest))
        })?;
        let record =
            |i: usize| keys.read(image, self.key_record(image, head.first_key + i)?, whole_key);
        Some(KeySet {
            source: Digest::from_bytes(source.try_into().ok()?),
            keys: (0..head.keys).map_while(record).collect(),
            left_out: head.left_out,
            attempts: head.attempts,
            brake_until: head.brake_until,
            about,
        })
    }
}

fn set_record(image: &[u8], index: usize) -> Option<Reader<'_>> {
    let offset = Reader::at(image, HEADER + index * SET_ENTRY + 32)?.u32()?;
    Reader::at(image, offset as usize)
}

/// The part of a set's record that a login reads.
struct SetHead {
    left_out: bool,
    attempts: u32,
    brake_until: u64,
    serves_until: u64,
    first_key: usize,
    keys: usize,
    usable: usize,
}

impl SetHead {
    /// What the record's head says, and what follows that.
    fn read(mut reader: Reader<'_>, image_len: usize) -> Option<(SetHead, Reader<'_>)> {
        let head = SetHead {
            left_out: reader.u32()? != 0,
            attempts: reader.u32()?,
            brake_until: reader.u64()?,
            serves_until: reader.u64()?,
            first_key: reader.u32()? as usize,
            keys: reader.u32()? as usize,
            usable: reader.u32()? as usize,
        };
        (head.keys <= image_len / KEY_ENTRY).then_some((head, reader))
    }
}

fn about(mut reader: Reader<'_>, serves_until: u64) -> Option<(About, Reader<'_>)> {
    let about = About {
        issuer: reader.text()?.to_owned(),
        fetched: reader.u32()? != 0,
        jwks_uri: reader.text()?.to_owned(),
        last_success: reader.u64()?,
        last_attempt: reader.u64()?,
        next_refresh: reader.u64()?,
        fresh_until: reader.u64()?,
        serves_until,
        last_error: reader.text()?.to_owned(),
        clock_offset: match (reader.u32()?, reader.u64()?) {
            (0, _) => None,
            (_, offset) => Some(offset as i64),
        },
    };
    Some((about, reader))
}

/// The places of `kid` among `count` sorted ones.
fn range_of<'a>(
    count: usize,
    kid: &str,
    kid_at: impl Fn(usize) -> Option<Option<&'a str>>,
) -> std::ops::Range<usize> {
    let Some(hit) = search(count, |i| Some(kid_at(i)?.cmp(&Some(kid)))) else { return 0..0 };
    let has_kid = |i: &usize| kid_at(*i) == Some(Some(kid));
    let start = (0..hit).rev().take_while(has_kid).last().unwrap_or(hit);
    let end = (hit..count).take_while(has_kid).last().unwrap_or(hit) + 1;
    start..end
}

/// Binary search over `count` sorted places; `None` too where one can't be read.
fn search(count: usize, compare: impl Fn(usize) -> Option<Ordering>) -> Option<usize> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match compare(middle)? {
            Ordering::Less => low = middle + 1,
            Ordering::Equal => return Some(middle),
            Ordering::Greater => high = middle,
        }
    }
    None
}

/// The record's `kid`, `Some(None)` where the key has none.
fn kid_of(mut record: Reader<'_>) -> Option<Option<&str>> {
    take_kid(&mut record)
}

fn take_kid<'a>(record: &mut Reader<'a>) -> Option<Option<&'a str>> {
    let has_kid = record.u32()? != 0;
    let kid = record.text()?;
    Some(has_kid.then_some(kid))
}

type KeyHead = (Option<String>, Option<PublicKey>, u64);

fn head_of_key(mut record: Reader<'_>) -> Option<(KeyHead, Reader<'_>)> {
    let kid = take_kid(&mut record)?.map(str::to_owned);
    let until = record.u64()?;
    let kind = record.u32()?;
    let algorithm = match record.u32()? {
        u32::MAX => None,
        index => Some(*Algorithm::ALL.get(index as usize)?),
    };
    let (first, second) = (record.blob()?, record.blob()?);
    let point = |curve| Material::Ec { curve, point: first.to_vec() };
    let material = match kind {
        0 => None,
        1 => Some(Material::Rsa { n: first.to_vec(), e: second.to_vec() }),
        2 => Some(point(Curve::P256)),
        3 => Some(point(Curve::P384)),
        4 => Some(point(Curve::P521)),
        5 => Some(Material::Ed25519 { x: first.to_vec() }),
        _ => return None,
    };
    if material.as_ref().is_some_and(|material| !material.is_well_formed()) {
        return None;
    }
    let key = material.map(|material| PublicKey { kid: kid.clone(), algorithm, material });
    Some(((kid, key, until), record))
}

fn whole_key(record: Reader<'_>) -> Option<(KeyRecord, Reader<'_>)> {
    let ((kid, key, until), mut rest) = head_of_key(record)?;
    let about = KeyAbout {
        kty: rest.text()?.to_owned(),
        alg: rest.text()?.to_owned(),
        use_: rest.text()?.to_owned(),
        bits: rest.u32()?,
        note: rest.text()?.to_owned(),
        first_seen: rest.u64()?,
        last_seen: rest.u64()?,
        vanished: rest.u64()?,
    };
    Some((KeyRecord { kid, key, until, about }, rest))
}
