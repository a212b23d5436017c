//! What the catalogue says of the roles that tokens are to open.

use crate::pg::roles::{self, Oid};
use pgrx::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::ffi::CString;

/// A role that exists.
#[derive(Clone, Debug)]
pub struct RoleFacts {
    /// Whether it may log in.
    pub can_login: bool,
    /// Whether it is a superuser.
    pub is_superuser: bool,
    /// Whether it is a member of one, directly or not: SET ROLE makes it one.
    pub can_become_superuser: bool,
    /// The predefined roles (`pg_…`) that it is a member of, directly or not.
    pub predefined: Vec<String>,
}

/// What there is to say of those roles that exist, by name. Names are compared
/// as bytes, as at a login: the database that this runs in may have another
/// encoding than the one that a role was created in. For functions with a
/// search path of their own.
///
/// # Errors
/// Where the catalogue cannot be read.
pub fn of<'n>(
    names: impl IntoIterator<Item = &'n str>,
) -> Result<HashMap<&'n str, RoleFacts>, spi::Error> {
    let names: BTreeSet<&str> = names.into_iter().collect();
    let oid = |name: &str| roles::find(&CString::new(name).ok()?);
    let existing: Vec<(&str, Oid)> =
        names.into_iter().filter_map(|name| Some((name, oid(name)?))).collect();
    let by_oid = facts(existing.iter().map(|(_, oid)| *oid).collect())?;
    let facts = |(name, oid): (&'n str, Oid)| Some((name, by_oid.get(&oid)?.clone()));
    Ok(existing.into_iter().filter_map(facts).collect())
}

fn facts(oids: Vec<Oid>) -> Result<HashMap<Oid, RoleFacts>, spi::Error> {
    Spi::connect(|client| {
        let mut facts = HashMap::new();
        for row in client.select(FACTS, None, &[oids.into()])? {
            let Some(oid) = row.get::<Oid>(1)? else { continue };
            let is = |column| Ok::<bool, spi::Error>(row.get::<bool>(column)?.unwrap_or(false));
            let role = RoleFacts {
                can_login: is(2)?,
                is_superuser: is(3)?,
                can_become_superuser: is(4)?,
                predefined: row.get::<Vec<String>>(5)?.unwrap_or_default(),
            };
            facts.insert(oid, role);
        }
        Ok(facts)
    })
}

/// A superuser passes for a member of every role, and nobody joins
/// pg_database_owner. From 16 on a membership may leave SET ROLE out.
const FACTS: &str = "
SELECT r.oid, r.rolcanlogin, r.rolsuper,
    EXISTS (SELECT FROM pg_catalog.pg_roles AS s
            WHERE s.rolsuper AND s.oid <> r.oid
            AND pg_catalog.pg_has_role(r.oid, s.oid, CASE
                WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 160000
                THEN 'SET' ELSE 'MEMBER' END)),
    ARRAY(SELECT p.rolname::pg_catalog.text FROM pg_catalog.pg_roles AS p
          WHERE NOT r.rolsuper AND p.rolname <> 'pg_database_owner'
          AND pg_catalog.starts_with(p.rolname::pg_catalog.text, 'pg_')
          AND pg_catalog.pg_has_role(r.oid, p.oid, 'MEMBER') ORDER BY p.rolname)
FROM pg_catalog.pg_roles AS r
WHERE r.oid = ANY ($1::pg_catalog.oid[])";
