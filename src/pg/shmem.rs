//! One block of shared memory: an image that one process publishes and every
//! other reads, under a lock of its own.

use super::shim;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::CStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

const NAME: &CStr = c"jwt_sso";

#[repr(C)]
struct Block {
    lock: *mut pg_sys::LWLock,
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

/// Replaces the image. `false` where it does not fit or there is no block; then
/// the old one stays.
pub fn publish(image: &[u8]) -> bool {
    let Some(lock) = Lock::acquire(pg_sys::LWLockMode::LW_EXCLUSIVE) else { return false };
    if image.len() > lock.capacity() {
        return false;
    }
    lock.write(image);
    true
}

/// Gives `read` the image in force. The lock is held meanwhile, shared with
/// other readers: `read` does no more than copy out. `None` where there is no
/// block (the library was not preloaded).
pub fn read<T>(read: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let lock = Lock::acquire(pg_sys::LWLockMode::LW_SHARED)?;
    Some(read(lock.image()))
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
    // SAFETY: inside shmem_request_hook.
    unsafe { pg_sys::RequestNamedLWLockTranche(NAME.as_ptr(), 1) };
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
    if !found {
        initialise(block);
    }
    BLOCK.store(block, Ordering::Relaxed);
    // SAFETY: acquired above.
    unsafe { pg_sys::LWLockRelease(add_in) };
}

fn initialise(block: *mut Block) {
    // SAFETY: the tranche was requested.
    let padded = unsafe { pg_sys::GetNamedLWLockTranche(NAME.as_ptr()) };
    // SAFETY: the tranche has one lock, which lives as long as shared memory.
    let lock = unsafe { &raw mut (*padded).lock };
    let fresh = Block { lock, length: 0, capacity: CAPACITY.load(Ordering::Relaxed) };
    // SAFETY: ShmemInitStruct gave aligned memory of at least this size.
    unsafe { block.write(fresh) };
}

fn size() -> usize {
    std::mem::size_of::<Block>() + CAPACITY.load(Ordering::Relaxed)
}
