//! The proofs. Every type here is the proof that the checks up to its making
//! have passed; none can be made in another way.

use super::checks::Checks;
use super::{Connection, Grant, Keys, Mapping, Transport};
use crate::algorithm::Algorithm;
use crate::claims::Claims;
use crate::jwk::PublicKey;
use crate::policy::Policy;
use crate::refusal::{IssuerMismatch, Refusal, Reserved};
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
        check_enabled(policy, connection)?;
        Ok(Admitted { policy, replication: connection.replication })
    }

    /// As if it had been admitted: for a dry run only, which grants nothing.
    pub(super) fn for_dry_run(policy: &'p Policy, connection: Connection) -> Self {
        Admitted { policy, replication: connection.replication }
    }

    /// The policy that decides.
    pub fn policy(&self) -> &'p Policy {
        self.policy
    }

    /// Whether the connection asks for replication.
    pub fn replication(&self) -> bool {
        self.replication
    }

    /// Check 12: the role is not one of those that are kept from this door.
    /// `is_superuser` is asked once, and not where the policy lets superusers in.
    pub fn check_role(
        &self,
        role: &[u8],
        is_superuser: &dyn Fn(&[u8]) -> bool,
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

/// Check 1, as far as it can be made before a token came.
pub(super) fn check_enabled(policy: &Policy, connection: Connection) -> Result<(), Refusal> {
    if !policy.enabled {
        return Err(Refusal::Disabled);
    }
    if policy.require_tls && connection.transport == Transport::Plain {
        return Err(Refusal::InsecureTransport);
    }
    Ok(())
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

    /// Whether there is a signature to check. An empty one verifies nothing.
    pub(super) fn has_signature(&self) -> bool {
        !self.jws.signature().is_empty()
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

    /// The claims, unproven.
    pub(super) fn claims(&self) -> &Claims<'d> {
        &self.claims
    }

    /// The end of check 2: `alg`, which some issuer must accept; `crit`, `typ`.
    pub fn check_header(&self) -> Result<Algorithm, Refusal> {
        self.header.check(self.admitted.policy.algorithms_of_any())
    }

    /// Check 3, and the algorithms that this issuer may use. Where the door
    /// demands an issuer, it is to be that one.
    pub fn known_issuer(
        self,
        algorithm: Algorithm,
        demanded: Option<&str>,
    ) -> Result<AddressedToken<'d>, Refusal> {
        let policy = self.admitted.policy;
        let claimed = self.claimed_issuer();
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
        if !accepted.contains(algorithm) {
            let alg = Some(algorithm.name().to_owned());
            return Err(Refusal::UnsupportedAlgorithm { alg, accepted });
        }
        let ParsedToken { admitted, jws, header, claims } = self;
        Ok(AddressedToken(Checks { admitted, jws, header, claims, algorithm, issuer }))
    }
}

/// A token of the right form that names one of the configured issuers.
#[derive(Debug)]
pub struct AddressedToken<'d>(Checks<'d>);

impl<'d> AddressedToken<'d> {
    /// Checks 4 and 5.
    pub fn find_key(self, keys: &dyn Keys) -> Result<KeyedToken<'d>, Refusal> {
        let keys = self.0.key(self.0.keys(keys)?)?;
        Ok(KeyedToken { checks: self.0, keys })
    }

    /// Every check from here on by itself: for a dry run.
    pub(super) fn checks(&self) -> &Checks<'d> {
        &self.0
    }
}

/// A token and the keys that may have signed it.
#[derive(Debug)]
pub struct KeyedToken<'d> {
    checks: Checks<'d>,
    keys: Vec<PublicKey>,
}

impl<'d> KeyedToken<'d> {
    /// Check 6.
    pub fn verify(self) -> Result<SignedToken<'d>, Refusal> {
        self.checks.signature(&self.keys)?;
        Ok(SignedToken(self.checks))
    }
}

/// A token that its issuer has signed: from here on its claims are the issuer's word.
#[derive(Debug)]
pub struct SignedToken<'d>(Checks<'d>);

impl<'d> SignedToken<'d> {
    /// Who the issuer says the bearer is, as far as it can be read: for the log
    /// of a refusal by a check before the tenth.
    pub fn stated_principals(&self) -> Option<Vec<String>> {
        self.0.identities().ok()
    }

    /// Check 7.
    pub fn check_times(self, now: UnixTime) -> Result<TimelyToken<'d>, Refusal> {
        let expires = self.0.times(now)?;
        Ok(TimelyToken { checks: self.0, now, expires })
    }
}

/// A signed token whose time it is.
#[derive(Debug)]
pub struct TimelyToken<'d> {
    checks: Checks<'d>,
    now: UnixTime,
    expires: UnixTime,
}

impl<'d> TimelyToken<'d> {
    /// Check 8.
    pub fn check_audience(self) -> Result<IntendedToken<'d>, Refusal> {
        self.checks.audience()?;
        Ok(IntendedToken(self))
    }
}

/// A timely token that was made for this server.
#[derive(Debug)]
pub struct IntendedToken<'d>(TimelyToken<'d>);

impl<'d> IntendedToken<'d> {
    /// Check 9.
    pub fn check_required_claims(self) -> Result<QualifiedToken<'d>, Refusal> {
        self.0.checks.required_claims()?;
        Ok(QualifiedToken(self.0))
    }
}

/// A token that meets every demand of its issuer's entry.
#[derive(Debug)]
pub struct QualifiedToken<'d>(TimelyToken<'d>);

impl<'d> QualifiedToken<'d> {
    /// Check 10.
    pub fn identify(self) -> Result<IdentifiedToken<'d>, Refusal> {
        let principals = self.0.checks.identities()?;
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
        let principal = self.token.checks.mapped(&self.principals, role, mapping)?;
        Ok(MappedToken { token: self.token, principals: self.principals, principal, role })
    }
}

/// A token whose bearer may have the role, if anyone may.
#[derive(Debug)]
pub struct MappedToken<'d, 'r> {
    token: TimelyToken<'d>,
    principals: Vec<String>,
    principal: String,
    role: &'r [u8],
}

impl MappedToken<'_, '_> {
    /// The identity that maps to the role.
    pub fn principal(&self) -> &str {
        &self.principal
    }

    /// Check 12, and then the list of those who are denied.
    pub fn grant(self, is_superuser: &dyn Fn(&[u8]) -> bool) -> Result<Grant, Refusal> {
        let TimelyToken { checks, now, expires } = self.token;
        checks.role(self.role, is_superuser)?;
        checks.denied(&self.principals, now)?;
        Ok(Grant {
            issuer: checks.issuer.iss.clone(),
            principal: self.principal,
            identities: self.principals,
            kid: checks.header.kid().map(str::to_owned),
            jti: checks.claims.jti().map(str::to_owned),
            expires,
            role: self.role.to_vec(),
            // It was read as JSON, so it is UTF-8.
            claims: String::from_utf8_lossy(checks.jws.payload()).into_owned(),
        })
    }
}
