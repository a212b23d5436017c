//! `explain()`: the dry run of a login.

use super::findings::roles;
use super::{demand_preload, role_facts};
use crate::clock;
use crate::keyring::{self, SharedKeys};
use crate::pg::process::presentable;
use crate::pg::roles as catalogue;
use crate::report::words;
use crate::settings;
use jwt_sso_core::decision::explain::{self, Check, Fact, Outcome};
use jwt_sso_core::decision::{Connection, Surroundings, Transport};
use jwt_sso_core::digest::Digest;
use jwt_sso_core::policy::Policy;
use jwt_sso_core::refusal::{MapFor, Refusal};
use jwt_sso_core::rounds::SettingSet;
use pgrx::prelude::*;
use std::ffi::CStr;

/// Each check of a login with this token as this role, made as a login makes
/// it, by the policy in force. It may wait for keys as a login may. Nothing is
/// logged and nothing is counted.
///
/// The server calls it by way of `pg::hidden`. The token is taken as bytes, whatever the database's encoding, and the role
/// as the type `name` has it, cut as a login's is.
#[pg_extern(sql = r#"
CREATE FUNCTION "explain"("token" TEXT, "role" name) RETURNS TABLE (
	"step" INT,
	"check" TEXT,
	"ok" bool,
	"detail" TEXT
)
STRICT VOLATILE PARALLEL RESTRICTED
SET search_path TO pg_catalog, pg_temp
LANGUAGE c
AS 'MODULE_PATHNAME', 'explain_wrapper';
"#)]
fn explain_login(
    token: &[u8],
    role: &CStr,
) -> TableIterator<
    'static,
    (name!(step, i32), name!(check, &'static str), name!(ok, Option<bool>), name!(detail, String)),
> {
    demand_preload();
    let in_force = InForce::find();
    let fallback = Policy::default();
    let around = Surroundings {
        keys: &SharedKeys { policy: in_force.policy.as_ref().unwrap_or(&fallback) },
        is_superuser: &|_| catalogue::is_superuser(role),
        now: &clock::now,
        begins: &|_| (),
    };
    let policy = in_force.policy.as_ref().map_err(Vec::clone);
    let connection = Connection { transport: Transport::Tls, replication: false };
    let rows = explain::explain(policy, connection, token, role.to_bytes(), around);
    let words = Words { in_force: &in_force, role, issuer: issuer_of(&rows) };
    let row = |(step, (check, outcome)): (i32, &(Check, Outcome))| {
        (step, check.name(), ok(outcome), presentable(&words.detail(*check, outcome)))
    };
    TableIterator::new((1..).zip(&rows).map(row).collect::<Vec<_>>())
}

fn ok(outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Passed(_) => Some(true),
        Outcome::Failed(_) => Some(false),
        Outcome::NotChecked | Outcome::NotReached => None,
    }
}

fn issuer_of(rows: &[(Check, Outcome)]) -> Option<&str> {
    rows.iter().find_map(|(_, outcome)| match outcome {
        Outcome::Passed(Fact::Issuer(issuer)) => Some(issuer.as_str()),
        _ => None,
    })
}

/// The policy that decides on a login now, as far as this session can know it.
struct InForce {
    /// `Err`: the settings that are to blame for there being none.
    policy: Result<Policy, Vec<String>>,
    /// Which policy it is.
    which: String,
}

impl InForce {
    /// What this process inherited when it was forked, or what its settings and
    /// files say, whichever of them the worker says is in force.
    fn find() -> InForce {
        let Some(status) = keyring::status() else {
            return InForce::unknown("the worker has not said which policy is in force");
        };
        let refused = settings::names(SettingSet::from_bits(status.refused));
        if status.policy == Digest::default() {
            return InForce { policy: Err(refused), which: String::new() };
        }
        let Ok(policy) = settings::in_force_as(Some(status.policy)) else {
            return InForce::unknown("another policy is in force: ask again in a new session");
        };
        let which = match refused.as_slice() {
            [] => format!("sound and in force, fingerprint {}", status.policy),
            refused => {
                format!("the previous policy is still in force: refused {}", refused.join(", "))
            }
        };
        InForce { policy: Ok(policy), which }
    }

    /// What this session's settings and files say, in force or not.
    fn unknown(why: &str) -> InForce {
        let policy = settings::compile_session().map_err(|refused| {
            refused.iter().map(|(setting, _)| setting.name.to_owned()).collect::<Vec<_>>()
        });
        let which = match &policy {
            Ok(_) => format!("by this session's settings and files, and {why}"),
            Err(refused) => format!("wrong in this session: {}, and {why}", refused.join(", ")),
        };
        InForce { policy, which }
    }
}

/// What there is to say of each row.
struct Words<'a> {
    in_force: &'a InForce,
    role: &'a CStr,
    issuer: Option<&'a str>,
}

