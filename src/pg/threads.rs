//! Threads of the worker: they take no signal and never call the server.

use pgrx::pg_sys;
use pgrx::prelude::*;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

static WILL_END: AtomicBool = AtomicBool::new(false);

/// Runs `body` in a thread of its own with every signal blocked, so that the
/// server's handlers run in the main thread only. `body` must not call the server.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    end_at_once_at_exit();
    let before = block_signals();
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    // SAFETY: the mask that `block_signals` found.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
    spawned.map(drop)
}

/// Blocks every signal in this thread and returns the mask that was.
fn block_signals() -> libc::sigset_t {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    let mut before = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: initialises the set.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: two valid sets; `before` is written.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
    // SAFETY: zeroed and then written; every bit pattern is a mask.
    unsafe { before.assume_init() }
}

/// exit() runs the destructors of every library, and a thread in the middle of
/// a request must not meet them: a crash here would restart all backends. A
/// thread may outlive the work it was started for (name resolution that hangs),
/// so a process that ever had one always ends like this.
fn end_at_once_at_exit() {
    if !WILL_END.swap(true, Ordering::Relaxed) {
        // SAFETY: a static function. The server calls it after it let go of
        // shared memory.
        unsafe { pg_sys::on_proc_exit(Some(on_exit), pg_sys::Datum::from(0)) };
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn on_exit(code: i32, _argument: pg_sys::Datum) {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) };
}
