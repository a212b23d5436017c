//! Why a login is refused: the reason codes and the facts behind each.
//!
//! A refusal carries what was found and what was expected, never the token.
//! The words for the client and the log are not written here.

pub mod words;

use crate::algorithm::AlgorithmSet;
use crate::json::JsonError;
use crate::time::UnixTime;
use crate::visible::quote;
use std::fmt;

/// The code of a refusal, as the log and the counters carry it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(missing_docs)] // the codes are their own names
pub enum Reason {
    Misconfigured,
    Disabled,
    InsecureTransport,
    NoToken,
    MalformedToken,
    UnsupportedAlgorithm,
    UnknownIssuer,
    KeysUnavailable,
    UnknownKey,
    BadSignature,
    MissingExpiry,
    Expired,
    NotYetValid,
    IssuedInFuture,
    LifetimeTooLong,
    AudienceMismatch,
    RequiredClaim,
    MissingClaim,
    InvalidClaim,
    RoleNotMapped,
    ReservedRole,
    Denied,
}

impl Reason {
    /// Every reason, in the order of the checks.
    pub const ALL: [Reason; 22] = [
        Reason::Misconfigured,
        Reason::Disabled,
        Reason::InsecureTransport,
        Reason::NoToken,
        Reason::MalformedToken,
        Reason::UnsupportedAlgorithm,
        Reason::UnknownIssuer,
        Reason::KeysUnavailable,
        Reason::UnknownKey,
        Reason::BadSignature,
        Reason::MissingExpiry,
        Reason::Expired,
        Reason::NotYetValid,
        Reason::IssuedInFuture,
        Reason::LifetimeTooLong,
        Reason::AudienceMismatch,
        Reason::RequiredClaim,
        Reason::MissingClaim,
        Reason::InvalidClaim,
        Reason::RoleNotMapped,
        Reason::ReservedRole,
        Reason::Denied,
    ];

