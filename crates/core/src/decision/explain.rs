//! The dry run: the same checks, each asked whether or not one before it
//! failed, as far as that makes sense. It grants nothing.

use super::checks::{Checks, check_times};
use super::stages::{Admitted, check_enabled};
use super::{Connection, Mapping, Surroundings};
use crate::claims::Claims;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::time::UnixTime;
use std::borrow::Cow;

/// A row of the dry run; the order is that of the checks.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[allow(missing_docs)] // each has the name that the row shows
pub enum Check {
    Policy,
    Enabled,
    Form,
    Issuer,
    Keys,
    Key,
    Signature,
    Time,
    Audience,
    RequiredClaims,
    Identity,
    IdentityMap,
    Role,
}

impl Check {
    /// Every check, in order.
    pub const ALL: [Check; 13] = [
        Check::Policy,
        Check::Enabled,
        Check::Form,
        Check::Issuer,
        Check::Keys,
        Check::Key,
        Check::Signature,
        Check::Time,
        Check::Audience,
        Check::RequiredClaims,
        Check::Identity,
        Check::IdentityMap,
        Check::Role,
    ];

    /// As the row shows it.
    pub fn name(self) -> &'static str {
        match self {
            Check::Policy => "policy",
            Check::Enabled => "enabled",
            Check::Form => "form",
            Check::Issuer => "issuer",
            Check::Keys => "keys",
            Check::Key => "key",
            Check::Signature => "signature",
            Check::Time => "time",
            Check::Audience => "audience",
            Check::RequiredClaims => "required_claims",
            Check::Identity => "identity",
            Check::IdentityMap => "identity_map",
            Check::Role => "role",
        }
    }
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It holds.
    Passed(Fact),
    /// A login would be refused for this, unless it is refused before.
    Failed(Refusal),
    /// The token came without a signature, so there was none to verify.
    NotChecked,
    /// What failed before left nothing to ask about.
    NotReached,
}

/// What was found by a check that holds.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // each says what its check found
pub enum Fact {
    Sound,
    Enabled,
    Form { algorithm: &'static str, kid: Option<String>, bytes: usize },
    Issuer(String),
    Keys { usable: usize },
    Key { fitting: usize },
    Signature,
    Time { expires: UnixTime, now: UnixTime },
    Audience { found: Vec<String>, accepted: Vec<String> },
    RequiredClaims(usize),
    Identity(Vec<String>),
    IdentityMap { principal: String },
    Role,
}

/// Asks every check about `token` and `role`. A token whose signature was cut
/// off, with or without its last dot, is taken too. `policy` is the sound
/// policy, or the settings that were refused. The result has one element for
/// each check, in order.
pub fn explain(
    policy: Result<&Policy, Vec<String>>,
    connection: Connection,
    token: &[u8],
    role: &[u8],
    surroundings: Surroundings<'_>,
) -> Vec<(Check, Outcome)> {
    let mut rows = Rows(vec![Outcome::NotReached; Check::ALL.len()]);
    match policy {
        Err(settings) => rows.fail(Check::Policy, Refusal::Misconfigured { settings }),
        Ok(policy) => {
            rows.pass(Check::Policy, Fact::Sound);
            rows.note(Check::Enabled, check_enabled(policy, connection), |()| Fact::Enabled);
            let admitted = Admitted::for_dry_run(policy, connection);
            rows.token(admitted, &with_last_dot(token), role, surroundings);
        }
    }
    Check::ALL.into_iter().zip(rows.0).collect()
}

/// A token of two parts gets an empty third one.
fn with_last_dot(token: &[u8]) -> Cow<'_, [u8]> {
    if token.iter().filter(|byte| **byte == b'.').count() == 1 {
        Cow::Owned([token, b"."].concat())
    } else {
        Cow::Borrowed(token)
    }
}

struct Rows(Vec<Outcome>);

impl Rows {
    fn put(&mut self, check: Check, outcome: Outcome) {
        self.0[check as usize] = outcome;
    }

    fn pass(&mut self, check: Check, fact: Fact) {
        self.put(check, Outcome::Passed(fact));
    }

    fn fail(&mut self, check: Check, refusal: Refusal) {
        self.put(check, Outcome::Failed(refusal));
    }

