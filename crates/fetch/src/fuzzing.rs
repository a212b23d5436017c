//! The inner functions that read what a hostile server sends, for fuzz/.

use crate::address::Address;
use crate::{discovery, freshness};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::time::{Duration, SystemTime};

/// An address that the crate would ask, as much of it as an invariant needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asked {
    /// The URL as it would be shown.
    pub url: String,
    /// The host that would be connected to.
    pub host: String,
    /// The path and query that would be sent.
    pub path: String,
    /// Whether by https.
    pub https: bool,
    /// Whether it is this machine.
    pub loopback: bool,
}

impl From<Address> for Asked {
    fn from(address: Address) -> Asked {
        Asked {
            url: address.to_string(),
            host: address.host().to_owned(),
            path: address.uri().path_and_query().map_or("", |path| path.as_str()).to_owned(),
            https: address.is_https(),
            loopback: address.is_loopback(),
        }
    }
}

/// The address that a text is.
pub fn address(text: &str) -> Option<Asked> {
    Address::parse(text).ok().map(Asked::from)
}

/// Where a discovery document of `provider` says that the keys are.
pub fn jwks_uri(document: &[u8], accepted: &[String], provider: &str) -> Option<Asked> {
    let provider = Address::parse(provider).ok()?;
    discovery::jwks_uri(document, accepted, &provider).ok().map(Asked::from)
}

/// Where `Location: reference` in an answer from `base` leads, and what differs.
pub fn redirect(base: &str, reference: &str) -> Option<(Asked, Option<&'static str>)> {
    let base = Address::parse(base).ok()?;
    let target = base.resolve(reference).ok()?;
    let elsewhere = base.elsewhere(&target);
    Some((Asked::from(target), elsewhere))
}

/// How long an answer with these headers may be used, and how far its clock is off.
pub fn freshness(headers: &[(&str, &[u8])], now: SystemTime) -> (Option<Duration>, Option<i64>) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::from_bytes(value))
        {
            map.append(name, value);
        }
    }
    (freshness::lifetime(&map, now), freshness::clock_offset(&map, now))
}
