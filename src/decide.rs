//! The one decision that every door calls: the core's, given this server's
//! policy, keys, catalogue and clock.

use crate::clock;
use crate::counters::{self, Outcome, Stopwatch};
use crate::keyring::SharedKeys;
use crate::pg::roles;
use crate::report::{self, Door};
use crate::session::{self, Session};
use jwt_sso_core::decision::{
    self, Admitted, Connection, Demands, Facts, Grant, Mapping, Refused, Surroundings,
};
use jwt_sso_core::policy::Policy;
use jwt_sso_core::refusal::Refusal;
use jwt_sso_core::token;
use std::ffi::CStr;

/// A login at one of the doors.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// Which door.
    pub door: Door,
    /// The requested role.
    pub role: &'a CStr,
}

/// How a client was let in.
#[must_use]
pub enum Granted {
    /// By a token, on these terms.
    ByToken(Grant),
    /// By the role's stored password.
    ByPassword,
}

impl Login<'_> {
    /// Checks 0 and 1, before the client is asked for a token. A refusal is
    /// logged; what the client is to be told comes back.
    pub fn admit<'p>(
        &self,
        policy: Result<&'p Policy, Vec<String>>,
        connection: Connection,
    ) -> Result<Admitted<'p>, report::ClientError> {
        decision::admit(policy, connection).map_err(|refusal| self.refused_early(&refusal, 0))
    }

    /// The rest of the decision on what a client sent as its password. Either
    /// way it is logged.
    pub fn decide(
        &self,
        admitted: Admitted<'_>,
        password: &CStr,
    ) -> Result<Granted, report::ClientError> {
        let bytes = password.to_bytes();
        if admitted.policy().allow_password && !token::begins_like_token(bytes) {
            self.decide_password(admitted, password).map(|()| Granted::ByPassword)
        } else {
            self.decide_token(admitted, bytes, Demands::default()).map(Granted::ByToken)
        }
    }

    /// The rest of the decision on a token, where it may be that more than the
    /// policy is demanded. Either way it is logged and counted.
    pub fn decide_token(
        &self,
        admitted: Admitted<'_>,
        token: &[u8],
        demands: Demands<'_>,
    ) -> Result<Grant, report::ClientError> {
        #[cfg(feature = "panic_probe")]
        if self.role == c"panic_probe" {
            panic!("panic_probe: this text must not reach a client");
        }
        let policy = admitted.policy();
        let stopwatch = Stopwatch::new();
        let around = Surroundings {
            keys: &SharedKeys { policy },
            is_superuser: &|_| roles::is_superuser(self.role),
            now: &clock::now,
            begins: &|phase| stopwatch.begins(phase),
        };
        let decided = decision::decide(admitted, token, self.role.to_bytes(), demands, around);
        stopwatch.stop();
        match decided {
            Ok(grant) => {
                let by_server = matches!(demands.mapping, Mapping::Server(_));
                match demands.mapping {
                    Mapping::Session(_) => session::renew(&grant),
                    _ => session::begin(self, &grant, by_server),
                }
                // Last, so that a login which breaks in here is not counted twice.
                counters::count(Outcome::Accepted, self.door, Some(&grant.issuer));
                report::accepted(self, &grant);
                Ok(grant)
            }
            Err(Refused { refusal, facts }) => {
                let configured = |iss: &&str| policy.issuers.get(iss).is_some();
                let issuer = facts.issuer.as_deref().filter(configured);
                counters::count(Outcome::Refused(refusal.reason()), self.door, issuer);
                Err(report::refused(self, &refusal, &facts, token.len()))
            }
        }
    }

    /// The decision on a token that an open session is to go on with: it must
    /// be of the same issuer and identity, and that must still have the role.
    pub fn renew(
        &self,
        admitted: Admitted<'_>,
        token: &[u8],
        session: &Session,
    ) -> Result<Grant, report::ClientError> {
        let policy = admitted.policy();
        let Grant { issuer, principal, .. } = &session.grant;
        let maps = |identity: &str| {
            identity == principal
                && (session.mapped_by_server
                    || policy.maps_to(issuer, identity, self.role.to_bytes()))
        };
        let demands = Demands { issuer: Some(issuer), mapping: Mapping::Session(&maps) };
        self.decide_token(admitted, token, demands)
    }

    fn decide_password(
        &self,
        admitted: Admitted<'_>,
        password: &CStr,
    ) -> Result<(), report::ClientError> {
        let is_superuser = |_: &[u8]| roles::is_superuser(self.role);
        let matches = || roles::has_password(self.role, password);
        let (bytes, role) = (password.to_bytes(), self.role.to_bytes());
        match decision::decide_password(admitted, bytes, role, &matches, &is_superuser) {
            Ok(()) => {
                counters::count(Outcome::Accepted, self.door, None);
                report::accepted_by_password(self);
                Ok(())
            }
            Err(refusal) => Err(self.refused_early(&refusal, bytes.len())),
        }
    }

    /// A refusal of which no token is known.
    fn refused_early(&self, refusal: &Refusal, length: usize) -> report::ClientError {
        counters::count(Outcome::Refused(refusal.reason()), self.door, None);
        report::refused(self, refusal, &Facts::default(), length)
    }
}
