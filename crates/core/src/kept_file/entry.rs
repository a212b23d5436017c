//! One kept set and one kept key, as JSON.

use super::{Damage, KeptSet};
use crate::algorithm::Algorithm;
use crate::digest::Digest;
use crate::held_keys::{HeldKey, HeldKeys, SeenKey};
use crate::json::Node;
use crate::jwk::{Curve, Material, PublicKey};
use crate::time::UnixTime;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::collections::BTreeMap;
use std::time::Duration;

/// One set; `None` where it was never fetched.
pub(super) fn write_set(set: &KeptSet) -> Option<String> {
    let fetched_at = set.held.last_success?;
    let lifetime = u64::try_from(set.held.lifetime.as_millis()).unwrap_or(u64::MAX);
    let keys: Vec<String> = set.held.keys.iter().map(write_key).collect();
    Some(format!(
        "{{\"source\":\"{}\",\"issuer\":{},\"jwks_uri\":{},\"fetched_at\":{},\
         \"lifetime_ms\":{lifetime},\"keys\":[{}]}}",
        hex(&set.source),
        quoted(&set.issuer),
        quoted(&set.jwks_uri),
        fetched_at.seconds(),
        keys.join(",")
    ))
}

fn write_key(held: &HeldKey) -> String {
    let vanished = held.vanished.map_or("null".to_owned(), |since| since.seconds().to_string());
    let what = match &held.key.public {
        Ok(public) => format!("\"jwk\":{{{}}}", jwk(public, held.key.use_.as_deref())),
        Err(note) => note_members(&held.key, note),
    };
    format!(
        "{{\"first_seen\":{},\"last_seen\":{},\"vanished\":{vanished},{what}}}",
        held.first_seen.seconds(),
        held.last_seen.seconds()
    )
}

/// The members of a JWK (RFC 7518 §6): those that this project reads.
fn jwk(key: &PublicKey, purpose: Option<&str>) -> String {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let (kty, mut members) = match &key.material {
        Material::Rsa { n, e } => ("RSA", vec![("n", encode(n)), ("e", encode(e))]),
        Material::Ec { curve, point } => {
            let crv = match curve {
                Curve::P256 => "P-256",
                Curve::P384 => "P-384",
                Curve::P521 => "P-521",
            };
            // The point is 04 || x || y, its two coordinates of the same length.
            let (x, y) = point.split_at(point.len() / 2 + 1);
            let x = x.get(1..).unwrap_or_default();
            ("EC", vec![("crv", crv.to_owned()), ("x", encode(x)), ("y", encode(y))])
        }
        Material::Ed25519 { x } => ("OKP", vec![("crv", "Ed25519".to_owned()), ("x", encode(x))]),
    };
    members.push(("kty", kty.to_owned()));
    members.extend(key.kid.clone().map(|kid| ("kid", kid)));
    members.extend(key.algorithm.map(|alg| ("alg", Algorithm::name(alg).to_owned())));
    members.extend(purpose.map(|purpose| ("use", purpose.to_owned())));
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("\"{name}\":{}", quoted(value))).collect();
    members.join(",")
}

