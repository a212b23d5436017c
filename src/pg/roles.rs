//! What the catalogue says of a role.

use pgrx::pg_sys;
use std::ffi::{CStr, CString};

pub use pgrx::pg_sys::Oid;

/// The role of that name, compared as bytes; `None` where there is none.
pub fn find(role: &CStr) -> Option<Oid> {
    // SAFETY: a NUL-terminated name, inside a transaction.
    let oid = unsafe { pg_sys::get_role_oid(role.as_ptr(), true) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// The role that this session logged in as, whatever SET ROLE and SET SESSION
/// AUTHORIZATION said since, by the name that it has now; `None` where it was
/// dropped. Inside a transaction.
pub fn authenticated() -> Option<CString> {
    // SAFETY: reads a variable of this session.
    let oid = unsafe { pg_sys::GetAuthenticatedUserId() };
    // SAFETY: any OID may be asked about.
    let name = unsafe { pg_sys::GetUserNameFromId(oid, true) };
    // SAFETY: NULL, or a palloc'd name with a NUL at its end.
    (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_owned())
}

/// Whether a role of that name exists and is a superuser. Reads pg_authid
/// through the system cache, which works before a database is chosen.
pub fn is_superuser(role: &CStr) -> bool {
    // SAFETY: any OID may be asked about.
    find(role).is_some_and(|oid| unsafe { pg_sys::superuser_arg(oid) })
}

/// A SCRAM secret of nobody's, to spend the time of one that is stored.
const NOBODYS: &CStr = c"SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Whether `password` is the role's stored one (SCRAM or MD5) and still valid.
/// A role that does not exist, or has none, has no password. Takes as long
/// where there is none as where there is a SCRAM secret of the default
/// iterations. Reads pg_authid as [`is_superuser`] does.
pub fn has_password(role: &CStr, password: &CStr) -> bool {
    let mut detail = std::ptr::null();
    // SAFETY: a NUL-terminated name; `detail` takes a pointer to a text for the log.
    let stored = unsafe { pg_sys::get_role_password(role.as_ptr(), &mut detail) };
    // SAFETY: NULL, or NUL-terminated.
    let is_scram = !stored.is_null()
        && unsafe { pg_sys::get_password_type(stored) }
            == pg_sys::PasswordType::PASSWORD_TYPE_SCRAM_SHA_256;
    if !is_scram {
        let mut unused = std::ptr::null();
        // SAFETY: three NUL-terminated texts. It is no secret of any password.
        unsafe {
            pg_sys::plain_crypt_verify(
                role.as_ptr(),
                NOBODYS.as_ptr(),
                password.as_ptr(),
                &mut unused,
            )
        };
    }
    if stored.is_null() {
        return false;
    }
    // SAFETY: three NUL-terminated texts, the second from the catalogue.
    let status = unsafe {
        pg_sys::plain_crypt_verify(role.as_ptr(), stored, password.as_ptr(), &mut detail)
    };
    // SAFETY: palloc'd by get_role_password for its caller.
    unsafe { pg_sys::pfree(stored.cast()) };
    status == pg_sys::STATUS_OK as i32
}