impl Words<'_> {
    fn detail(&self, check: Check, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Passed(fact) => self.passed(fact),
            Outcome::Failed(refusal) => self.failed(refusal),
            Outcome::NotChecked => "not checked: the token came without its signature".to_owned(),
            Outcome::NotReached => format!("not reached: {}", self.why_not(check)),
        }
    }

    fn why_not(&self, check: Check) -> &'static str {
        match check {
            _ if self.in_force.policy.is_err() => "there is no policy",
            Check::Key => "there are no keys",
            Check::Signature => "there is no key",
            Check::IdentityMap => "there is no identity",
            _ if self.issuer.is_none() => "the token's form or issuer is not accepted",
            _ => "a check before it failed",
        }
    }

    /// With the reason code that the log would have.
    fn failed(&self, refusal: &Refusal) -> String {
        let detail = words::log_detail(refusal);
        let known = match refusal {
            Refusal::Misconfigured { .. } if !self.in_force.which.is_empty() => {
                return format!("{}: {}", refusal.reason(), self.in_force.which);
            }
            Refusal::UnknownIssuer { issuer: Some(issuer), .. } => {
                format!("iss {}", words::quote(issuer))
            }
            Refusal::RoleNotMapped { principals, .. } => {
                format!("identity {}, role {}", words::list(principals), self.role())
            }
            Refusal::ReservedRole(_) => format!("role {}", self.role()),
            _ => return format!("{}: {detail}", refusal.reason()),
        };
        format!("{}: {known}: {detail}", refusal.reason())
    }

    fn passed(&self, fact: &Fact) -> String {
        match fact {
            Fact::Sound => self.in_force.which.clone(),
            Fact::Enabled => "jwt_sso.enabled is on; the connection is taken as one over TLS and \
                              not for replication"
                .to_owned(),
            Fact::Form { algorithm, kid, bytes } => {
                let kid = kid
                    .as_deref()
                    .map_or("no kid".to_owned(), |kid| format!("kid {}", words::quote(kid)));
                format!("{bytes} bytes, algorithm {algorithm}, {kid}")
            }
            Fact::Issuer(issuer) => format!("iss {} is configured", words::quote(issuer)),
            Fact::Keys { usable } => format!("the issuer has {}", counted(*usable, "usable key")),
            Fact::Key { fitting } => {
                format!("{} to try, by kid and algorithm", counted(*fitting, "key"))
            }
            Fact::Signature => "the signature verifies".to_owned(),
            Fact::Time { expires, now } => words::times("exp", *expires, *now),
            Fact::Audience { found, accepted } => words::audience(found, accepted),
            Fact::RequiredClaims(0) => "the issuer's entry requires no claims".to_owned(),
            Fact::RequiredClaims(demands) => {
                format!("{} of the issuer's entry met", counted(*demands, "required claim"))
            }
            Fact::Identity(identities) => {
                format!("claim {} is {}", words::quote(&self.claim()), words::list(identities))
            }
            Fact::IdentityMap { principal } => {
                let (principal, role) = (words::quote(principal), self.role());
                format!("identity {principal} has the role {role}{}", self.by_what_map())
            }
            Fact::Role => self.about_role(),
        }
    }

    fn role(&self) -> String {
        words::quote(&self.role.to_string_lossy())
    }

    fn claim(&self) -> String {
        let claim = |policy: &Policy| {
            let issuer = policy.issuers.get(self.issuer?)?;
            Some(policy.claim_of(issuer).to_string())
        };
        self.in_force.policy.as_ref().ok().and_then(claim).unwrap_or_default()
    }

    fn by_what_map(&self) -> &'static str {
        let map = |policy: &Policy| Some(policy.map_for(self.issuer?));
        match self.in_force.policy.as_ref().ok().and_then(map) {
            Some(MapFor::NoMap) => ", by equality: no identity map is configured",
            _ => ", by the identity map",
        }
    }

    /// A role that does not exist is no refusal of ours, but one of the server.
    fn about_role(&self) -> String {
        let role = self.role();
        let name = self.role.to_string_lossy();
        let facts = match role_facts::of([&*name]) {
            Ok(facts) => facts,
            Err(why) => return format!("role {role}; the catalogue could not be read: {why}"),
        };
        match roles::problem(&name, facts.get(&*name)) {
            None => format!("role {role} may log in"),
            Some(problem @ (roles::Problem::Missing | roles::Problem::NoLogin)) => {
                format!("role {role} {}: the server itself refuses it after us", problem.text())
            }
            Some(problem) => format!("role {role} {}", problem.text()),
        }
    }
}

/// `1 key`, `2 keys`.
fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