/// What is known of a key that can verify nothing.
fn note_members(key: &SeenKey, note: &str) -> String {
    let texts = [("kid", &key.kid), ("kty", &key.kty), ("alg", &key.alg), ("use", &key.use_)];
    let mut members: Vec<String> = texts
        .iter()
        .filter_map(|(name, text)| Some(format!("\"{name}\":{}", quoted(text.as_ref()?))))
        .collect();
    members.extend(key.bits.map(|bits| format!("\"bits\":{bits}")));
    members.push(format!("\"note\":{}", quoted(note)));
    members.join(",")
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// All 32 bytes, where [`Digest`]'s own text has half of them.
pub(super) fn hex(digest: &Digest) -> String {
    digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The sets, where the text is an array of such.
pub(super) fn read_sets(body: &Node<'_>) -> Result<Vec<KeptSet>, Damage> {
    array(body, "the content")?.iter().map(read_set).collect()
}

fn read_set(node: &Node<'_>) -> Result<KeptSet, Damage> {
    let members =
        Members::of(node, &["source", "issuer", "jwks_uri", "fetched_at", "lifetime_ms", "keys"])?;
    let keys = array(members.get("keys")?, "\"keys\"")?;
    Ok(KeptSet {
        source: digest(&members.text("source")?)?,
        issuer: members.text("issuer")?,
        jwks_uri: members.text("jwks_uri")?,
        held: HeldKeys {
            keys: keys.iter().map(read_key).collect::<Result<_, _>>()?,
            last_success: Some(members.time("fetched_at")?),
            lifetime: Duration::from_millis(members.number("lifetime_ms")?),
        },
    })
}

fn read_key(node: &Node<'_>) -> Result<HeldKey, Damage> {
    let times = ["first_seen", "last_seen", "vanished"];
    let key = if let Some(jwk) = node.get("jwk") {
        Members::of(node, &[&times[..], &["jwk"]].concat())?;
        let key = SeenKey::read(jwk);
        if let Err(note) = &key.public {
            return Err(Damage(format!("a key in it is none: {note}")));
        }
        key
    } else {
        read_note(node, &times)?
    };
    let members = Members::any(node)?;
    let vanished = match members.get("vanished")? {
        Node::Null => None,
        _ => Some(members.time("vanished")?),
    };
    let (first_seen, last_seen) = (members.time("first_seen")?, members.time("last_seen")?);
    Ok(HeldKey { key, first_seen, last_seen, vanished })
}

fn read_note(node: &Node<'_>, times: &[&str]) -> Result<SeenKey, Damage> {
    let members =
        Members::of(node, &[times, &["kid", "kty", "alg", "use", "bits", "note"]].concat())?;
    let text = |name| node.get(name).map(|_| members.text(name)).transpose();
    let bits = node.get("bits").map(|_| members.number("bits")).transpose()?;
    Ok(SeenKey {
        kid: text("kid")?,
        kty: text("kty")?,
        alg: text("alg")?,
        use_: text("use")?,
        bits: bits.map(u32::try_from).transpose().map_err(|_| wrong("bits"))?,
        public: Err(members.text("note")?),
    })
}

/// The first time in a set that is later than `now`.
pub(super) fn from_future(set: &KeptSet, now: UnixTime) -> Option<UnixTime> {
    let of_key = |held: &HeldKey| [Some(held.first_seen), Some(held.last_seen), held.vanished];
    let times = set.held.keys.iter().flat_map(of_key).flatten();
    set.held.last_success.into_iter().chain(times).find(|time| *time > now)
}

fn wrong(member: &str) -> Damage {
    Damage(format!("member {member:?} is missing or wrong"))
}

fn array<'n, 'a>(node: &'n Node<'a>, what: &str) -> Result<&'n Vec<Node<'a>>, Damage> {
    match node {
        Node::Array(items) => Ok(items),
        other => Err(Damage(format!("{what} is {}, not an array", other.kind()))),
    }
}

fn digest(text: &str) -> Result<Digest, Damage> {
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| wrong("source"))?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong("source"))?;
    }
    // What is too long, too short, in capitals or signed does not come out again.
    Some(Digest::from_bytes(bytes)).filter(|digest| hex(digest) == text).ok_or(wrong("source"))
}

/// The members of an object, asked for by name.
struct Members<'n, 'a>(&'n BTreeMap<String, Node<'a>>);

impl<'n, 'a> Members<'n, 'a> {
    fn any(node: &'n Node<'a>) -> Result<Self, Damage> {
        match node {
            Node::Object(members) => Ok(Members(members)),
            other => Err(Damage(format!("{} stands where an object should", other.kind()))),
        }
    }

    /// Of an object that has no others than these.
    fn of(node: &'n Node<'a>, allowed: &[&str]) -> Result<Self, Damage> {
        let members = Members::any(node)?;
        match members.0.keys().find(|name| !allowed.contains(&name.as_str())) {
            Some(name) => Err(Damage(format!("member {name:?} is not known"))),
            None => Ok(members),
        }
    }

    fn get(&self, name: &str) -> Result<&'n Node<'a>, Damage> {
        self.0.get(name).ok_or_else(|| wrong(name))
    }

    fn text(&self, name: &str) -> Result<String, Damage> {
        self.get(name)?.as_str().map(str::to_owned).ok_or_else(|| wrong(name))
    }

    fn number(&self, name: &str) -> Result<u64, Damage> {
        match self.get(name)? {
            Node::Number(digits) => digits.parse().map_err(|_| wrong(name)),
            _ => Err(wrong(name)),
        }
    }

    fn time(&self, name: &str) -> Result<UnixTime, Damage> {
        UnixTime::from_seconds(self.number(name)?).ok_or_else(|| wrong(name))
    }
}
