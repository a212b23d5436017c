//! What is legal in the settings and still unwise: each is a WARNING when it is
//! set and a finding of `jwt_sso.check()`.

use crate::identity_map::IdentityMap;
use crate::issuers::{Issuer, IssuerKeys};
use crate::jwks::{StaticJwks, UnusableKey};
use crate::policy::Policy;
use crate::settings::Id;
use std::fmt;

/// Claims that their owner, or an administrator of the IdP, can change to
/// another person's.
const MUTABLE_CLAIMS: [&str; 4] = ["email", "preferred_username", "upn", "unique_name"];

/// How many issuers, lines or keys a finding names before it only counts them.
const NAMED: usize = 3;

/// One finding; its `Display` is a sentence that names the setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Advice {
    /// Well-formed keys that can verify no token.
    UnusableKeys {
        /// Where they stand.
        place: KeyPlace,
        /// At least one.
        keys: Vec<UnusableKey>,
    },
    /// Issuers whose name begins with `http:`.
    HttpIssuers(Vec<String>),
    /// Regexes with a `.` between two letters or digits.
    DotsInRegexes {
        /// `IdentityMap` or `IdentityMapFile`.
        setting: Id,
        /// Their lines.
        lines: Vec<usize>,
    },
    /// So many issuers have no keys of their own and use the global key set:
    /// each of them could sign for the others.
    SharedKeys(usize),
    /// The identity claim can be changed by its owner, and nothing demands that
    /// the IdP has verified it.
    MutableClaim {
        /// Its name.
        claim: String,
        /// The issuers whose identity claim it is; none while none is configured.
        issuers: Vec<String>,
    },
}

/// Where a static key stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyPlace {
    /// `jwt_sso.jwks`.
    Jwks,
    /// `jwt_sso.jwks_file`.
    JwksFile,
    /// The `jwks` of this issuer's entry.
    Entry(String),
}

impl Advice {
    /// Everything that is unwise in the policy.
    pub fn of(policy: &Policy) -> Vec<Advice> {
        let mut advice = unusable_keys(policy);
        advice.extend(http_issuers(policy));
        advice.extend(dots(Id::IdentityMap, &policy.identity_map));
        advice.extend(dots(Id::IdentityMapFile, &policy.identity_map_file));
        advice.extend(shared_keys(policy));
        advice.extend(mutable_claims(policy));
        advice
    }

    /// The settings that the finding is about: a change of any of them can
    /// bring it or end it.
    pub fn settings(&self) -> &'static [Id] {
        match self {
            Advice::UnusableKeys { place: KeyPlace::Jwks, .. } => &[Id::Jwks],
            Advice::UnusableKeys { place: KeyPlace::JwksFile, .. } => &[Id::JwksFile],
            Advice::UnusableKeys { .. } | Advice::HttpIssuers(_) => &[Id::Issuers],
            Advice::DotsInRegexes { setting: Id::IdentityMapFile, .. } => &[Id::IdentityMapFile],
            Advice::DotsInRegexes { .. } => &[Id::IdentityMap],
            Advice::SharedKeys(_) => &[Id::Issuers, Id::Jwks, Id::JwksFile],
            Advice::MutableClaim { .. } => &[Id::Claim, Id::Issuers],
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Advice::UnusableKeys { .. } => {
                "Take the key out, or ask the identity provider for a signing key: RSA of 2048 \
                 bits or more, P-256, P-384, P-521 or Ed25519, with use \"sig\" or none."
                    .to_owned()
            }
            Advice::HttpIssuers(_) => "Whoever sits between this server and the issuer can pose \
                 as it: use the issuer's https URL, exactly as the tokens carry it in \"iss\"."
                .to_owned(),
            Advice::DotsInRegexes { .. } => r"An unescaped dot matches any character: write \. for a dot (\\. inside of JSON), as in /^(.*)@example\.com$."
                .to_owned(),
            // A whole statement would, pasted, drop what the setting has besides.
            Advice::SharedKeys(_) => "Give each issuer's entry in jwt_sso.issuers its own keys, \
                 beside its other members: \"jwks\":{\"keys\":[...]}"
                .to_owned(),
            Advice::MutableClaim { .. } => "Use \"sub\", or demand a verified address: add to the \
                 issuer's entry in jwt_sso.issuers, beside its other members, \
                 \"required_claims\":{\"email_verified\":true}"
                .to_owned(),
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Advice::UnusableKeys { place, keys } => {
                write!(f, "{place} holds keys that cannot verify tokens: {}", listed(keys, "; "))
            }
            Advice::HttpIssuers(issuers) => {
                write!(f, "jwt_sso.issuers names issuers over http: {}", listed(issuers, ", "))
            }
            Advice::DotsInRegexes { setting, lines } => write!(
                f,
                "{} has a regex with an unescaped dot between letters in {} {}",
                setting.name(),
                if lines.len() == 1 { "line" } else { "lines" },
                listed(lines, ", ")
            ),
            Advice::SharedKeys(issuers) => write!(
                f,
                "jwt_sso.jwks and jwt_sso.jwks_file serve {issuers} issuers of jwt_sso.issuers, \
                 each of which could sign tokens for the others"
            ),
            Advice::MutableClaim { claim, issuers } => {
                write!(
                    f,
                    "jwt_sso.claim or an issuer's claim is {claim:?}, which can change hands, "
                )?;
                f.write_str("and \"email_verified\" is not among the required claims")?;
                match issuers.as_slice() {
                    [] => Ok(()),
                    some => write!(f, " of {}", listed(some, ", ")),
                }
            }
        }
    }
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyPlace::Jwks => f.write_str("jwt_sso.jwks"),
            KeyPlace::JwksFile => f.write_str("jwt_sso.jwks_file"),
            KeyPlace::Entry(iss) => write!(f, "jwt_sso.issuers, in the entry of {iss},"),
        }
    }
}

