//! One block of shared memory: an image that one process publishes and every
//! other reads, under a lock of its own, with a condition variable to wait for
//! the next one.

use super::places::{PLACES, Place};
use super::{area, shim};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::CStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::time::Duration;

const NAME: &CStr = c"jwt_sso";
const AREAS_NAME: &CStr = c"jwt_sso areas";

/// What all processes share. Everything but `published` is guarded by `lock`.
#[repr(C)]
pub(super) struct Block {
    published: pg_sys::ConditionVariable,
    lock: *mut pg_sys::LWLock,
    /// The latch of the process that publishes; null while there is none.
    pub(super) publisher: *mut pg_sys::Latch,
    /// How often a process has become the publisher.
    pub(super) publishers: u32,
    /// When the last one did, in microseconds since 2000.
    pub(super) publisher_since: i64,
    pub(super) places: [Place; PLACES],
    /// Names each taking of a place.
    pub(super) serial: u64,
    /// Bytes of the image in force.
    length: usize,
    capacity: usize,
    // `capacity` bytes follow.
}

static CAPACITY: AtomicUsize = AtomicUsize::new(0);
static BLOCK: AtomicPtr<Block> = AtomicPtr::new(std::ptr::null_mut());
static PREVIOUS_REQUEST: OnceLock<Hook> = OnceLock::new();
static PREVIOUS_STARTUP: OnceLock<Hook> = OnceLock::new();

/// Asks the server for a block with room for an image of `capacity` bytes.
/// Only while the library is preloaded.
pub fn reserve(capacity: usize) {
    CAPACITY.store(capacity, Ordering::Relaxed);
    // SAFETY: the postmaster is alone while it loads libraries.
    let request = unsafe { pg_sys::shmem_request_hook };
    let _ = PREVIOUS_REQUEST.set(request);
    // SAFETY: as above.
    unsafe { pg_sys::shmem_request_hook = Some(on_request) };
    // SAFETY: as above.
    let startup = unsafe { pg_sys::shmem_startup_hook };
    let _ = PREVIOUS_STARTUP.set(startup);
    // SAFETY: as above.
    unsafe { pg_sys::shmem_startup_hook = Some(on_startup) };
}

/// Whether there is a block: whether the library was preloaded.
pub fn exists() -> bool {
    !BLOCK.load(Ordering::Relaxed).is_null()
}

/// Replaces the image and wakes everyone who waits. `false` where it does not
/// fit or there is no block; then the old one stays.
pub fn publish(image: &[u8]) -> bool {
    let Some(lock) = Lock::acquire(pg_sys::LWLockMode::LW_EXCLUSIVE) else { return false };
    if image.len() > lock.capacity() {
        return false;
    }
    lock.write(image);
    drop(lock);
    broadcast();
    true
}

/// Gives `read` the image in force. The lock is held meanwhile, shared with
/// other readers: `read` does no more than copy out. `None` where there is no
/// block (the library was not preloaded).
pub fn read<T>(read: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let lock = Lock::acquire(pg_sys::LWLockMode::LW_SHARED)?;
    Some(read(lock.image()))
}

/// Waits until `done`, which is asked after every publication and every answer,
/// at most `timeout`; interruptible. Whether it was done in time.
pub(super) fn wait_until(timeout: Duration, mut done: impl FnMut() -> bool) -> bool {
    let Some(variable) = condition() else { return false };
    let deadline = std::time::Instant::now() + timeout;
    // Prepared before the first look, so that no publication is missed.
    // SAFETY: an initialised condition variable; this process has a PGPROC.
    unsafe { pg_sys::ConditionVariablePrepareToSleep(variable) };
    let in_time = loop {
        if done() {
            break true;
        }
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            break false;
        }
        let milliseconds = left.as_millis().clamp(1, 60_000) as _;
        // SAFETY: as above; an interrupt unwinds or ends the process, and the
        // server's own exit code then takes it off the list of waiters.
        unsafe {
            pg_sys::ConditionVariableTimedSleep(variable, milliseconds, pg_sys::PG_WAIT_EXTENSION)
        };
    };
    // SAFETY: allowed at any time.
    unsafe { pg_sys::ConditionVariableCancelSleep() };
    in_time
}

/// Wakes everyone who waits.
pub(super) fn broadcast() {
    if let Some(variable) = condition() {
        // SAFETY: an initialised condition variable in shared memory.
        unsafe { pg_sys::ConditionVariableBroadcast(variable) };
    }
}

fn condition() -> Option<*mut pg_sys::ConditionVariable> {
    let block = BLOCK.load(Ordering::Relaxed);
    // SAFETY: the block lives as long as this process.
    (!block.is_null()).then(|| unsafe { &raw mut (*block).published })
}

/// Gives `change` the block, with every other process kept out. `change` does
/// no more than read and write it.
pub(super) fn with_block<T>(change: impl FnOnce(&mut Block) -> T) -> Option<T> {
    let lock = Lock::acquire(pg_sys::LWLockMode::LW_EXCLUSIVE)?;
    // SAFETY: held exclusively, so no other reference to the block exists.
    let block = unsafe { &mut *lock.block };
    Some(change(block))
}

/// The lock while it is held, and access to what it guards.
struct Lock {
    block: *mut Block,
}

