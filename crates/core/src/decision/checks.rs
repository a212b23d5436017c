//! The checks from the fourth on, each a question to a token whose issuer is
//! known. None of them proves anything about the others: the proofs are in
//! [`super::stages`], and the dry run of [`super::explain`] asks on after a no.

use super::{Admitted, Found, Keys, Mapping};
use crate::algorithm::Algorithm;
use crate::claims::{Claims, TimeRules};
use crate::deny::Subject;
use crate::issuers::Issuer;
use crate::jwk::PublicKey;
use crate::policy::{KeySource, Policy};
use crate::refusal::{KeyMismatch, MapFor, NoKeys, Refusal};
use crate::signature;
use crate::time::UnixTime;
use crate::token::{CompactJws, Header};

/// A token in good form that names one of the configured issuers.
#[derive(Debug)]
pub struct Checks<'d> {
    pub(super) admitted: Admitted<'d>,
    pub(super) jws: &'d CompactJws<'d>,
    pub(super) header: Header,
    pub(super) claims: Claims<'d>,
    pub(super) algorithm: Algorithm,
    pub(super) issuer: &'d Issuer,
}

/// What check 4 found.
#[derive(Debug)]
pub struct Candidates {
    /// The keys that carry the token's `kid`; all of them where it has none.
    pub of_kid: Vec<PublicKey>,
    /// How many usable keys the issuer has, at least one.
    pub issuer_keys: usize,
}

impl Checks<'_> {
    fn policy(&self) -> &Policy {
        self.admitted.policy()
    }

    /// Check 4.
    pub fn keys(&self, keys: &dyn Keys) -> Result<Candidates, Refusal> {
        let source = self.policy().key_source(self.issuer);
        if source == KeySource::None {
            return Err(Refusal::KeysUnavailable(NoKeys::NotConfigured));
        }
        match keys.find(self.issuer, &source, self.header.kid()) {
            Found::Unavailable(why) => Err(Refusal::KeysUnavailable(why)),
            Found::Keys { issuer_keys: 0, .. } => Err(Refusal::KeysUnavailable(NoKeys::EmptySet)),
            Found::Keys { of_kid, issuer_keys } => Ok(Candidates { of_kid, issuer_keys }),
        }
    }

    /// Check 5: the keys that the token is to be tried with, at least one.
    pub fn key(&self, candidates: Candidates) -> Result<Vec<PublicKey>, Refusal> {
        let Candidates { of_kid, issuer_keys } = candidates;
        let kid = self.header.kid();
        select_keys(of_kid, kid, self.algorithm).map_err(|mismatch| Refusal::UnknownKey {
            kid: kid.map(str::to_owned),
            issuer_keys,
            mismatch,
        })
    }

    /// Check 6.
    pub fn signature(&self, keys: &[PublicKey]) -> Result<(), Refusal> {
        let (input, signature) = (self.jws.signing_input(), self.jws.signature());
        let signed_by = |key: &PublicKey| signature::verify(key, self.algorithm, input, signature);
        if keys.iter().any(signed_by) {
            Ok(())
        } else {
            Err(Refusal::BadSignature { tried: keys.len() })
        }
    }

    /// Check 7. Returns `exp`.
    pub fn times(&self, now: UnixTime) -> Result<UnixTime, Refusal> {
        check_times(self.policy(), &self.claims, now)
    }

    /// Check 8.
    pub fn audience(&self) -> Result<(), Refusal> {
        self.claims.check_audience(self.policy().audience_of(self.issuer))
    }

    /// Check 9.
    pub fn required_claims(&self) -> Result<(), Refusal> {
        self.claims.check_required(&self.issuer.required_claims)
    }

    /// Check 10: every identity that the token carries, at least one.
    pub fn identities(&self) -> Result<Vec<String>, Refusal> {
        self.claims.identities(self.policy().claim_of(self.issuer))
    }

    /// Check 11: the first of these identities that maps to `role`.
    pub fn mapped(
        &self,
        principals: &[String],
        role: &[u8],
        mapping: Mapping<'_>,
    ) -> Result<String, Refusal> {
        let iss = &self.issuer.iss;
        let maps = |identity: &&String| match mapping {
            Mapping::IdentityMaps => self.policy().maps_to(iss, identity, role),
            Mapping::Server(maps) | Mapping::Session(maps) => maps(identity),
        };
        principals.iter().find(maps).cloned().ok_or_else(|| Refusal::RoleNotMapped {
            map: match mapping {
                Mapping::IdentityMaps => self.policy().map_for(iss),
                Mapping::Server(_) => MapFor::Server,
                Mapping::Session(_) => MapFor::Session,
            },
            principals: principals.to_vec(),
        })
    }

    /// Check 12, as [`Admitted::check_role`] makes it.
    pub fn role(&self, role: &[u8], is_superuser: &dyn Fn(&[u8]) -> bool) -> Result<(), Refusal> {
        self.admitted.check_role(role, is_superuser)
    }

    /// After check 12: no element of `jwt_sso.deny` is about this token, by
    /// whichever of its identities.
    pub fn denied(&self, principals: &[String], now: UnixTime) -> Result<(), Refusal> {
        let deny = &self.policy().deny;
        if deny.is_empty() {
            return Ok(());
        }
        let subject = |principal: &'_ String| {
            let subject = Subject {
                issuer: self.issuer.iss.as_str(),
                principal: principal.as_str(),
                kid: self.header.kid(),
                jti: self.claims.jti(),
            };
            subject.digests()
        };
        match principals.iter().find_map(|principal| deny.find(&subject(principal), now)) {
            Some(element) => Err(Refusal::Denied { element }),
            None => Ok(()),
        }
    }
}

/// Check 7, which needs no issuer.
pub(super) fn check_times(
    policy: &Policy,
    claims: &Claims<'_>,
    now: UnixTime,
) -> Result<UnixTime, Refusal> {
    let rules = TimeRules {
        skew: policy.clock_skew,
        max_lifetime: Some(policy.max_token_lifetime).filter(|longest| *longest > 0),
    };
    claims.check_times(rules, now)
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
