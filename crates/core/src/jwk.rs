//! One public key as a JSON Web Key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
//!
//! Reading tells three faults apart, because settings treat them differently:
//! a key that is malformed, one that must not be here at all because it is
//! secret, and one that is well-formed but can verify no token.

use crate::algorithm::Algorithm;
use crate::json::Node;
use crate::signature;
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::fmt;

/// A public key that can verify tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicKey {
    /// The name by which a token's header asks for it.
    pub kid: Option<String>,
    /// The only algorithm it may be used with; without one, all of its family.
    pub algorithm: Option<Algorithm>,
    /// The numbers.
    pub material: Material,
}

/// The numbers of a public key, big-endian.
#[derive(Clone, Debug, PartialEq)]
pub enum Material {
    /// Both without leading zero bytes; `n` has 2048 to 8192 bits, `e` is odd and at least 3.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
    /// A point on one of the NIST curves.
    Ec {
        /// Which curve.
        curve: Curve,
        /// Uncompressed: `04 || x || y` (SEC 1 §2.3.3).
        point: Vec<u8>,
    },
    /// An Edwards point.
    Ed25519 {
        /// 32 bytes (RFC 8032 §5.1.2).
        x: Vec<u8>,
    },
}

/// The curves of ES256, ES384 and ES512.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs)] // the names are the registered ones
pub enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    fn from_name(name: &str) -> Option<Curve> {
        match name {
            "P-256" => Some(Curve::P256),
            "P-384" => Some(Curve::P384),
            "P-521" => Some(Curve::P521),
            _ => None,
        }
    }

    /// Bytes of one coordinate.
    fn coordinate_len(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }
}

impl Material {
    /// Whether the numbers are of the form that this type promises, as those of
    /// every key that was read from a JWK are.
    pub(crate) fn is_well_formed(&self) -> bool {
        match self {
            Material::Rsa { n, e } => {
                let no_zero = |number: &[u8]| number.first().is_some_and(|byte| *byte != 0);
                no_zero(n) && no_zero(e) && check_strength(self).is_ok()
            }
            Material::Ec { curve, point } => {
                point.len() == 1 + 2 * curve.coordinate_len() && point[0] == 4
            }
            Material::Ed25519 { x } => x.len() == 32,
        }
    }

    /// Whether keys of this type and curve can make signatures of `alg`.
    fn serves(&self, alg: Algorithm) -> bool {
        use Algorithm::*;
        match self {
            Material::Rsa { .. } => matches!(alg, Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512),
            Material::Ec { curve: Curve::P256, .. } => alg == Es256,
            Material::Ec { curve: Curve::P384, .. } => alg == Es384,
            Material::Ec { curve: Curve::P521, .. } => alg == Es512,
            Material::Ed25519 { .. } => alg == EdDsa,
        }
    }
}

impl PublicKey {
    /// Whether a token of `alg` may be verified with this key: type and curve
    /// are right, and the key's own `alg`, where it has one, is the same.
    pub fn fits(&self, alg: Algorithm) -> bool {
        self.material.serves(alg) && self.algorithm.is_none_or(|own| own == alg)
    }

    /// Reads a JWK whole: as [`PublicKey::read`] does, and then asks the
    /// cryptographic library whether its numbers are those of a key.
    pub fn from_jwk(jwk: &Node<'_>) -> Result<PublicKey, KeyFault> {
        let key = PublicKey::read(jwk)?;
        if signature::is_sound(&key.material) { Ok(key) } else { Err(Unusable::Unsound.into()) }
    }

