//! Check 2, the form of a token: a JWS in compact serialization (RFC 7515
//! §7.1) and its header. The claims have a file of their own.
//!
//! Order: parts, base64url, JSON, types; then `alg`; then `crit` and `typ`.

use crate::algorithm::{Algorithm, AlgorithmSet};
use crate::json::{self, Node};
use crate::refusal::{Malformed, Refusal};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// The longest token in bytes: what fits into a PostgreSQL password packet of
/// 65,535 bytes beside its length word and its NUL.
pub const MAX_BYTES: usize = 65_530;

/// A token cut at its dots and decoded. Nothing in it is to be believed.
#[derive(Debug)]
pub struct CompactJws<'t> {
    /// The first two parts with the dot between them, as they came.
    signing_input: &'t [u8],
    header: Zeroizing<Vec<u8>>,
    payload: Zeroizing<Vec<u8>>,
    signature: Zeroizing<Vec<u8>>,
}

impl<'t> CompactJws<'t> {
    /// Cuts and decodes. Each part is base64url without padding, white space
    /// or unused bits that are set, so that no two texts are the same token.
    pub fn decode(token: &'t [u8]) -> Result<CompactJws<'t>, Malformed> {
        if token.len() > MAX_BYTES {
            return Err(Malformed::TooLong(token.len()));
        }
        let mut dots = memchr::memchr_iter(b'.', token);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(Malformed::Parts(memchr::memchr_iter(b'.', token).count() + 1));
        };
        Ok(CompactJws {
            signing_input: &token[..second],
            header: base64url(&token[..first], "header")?,
            payload: base64url(&token[first + 1..second], "payload")?,
            signature: base64url(&token[second + 1..], "signature")?,
        })
    }

    /// What the signature is over (RFC 7515 §5.2).
    pub fn signing_input(&self) -> &'t [u8] {
        self.signing_input
    }

    /// The decoded first part.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The decoded second part.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The decoded third part; may be empty.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// Whether a password begins as a token does: with a JSON object in base64url
/// and a dot. A token that was cut or damaged after its header still does.
pub fn begins_like_token(password: &[u8]) -> bool {
    let Some(dot) = password.iter().position(|byte| *byte == b'.') else { return false };
    let Ok(header) = base64url(&password[..dot], "header") else { return false };
    let header = header.trim_ascii();
    header.starts_with(b"{") && header.ends_with(b"}")
}

/// The token is as good as a password: its parts are wiped when they are dropped.
fn base64url(text: &[u8], part: &'static str) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new).map_err(|_| Malformed::Base64(part))
}

/// The members of a header that mean something here. All others, `jku`, `jwk`,
/// `x5u` and `x5c` among them, are ignored: keys come from the settings only.
#[derive(Clone, Debug)]
pub struct Header {
    /// `None` where it is absent or not a string: neither is an accepted algorithm.
    alg: Option<String>,
    kid: Option<String>,
    typ: Option<String>,
    has_crit: bool,
}

impl Header {
    /// Reads a decoded header and holds its members to their types.
    pub fn parse(bytes: &[u8]) -> Result<Header, Malformed> {
        let node = object(bytes, "header")?;
        Ok(Header {
            alg: node.get("alg").and_then(Node::as_str).map(str::to_owned),
            kid: string_member(&node, "kid")?.map(str::to_owned),
            typ: string_member(&node, "typ")?.map(str::to_owned),
            has_crit: node.get("crit").is_some(),
        })
    }

    /// The name of the key that the token asks for.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithm, where it is one of `accepted`; then the rest of the header.
    pub fn check(&self, accepted: AlgorithmSet) -> Result<Algorithm, Refusal> {
        let named = self.alg.as_deref().and_then(Algorithm::from_name);
        let Some(algorithm) = named.filter(|alg| accepted.contains(*alg)) else {
            return Err(Refusal::UnsupportedAlgorithm { alg: self.alg.clone(), accepted });
        };
        match self.faults().next() {
            Some(fault) => Err(Refusal::MalformedToken(fault)),
            None => Ok(algorithm),
        }
    }

    /// What is wrong with the header besides its algorithm: `crit`, then `typ`.
    pub fn faults(&self) -> impl Iterator<Item = Malformed> {
        let unknown = |typ: &&String| !TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known));
        let typ = self.typ.as_ref().filter(unknown).map(|typ| Malformed::Type(typ.clone()));
        self.has_crit.then_some(Malformed::Critical).into_iter().chain(typ)
    }
}

/// What `typ` may say, in any case (RFC 7515 §4.1.9, RFC 9068 §2.1).
const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

/// The object that this part of a token is.
pub(crate) fn object<'d>(bytes: &'d [u8], part: &'static str) -> Result<Node<'d>, Malformed> {
    match json::parse(bytes).map_err(|error| Malformed::Json(part, error))? {
        node @ Node::Object(_) => Ok(node),
        _ => Err(Malformed::NotAnObject(part)),
    }
}

/// A member that must be a string where it is present.
pub(crate) fn string_member<'n>(
    object: &'n Node<'_>,
    member: &'static str,
) -> Result<Option<&'n str>, Malformed> {
    match object.get(member) {
        None => Ok(None),
        Some(Node::String(text)) => Ok(Some(text)),
        Some(other) => Err(Malformed::MemberType { member, found: other.kind() }),
    }
}

#[cfg(test)]
mod tests;
