//! Key sets that an administrator wrote into a setting or a file (RFC 7517 §5).

use crate::digest::Digest;
use crate::json::{self, Node};
use crate::jwk::{KeyFault, PublicKey, Unusable};
use crate::setting_error::SettingError;
use std::fmt;
use std::sync::Arc;

/// A checked key set, kept as the text it came as: the keys themselves are
/// read again by whoever serves them, so that the process which only checks
/// settings holds none.
///
/// The default is a set that is not configured.
#[derive(Clone, Debug)]
pub struct StaticJwks {
    /// Of the text; the same for every set that is not configured.
    pub digest: Digest,
    /// What was configured; empty for a set that is not configured.
    pub text: Arc<str>,
}

/// A key of a set that is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct UnusableKey {
    /// Its place in the set, from 0.
    pub index: usize,
    /// Its name, if it has one.
    pub kid: Option<String>,
    /// What is wrong with it.
    pub why: Unusable,
}

/// `key 2 (index 1): RSA key of 1024 bits, …`
impl fmt::Display for UnusableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", place(self.index), self.why)
    }
}

impl Default for StaticJwks {
    fn default() -> Self {
        StaticJwks { digest: Digest::of(&[]), text: Arc::from("") }
    }
}

impl StaticJwks {
    /// Checks a JWK set or a single JWK. A blank text, `[]` and a set of no keys
    /// are not configured.
    ///
    /// # Errors
    /// What is not JSON or not a key set; a malformed key, by its place; a
    /// private or symmetric key, of which nothing is repeated.
    pub fn parse(text: &str) -> Result<StaticJwks, SettingError> {
        if text.trim().is_empty() {
            return Ok(StaticJwks::default());
        }
        if !text.trim_start().starts_with(['{', '[']) {
            return Err(not_a_set("it does not begin with \"{\""));
        }
        let document =
            json::parse(text.as_bytes()).map_err(|error| SettingError::new(error.to_string()))?;
        let keys = elements(&document)?;
        if keys.is_empty() {
            return Ok(StaticJwks::default());
        }
        for (index, jwk) in keys.iter().enumerate() {
            match PublicKey::read(jwk) {
                Ok(_) | Err(KeyFault::Unusable(_)) => {}
                Err(KeyFault::Malformed(what)) => {
                    return Err(SettingError::new(what).at(place(index)));
                }
                Err(KeyFault::Secret) => return Err(secret(index)),
            }
        }
        Ok(StaticJwks { digest: Digest::of(&[text.as_bytes()]), text: Arc::from(text) })
    }

    /// Whether the text says anything but "no keys".
    pub fn is_configured(&self) -> bool {
        !self.text.is_empty()
    }

    /// The keys that can verify tokens, read from the text again.
    pub fn keys(&self) -> Vec<PublicKey> {
        self.each(|_, jwk| PublicKey::from_jwk(jwk).ok())
    }

    /// The well-formed keys that can verify no token, in the order of the text.
    pub fn unusable(&self) -> Vec<UnusableKey> {
        self.each(|index, jwk| {
            let Err(KeyFault::Unusable(why)) = PublicKey::from_jwk(jwk) else { return None };
            let kid = jwk.get("kid").and_then(Node::as_str).map(str::to_owned);
            Some(UnusableKey { index, kid, why })
        })
    }

    fn each<T>(&self, read: impl Fn(usize, &Node<'_>) -> Option<T>) -> Vec<T> {
        let Ok(document) = json::parse(self.text.as_bytes()) else {
            return Vec::new(); // not configured; any other text has passed `parse`
        };
        let keys = elements(&document).unwrap_or_default();
        keys.into_iter().enumerate().filter_map(|(index, jwk)| read(index, jwk)).collect()
    }
}

/// The keys of a set, or the one key that the document is.
fn elements<'n, 'a>(document: &'n Node<'a>) -> Result<Vec<&'n Node<'a>>, SettingError> {
    match document {
        Node::Array(items) if items.is_empty() => Ok(Vec::new()),
        Node::Array(_) => Err(not_a_set("it is an array")),
        Node::Object(members) => match members.get("keys") {
            None => Ok(vec![document]),
            Some(_) if members.contains_key("kty") => Err(not_a_set("it has \"keys\" and \"kty\"")),
            Some(Node::Array(items)) => Ok(items.iter().collect()),
            Some(other) => {
                Err(SettingError::new(format!("member \"keys\" is {}, not an array", other.kind())))
            }
        },
        other => Err(not_a_set(&format!("it is {}", other.kind()))),
    }
}

fn not_a_set(why: &str) -> SettingError {
    SettingError::new(format!("neither a JWK set nor a JWK: {why}"))
        .with_hint("A JWK set is written {\"keys\":[{\"kty\":...},...]}.")
}

fn secret(index: usize) -> SettingError {
    SettingError::new(format!("{} is a private or symmetric key", place(index))).with_hint(
        "Only public keys belong here. Whoever reads the server log may now know this key.",
    )
}

/// People count from 1, RFC 6901 pointers and jq from 0.
fn place(index: usize) -> String {
    format!("key {} (index {index})", index + 1)
}

#[cfg(test)]
mod tests;