    /// Reads a JWK without any cryptography. Members that this project does not
    /// know are ignored (RFC 7517 §4).
    pub fn read(jwk: &Node<'_>) -> Result<PublicKey, KeyFault> {
        if !matches!(jwk, Node::Object(_)) {
            return Err(KeyFault::Malformed(format!("a key is an object, not {}", jwk.kind())));
        }
        if is_secret(jwk) {
            return Err(KeyFault::Secret);
        }
        let kty = required_text(jwk, "kty")?;
        let kid = text(jwk, "kid")?.map(str::to_owned);
        let alg = text(jwk, "alg")?;
        let purpose = purpose(jwk)?;
        let material = match kty {
            "RSA" => rsa(jwk)?,
            "EC" => ec(jwk)?,
            "OKP" => okp(jwk)?,
            other => return Err(Unusable::KeyType(excerpt(other)).into()),
        };
        if let Some(unusable) = purpose {
            return Err(unusable.into());
        }
        let algorithm = alg.map(|name| algorithm(name, &material)).transpose()?;
        check_strength(&material)?;
        Ok(PublicKey { kid, algorithm, material })
    }
}

/// Why a JWK gives no [`PublicKey`].
#[derive(Clone, Debug, PartialEq)]
pub enum KeyFault {
    /// A member is missing, of the wrong type or undecodable; which, and how.
    Malformed(String),
    /// It holds private or symmetric key material.
    Secret,
    /// Well-formed, but no token can be verified with it.
    Unusable(Unusable),
}

impl From<Unusable> for KeyFault {
    fn from(unusable: Unusable) -> Self {
        KeyFault::Unusable(unusable)
    }
}

/// Why a well-formed key can verify no token.
#[derive(Clone, Debug, PartialEq)]
pub enum Unusable {
    /// A `kty` other than `RSA`, `EC` and `OKP`.
    KeyType(String),
    /// A `crv` other than `P-256`, `P-384`, `P-521` and `Ed25519`.
    Curve(String),
    /// A `use` other than `sig`.
    Use(String),
    /// `key_ops` without `verify`.
    Operations,
    /// An `alg` that is unknown or not one of this key type and curve.
    Algorithm(String),
    /// An RSA modulus of so many bits.
    RsaBits(usize),
    /// An RSA exponent that is even or less than 3.
    RsaExponent,
    /// Refused by the cryptographic library: a point off its curve, say.
    Unsound,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::KeyType(kty) => write!(f, "key type {kty:?} is not known"),
            Unusable::Curve(crv) => write!(f, "curve {crv:?} is not supported"),
            Unusable::Use(purpose) => write!(f, "its \"use\" is {purpose:?}, not \"sig\""),
            Unusable::Operations => f.write_str("its \"key_ops\" do not include \"verify\""),
            Unusable::Algorithm(alg) => {
                write!(f, "its \"alg\" {alg:?} is not a signature algorithm of such a key")
            }
            Unusable::RsaBits(bits) => {
                write!(f, "RSA key of {bits} bits, outside of {MIN_RSA_BITS} to {MAX_RSA_BITS}")
            }
            Unusable::RsaExponent => f.write_str("RSA exponent is even or less than 3"),
            Unusable::Unsound => f.write_str("its numbers are not those of a public key"),
        }
    }
}

const MIN_RSA_BITS: usize = 2048;
const MAX_RSA_BITS: usize = 8192;

/// The members that only private and symmetric keys have: RFC 7518 §6.2.2,
/// §6.3.2 and §6.4.1; `priv` is that of the key type AKP.
const SECRET_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

fn is_secret(jwk: &Node<'_>) -> bool {
    jwk.get("kty").and_then(Node::as_str) == Some("oct")
        || SECRET_MEMBERS.iter().any(|member| jwk.get(member).is_some())
}

fn text<'n>(jwk: &'n Node<'_>, member: &str) -> Result<Option<&'n str>, KeyFault> {
    match jwk.get(member) {
        None => Ok(None),
        Some(Node::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(member, "a string", other)),
    }
}

fn required_text<'n>(jwk: &'n Node<'_>, member: &str) -> Result<&'n str, KeyFault> {
    text(jwk, member)?.ok_or_else(|| KeyFault::Malformed(format!("member {member:?} is missing")))
}

fn wrong_type(member: &str, wanted: &str, found: &Node<'_>) -> KeyFault {
    KeyFault::Malformed(format!("member {member:?} is {}, not {wanted}", found.kind()))
}

