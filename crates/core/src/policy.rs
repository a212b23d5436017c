//! The policy: what the settings say, compiled once and shared by every login.
//!
//! Each setting is compiled on its own into one piece, so that a reload
//! replaces just what changed. What depends on several settings (an issuer's
//! own audience or the global one) is looked up at the login.

use crate::advice::Advice;
use crate::algorithm::AlgorithmSet;
use crate::claim_path::ClaimPath;
use crate::custom_ca::CustomCa;
use crate::deny::DenyList;
use crate::digest::Digest;
use crate::identity_map::IdentityMap;
use crate::issuers::{self, Issuer, IssuerKeys, Issuers};
use crate::jwks::StaticJwks;
use crate::refusal::MapFor;
use crate::session_expiry::SessionExpiry;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Everything that a decision needs to know of the settings.
///
/// The default is what PostgreSQL uses when no setting is set: disabled, no
/// issuer, no audience, no key.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // each field is the setting of that name
pub struct Policy {
    pub enabled: bool,
    pub require_tls: bool,
    pub challenge_local: bool,
    pub allow_superuser: bool,
    pub allow_replication: bool,
    pub allow_password: bool,
    pub issuers: Arc<Issuers>,
    pub audience: Arc<[String]>,
    pub claim: Arc<ClaimPath>,
    pub jwks: Arc<StaticJwks>,
    pub jwks_file: Arc<StaticJwks>,
    pub jwks_auto_fetch_enabled: bool,
    pub issuer_custom_ca: Arc<CustomCa>,
    /// Seconds.
    pub client_timeout: u64,
    /// Seconds.
    pub jwks_refresh_interval: u64,
    /// Seconds.
    pub jwks_max_stale: u64,
    pub identity_map: Arc<IdentityMap>,
    pub identity_map_file: Arc<IdentityMap>,
    pub algorithms: AlgorithmSet,
    /// Seconds.
    pub clock_skew: u64,
    /// Seconds; 0 is no bound.
    pub max_token_lifetime: u64,
    pub session_expiry: SessionExpiry,
    /// Seconds.
    pub session_expiry_grace: u64,
    pub deny: Arc<DenyList>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            enabled: false,
            require_tls: true,
            challenge_local: false,
            allow_superuser: false,
            allow_replication: false,
            allow_password: false,
            issuers: Arc::default(),
            audience: Arc::default(),
            claim: Arc::default(),
            jwks: Arc::default(),
            jwks_file: Arc::default(),
            jwks_auto_fetch_enabled: false,
            issuer_custom_ca: Arc::default(),
            client_timeout: 15,
            jwks_refresh_interval: 600,
            jwks_max_stale: 86_400,
            identity_map: Arc::default(),
            identity_map_file: Arc::default(),
            algorithms: AlgorithmSet::ALL,
            clock_skew: 30,
            max_token_lifetime: 0,
            session_expiry: SessionExpiry::Ignore,
            session_expiry_grace: 0,
            deny: Arc::default(),
        }
    }
}

/// Where the keys of an issuer come from, and what they must have been made
/// of: keys with another fingerprint are not this policy's keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeySource {
    /// `jwt_sso.jwks` and `jwt_sso.jwks_file`, one set for all issuers without their own.
    Global(Digest),
    /// The `jwks` of the issuer's entry.
    Entry(Digest),
    /// Fetched from the network, as [`Policy::fetch_place`] says.
    Fetched(Digest),
    /// None is configured.
    None,
}

/// What is asked for an issuer's keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FetchPlace {
    /// The URL of the key set.
    Jwks(String),
    /// OpenID Connect Discovery 1.0 §4.
    Discovery {
        /// The URL of the provider's metadata.
        url: String,
        /// What its `issuer` may be.
        accepted_issuers: Vec<String>,
    },
}

