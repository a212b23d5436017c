//! This process: which kind it is, and a few of the server's globals.

use super::shim;
use pgrx::pg_sys;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The kind of process, as far as settings go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Process {
    /// The postmaster, or a single-user server.
    Postmaster,
    /// A session or background worker, which may run ALTER SYSTEM.
    Session,
    /// An auxiliary process or a parallel worker.
    Other,
}

/// The kind of this process.
pub fn kind() -> Process {
    // SAFETY: reads globals.
    match unsafe { shim::jwt_sso_process() } {
        shim::PROCESS_POSTMASTER => Process::Postmaster,
        shim::PROCESS_SESSION => Process::Session,
        _ => Process::Other,
    }
}

/// Whether a statement runs, as opposed to a reload between two of them.
pub fn in_statement() -> bool {
    // SAFETY: reads a global.
    unsafe { shim::jwt_sso_in_statement() }
}

/// The text as this process's client or log can take it: as it is, or, in a
/// database of another encoding than UTF-8, in ASCII. A NUL, which no text of
/// the server may hold, is escaped everywhere.
pub fn presentable(text: &str) -> String {
    // SAFETY: reads a global.
    let ascii_only = !text.is_ascii() && !unsafe { shim::jwt_sso_speaks_utf8() };
    if !ascii_only && !text.contains('\0') {
        return text.to_owned();
    }
    let mut presentable = String::new();
    for c in text.chars() {
        if c == '\0' || (ascii_only && !c.is_ascii()) {
            presentable.extend(c.escape_unicode());
        } else {
            presentable.push(c);
        }
    }
    presentable
}

/// Whether the library is being loaded by shared_preload_libraries.
pub fn is_preloading() -> bool {
    // SAFETY: reads a global.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}

/// Whether the library was loaded by shared_preload_libraries.
pub fn is_preloaded() -> bool {
    super::shmem::exists()
}

/// Whether pg_upgrade runs this server.
pub fn is_binary_upgrade() -> bool {
    // SAFETY: reads a global.
    unsafe { pg_sys::IsBinaryUpgrade }
}

/// When the configuration was last read, in microseconds since 2000: the same
/// throughout the check hooks of one reload, and another in the next.
pub fn reload_time() -> i64 {
    // SAFETY: reads a global.
    unsafe { shim::jwt_sso_reload_time() }
}

/// The time of the server's clock, in microseconds since 2000.
pub fn now() -> i64 {
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() }
}

/// The process id.
pub fn id() -> i32 {
    // SAFETY: reads a global.
    unsafe { pg_sys::MyProcPid }
}

/// Eight hexadecimal digits from the server's strong random source.
pub fn random_reference() -> String {
    let mut bytes = [0u8; 4];
    // SAFETY: writes 4 bytes to a buffer of 4. Where it fails the reference is
    // 00000000, which harms nobody: it only names a log line.
    unsafe { pg_sys::pg_strong_random(bytes.as_mut_ptr().cast(), bytes.len()) };
    format!("{:08x}", u32::from_be_bytes(bytes))
}

/// A random number from 0 up to, but not, 1.
pub fn random_unit() -> f64 {
    let mut bytes = [0u8; 4];
    // SAFETY: writes 4 bytes to a buffer of 4. Where it fails the number is 0.
    unsafe { pg_sys::pg_strong_random(bytes.as_mut_ptr().cast(), bytes.len()) };
    f64::from(u32::from_be_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

/// The data directory.
pub fn data_directory() -> PathBuf {
    // SAFETY: a global that is set before any library is loaded.
    let path = unsafe { pg_sys::DataDir };
    path_of(path)
}

/// The HBA file in force.
pub fn hba_file() -> PathBuf {
    // SAFETY: a global that is set before any library is loaded.
    let path = unsafe { pg_sys::HbaFileName };
    path_of(path)
}

fn path_of(path: *const std::ffi::c_char) -> PathBuf {
    if path.is_null() {
        return PathBuf::new();
    }
    // SAFETY: the server's path settings are NUL-terminated.
    let path = unsafe { CStr::from_ptr(path) };
    PathBuf::from(std::ffi::OsStr::from_bytes(path.to_bytes()))
}

/// Makes `path` the server's hba_file, above every configuration file.
/// Only while the library is preloaded.
pub fn override_hba_file(path: &CString) {
    // SAFETY: NUL-terminated strings, copied by the callee. hba_file has no
    // check hook, so nothing is raised.
    unsafe {
        pg_sys::SetConfigOption(
            c"hba_file".as_ptr(),
            path.as_ptr(),
            pg_sys::GucContext::PGC_POSTMASTER,
            pg_sys::GucSource::PGC_S_OVERRIDE,
        )
    };
}

/// Ends this process in the server's orderly way.
#[allow(unreachable_code)] // 18's binding does not know that it never returns
pub fn exit(code: i32) -> ! {
    // SAFETY: proc_exit runs the exit callbacks and does not return.
    unsafe { pg_sys::proc_exit(code) };
    unreachable!("proc_exit returned")
}
