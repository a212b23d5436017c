//! The OAuth validator of PostgreSQL 18: the server's OAUTHBEARER asks it about
//! the token that a client sent.

use super::auth_hook;
use super::message::{self, Message, c_string};
use super::port::Client;
use super::{guard, shim};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;

/// What a door says of a bearer token.
#[must_use]
pub enum Verdict {
    /// Let in as this identity.
    Accept(String),
    /// Refused, with what the client is told once the server's exchange is over.
    Refuse(Message),
}

/// A door behind the validator.
pub struct Door {
    /// Decides on a token, in the characters that RFC 6750 §2.1 allows.
    pub decide: fn(&Client, &[u8]) -> Verdict,
    /// What the client is told when `decide` panicked; where it did.
    pub broken: fn(&Client, &str) -> Message,
}

static DOOR: OnceLock<Door> = OnceLock::new();

/// Puts `door` behind the validator. Once, whether the library is preloaded or not.
pub fn install(door: Door) {
    let _ = DOOR.set(door);
}

/// The entry point that `oauth_validator_libraries` looks for. The server calls
/// it in each backend whose HBA line names this library as its validator.
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn _PG_oauth_validator_module_init() -> *const c_void {
    // SAFETY: hands over a static function; the table that comes back is static.
    unsafe { shim::jwt_sso_oauth_callbacks(on_token) }
}

/// Called by the shim's validate callback. Where it says yes, `identity` is who
/// the client is, palloc'd for the server to free, or NULL.
#[pg_guard]
unsafe extern "C-unwind" fn on_token(token: *const c_char, identity: *mut *mut c_char) -> bool {
    // SAFETY: reads a global.
    let port = unsafe { pg_sys::MyProcPort };
    // SAFETY: this backend's Port; the server validates inside ClientAuthentication.
    let client = unsafe { Client::new(port) };
    let (Some(client), Some(door)) = (client, DOOR.get()) else {
        message::log("jwt_sso: no connection to decide on");
        return false;
    };
    if token.is_null() {
        return false;
    }
    // SAFETY: NUL-terminated, and the server's for as long as it validates.
    let token = unsafe { CStr::from_ptr(token) };
    let decide = || match (door.decide)(&client, token.to_bytes()) {
        Verdict::Accept(name) => Ok(duplicate(&name)),
        Verdict::Refuse(answer) => Err(answer),
    };
    match guard::catch(decide) {
        Ok(Ok(name)) => {
            // SAFETY: the server's own place for it.
            unsafe { identity.write(name) };
            return true;
        }
        Ok(Err(answer)) => auth_hook::refuse_with(answer),
        Err(place) => auth_hook::refuse_with(auth_hook::said(|| (door.broken)(&client, &place))),
    }
    false
}

/// In the server's memory; NULL, which is no identity, where C cannot carry it.
fn duplicate(name: &str) -> *mut c_char {
    if name.contains('\0') {
        return std::ptr::null_mut();
    }
    // SAFETY: NUL-terminated; copied into the current memory context.
    unsafe { pg_sys::pstrdup(c_string(name.as_bytes()).as_ptr()) }
}
