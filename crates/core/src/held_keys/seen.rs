//! One fetched JWK set (RFC 7517 §5), read leniently: a bad key is left out and
//! noted, never the set.

use crate::json::{self, JsonError, Node};
use crate::jwk::{Curve, KeyFault, Material, PublicKey, Unusable};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// The most keys of one set. Real sets have two to twenty.
pub const MAX_KEYS: usize = 1_000;

/// A key as its issuer publishes it.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenKey {
    /// The name by which tokens ask for it.
    pub kid: Option<String>,
    /// Its type: `RSA`, `EC`, `OKP`, or whatever is written there.
    pub kty: Option<String>,
    /// The algorithm it is for.
    pub alg: Option<String>,
    /// Its `use`.
    pub use_: Option<String>,
    /// The size of a modulus or a curve.
    pub bits: Option<u32>,
    /// The key, or why it can verify no token. Nothing is kept of a private or
    /// symmetric one but the members above.
    pub public: Result<PublicKey, String>,
}

impl SeenKey {
    /// Reads one JWK.
    pub fn read(jwk: &Node<'_>) -> SeenKey {
        let public = PublicKey::from_jwk(jwk);
        let bits = match &public {
            Ok(key) => Some(bits(&key.material)),
            Err(KeyFault::Unusable(Unusable::RsaBits(bits))) => u32::try_from(*bits).ok(),
            Err(_) => None,
        };
        let text = |member| jwk.get(member).and_then(Node::as_str);
        SeenKey {
            kid: text("kid").map(str::to_owned),
            kty: text("kty").map(excerpt),
            alg: text("alg").map(excerpt),
            use_: text("use").map(excerpt),
            bits,
            public: public.map_err(note),
        }
    }

    /// A key of which nothing can be read.
    fn unreadable(error: &JsonError) -> SeenKey {
        let public = Err(error.to_string());
        SeenKey { kid: None, kty: None, alg: None, use_: None, bits: None, public }
    }

    /// Whether this is the key `before` with other words about it, such as an
    /// `alg` that it had not.
    pub(super) fn describes_again(&self, before: &SeenKey) -> bool {
        match (&self.public, &before.public) {
            (Ok(new), Ok(old)) => new.kid == old.kid && new.material == old.material,
            _ => false,
        }
    }
}

/// Why a document is no key set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum JwksProblem {
    /// It is not JSON.
    NotJson(JsonError),
    /// It is JSON of this kind, not an object.
    NotAnObject(&'static str),
    /// It has no member `keys`: an error message, say.
    NoKeysMember,
    /// The member `keys` is no array.
    KeysNotAnArray,
    /// It has so many keys, more than [`MAX_KEYS`].
    TooManyKeys(usize),
}

impl fmt::Display for JwksProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a JWK set: ")?;
        match self {
            JwksProblem::NotJson(error) => error.fmt(f),
            JwksProblem::NotAnObject(kind) => write!(f, "it is {kind}, not an object"),
            JwksProblem::NoKeysMember => f.write_str("it has no member \"keys\""),
            JwksProblem::KeysNotAnArray => f.write_str("its member \"keys\" is not an array"),
            JwksProblem::TooManyKeys(count) => {
                write!(f, "it has {count} keys, more than {MAX_KEYS}")
            }
        }
    }
}

impl std::error::Error for JwksProblem {}

/// The keys of a fetched document, in its order. A set of no keys is one.
///
/// Of members named twice in the outermost object the last one counts, as RFC
/// 7517 §5 allows; a key with such members is left out and noted.
///
/// # Errors
/// What is no key set at all.
pub fn seen_keys(document: &[u8]) -> Result<Vec<SeenKey>, JwksProblem> {
    Ok(raw_keys(document)?.into_iter().map(|raw| read(raw.get())).collect())
}

/// The keys of a document in its order, unread.
pub(crate) fn raw_keys(document: &[u8]) -> Result<Vec<&RawValue>, JwksProblem> {
    let syntax =
        |error: serde_json::Error| JwksProblem::NotJson(JsonError::Syntax(error.to_string()));
    let text = std::str::from_utf8(document)
        .map_err(|error| JwksProblem::NotJson(JsonError::NotUtf8(error.valid_up_to())))?;
    let whole: &RawValue = serde_json::from_str(text).map_err(syntax)?;
    if !whole.get().starts_with('{') {
        return Err(JwksProblem::NotAnObject(kind(whole.get())));
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(whole.get()).map_err(syntax)?;
    let keys = members.get("keys").ok_or(JwksProblem::NoKeysMember)?.get();
    if !keys.starts_with('[') {
        return Err(JwksProblem::KeysNotAnArray);
    }
    let keys: Vec<&RawValue> = serde_json::from_str(keys).map_err(syntax)?;
    if keys.len() > MAX_KEYS {
        return Err(JwksProblem::TooManyKeys(keys.len()));
    }
    Ok(keys)
}

fn read(jwk: &str) -> SeenKey {
    match json::parse(jwk.as_bytes()) {
        Ok(jwk) => SeenKey::read(&jwk),
        Err(error) => SeenKey::unreadable(&error),
    }
}

fn note(fault: KeyFault) -> String {
    match fault {
        KeyFault::Malformed(what) => what,
        KeyFault::Secret => "a private or symmetric key".to_owned(),
        KeyFault::Unusable(why) => why.to_string(),
    }
}

fn bits(material: &Material) -> u32 {
    match material {
        // No leading zero bytes, and 8192 bits at most.
        Material::Rsa { n, .. } => {
            n.first().map_or(0, |byte| n.len() as u32 * 8 - byte.leading_zeros())
        }
        Material::Ec { curve: Curve::P256, .. } | Material::Ed25519 { .. } => 256,
        Material::Ec { curve: Curve::P384, .. } => 384,
        Material::Ec { curve: Curve::P521, .. } => 521,
    }
}

/// The kind of a value of which the first character is known to be right.
fn kind(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// The beginning of a text that is only shown.
fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests;
