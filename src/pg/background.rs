//! The background worker's life: registration, waiting, signals.

use super::{message, process};
use pgrx::bgworkers::{
    BackgroundWorker, BackgroundWorkerBuilder, BgWorkerStartTime, SignalWakeFlags,
};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;
use std::time::Duration;

/// Registers a worker that the postmaster starts at once, also on a standby,
/// and again `restart` after it ended, to run `main`. It has no database
/// connection. Only while the library is preloaded.
pub fn register(name: &str, restart: Duration, main: fn()) {
    let _ = MAIN.set(main);
    BackgroundWorkerBuilder::new(name)
        .set_type(name)
        .set_library("jwt_sso")
        .set_function(ENTRY)
        .set_start_time(BgWorkerStartTime::PostmasterStart)
        .set_restart_time(Some(restart))
        .load();
}

/// What woke the worker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wake {
    /// The configuration files are to be read again (SIGHUP).
    Reload,
    /// The worker is to end (SIGTERM), or the postmaster is gone.
    End,
    /// A question, bytes at the descriptor, or the time is up: look after the work.
    Look,
}

/// Takes SIGHUP and SIGTERM from now on.
pub fn attach() {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP | SignalWakeFlags::SIGTERM);
}

/// Waits for the next signal, for bytes to read at `descriptor`, or for
/// `timeout`, whatever comes first.
pub fn wait(descriptor: &impl AsRawFd, timeout: Option<Duration>) -> Wake {
    let milliseconds = timeout.map_or(-1, |time| time.as_millis().clamp(1, 3_600_000) as i64);
    let mut events =
        pg_sys::WL_LATCH_SET | pg_sys::WL_SOCKET_READABLE | pg_sys::WL_POSTMASTER_DEATH;
    if timeout.is_some() {
        events |= pg_sys::WL_TIMEOUT;
    }
    // SAFETY: reads a global.
    let latch = unsafe { pg_sys::MyLatch };
    // SAFETY: this process's own latch and an open descriptor.
    let woken = unsafe {
        pg_sys::WaitLatchOrSocket(
            latch,
            events as i32,
            descriptor.as_raw_fd(),
            milliseconds,
            pg_sys::PG_WAIT_EXTENSION,
        )
    };
    // SAFETY: this process's own latch.
    unsafe { pg_sys::ResetLatch(latch) };
    pgrx::check_for_interrupts!();
    if woken as u32 & pg_sys::WL_POSTMASTER_DEATH != 0 || BackgroundWorker::sigterm_received() {
        Wake::End
    } else if BackgroundWorker::sighup_received() {
        Wake::Reload
    } else {
        Wake::Look
    }
}

/// What the worker does. Set when it is registered, inherited by fork.
static MAIN: OnceLock<fn()> = OnceLock::new();

/// The name by which the postmaster finds the worker's entry point.
const ENTRY: &str = "jwt_sso_worker_main";

/// The worker's entry point. It never returns in order: an exit status of 0
/// would unregister the worker, and then no key would be kept any more.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn jwt_sso_worker_main(_argument: pg_sys::Datum) {
    match MAIN.get() {
        Some(main) => main(),
        // This is a second copy of the library, found by name in $libdir.
        None => message::log(
            "jwt_sso: the worker found another copy of the library than the one preloaded; \
             write shared_preload_libraries = 'jwt_sso', without a path",
        ),
    }
    process::exit(1)
}
