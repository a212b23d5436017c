//! What `check()` finds of the roles that the identity map names.

use super::{Finding, warning};
use crate::inspect::role_facts::{self, RoleFacts};
use jwt_sso_core::policy::Policy;
use std::collections::BTreeSet;

/// How many roles are named before the others are only counted.
const NAMED: usize = 50;

/// Literal roles of the map that do not exist or that a token should not open.
pub fn findings(policy: &Policy) -> Vec<Finding> {
    let maps = [&policy.identity_map, &policy.identity_map_file];
    let names: BTreeSet<&str> = maps
        .iter()
        .flat_map(|map| map.lines())
        .map(|line| line.role)
        .filter(|role| !role.contains('\\'))
        .collect();
    let facts = match role_facts::of(names.iter().copied()) {
        Ok(facts) => facts,
        Err(why) => {
            let text = format!("the roles of the identity map could not be read: {why}");
            return vec![warning(text, "SELECT * FROM jwt_sso.map_report();")];
        }
    };
    let mut findings: Vec<Finding> = names
        .iter()
        .filter_map(|name| Some(finding(name, problem(name, facts.get(name))?)))
        .collect();
    let more = findings.len().saturating_sub(NAMED);
    if more > 0 {
        findings.truncate(NAMED);
        let text = format!("the identity map names {more} more roles of such kinds");
        findings.push(warning(text, "SELECT * FROM jwt_sso.map_report() WHERE hint IS NOT NULL;"));
    }
    findings
}

/// What is wrong about a role that a token is to open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Problem {
    /// Its name begins with `pg_`.
    Reserved,
    /// There is none of that name.
    Missing,
    /// It has no LOGIN.
    NoLogin,
    /// It is a superuser.
    Superuser,
    /// It can SET ROLE to one.
    BecomesSuperuser,
}

/// The gravest problem of a role by its name and what the catalogue says of it.
pub fn problem(name: &str, facts: Option<&RoleFacts>) -> Option<Problem> {
    if name.starts_with("pg_") {
        return Some(Problem::Reserved);
    }
    let Some(facts) = facts else { return Some(Problem::Missing) };
    if !facts.can_login {
        Some(Problem::NoLogin)
    } else if facts.is_superuser {
        Some(Problem::Superuser)
    } else if facts.can_become_superuser {
        Some(Problem::BecomesSuperuser)
    } else {
        None
    }
}

impl Problem {
    /// As the end of "the role … ".
    pub fn text(self) -> &'static str {
        match self {
            Problem::Reserved => "is reserved: tokens never open roles pg_*",
            Problem::Missing => "does not exist",
            Problem::NoLogin => "may not log in",
            Problem::Superuser => "is a superuser",
            Problem::BecomesSuperuser => "can SET ROLE to a superuser",
        }
    }

    /// What to do about it.
    pub fn hint(self, role: &str) -> String {
        let quoted = format!("\"{}\"", role.replace('"', "\"\""));
        match self {
            Problem::Missing => format!("CREATE ROLE {quoted} LOGIN; or take the line out."),
            Problem::NoLogin => format!("ALTER ROLE {quoted} LOGIN; or take the line out."),
            _ => "Map the identity to a role without such rights.".to_owned(),
        }
    }
}

fn finding(role: &str, problem: Problem) -> Finding {
    let text = format!("the identity map names the role {role:?}, which {}", problem.text());
    warning(text, problem.hint(role))
}