    /// Notes a result, and gives back what there is to go on with.
    fn note<T: Clone>(
        &mut self,
        check: Check,
        result: Result<T, Refusal>,
        fact: impl FnOnce(T) -> Fact,
    ) -> Option<T> {
        match result {
            Ok(found) => {
                self.pass(check, fact(found.clone()));
                Some(found)
            }
            Err(refusal) => {
                self.fail(check, refusal);
                None
            }
        }
    }

    fn token(&mut self, admitted: Admitted<'_>, token: &[u8], role: &[u8], around: Surroundings) {
        self.role(&admitted, role, around);
        let decoded = match admitted.decode(token) {
            Ok(decoded) => decoded,
            Err(refusal) => return self.fail(Check::Form, refusal),
        };
        let parsed = match decoded.parse() {
            Ok(parsed) => parsed,
            Err(refusal) => return self.fail(Check::Form, refusal),
        };
        let kid = parsed.kid().map(str::to_owned);
        let form = |algorithm: crate::algorithm::Algorithm| Fact::Form {
            algorithm: algorithm.name(),
            kid,
            bytes: token.len(),
        };
        let algorithm = self.note(Check::Form, parsed.check_header(), form);
        let claims = parsed.claims().clone();
        let Some(algorithm) = algorithm else {
            return self.time_alone(&admitted, &claims, around);
        };
        match parsed.known_issuer(algorithm, None) {
            Ok(addressed) => {
                let checks = addressed.checks();
                self.pass(Check::Issuer, Fact::Issuer(checks.issuer.iss.clone()));
                self.keys(checks, decoded.has_signature(), around);
                self.claims(checks, role, around);
            }
            Err(refusal) => {
                self.fail(Check::Issuer, refusal);
                self.time_alone(&admitted, &claims, around);
            }
        }
    }

    /// Without an issuer, time is all that can be judged of the claims.
    fn time_alone(&mut self, admitted: &Admitted<'_>, claims: &Claims<'_>, around: Surroundings) {
        let now = (around.now)();
        let times = check_times(admitted.policy(), claims, now);
        self.note(Check::Time, times, |expires| Fact::Time { expires, now });
    }

    fn keys(&mut self, checks: &Checks<'_>, has_signature: bool, around: Surroundings) {
        if !has_signature {
            self.put(Check::Signature, Outcome::NotChecked);
        }
        let candidates = match checks.keys(around.keys) {
            Ok(candidates) => candidates,
            Err(refusal) => return self.fail(Check::Keys, refusal),
        };
        self.pass(Check::Keys, Fact::Keys { usable: candidates.issuer_keys });
        let found = checks.key(candidates);
        let fitting = self.note(Check::Key, found, |keys| Fact::Key { fitting: keys.len() });
        if let (Some(keys), true) = (fitting, has_signature) {
            self.note(Check::Signature, checks.signature(&keys), |()| Fact::Signature);
        }
    }

    fn claims(&mut self, checks: &Checks<'_>, role: &[u8], around: Surroundings) {
        let now = (around.now)();
        self.note(Check::Time, checks.times(now), |expires| Fact::Time { expires, now });
        let audience = |()| Fact::Audience {
            found: checks.claims.audience().into_iter().map(str::to_owned).collect(),
            accepted: checks.admitted.policy().audience_of(checks.issuer).to_vec(),
        };
        self.note(Check::Audience, checks.audience(), audience);
        let demands = checks.issuer.required_claims.len();
        let required = checks.required_claims();
        self.note(Check::RequiredClaims, required, |()| Fact::RequiredClaims(demands));
        let Some(identities) = self.note(Check::Identity, checks.identities(), Fact::Identity)
        else {
            return;
        };
        let mapped = checks.mapped(&identities, role, Mapping::IdentityMaps);
        self.note(Check::IdentityMap, mapped, |principal| Fact::IdentityMap { principal });
        if let Outcome::Passed(_) = &self.0[Check::Role as usize] {
            self.note(Check::Role, checks.denied(&identities, now), |()| Fact::Role);
        }
    }

    fn role(&mut self, admitted: &Admitted<'_>, role: &[u8], around: Surroundings) {
        let checked = admitted.check_role(role, around.is_superuser);
        self.note(Check::Role, checked, |()| Fact::Role);
    }
}