/// What `use` and `key_ops` say against verifying, if anything (RFC 7517 §4.2, §4.3).
fn purpose(jwk: &Node<'_>) -> Result<Option<Unusable>, KeyFault> {
    let purpose = text(jwk, "use")?;
    let operations = match jwk.get("key_ops") {
        None => None,
        Some(Node::Array(items)) => Some(items),
        Some(other) => return Err(wrong_type("key_ops", "an array of strings", other)),
    };
    if let Some(item) = operations.into_iter().flatten().find(|item| item.as_str().is_none()) {
        return Err(wrong_type("key_ops", "an array of strings", item));
    }
    Ok(match (purpose, operations) {
        (Some(other), _) if other != "sig" => Some(Unusable::Use(excerpt(other))),
        (_, Some(items)) if !items.iter().any(|item| item.as_str() == Some("verify")) => {
            Some(Unusable::Operations)
        }
        _ => None,
    })
}

fn rsa(jwk: &Node<'_>) -> Result<Material, KeyFault> {
    Ok(Material::Rsa { n: integer(jwk, "n")?, e: integer(jwk, "e")? })
}

fn ec(jwk: &Node<'_>) -> Result<Material, KeyFault> {
    let crv = required_text(jwk, "crv")?;
    let curve = Curve::from_name(crv).ok_or_else(|| Unusable::Curve(excerpt(crv)))?;
    let mut point = vec![4];
    for member in ["x", "y"] {
        point.extend(octets(jwk, member, curve.coordinate_len())?);
    }
    Ok(Material::Ec { curve, point })
}

fn okp(jwk: &Node<'_>) -> Result<Material, KeyFault> {
    match required_text(jwk, "crv")? {
        "Ed25519" => Ok(Material::Ed25519 { x: octets(jwk, "x", 32)? }),
        other => Err(Unusable::Curve(excerpt(other)).into()),
    }
}

/// A Base64urlUInt without its leading zero bytes. RFC 7518 §6.3.1.1 forbids
/// those, and real issuers send them.
fn integer(jwk: &Node<'_>, member: &str) -> Result<Vec<u8>, KeyFault> {
    let mut bytes = decode(jwk, member)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    if bytes.is_empty() {
        return Err(KeyFault::Malformed(format!("member {member:?} is zero")));
    }
    Ok(bytes)
}

/// A byte string of a fixed length (RFC 7518 §6.2.1.2: leading zeros stay).
fn octets(jwk: &Node<'_>, member: &str, len: usize) -> Result<Vec<u8>, KeyFault> {
    let bytes = decode(jwk, member)?;
    if bytes.len() != len {
        let found = bytes.len();
        return Err(KeyFault::Malformed(format!("member {member:?} has {found} bytes, not {len}")));
    }
    Ok(bytes)
}

/// base64url as in tokens, except that `=` at the end is tolerated: keys come
/// from a source that the administrator trusts, and some of those pad.
const PADDING_TOLERATED: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn decode(jwk: &Node<'_>, member: &str) -> Result<Vec<u8>, KeyFault> {
    PADDING_TOLERATED
        .decode(required_text(jwk, member)?)
        .map_err(|_| KeyFault::Malformed(format!("member {member:?} is not base64url")))
}

fn algorithm(name: &str, material: &Material) -> Result<Algorithm, Unusable> {
    Algorithm::from_name(name)
        .filter(|alg| material.serves(*alg))
        .ok_or_else(|| Unusable::Algorithm(excerpt(name)))
}

fn check_strength(material: &Material) -> Result<(), Unusable> {
    if let Material::Rsa { n, e } = material {
        let bits = bits(n);
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
            return Err(Unusable::RsaBits(bits));
        }
        let odd = e.last().is_some_and(|byte| byte & 1 == 1);
        if !odd || e.as_slice() == [1] {
            return Err(Unusable::RsaExponent);
        }
    }
    Ok(())
}

/// Bits of a number without leading zero bytes.
fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |byte| number.len() * 8 - byte.leading_zeros() as usize)
}

/// The beginning of a text that goes into a message.
fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests;