fn discovery(iss: &str) -> FetchPlace {
    const SUFFIX: &str = "/.well-known/openid-configuration";
    let with_scheme = match iss.split_once("://") {
        Some(_) => iss.to_owned(),
        None => format!("https://{iss}"),
    };
    // §4.1: a terminating slash is removed before the path is appended.
    let url = format!("{}{SUFFIX}", with_scheme.strip_suffix('/').unwrap_or(&with_scheme));
    let mut accepted_issuers = vec![iss.to_owned()];
    if with_scheme != iss {
        accepted_issuers.push(with_scheme);
    }
    FetchPlace::Discovery { url, accepted_issuers }
}

impl Policy {
    /// Where `issuer`'s keys come from.
    pub fn key_source(&self, issuer: &Issuer) -> KeySource {
        match &issuer.keys {
            IssuerKeys::Static(jwks) => {
                KeySource::Entry(Digest::of(&[issuer.iss.as_bytes(), jwks.digest.as_bytes()]))
            }
            IssuerKeys::Uri(uri) => self.fetched(&issuer.iss, "uri", uri),
            IssuerKeys::Global if self.jwks_auto_fetch_enabled => {
                self.fetched(&issuer.iss, "discovery", "")
            }
            IssuerKeys::Global if !self.jwks.is_configured() && !self.jwks_file.is_configured() => {
                KeySource::None
            }
            IssuerKeys::Global => KeySource::Global(self.global_keys()),
        }
    }

    fn fetched(&self, iss: &str, how: &str, uri: &str) -> KeySource {
        let ca = self.issuer_custom_ca.digest();
        let parts = [iss.as_bytes(), how.as_bytes(), uri.as_bytes(), ca.as_bytes()];
        KeySource::Fetched(Digest::of(&parts))
    }

    /// Where the keys of `issuer` are fetched, where they are.
    pub fn fetch_place(&self, issuer: &Issuer) -> Option<FetchPlace> {
        match &issuer.keys {
            IssuerKeys::Uri(uri) => Some(FetchPlace::Jwks(uri.clone())),
            IssuerKeys::Global if self.jwks_auto_fetch_enabled => Some(discovery(&issuer.iss)),
            _ => None,
        }
    }

    /// The fingerprint of the global key set.
    pub fn global_keys(&self) -> Digest {
        Digest::of(&[self.jwks.digest.as_bytes(), self.jwks_file.digest.as_bytes()])
    }

    /// The algorithms that `issuer` may use.
    pub fn algorithms_of(&self, issuer: &Issuer) -> AlgorithmSet {
        issuer.algorithms.unwrap_or(self.algorithms)
    }

    /// The algorithms that at least one issuer may use, or the global list names.
    pub fn algorithms_of_any(&self) -> AlgorithmSet {
        self.algorithms.union(self.issuers.own_algorithms())
    }

    /// The audiences that `issuer`'s tokens may carry; none means that none is accepted.
    pub fn audience_of<'a>(&'a self, issuer: &'a Issuer) -> &'a [String] {
        issuer.audience.as_deref().unwrap_or(&self.audience)
    }

    /// The claim that names who the token is for.
    pub fn claim_of<'a>(&'a self, issuer: &'a Issuer) -> &'a ClaimPath {
        issuer.claim.as_ref().unwrap_or(&self.claim)
    }

    /// Whether there is an identity map at all, be it without a line.
    pub fn has_map(&self) -> bool {
        self.identity_map.is_configured() || self.identity_map_file.is_configured()
    }

    /// Whether the identity maps give `role` to this identity of this issuer.
    /// The two maps count as one. Where neither is configured, an identity has
    /// the role of its own name.
    pub fn maps_to(&self, issuer: &str, identity: &str, role: &[u8]) -> bool {
        let maps = [&self.identity_map, &self.identity_map_file];
        if self.has_map() {
            maps.iter().any(|map| map.allows(issuer, identity, role))
        } else {
            identity.as_bytes() == role
        }
    }

    /// Every role of which [`Policy::maps_to`] says yes.
    pub fn roles_of(&self, issuer: &str, identity: &str) -> BTreeSet<String> {
        let maps = [&self.identity_map, &self.identity_map_file];
        if self.has_map() {
            maps.iter().flat_map(|map| map.roles(issuer, identity)).collect()
        } else {
            BTreeSet::from([identity.to_owned()])
        }
    }