/// The first few, and how many more there are.
fn listed<T: fmt::Display>(items: &[T], separator: &str) -> String {
    let named: Vec<String> = items.iter().take(NAMED).map(T::to_string).collect();
    match items.len().saturating_sub(NAMED) {
        0 => named.join(separator),
        more => format!("{}{separator}and {more} more", named.join(separator)),
    }
}

fn unusable_keys(policy: &Policy) -> Vec<Advice> {
    let entry = |issuer: &'_ Issuer| match &issuer.keys {
        IssuerKeys::Static(jwks) => Some((KeyPlace::Entry(issuer.iss.clone()), jwks.unusable())),
        _ => None,
    };
    let global = |place, jwks: &StaticJwks| (place, jwks.unusable());
    [global(KeyPlace::Jwks, &policy.jwks), global(KeyPlace::JwksFile, &policy.jwks_file)]
        .into_iter()
        .chain(policy.issuers.iter().filter_map(entry))
        .filter(|(_, keys)| !keys.is_empty())
        .map(|(place, keys)| Advice::UnusableKeys { place, keys })
        .collect()
}

fn http_issuers(policy: &Policy) -> Option<Advice> {
    let is_http = |iss: &str| iss.get(..7).is_some_and(|s| s.eq_ignore_ascii_case("http://"));
    let over_http = policy.issuers.iter().filter(|issuer| is_http(&issuer.iss));
    let issuers: Vec<String> = over_http.map(|issuer| issuer.iss.clone()).collect();
    (!issuers.is_empty()).then_some(Advice::HttpIssuers(issuers))
}

fn dots(setting: Id, map: &IdentityMap) -> Option<Advice> {
    let dotted = map.lines().filter(|line| line.has_dot_between_letters());
    let lines: Vec<usize> = dotted.map(|line| line.number).collect();
    (!lines.is_empty()).then_some(Advice::DotsInRegexes { setting, lines })
}

fn shared_keys(policy: &Policy) -> Option<Advice> {
    let uses_global = |issuer: &&Issuer| matches!(issuer.keys, IssuerKeys::Global);
    let issuers = policy.issuers.iter().filter(uses_global).count();
    let configured = policy.jwks.is_configured() || policy.jwks_file.is_configured();
    let serve = configured && !policy.jwks_auto_fetch_enabled;
    (serve && issuers > 1).then_some(Advice::SharedKeys(issuers))
}

/// One finding for each mutable claim. The global claim counts before any
/// issuer is there, so that whoever sets it is told at once.
fn mutable_claims(policy: &Policy) -> Vec<Advice> {
    let unverified = |issuer: &&Issuer| {
        !issuer.required_claims.iter().any(|required| required.claim.last() == "email_verified")
    };
    let finding = |claim: &str| {
        let of_claim = |issuer: &&Issuer| policy.claim_of(issuer).last() == claim;
        let issuers: Vec<String> = policy
            .issuers
            .iter()
            .filter(of_claim)
            .filter(unverified)
            .map(|issuer| issuer.iss.clone())
            .collect();
        let alone = policy.issuers.is_empty() && policy.claim.last() == claim;
        (alone || !issuers.is_empty())
            .then(|| Advice::MutableClaim { claim: claim.to_owned(), issuers })
    };
    MUTABLE_CLAIMS.into_iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests;
