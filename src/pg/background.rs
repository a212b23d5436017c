//! The background worker's life: registration, waiting, signals.

use super::{message, process};
use pgrx::bgworkers::{
    BackgroundWorker, BackgroundWorkerBuilder, BgWorkerStartTime, SignalWakeFlags,
};
use pgrx::pg_sys;
use pgrx::prelude::*;
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
}

/// Takes SIGHUP and SIGTERM from now on.
pub fn attach() {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP | SignalWakeFlags::SIGTERM);
}

/// Waits for the next signal.
pub fn wait() -> Wake {
    loop {
        if !BackgroundWorker::wait_latch(None) {
            return Wake::End;
        }
        if BackgroundWorker::sighup_received() {
            return Wake::Reload;
        }
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
