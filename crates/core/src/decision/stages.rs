//! The checks one by one. Every type here is the proof that the checks up to
//! its making have passed; none can be made in another way.

use super::{Connection, Found, Grant, Keys, Mapping, Transport};
use crate::algorithm::Algorithm;
use crate::claims::{Claims, TimeRules};
use crate::issuers::Issuer;
use crate::jwk::PublicKey;
use crate::policy::{KeySource, Policy};
use crate::refusal::{IssuerMismatch, KeyMismatch, MapFor, NoKeys, Refusal, Reserved};
use crate::signature;
use crate::time::UnixTime;
use crate::token::{CompactJws, Header};

/// The policy is sound and takes tokens from this connection.
#[derive(Clone, Copy, Debug)]
pub struct Admitted<'p> {
    policy: &'p Policy,
    replication: bool,
}

impl<'p> Admitted<'p> {
    pub(super) fn new(
        policy: Result<&'p Policy, Vec<String>>,
        connection: Connection,
    ) -> Result<Self, Refusal> {
        let policy = policy.map_err(|settings| Refusal::Misconfigured { settings })?;
        if !policy.enabled {
            return Err(Refusal::Disabled);
        }
        if policy.require_tls && connection.transport == Transport::Plain {
            return Err(Refusal::InsecureTransport);
        }
        Ok(Admitted { policy, replication: connection.replication })
    }

    /// The policy that decides.
    pub fn policy(&self) -> &'p Policy {
        self.policy
    }

    /// Check 12: the role is not one of those that are kept from this door.
    /// `is_superuser` is asked once, and not where the policy lets superusers in.
    pub fn check_role(
        &self,
        role: &[u8],
        is_superuser: impl FnOnce(&[u8]) -> bool,
    ) -> Result<(), Refusal> {
        if role.starts_with(b"pg_") {
            Err(Refusal::ReservedRole(Reserved::Predefined))
        } else if self.replication && !self.policy.allow_replication {
            Err(Refusal::ReservedRole(Reserved::Replication))
        } else if !self.policy.allow_superuser && is_superuser(role) {
            Err(Refusal::ReservedRole(Reserved::Superuser))
        } else {
            Ok(())
        }
    }

    /// The end of check 1 and the start of check 2: something came, and it is
    /// three parts of base64url.
    pub fn decode<'t>(self, password: &'t [u8]) -> Result<DecodedToken<'p, 't>, Refusal> {
        if password.is_empty() {
            return Err(Refusal::NoToken);
        }
        let jws = CompactJws::decode(password).map_err(Refusal::MalformedToken)?;
        Ok(DecodedToken { admitted: self, jws })
    }
}

/// A token in three parts. It is kept where it is while the next steps, which
/// borrow from it, are taken.
#[derive(Debug)]
pub struct DecodedToken<'p, 't> {
    admitted: Admitted<'p>,
    jws: CompactJws<'t>,
}

impl DecodedToken<'_, '_> {
    /// Check 2: JSON and types.
    pub fn parse(&self) -> Result<ParsedToken<'_>, Refusal> {
        let read = || {
            let header = Header::parse(self.jws.header())?;
            Ok((header, Claims::parse(self.jws.payload())?))
        };
        let (header, claims) = read().map_err(Refusal::MalformedToken)?;
        Ok(ParsedToken { admitted: self.admitted, jws: &self.jws, header, claims })
    }
}

/// A token with a header and claims. Anyone may have written them.
#[derive(Debug)]
pub struct ParsedToken<'d> {
    admitted: Admitted<'d>,
    jws: &'d CompactJws<'d>,
    header: Header,
    claims: Claims<'d>,
}

impl<'d> ParsedToken<'d> {
    /// The token's `iss`, unproven.
    pub fn claimed_issuer(&self) -> Option<&str> {
        self.claims.issuer()
    }

    /// The header's `kid`, unproven.
    pub fn kid(&self) -> Option<&str> {
        self.header.kid()
    }

    /// The end of check 2: `alg`, which some issuer must accept; `crit`, `typ`.
    pub fn check_header(self) -> Result<WellFormedToken<'d>, Refusal> {
        let algorithm = self.header.check(self.admitted.policy.algorithms_of_any())?;
        Ok(WellFormedToken { token: self, algorithm })
    }
}

/// A token of the right form.
#[derive(Debug)]
pub struct WellFormedToken<'d> {
    token: ParsedToken<'d>,
    algorithm: Algorithm,
}