impl Lock {
    fn acquire(mode: pg_sys::LWLockMode::Type) -> Option<Lock> {
        let block = BLOCK.load(Ordering::Relaxed);
        if block.is_null() {
            return None;
        }
        // SAFETY: the block lives as long as this process; `lock` never changes.
        let lock = unsafe { (*block).lock };
        // SAFETY: a lock of our own tranche, which this process does not hold.
        unsafe { pg_sys::LWLockAcquire(lock, mode) };
        Some(Lock { block })
    }

    fn capacity(&self) -> usize {
        // SAFETY: set once at start.
        unsafe { (*self.block).capacity }
    }

    fn bytes(&self) -> *mut u8 {
        // SAFETY: the image follows the block in the same allocation.
        unsafe { self.block.add(1).cast() }
    }

    fn image(&self) -> &[u8] {
        // SAFETY: the lock is held.
        let length = unsafe { (*self.block).length };
        // SAFETY: `publish` wrote that many bytes, and the lock keeps writers out.
        unsafe { std::slice::from_raw_parts(self.bytes(), length.min(self.capacity())) }
    }

    fn write(&self, image: &[u8]) {
        // SAFETY: held exclusively, and the caller compared with `capacity`.
        unsafe { std::ptr::copy_nonoverlapping(image.as_ptr(), self.bytes(), image.len()) };
        // SAFETY: held exclusively.
        unsafe { (*self.block).length = image.len() };
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // SAFETY: set once at start.
        let lock = unsafe { (*self.block).lock };
        // SAFETY: an ERROR may have released every lock of this process already.
        if unsafe { pg_sys::LWLockHeldByMe(lock) } {
            // SAFETY: held by this process.
            unsafe { pg_sys::LWLockRelease(lock) };
        }
    }
}

type Hook = Option<unsafe extern "C-unwind" fn()>;

fn call(hook: &OnceLock<Hook>) {
    let Some(Some(hook)) = hook.get() else { return };
    #[allow(ffi_unwind_calls)] // inside the guard
    let call = || {
        // SAFETY: the hook that the server would have called without us.
        unsafe { hook() }
    };
    // SAFETY: an ERROR in the hook unwinds through the guard; nothing is to be dropped in `call`.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(call) };
}

#[pg_guard]
unsafe extern "C-unwind" fn on_request() {
    call(&PREVIOUS_REQUEST);
    // SAFETY: inside shmem_request_hook.
    unsafe { pg_sys::RequestAddinShmemSpace(size()) };
    // SAFETY: as above.
    unsafe { pg_sys::RequestAddinShmemSpace(area::size()) };
    // One lock for the block, and one for each area.
    let locks = 1 + area::count() as i32;
    // SAFETY: as above.
    unsafe { pg_sys::RequestNamedLWLockTranche(NAME.as_ptr(), locks) };
}

#[pg_guard]
unsafe extern "C-unwind" fn on_startup() {
    call(&PREVIOUS_STARTUP);
    // SAFETY: the server's lock for add-ins.
    let add_in = unsafe { shim::jwt_sso_addin_lock() };
    // SAFETY: inside shmem_startup_hook, not held.
    unsafe { pg_sys::LWLockAcquire(add_in, pg_sys::LWLockMode::LW_EXCLUSIVE) };
    let mut found = false;
    // SAFETY: a static name, and the size that was requested.
    let block: *mut Block =
        unsafe { pg_sys::ShmemInitStruct(NAME.as_ptr(), size(), &mut found) }.cast();
    // SAFETY: the tranche was requested.
    let locks = unsafe { pg_sys::GetNamedLWLockTranche(NAME.as_ptr()) };
    if !found {
        initialise(block, locks);
    }
    BLOCK.store(block, Ordering::Relaxed);
    start_areas(locks);
    // SAFETY: acquired above.
    unsafe { pg_sys::LWLockRelease(add_in) };
}

fn start_areas(locks: *mut pg_sys::LWLockPadded) {
    let mut found = false;
    // SAFETY: a static name, and the size that was requested.
    let memory = unsafe { pg_sys::ShmemInitStruct(AREAS_NAME.as_ptr(), area::size(), &mut found) };
    // SAFETY: the first lock is the block's, the others are the areas'.
    let locks = unsafe { locks.add(1) };
    // SAFETY: ShmemInitStruct aligns to a cache line; all of it lives as long
    // as shared memory.
    unsafe { area::hand_out(memory.cast(), locks, !found) };
}

fn initialise(block: *mut Block, locks: *mut pg_sys::LWLockPadded) {
    // SAFETY: the tranche's first lock, which lives as long as shared memory.
    let lock = unsafe { &raw mut (*locks).lock };
    let fresh = Block {
        published: pg_sys::ConditionVariable::default(),
        lock,
        publisher: std::ptr::null_mut(),
        publishers: 0,
        publisher_since: 0,
        places: [Place::FREE; PLACES],
        serial: 0,
        length: 0,
        capacity: CAPACITY.load(Ordering::Relaxed),
    };
    // SAFETY: ShmemInitStruct gave aligned memory of at least this size.
    unsafe { block.write(fresh) };
    // SAFETY: the block was written above.
    let variable = unsafe { &raw mut (*block).published };
    // SAFETY: memory of the right type that nobody uses yet.
    unsafe { pg_sys::ConditionVariableInit(variable) };
}

fn size() -> usize {
    std::mem::size_of::<Block>() + CAPACITY.load(Ordering::Relaxed)
}