    /// Whether any line of the identity maps is about this issuer.
    pub fn has_map_lines(&self, issuer: &str) -> bool {
        self.identity_map.has_issuer(issuer) || self.identity_map_file.has_issuer(issuer)
    }

    /// What the identity maps have for this issuer.
    pub fn map_for(&self, issuer: &str) -> MapFor {
        if self.has_map_lines(issuer) {
            MapFor::Lines
        } else if self.has_map() {
            MapFor::NoLine
        } else {
            MapFor::NoMap
        }
    }

    /// What is legal in it and still unwise.
    pub fn advice(&self) -> Vec<Advice> {
        Advice::of(self)
    }

    /// The fingerprint of everything that decides: two servers with the same
    /// one let in the same tokens, as far as their keys are the same. It does
    /// not depend on the machine, nor on the order of issuers or audiences.
    pub fn fingerprint(&self) -> Digest {
        let switches = [
            self.enabled,
            self.require_tls,
            self.challenge_local,
            self.allow_superuser,
            self.allow_replication,
            self.allow_password,
            self.jwks_auto_fetch_enabled,
        ];
        let algorithms = self.algorithms.to_string();
        Digest::of(&[
            &switches.map(u8::from),
            self.issuers.digest().as_bytes(),
            issuers::audience_digest(&self.audience).as_bytes(),
            self.claim.to_string().as_bytes(),
            self.global_keys().as_bytes(),
            self.identity_map.digest().as_bytes(),
            self.identity_map_file.digest().as_bytes(),
            algorithms.as_bytes(),
            &self.clock_skew.to_be_bytes(),
            &self.max_token_lifetime.to_be_bytes(),
            self.issuer_custom_ca.digest().as_bytes(),
            &self.jwks_max_stale.to_be_bytes(),
            self.session_expiry.name().as_bytes(),
            &self.session_expiry_grace.to_be_bytes(),
            self.deny.digest().as_bytes(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn map(text: &str) -> Arc<IdentityMap> {
        Arc::new(IdentityMap::parse(text).unwrap())
    }

    fn custom_ca() -> Arc<CustomCa> {
        Arc::new(CustomCa::parse(crate::custom_ca::TEST_CA).unwrap())
    }

    #[test]
    fn where_keys_are_fetched() {
        let place = |iss: &str| {
            let policy = Policy { jwks_auto_fetch_enabled: true, ..Policy::default() };
            policy.fetch_place(&Issuer::plain(iss.to_owned())).unwrap()
        };
        let discovery = |url: &str, accepted: &[&str]| FetchPlace::Discovery {
            url: url.to_owned(),
            accepted_issuers: accepted.iter().map(|iss| (*iss).to_owned()).collect(),
        };
        assert_eq!(
            place("https://idp.example/a/"),
            discovery(
                "https://idp.example/a/.well-known/openid-configuration",
                &["https://idp.example/a/"]
            )
        );
        assert_eq!(
            place("accounts.google.com"),
            discovery(
                "https://accounts.google.com/.well-known/openid-configuration",
                &["accounts.google.com", "https://accounts.google.com"]
            )
        );
    }

    #[test]
    fn a_fetched_source_changes_with_all_that_it_comes_from() {
        let source = |policy: &Policy, keys: IssuerKeys| {
            policy.key_source(&Issuer { keys, ..Issuer::plain("https://i".to_owned()) })
        };
        let fetching = Policy { jwks_auto_fetch_enabled: true, ..Policy::default() };
        let other_ca = Policy { issuer_custom_ca: custom_ca(), ..fetching.clone() };
        let uri = |uri: &str| IssuerKeys::Uri(uri.to_owned());
        let sources = [
            source(&fetching, IssuerKeys::Global),
            source(&other_ca, IssuerKeys::Global),
            source(&fetching, uri("https://i/a")),
            source(&fetching, uri("https://i/b")),
            source(&other_ca, uri("https://i/a")),
        ];
        for (i, one) in sources.iter().enumerate() {
            assert!(matches!(one, KeySource::Fetched(_)));
            assert!(sources[i + 1..].iter().all(|other| other != one));
        }
        assert_eq!(source(&Policy::default(), IssuerKeys::Global), KeySource::None);
        assert_eq!(source(&Policy::default(), uri("https://i/a")), sources[2]);
    }

    #[test]
    fn without_a_map_an_identity_is_its_role() {
        let policy = Policy::default();
        assert!(policy.maps_to("i", "alice", b"alice"));
        assert!(!policy.maps_to("i", "alice", b"Alice"));
        assert!(!policy.has_map_lines("i"));
    }

    #[test]
    fn with_any_map_an_issuer_without_a_line_maps_to_nothing() {
        for text in ["j x r", "# a comment only"] {
            let policy = Policy { identity_map: map(text), ..Policy::default() };
            assert!(!policy.maps_to("i", "alice", b"alice"), "{text}");
            let policy = Policy { identity_map_file: map(text), ..Policy::default() };
            assert!(!policy.maps_to("i", "alice", b"alice"), "{text}");
        }
    }

    #[test]
    fn the_two_maps_are_united() {
        let policy = Policy {
            identity_map: map("i x r"),
            identity_map_file: map("j x s"),
            ..Policy::default()
        };
        assert!(policy.maps_to("i", "x", b"r") && policy.maps_to("j", "x", b"s"));
        assert!(!policy.maps_to("i", "x", b"s"));
        assert!(policy.has_map_lines("i") && policy.has_map_lines("j"));
    }

    #[test]
    fn the_fingerprint_is_of_everything_that_decides() {
        let key = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;
        let jwks = Arc::new(StaticJwks::parse(key).unwrap());
        let default = Policy::default;
        let different = [
            default(),
            Policy { enabled: true, ..default() },
            Policy { require_tls: false, ..default() },
            Policy { challenge_local: true, ..default() },
            Policy { allow_superuser: true, ..default() },
            Policy { allow_replication: true, ..default() },
            Policy { allow_password: true, ..default() },
            Policy { issuers: Arc::new(Issuers::parse("i").unwrap()), ..default() },
            Policy { audience: Arc::from(["a".to_owned()]), ..default() },
            Policy { claim: Arc::new(ClaimPath::parse("oid").unwrap()), ..default() },
            Policy { jwks: Arc::clone(&jwks), ..default() },
            Policy { jwks_file: jwks, ..default() },
            Policy { identity_map: map("#"), ..default() },
            Policy { identity_map_file: map("#"), ..default() },
            Policy { algorithms: AlgorithmSet::EMPTY, ..default() },
            Policy { clock_skew: 0, ..default() },
            Policy { max_token_lifetime: 30, ..default() },
            Policy { jwks_auto_fetch_enabled: true, ..default() },
            Policy { issuer_custom_ca: custom_ca(), ..default() },
            Policy { jwks_max_stale: 1, ..default() },
            Policy { session_expiry: SessionExpiry::Terminate, ..default() },
            Policy { session_expiry_grace: 1, ..default() },
            Policy { deny: Arc::new(DenyList::parse(r#"[{"kid":"k"}]"#).unwrap()), ..default() },
        ];
        let fingerprints: HashSet<Digest> = different.iter().map(Policy::fingerprint).collect();
        assert_eq!(fingerprints.len(), different.len());
    }

    #[test]
    fn the_fingerprint_does_not_depend_on_the_order() {
        let policy = |issuers: &str, audience: [&str; 2]| Policy {
            issuers: Arc::new(Issuers::parse(issuers).unwrap()),
            audience: Arc::from(audience.map(str::to_owned)),
            identity_map: map("https://a x r"),
            ..Policy::default()
        };
        let one = policy(r#"["https://b","https://a"]"#, ["x", "y"]);
        let other = policy(r#"{"issuers":{"https://a":{},"https://b":{}}}"#, ["y", "x"]);
        assert_eq!(one.fingerprint(), other.fingerprint());
        assert_eq!(one.fingerprint(), one.clone().fingerprint());
    }
}
