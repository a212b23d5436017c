//! The key set that an issuer publishes, made into one that a setting takes.
//!
//! A fetched set is read leniently, key by key; a set in `jwt_sso.jwks` is
//! refused whole for one malformed key. Who carries a set from the one place
//! to the other leaves out what could verify nothing anyway.

use crate::held_keys::{JwksProblem, raw_keys};
use crate::json::{self, Node};
use crate::jwk::{KeyFault, PublicKey};
use crate::jwks::StaticJwks;
use crate::setting_error::SettingError;
use crate::visible::{ascii_json, quote};
use std::fmt;

/// The keys of a set that can verify tokens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishedSet {
    /// Each as JSON on one line, in ASCII, with all of its members in the order
    /// of their names; in the order of the set. There is at least one.
    keys: Vec<String>,
    /// What was left out.
    pub left_out: Vec<LeftOut>,
}

/// A key that was left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeftOut {
    /// Its place in the set, from 0.
    pub index: usize,
    /// Its name, where it has one that can be read.
    pub kid: Option<String>,
    /// Why it can verify no token.
    pub why: String,
}

/// `key 2 "enc-1": its "use" is "enc", not "sig"`
impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}", self.index + 1)?;
        if let Some(kid) = &self.kid {
            write!(f, " {}", quote(kid))?;
        }
        write!(f, ": {}", self.why)
    }
}

/// Why there is no set to carry on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refused {
    /// The document is no key set.
    NotASet(JwksProblem),
    /// The key of this index is private or symmetric.
    Secret(usize),
    /// No key is left; those there were.
    Empty(Vec<LeftOut>),
    /// `jwt_sso.jwks` would not take it all the same.
    Setting(SettingError),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NotASet(problem) => problem.fmt(f),
            Refused::Secret(index) => {
                write!(f, "key {} of the set is a private or symmetric key", index + 1)
            }
            Refused::Empty(left_out) if left_out.is_empty() => f.write_str("the set has no keys"),
            Refused::Empty(left_out) => {
                let keys: Vec<String> = left_out.iter().map(LeftOut::to_string).collect();
                write!(f, "the set has no key that can verify a token: {}", keys.join("; "))
            }
            Refused::Setting(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Refused {}

impl PublishedSet {
    /// Reads the document that an issuer publishes.
    ///
    /// # Errors
    /// What is no key set, one with a private or symmetric key in it, and one
    /// without a key that can verify a token.
    pub fn read(document: &[u8]) -> Result<PublishedSet, Refused> {
        let (mut keys, mut left_out) = (Vec::new(), Vec::new());
        for (index, raw) in raw_keys(document).map_err(Refused::NotASet)?.iter().enumerate() {
            let jwk = match json::parse(raw.get().as_bytes()) {
                Ok(jwk) => jwk,
                Err(error) => {
                    left_out.push(LeftOut { index, kid: None, why: error.to_string() });
                    continue;
                }
            };
            let why = match PublicKey::from_jwk(&jwk) {
                Ok(_) => {
                    keys.push(ascii_json(&jwk.to_string()));
                    continue;
                }
                Err(KeyFault::Secret) => return Err(Refused::Secret(index)),
                Err(KeyFault::Malformed(what)) => what,
                Err(KeyFault::Unusable(why)) => why.to_string(),
            };
            let kid = jwk.get("kid").and_then(Node::as_str).map(str::to_owned);
            left_out.push(LeftOut { index, kid, why });
        }
        if keys.is_empty() {
            return Err(Refused::Empty(left_out));
        }
        let set = PublishedSet { keys, left_out };
        StaticJwks::parse(&set.text()).map_err(Refused::Setting)?;
        Ok(set)
    }

    /// The set on one line, as `jwt_sso.jwks` takes it.
    pub fn text(&self) -> String {
        format!("{{\"keys\":[{}]}}", self.keys.join(","))
    }

    /// How many keys it has.
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// Whether the other has the same keys, in whatever order: an issuer's
    /// front ends do not all list them alike.
    pub fn has_keys_of(&self, other: &PublishedSet) -> bool {
        let sorted = |set: &PublishedSet| {
            let mut keys = set.keys.clone();
            keys.sort();
            keys
        };
        sorted(self) == sorted(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8037 A.2, RFC 7517 A.1.
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    const P256: &str = r#"{"kty":"EC","crv":"P-256","kid":"ec","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;

    fn read(keys: &[&str]) -> Result<PublishedSet, Refused> {
        PublishedSet::read(format!("{{\"keys\":[{}]}}", keys.join(", ")).as_bytes())
    }

    #[test]
    fn sound_keys_stay_and_the_others_are_named() {
        let set = read(&[
            P256,
            r#"{"kty":"RSA","kid":"\u001b[2J","use":"enc","n":"AQAB","e":"AQAB"}"#,
            "{}",
            r#"{"kty":"EC","kty":"EC"}"#,
            ED25519,
        ])
        .unwrap();
        assert_eq!(set.count(), 2);
        let left_out: Vec<String> = set.left_out.iter().map(LeftOut::to_string).collect();
        assert_eq!(
            left_out,
            [
                r#"key 2 "\u001b[2J": its "use" is "enc", not "sig""#,
                "key 3: member \"kty\" is missing",
                "key 4: duplicate member \"kty\"",
            ]
        );
        let taken = StaticJwks::parse(&set.text()).unwrap();
        assert_eq!((taken.keys().len(), taken.unusable().len()), (2, 0));
    }

    #[test]
    fn a_secret_an_empty_set_and_no_set_are_refused() {
        let refused = |keys: &[&str]| read(keys).unwrap_err().to_string();
        let secret = r#"{"kty":"oct","k":"AQAB"}"#;
        assert_eq!(refused(&[P256, secret]), "key 2 of the set is a private or symmetric key");
        assert_eq!(refused(&[]), "the set has no keys");
        let none = "the set has no key that can verify a token: key 1: member \"kty\" is missing";
        assert_eq!(refused(&["{}"]), none);
        let no_set = PublishedSet::read(br#"{"error":"gone"}"#).unwrap_err().to_string();
        assert_eq!(no_set, "not a JWK set: it has no member \"keys\"");
    }

    #[test]
    fn the_order_does_not_make_another_set() {
        let (one, other) = (read(&[P256, ED25519]).unwrap(), read(&[ED25519, P256]).unwrap());
        assert!(one.has_keys_of(&other));
        assert!(!one.has_keys_of(&read(&[P256]).unwrap()));
    }
}
