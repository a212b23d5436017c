//! What the catalogue says of a role.

use pgrx::pg_sys;
use std::ffi::CStr;

pub use pgrx::pg_sys::Oid;

/// The role of that name, compared as bytes; `None` where there is none.
pub fn find(role: &CStr) -> Option<Oid> {
    // SAFETY: a NUL-terminated name, inside a transaction.
    let oid = unsafe { pg_sys::get_role_oid(role.as_ptr(), true) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// Whether a role of that name exists and is a superuser. Reads pg_authid
/// through the system cache, which works before a database is chosen.
pub fn is_superuser(role: &CStr) -> bool {
    // SAFETY: any OID may be asked about.
    find(role).is_some_and(|oid| unsafe { pg_sys::superuser_arg(oid) })
}