impl<'d> WellFormedToken<'d> {
    /// Check 3, and the algorithms that this issuer may use. Where the door
    /// demands an issuer, it is to be that one.
    pub fn known_issuer(self, demanded: Option<&str>) -> Result<AddressedToken<'d>, Refusal> {
        let policy = self.token.admitted.policy;
        let claimed = self.token.claimed_issuer();
        let unknown =
            |mismatch| Err(Refusal::UnknownIssuer { issuer: claimed.map(str::to_owned), mismatch });
        let Some(issuer) = claimed.and_then(|iss| policy.issuers.get(iss)) else {
            return unknown(match claimed.and_then(|iss| policy.issuers.near(iss)) {
                Some(near) => IssuerMismatch::Near(near.to_owned()),
                None => IssuerMismatch::NotConfigured,
            });
        };
        if let Some(demanded) = demanded.filter(|demanded| *demanded != issuer.iss) {
            return unknown(IssuerMismatch::NotDemanded(demanded.to_owned()));
        }
        let accepted = policy.algorithms_of(issuer);
        if !accepted.contains(self.algorithm) {
            let alg = Some(self.algorithm.name().to_owned());
            return Err(Refusal::UnsupportedAlgorithm { alg, accepted });
        }
        Ok(AddressedToken { token: self.token, algorithm: self.algorithm, issuer })
    }
}

/// A token that names one of the configured issuers.
#[derive(Debug)]
pub struct AddressedToken<'d> {
    token: ParsedToken<'d>,
    algorithm: Algorithm,
    issuer: &'d Issuer,
}

impl<'d> AddressedToken<'d> {
    /// Checks 4 and 5.
    pub fn find_key(self, keys: &dyn Keys) -> Result<KeyedToken<'d>, Refusal> {
        let source = self.token.admitted.policy.key_source(self.issuer);
        if source == KeySource::None {
            return Err(Refusal::KeysUnavailable(NoKeys::NotConfigured));
        }
        let kid = self.token.header.kid();
        let (of_kid, issuer_keys) = match keys.find(self.issuer, &source, kid) {
            Found::Unavailable(why) => return Err(Refusal::KeysUnavailable(why)),
            Found::Keys { issuer_keys: 0, .. } => {
                return Err(Refusal::KeysUnavailable(NoKeys::EmptySet));
            }
            Found::Keys { of_kid, issuer_keys } => (of_kid, issuer_keys),
        };
        match select_keys(of_kid, kid, self.algorithm) {
            Ok(keys) => Ok(KeyedToken { token: self, keys }),
            Err(mismatch) => {
                let kid = kid.map(str::to_owned);
                Err(Refusal::UnknownKey { kid, issuer_keys, mismatch })
            }
        }
    }
}

/// The keys that the token is to be tried with, at least one. A key that is
/// listed twice, in `jwks` and in `jwks_file` say, is one key.
pub fn select_keys(
    mut candidates: Vec<PublicKey>,
    kid: Option<&str>,
    algorithm: Algorithm,
) -> Result<Vec<PublicKey>, KeyMismatch> {
    if kid.is_some() && candidates.is_empty() {
        return Err(KeyMismatch::NoSuchKid);
    }
    candidates.retain(|key| key.fits(algorithm));
    match (kid, candidates.first()) {
        (Some(_), None) => Err(KeyMismatch::Unfit),
        (Some(_), Some(_)) => Ok(candidates),
        (None, Some(first)) if candidates.iter().all(|key| key.material == first.material) => {
            candidates.truncate(1);
            Ok(candidates)
        }
        (None, _) => Err(KeyMismatch::Ambiguous(candidates.len())),
    }
}

/// A token and the keys that may have signed it.
#[derive(Debug)]
pub struct KeyedToken<'d> {
    token: AddressedToken<'d>,
    keys: Vec<PublicKey>,
}

impl<'d> KeyedToken<'d> {
    /// Check 6.
    pub fn verify(self) -> Result<SignedToken<'d>, Refusal> {
        let jws = self.token.token.jws;
        let signed_by = |key: &PublicKey| {
            signature::verify(key, self.token.algorithm, jws.signing_input(), jws.signature())
        };
        if !self.keys.iter().any(signed_by) {
            return Err(Refusal::BadSignature { tried: self.keys.len() });
        }
        let AddressedToken { token, issuer, .. } = self.token;
        Ok(SignedToken { token, issuer })
    }
}

/// A token that its issuer has signed: from here on its claims are the issuer's word.
#[derive(Debug)]
pub struct SignedToken<'d> {
    token: ParsedToken<'d>,
    issuer: &'d Issuer,
}