    /// The code in snake case: `expired`, `role_not_mapped`.
    pub fn code(self) -> &'static str {
        match self {
            Reason::Misconfigured => "misconfigured",
            Reason::Disabled => "disabled",
            Reason::InsecureTransport => "insecure_transport",
            Reason::NoToken => "no_token",
            Reason::MalformedToken => "malformed_token",
            Reason::UnsupportedAlgorithm => "unsupported_algorithm",
            Reason::UnknownIssuer => "unknown_issuer",
            Reason::KeysUnavailable => "keys_unavailable",
            Reason::UnknownKey => "unknown_key",
            Reason::BadSignature => "bad_signature",
            Reason::MissingExpiry => "missing_expiry",
            Reason::Expired => "expired",
            Reason::NotYetValid => "not_yet_valid",
            Reason::IssuedInFuture => "issued_in_future",
            Reason::LifetimeTooLong => "lifetime_too_long",
            Reason::AudienceMismatch => "audience_mismatch",
            Reason::RequiredClaim => "required_claim",
            Reason::MissingClaim => "missing_claim",
            Reason::InvalidClaim => "invalid_claim",
            Reason::RoleNotMapped => "role_not_mapped",
            Reason::ReservedRole => "reserved_role",
            Reason::Denied => "denied",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A refusal with its facts. Every text in here is what the client sent, what
/// a proven token says or what the administrator set.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Refusal {
    /// Check 0: the settings named here were refused when they were read.
    Misconfigured {
        /// Full names of the settings, `jwt_sso.` included.
        settings: Vec<String>,
    },
    /// Check 1: `jwt_sso.enabled` is off.
    Disabled,
    /// Check 1: neither TLS nor a Unix socket.
    InsecureTransport,
    /// Check 1: the password was empty.
    NoToken,
    /// Check 2.
    MalformedToken(Malformed),
    /// Checks 2 and 3: the header's `alg` is not in the accepted list.
    UnsupportedAlgorithm {
        /// The header's `alg`; `None` where it is absent or not a string.
        alg: Option<String>,
        /// What is accepted, of every issuer or, after check 3, of this one.
        accepted: AlgorithmSet,
    },
    /// Check 3.
    UnknownIssuer {
        /// The token's `iss`; `None` where it has none.
        issuer: Option<String>,
        /// Why it is none that is believed.
        mismatch: IssuerMismatch,
    },
    /// Check 4.
    KeysUnavailable(NoKeys),
    /// Check 5.
    UnknownKey {
        /// The header's `kid`.
        kid: Option<String>,
        /// How many keys the issuer has.
        issuer_keys: usize,
        /// Why none of those that carry the `kid` (all, without one) serves.
        mismatch: KeyMismatch,
    },
    /// Check 6.
    BadSignature {
        /// How many keys were tried.
        tried: usize,
    },
    /// Check 7: `exp` is absent.
    MissingExpiry,
    /// Check 7: `now >= exp + skew`.
    Expired {
        /// The token's `exp`.
        at: UnixTime,
        /// The time of the decision.
        now: UnixTime,
    },
    /// Check 7: `nbf` lies in the future.
    NotYetValid {
        /// The token's `nbf`.
        from: UnixTime,
        /// The time of the decision.
        now: UnixTime,
    },
    /// Check 7: `iat` lies in the future.
    IssuedInFuture {
        /// The token's `iat`.
        at: UnixTime,
        /// The time of the decision.
        now: UnixTime,
    },
    /// Check 7.
    LifetimeTooLong {
        /// Seconds from `iat` (or now, without one) to `exp`.
        seconds: u64,
        /// `max_token_lifetime` in seconds.
        longest: u64,
    },
    /// Check 8.
    AudienceMismatch {
        /// The token's `aud`; empty where it has none.
        found: Vec<String>,
        /// What the issuer's entry or the setting accepts; may be empty.
        accepted: Vec<String>,
    },
    /// Check 9.
    RequiredClaim {
        /// Name or JSON pointer, as the entry has it.
        claim: String,
        /// The claim's value as JSON, `None` where it is absent.
        found: Option<String>,
        /// The demanded value as JSON.
        required: String,
    },
    /// Check 10: the identity claim is absent.
    MissingClaim {
        /// Name or JSON pointer.
        claim: String,
    },
    /// Checks 7 and 10: a claim of the wrong type or out of range.
    InvalidClaim {
        /// Name or JSON pointer.
        claim: String,
        /// What it is, with an article: `a boolean`, `an empty array`.
        found: String,
    },
    /// Check 11.
    RoleNotMapped {
        /// Every identity that the token carries.
        principals: Vec<String>,
        /// What there is of a map for the issuer.
        map: MapFor,
    },
    /// Check 12.
    ReservedRole(Reserved),
    /// After check 12.
    Denied {
        /// The element of `jwt_sso.deny`, counted from 1.
        element: usize,
    },
}

impl Refusal {
    /// The code of this refusal.
    pub fn reason(&self) -> Reason {
        match self {
            Refusal::Misconfigured { .. } => Reason::Misconfigured,
            Refusal::Disabled => Reason::Disabled,
            Refusal::InsecureTransport => Reason::InsecureTransport,
            Refusal::NoToken => Reason::NoToken,
            Refusal::MalformedToken(_) => Reason::MalformedToken,
            Refusal::UnsupportedAlgorithm { .. } => Reason::UnsupportedAlgorithm,
            Refusal::UnknownIssuer { .. } => Reason::UnknownIssuer,
            Refusal::KeysUnavailable(_) => Reason::KeysUnavailable,
            Refusal::UnknownKey { .. } => Reason::UnknownKey,
            Refusal::BadSignature { .. } => Reason::BadSignature,
            Refusal::MissingExpiry => Reason::MissingExpiry,
            Refusal::Expired { .. } => Reason::Expired,
            Refusal::NotYetValid { .. } => Reason::NotYetValid,
            Refusal::IssuedInFuture { .. } => Reason::IssuedInFuture,
            Refusal::LifetimeTooLong { .. } => Reason::LifetimeTooLong,
            Refusal::AudienceMismatch { .. } => Reason::AudienceMismatch,
            Refusal::RequiredClaim { .. } => Reason::RequiredClaim,
            Refusal::MissingClaim { .. } => Reason::MissingClaim,
            Refusal::InvalidClaim { .. } => Reason::InvalidClaim,
            Refusal::RoleNotMapped { .. } => Reason::RoleNotMapped,
            Refusal::ReservedRole(_) => Reason::ReservedRole,
            Refusal::Denied { .. } => Reason::Denied,
        }
    }
}

/// What is wrong with the form of a token (check 2).
#[derive(Clone, Debug, PartialEq)]
pub enum Malformed {
    /// Longer than a password can be; its length in bytes.
    TooLong(usize),
    /// Not three parts; how many there are.
    Parts(usize),
    /// This part (`header`, `payload`, `signature`) is not strict base64url.
    Base64(&'static str),
    /// This part is not strict JSON.
    Json(&'static str, JsonError),
    /// This part is JSON, but not an object.
    NotAnObject(&'static str),
    /// A registered member (`kid`, `iss`, `sub`, `aud`, …) of the wrong type.
    MemberType {
        /// The member's name.
        member: &'static str,
        /// What it is, with an article.
        found: &'static str,
    },
    /// The header has `crit` (RFC 7515 §4.1.11); no extension is understood.
    Critical,
    /// The header's `typ` names another kind of object.
    Type(String),
    /// It does not begin as a token does, and is not the role's stored password either, which
    /// `jwt_sso.allow_password` would take.
    WrongPassword,
}

/// For the administrator, and for whoever holds the token.
impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::TooLong(length) => write!(f, "{length} bytes are too long for a token"),
            Malformed::Parts(count) => {
                write!(f, "a token has three parts separated by dots, this one {count}")
            }
            Malformed::Base64(part) => write!(f, "the {part} is not strict base64url"),
            Malformed::Json(part, error) => write!(f, "the {part} is not strict JSON: {error}"),
            Malformed::NotAnObject(part) => write!(f, "the {part} is not a JSON object"),
            Malformed::MemberType { member, found } => write!(f, "{} is {found}", quote(member)),
            Malformed::WrongPassword => f.write_str(
                "no token, and not the role's stored password, which jwt_sso.allow_password takes",
            ),
            Malformed::Critical => {
                f.write_str("the header has crit, and no extension is understood")
            }
            Malformed::Type(typ) => {
                write!(f, "the header's typ is {}, not JWT or at+jwt", quote(typ))
            }
        }
    }
}

/// Why an issuer is not believed (check 3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum IssuerMismatch {
    /// It is none of the configured ones.
    NotConfigured,
    /// Neither; this configured issuer differs by scheme or a trailing slash only.
    Near(String),
    /// It is configured, and the line that led to the door demands this one.
    NotDemanded(String),
}

