//! What the catalogue says of a role.

use pgrx::pg_sys;
use std::ffi::CStr;

/// Whether a role of that name exists and is a superuser. Reads pg_authid
/// through the system cache, which works before a database is chosen.
pub fn is_superuser(role: &CStr) -> bool {
    // SAFETY: a NUL-terminated name, inside the start-up transaction.
    let oid = unsafe { pg_sys::get_role_oid(role.as_ptr(), true) };
    if oid == pg_sys::InvalidOid {
        return false;
    }
    // SAFETY: any OID may be asked about.
    unsafe { pg_sys::superuser_arg(oid) }
}