impl<'d> SignedToken<'d> {
    /// Who the issuer says the bearer is, as far as it can be read: for the log
    /// of a refusal by a check before the tenth.
    pub fn stated_principals(&self) -> Option<Vec<String>> {
        let claim = self.token.admitted.policy.claim_of(self.issuer);
        self.token.claims.identities(claim).ok()
    }

    /// Check 7.
    pub fn check_times(self, now: UnixTime) -> Result<TimelyToken<'d>, Refusal> {
        let policy = self.token.admitted.policy;
        let rules = TimeRules {
            skew: policy.clock_skew,
            max_lifetime: Some(policy.max_token_lifetime).filter(|longest| *longest > 0),
        };
        let expires = self.token.claims.check_times(rules, now)?;
        Ok(TimelyToken { signed: self, expires })
    }
}

/// A signed token whose time it is.
#[derive(Debug)]
pub struct TimelyToken<'d> {
    signed: SignedToken<'d>,
    expires: UnixTime,
}

impl<'d> TimelyToken<'d> {
    /// Check 8.
    pub fn check_audience(self) -> Result<IntendedToken<'d>, Refusal> {
        let SignedToken { token, issuer } = &self.signed;
        token.claims.check_audience(token.admitted.policy.audience_of(issuer))?;
        Ok(IntendedToken(self))
    }
}

/// A timely token that was made for this server.
#[derive(Debug)]
pub struct IntendedToken<'d>(TimelyToken<'d>);

impl<'d> IntendedToken<'d> {
    /// Check 9.
    pub fn check_required_claims(self) -> Result<QualifiedToken<'d>, Refusal> {
        let SignedToken { token, issuer } = &self.0.signed;
        token.claims.check_required(&issuer.required_claims)?;
        Ok(QualifiedToken(self.0))
    }
}

/// A token that meets every demand of its issuer's entry.
#[derive(Debug)]
pub struct QualifiedToken<'d>(TimelyToken<'d>);

impl<'d> QualifiedToken<'d> {
    /// Check 10.
    pub fn identify(self) -> Result<IdentifiedToken<'d>, Refusal> {
        let SignedToken { token, issuer } = &self.0.signed;
        let principals = token.claims.identities(token.admitted.policy.claim_of(issuer))?;
        Ok(IdentifiedToken { token: self.0, principals })
    }
}

/// A token that says who its bearer is.
#[derive(Debug)]
pub struct IdentifiedToken<'d> {
    token: TimelyToken<'d>,
    principals: Vec<String>,
}

impl<'d> IdentifiedToken<'d> {
    /// Every identity that the token carries, at least one.
    pub fn principals(&self) -> &[String] {
        &self.principals
    }

    /// Check 11: one of the identities maps to `role`, the first that does.
    pub fn map_to<'r>(
        self,
        role: &'r [u8],
        mapping: Mapping<'_>,
    ) -> Result<MappedToken<'d, 'r>, Refusal> {
        let SignedToken { token, issuer } = &self.token.signed;
        let policy = token.admitted.policy;
        let maps = |identity: &String| match mapping {
            Mapping::IdentityMaps => policy.maps_to(&issuer.iss, identity, role),
            Mapping::Server(maps) => maps(identity),
        };
        let Some(principal) = self.principals.iter().find(|identity| maps(identity)).cloned()
        else {
            let map = match mapping {
                Mapping::IdentityMaps => policy.map_for(&issuer.iss),
                Mapping::Server(_) => MapFor::Server,
            };
            return Err(Refusal::RoleNotMapped { map, principals: self.principals });
        };
        Ok(MappedToken { token: self.token, principal, role })
    }
}

/// A token whose bearer may have the role, if anyone may.
#[derive(Debug)]
pub struct MappedToken<'d, 'r> {
    token: TimelyToken<'d>,
    principal: String,
    role: &'r [u8],
}

impl MappedToken<'_, '_> {
    /// The identity that maps to the role.
    pub fn principal(&self) -> &str {
        &self.principal
    }

    /// Check 12, as [`Admitted::check_role`] makes it.
    pub fn grant(self, is_superuser: impl FnOnce(&[u8]) -> bool) -> Result<Grant, Refusal> {
        let SignedToken { token, issuer } = self.token.signed;
        token.admitted.check_role(self.role, is_superuser)?;
        Ok(Grant {
            issuer: issuer.iss.clone(),
            principal: self.principal,
            kid: token.header.kid().map(str::to_owned),
            expires: self.token.expires,
            role: self.role.to_vec(),
        })
    }
}
