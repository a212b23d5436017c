//! The server's processes by their number, which a running one shares with no other.

use super::shim;
use pgrx::pg_sys;

/// How many processes can be sessions; their numbers are below. Known while the
/// server asks for shared memory, and from then on.
pub fn most() -> usize {
    // SAFETY: reads a global.
    usize::try_from(unsafe { pg_sys::MaxBackends }).unwrap_or(0)
}

/// The number of this process. Only in a process that may use shared memory.
pub fn number() -> usize {
    // SAFETY: this process has a PGPROC.
    usize::try_from(unsafe { shim::jwt_sso_proc_number() }).unwrap_or(usize::MAX)
}

/// Whether the process of that number waits for its client's next command, with
/// no transaction open. Read without a lock: the command may come in the same moment.
pub fn is_idle(number: usize) -> bool {
    // SAFETY: the callee holds the number against the length of the array.
    i32::try_from(number).is_ok_and(|number| unsafe { shim::jwt_sso_proc_is_idle(number) })
}

/// Tells a session, and what it started (COPY … PROGRAM), to end, as
/// pg_terminate_backend does.
pub fn terminate(pid: i32) {
    if pid > 1 {
        // SAFETY: a signal to a process group whose leader is a backend, as the
        // caller makes sure; where it has just gone, the call fails.
        unsafe { libc::kill(-pid, libc::SIGTERM) };
    }
}