/// Why an issuer has no keys (check 4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoKeys {
    /// No key set is configured for it.
    NotConfigured,
    /// The configured key set holds no usable key.
    EmptySet,
    /// Its keys are to be fetched, and no set has arrived.
    NotFetched,
    /// Its fetched keys are older than `jwt_sso.jwks_max_stale`.
    Expired,
    /// The set does not fit into `jwt_sso.key_cache_size`.
    CacheFull,
}

/// Why no key serves (check 5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyMismatch {
    /// No key has this `kid`.
    NoSuchKid,
    /// Keys have the `kid`, but their `kty`, `crv`, `alg`, `use` or `key_ops` do not fit.
    Unfit,
    /// The token has no `kid`, and not exactly one key fits; how many do.
    Ambiguous(usize),
}

/// What there is of a map for an issuer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MapFor {
    /// No map is configured: an identity has the role of its own name.
    NoMap,
    /// A map is configured, without a line for this issuer.
    NoLine,
    /// There are lines for this issuer.
    Lines,
    /// The server's own map was asked in the place of ours.
    Server,
    /// An open session was to go on as another identity, or its identity has
    /// lost the role since.
    Session,
}

/// Why a mapped role is refused (check 12).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reserved {
    /// A superuser, and `jwt_sso.allow_superuser` is off.
    Superuser,
    /// A replication connection, and `jwt_sso.allow_replication` is off.
    Replication,
    /// The name begins with `pg_`.
    Predefined,
}
