//! What this process does before it lets go of shared memory.

use pgrx::pg_sys;
use pgrx::prelude::*;
use std::sync::{Mutex, PoisonError};

static TASKS: Mutex<Vec<fn()>> = Mutex::new(Vec::new());

/// Has `task` run when this process ends in any way but a crash: FATAL runs no
/// destructors. Each is run once, however often it was asked for.
pub fn before_exit(task: fn()) {
    let mut tasks = TASKS.lock().unwrap_or_else(PoisonError::into_inner);
    if tasks.is_empty() {
        // SAFETY: a static function.
        unsafe { pg_sys::before_shmem_exit(Some(on_exit), pg_sys::Datum::from(0)) };
    }
    if !tasks.iter().any(|known| std::ptr::fn_addr_eq(*known, task)) {
        tasks.push(task);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn on_exit(_code: i32, _argument: pg_sys::Datum) {
    // An ERROR on the way here may have come with a lock of ours held.
    // SAFETY: allowed at any time outside of a critical section.
    unsafe { pg_sys::LWLockReleaseAll() };
    let tasks = std::mem::take(&mut *TASKS.lock().unwrap_or_else(PoisonError::into_inner));
    for task in tasks {
        task();
    }
}
