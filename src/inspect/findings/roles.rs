//! What `check()` finds of the roles that the identity map names.

use super::{Finding, warning};
use crate::pg::roles::{self, Oid};
use jwt_sso_core::policy::Policy;
use pgrx::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::ffi::CString;

/// Literal roles of the map that do not exist or that a token should not open.
/// Names are compared as bytes, as at a login: the database that `check()` runs
/// in may have another encoding than the one that a role was created in.
pub fn findings(policy: &Policy) -> Vec<Finding> {
    let maps = [&policy.identity_map, &policy.identity_map_file];
    let names: BTreeSet<&str> = maps
        .iter()
        .flat_map(|map| map.lines())
        .map(|line| line.role)
        .filter(|role| !role.contains('\\'))
        .collect();
    let oid = |name: &str| roles::find(&CString::new(name).ok()?);
    let existing: HashMap<&str, Oid> =
        names.iter().filter_map(|name| Some((*name, oid(name)?))).collect();
    let problems = match problems(existing.values().copied().collect()) {
        Ok(problems) => problems,
        Err(why) => {
            let text = format!("the roles of the identity map could not be read: {why}");
            return vec![warning(text, "")];
        }
    };
    let problem_of = |name: &str| match existing.get(name) {
        _ if name.starts_with("pg_") => Some("is reserved: tokens never open roles pg_*"),
        None => Some("does not exist"),
        Some(oid) => problems.get(oid).map(String::as_str),
    };
    names.iter().filter_map(|name| Some(finding(name, problem_of(name)?))).collect()
}

/// What is wrong about these roles, by OID.
fn problems(oids: Vec<Oid>) -> Result<HashMap<Oid, String>, spi::Error> {
    Spi::connect(|client| {
        let rows = client.select(PROBLEMS, None, &[oids.into()])?;
        let pairs = rows.map(|row| Ok((row.get::<Oid>(1)?, row.get::<String>(2)?)));
        let pairs: Vec<(Option<Oid>, Option<String>)> = pairs.collect::<Result<_, spi::Error>>()?;
        Ok(pairs.into_iter().filter_map(|(oid, problem)| Some((oid?, problem?))).collect())
    })
}

fn finding(role: &str, problem: &str) -> Finding {
    let text = format!("the identity map names the role {role:?}, which {problem}");
    let hint = match problem {
        "does not exist" => "CREATE ROLE it with LOGIN, or take the line out.",
        "may not log in" => "ALTER ROLE it with LOGIN, or take the line out.",
        _ => "Map the identity to a role without such rights.",
    };
    warning(text, hint)
}

/// Existing roles with what is wrong about them.
const PROBLEMS: &str = "
SELECT r.oid, CASE
    WHEN NOT r.rolcanlogin THEN 'may not log in'
    WHEN r.rolsuper THEN 'is a superuser'
    WHEN EXISTS (SELECT FROM pg_catalog.pg_roles AS s
                 WHERE s.rolsuper AND pg_catalog.pg_has_role(r.oid, s.oid, 'MEMBER'))
    THEN 'can SET ROLE to a superuser' END
FROM pg_catalog.pg_roles AS r
WHERE r.oid = ANY ($1::pg_catalog.oid[])";
