//! What is asked for, and what came of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The key set of one issuer, to be fetched now.
#[derive(Clone, Debug)]
pub struct Request {
    /// The issuer's name, for whoever logs the result; it is not compared.
    pub issuer: String,
    /// Where to look.
    pub place: Place,
    /// PEM certificates that replace the system's roots. [`crate::check_ca`] says
    /// beforehand whether they are sound.
    pub custom_ca: Option<Arc<[u8]>>,
    /// For everything together: names, connections, TLS, both answers to their
    /// last byte.
    pub timeout: Duration,
}

/// Where the key set of an issuer is found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// In the discovery document (OpenID Connect Discovery 1.0 §4).
    Discovery {
        /// Of the document.
        url: String,
        /// What its member `issuer` may be; compared exactly.
        accepted_issuers: Vec<String>,
    },
    /// At a URL that the settings name.
    Jwks {
        /// Of the key set.
        url: String,
    },
}

/// A key set as it came, unread.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fetched {
    /// Where it was found: from the settings or from discovery, before redirects.
    pub jwks_uri: String,
    /// The answer's body, at most [`crate::MAX_BODY`] bytes. Whether it is a key
    /// set is for core to say.
    pub body: Vec<u8>,
    /// How long the answer may be used from now on, as its headers state
    /// (RFC 9111 §4.2); zero where they say that it is stale already. `None`
    /// where they state nothing, or `no-cache` or `no-store`.
    pub lifetime: Option<Duration>,
    /// The answer's `Date`, with its `Age`, minus our clock, in seconds.
    pub clock_offset: Option<i64>,
}

/// Why there is no key set: for the log and for views, never for a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FetchError {
    /// Of the request that failed: of the discovery document or of the key set.
    pub url: String,
    /// Of the answer, where one came.
    pub status: Option<u16>,
    /// One line without control characters: `503 Service Unavailable`,
    /// `no answer within 15 s`.
    pub cause: String,
}

/// `GET https://idp.example/keys: 503 Service Unavailable`
impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GET {}: {}", self.url, self.cause)
    }
}

impl std::error::Error for FetchError {}
