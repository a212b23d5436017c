//! The file of the last good key sets, `jwt_sso/keys.json`: its text, written
//! and read. It lets people in when the server starts while an issuer is down.
//!
//! ```text
//! {"version":1,"sha256":"…","sets":[
//!   {"source":"…","issuer":"…","jwks_uri":"…","fetched_at":1700000000,"lifetime_ms":600000,
//!    "keys":[{"first_seen":…,"last_seen":…,"vanished":null,"jwk":{…}},
//!            {"first_seen":…,"last_seen":…,"vanished":null,"kid":"…",…,"note":"…"}]}]}
//! ```
//!
//! Only this module writes it, so it is read to the letter. The fingerprint is
//! of the text of `sets`, behind a name for the version; it finds damage, and
//! is no defence against somebody who may write to the data directory.

mod entry;

use crate::digest::Digest;
use crate::held_keys::HeldKeys;
use crate::json;
use crate::time::UnixTime;
use std::fmt;

const HEAD: &str = r#"{"version":1,"sha256":""#;
const MIDDLE: &str = r#"","sets":"#;
const TAIL: &str = "}\n";
const HASHED_AS: &[u8] = b"jwt_sso kept keys, version 1";

/// The keys of one issuer as they are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptSet {
    /// Fingerprint of what the set came from; it serves no other source.
    pub source: Digest,
    /// The issuer.
    pub issuer: String,
    /// The URL that the set was fetched from.
    pub jwks_uri: String,
    /// The keys. They have been fetched at least once.
    pub held: HeldKeys,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// The good sets.
    pub sets: Vec<KeptSet>,
    /// A sentence for each set that was dropped: a time in it is in the future.
    pub dropped: Vec<String>,
}

/// What is wrong with the file, which then counts for nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Damage(pub String);

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Damage {}

/// The text of the file. Sets that were never fetched are left out.
pub fn write(sets: &[KeptSet]) -> String {
    let sets: Vec<String> = sets.iter().filter_map(entry::write_set).collect();
    let body = format!("[{}]", sets.join(",\n"));
    format!("{HEAD}{}{MIDDLE}{body}{TAIL}", entry::hex(&fingerprint(&body)))
}

/// Reads the file.
///
/// # Errors
/// What is not, to the letter, what [`write`] wrote.
pub fn read(text: &[u8], now: UnixTime) -> Result<Kept, Damage> {
    let damage = |what: &str| Damage(what.to_owned());
    let text = std::str::from_utf8(text).map_err(|_| damage("it is not UTF-8"))?;
    let (found, body) = text
        .strip_prefix(HEAD)
        .and_then(|rest| rest.strip_suffix(TAIL))
        .and_then(|rest| rest.split_once(MIDDLE))
        .ok_or_else(|| damage("it is cut, or of another version"))?;
    if found != entry::hex(&fingerprint(body)) {
        return Err(damage("its content does not have the fingerprint it names"));
    }
    let body = json::parse(body.as_bytes()).map_err(|error| Damage(error.to_string()))?;
    let mut kept = Kept::default();
    for set in entry::read_sets(&body)? {
        match entry::from_future(&set, now) {
            Some(time) => kept.dropped.push(format!(
                "the keys of issuer {:?} were dropped: their time {time} is in the future",
                set.issuer
            )),
            None => kept.sets.push(set),
        }
    }
    Ok(kept)
}

fn fingerprint(body: &str) -> Digest {
    Digest::of(&[HASHED_AS, body.as_bytes()])
}

#[cfg(test)]
mod tests;
