//! Declarations of `shim.c`. Each function may raise an ERROR only where its
//! comment says so; `#[pg_guard]` turns one into an unwinding Rust panic.
#![allow(missing_docs)]

use pgrx::pg_sys;
use pgrx::prelude::*;
#[cfg(feature = "pg18")]
use std::ffi::c_void;
use std::ffi::{c_char, c_int};

/// `jwt_sso_ask_password`: the packet is in the buffer.
pub const PACKET_RECEIVED: c_int = 0;
/// `jwt_sso_ask_password`: the client hung up, or its packet was cut off or too long.
pub const PACKET_CLIENT_GONE: c_int = 1;

/// `jwt_sso_process`: the postmaster or a single-user server.
pub const PROCESS_POSTMASTER: c_int = 0;
/// `jwt_sso_process`: a process that may run ALTER SYSTEM.
pub const PROCESS_SESSION: c_int = 1;

/// `jwt_sso_oauth_callbacks`: given a token, says whether its bearer is let in,
/// and as whom.
#[cfg(feature = "pg18")]
pub type DecideToken = unsafe extern "C-unwind" fn(*const c_char, *mut *mut c_char) -> bool;

// A block of its own: pg_guard loses the condition of a single function.
#[cfg(feature = "pg18")]
#[pg_guard]
unsafe extern "C-unwind" {
    pub fn jwt_sso_port_oauth_issuer(port: *const pg_sys::Port) -> *const c_char;
    pub fn jwt_sso_port_oauth_delegates_mapping(port: *const pg_sys::Port) -> bool;
    /// May raise: a look into the catalogue, out of memory.
    pub fn jwt_sso_port_usermap_allows(port: *const pg_sys::Port, identity: *const c_char) -> bool;
    /// Returns the validator's table of callbacks, in static memory.
    pub fn jwt_sso_oauth_callbacks(decide: DecideToken) -> *const c_void;
}

unsafe extern "C-unwind" {
    /// Raises what `function` raises. Without a guard: the caller has nothing to drop.
    pub fn jwt_sso_call_hidden(
        function: unsafe extern "C-unwind" fn(pg_sys::FunctionCallInfo) -> pg_sys::Datum,
        fcinfo: pg_sys::FunctionCallInfo,
        stays_hidden: bool,
    ) -> pg_sys::Datum;
}

#[pg_guard]
unsafe extern "C-unwind" {
    pub fn jwt_sso_port_user(port: *const pg_sys::Port) -> *const c_char;
    pub fn jwt_sso_port_remote_host(port: *const pg_sys::Port) -> *const c_char;
    pub fn jwt_sso_proc_number() -> c_int;
    pub fn jwt_sso_proc_is_idle(number: c_int) -> bool;
    pub fn jwt_sso_port_is_unix(port: *const pg_sys::Port) -> bool;
    pub fn jwt_sso_port_is_tls(port: *const pg_sys::Port) -> bool;
    pub fn jwt_sso_port_is_trust(port: *const pg_sys::Port) -> bool;
    pub fn jwt_sso_port_is_pam(port: *const pg_sys::Port) -> bool;
    pub fn jwt_sso_port_pam_service(port: *const pg_sys::Port) -> *const c_char;
    pub fn jwt_sso_authenticating_port() -> *mut pg_sys::Port;
    /// May raise: out of memory.
    pub fn jwt_sso_port_set_identity(port: *mut pg_sys::Port, identity: *const c_char);

    /// May raise: a lost protocol synchronisation, an interrupt.
    pub fn jwt_sso_ask_password(port: *mut pg_sys::Port, buf: pg_sys::StringInfo) -> c_int;

    /// Raises where `level` is ERROR; ends the process where it is FATAL.
    pub fn jwt_sso_report(
        level: c_int,
        sqlstate: c_int,
        message: *const c_char,
        detail: *const c_char,
        hint: *const c_char,
    );
    /// May raise: out of memory.
    pub fn jwt_sso_guc_refuse(message: *const c_char, detail: *const c_char, hint: *const c_char);

    pub fn jwt_sso_setting_in_file(name: *const c_char) -> bool;
    pub fn jwt_sso_setting_from_file(name: *const c_char) -> bool;
    /// `names` has room for `size` bytes; on return one name per line.
    pub fn jwt_sso_undefined_placeholders(prefix: *const c_char, names: *mut c_char, size: c_int);
    /// As above. May raise: out of memory.
    pub fn jwt_sso_undefined_in_files(prefix: *const c_char, names: *mut c_char, size: c_int);
    pub fn jwt_sso_reload_time() -> i64;
    pub fn jwt_sso_process() -> c_int;
    pub fn jwt_sso_in_statement() -> bool;
    pub fn jwt_sso_speaks_utf8() -> bool;
    pub fn jwt_sso_remind_postmaster();
    pub fn jwt_sso_addin_lock() -> *mut pg_sys::LWLock;
}
