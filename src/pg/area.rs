//! Areas of shared memory beside the block of [`super::shmem`]: tables under a
//! lock, and counters without one. Each is a static of its own, registered
//! while the library is preloaded, and gone with a crash restart.

use pgrx::pg_sys;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the server is asked for before it starts.
pub(super) trait Area: Sync {
    /// Bytes, aligned to eight.
    fn size(&self) -> usize;

    /// Takes the memory, which is to be filled where it is `fresh`, and a lock.
    ///
    /// # Safety
    /// `memory` is `size` bytes of shared memory, aligned to the server's
    /// maximum, that live as long as this process; `lock` likewise.
    unsafe fn take(&self, memory: *mut u8, lock: *mut pg_sys::LWLock, fresh: bool);
}

static AREAS: Mutex<Vec<&'static dyn Area>> = Mutex::new(Vec::new());

fn areas() -> MutexGuard<'static, Vec<&'static dyn Area>> {
    AREAS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many areas there are, each with one lock.
pub(super) fn count() -> usize {
    areas().len()
}

/// The bytes of all areas together.
pub(super) fn size() -> usize {
    areas().iter().map(|area| area.size().next_multiple_of(ALIGNMENT)).sum()
}

/// Hands each area its part of `memory` and its lock of `locks`.
///
/// # Safety
/// `memory` is `size()` bytes of shared memory, aligned to eight, and `locks`
/// are `count()` initialised locks; both live as long as this process.
pub(super) unsafe fn hand_out(memory: *mut u8, locks: *mut pg_sys::LWLockPadded, fresh: bool) {
    let mut memory = memory;
    for (index, area) in areas().iter().enumerate() {
        // SAFETY: within the locks that the caller promises.
        let padded = unsafe { locks.add(index) };
        // SAFETY: a member of a live union.
        let lock = unsafe { &raw mut (*padded).lock };
        // SAFETY: the sizes add up to what the caller promises.
        unsafe { area.take(memory, lock, fresh) };
        // SAFETY: as above; at the end one past the last byte.
        memory = unsafe { memory.add(area.size().next_multiple_of(ALIGNMENT)) };
    }
}

const ALIGNMENT: usize = 64;

/// A table of records of one size, under a lock.
pub struct Table<T: 'static> {
    length: fn() -> usize,
    empty: T,
    records: AtomicPtr<T>,
    lock: AtomicPtr<pg_sys::LWLock>,
}

impl<T: Copy + Send + Sync + 'static> Table<T> {
    /// A table with as many records as `length` says while the server starts,
    /// at first all `empty`. The alignment of `T` is at most 64.
    pub const fn new(length: fn() -> usize, empty: T) -> Table<T> {
        assert!(align_of::<T>() <= ALIGNMENT);
        Table {
            length,
            empty,
            records: AtomicPtr::new(std::ptr::null_mut()),
            lock: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// Asks the server for the table. Only while the library is preloaded,
    /// before [`super::shmem::reserve`]'s hooks are called.
    pub fn register(&'static self) {
        areas().push(self);
    }

    /// Gives `read` the records, with writers kept out. `read` does no more
    /// than copy out. `None` where there is no table (not preloaded).
    pub fn read<R>(&self, read: impl FnOnce(&[T]) -> R) -> Option<R> {
        let held = self.acquire(pg_sys::LWLockMode::LW_SHARED)?;
        // SAFETY: `take` wrote that many records, and the lock keeps writers out.
        let records = unsafe { std::slice::from_raw_parts(held.records, (self.length)()) };
        Some(read(records))
    }

    /// Gives `change` the records, with everybody else kept out. `change` does
    /// no more than look and write.
    pub fn change<R>(&self, change: impl FnOnce(&mut [T]) -> R) -> Option<R> {
        let held = self.acquire(pg_sys::LWLockMode::LW_EXCLUSIVE)?;
        // SAFETY: as in `read`, and the lock is held exclusively.
        let records = unsafe { std::slice::from_raw_parts_mut(held.records, (self.length)()) };
        Some(change(records))
    }

    fn acquire(&self, mode: pg_sys::LWLockMode::Type) -> Option<Held<T>> {
        let records = self.records.load(Ordering::Relaxed);
        let lock = self.lock.load(Ordering::Relaxed);
        if records.is_null() {
            return None;
        }
        // SAFETY: a lock of our own tranche, which this process does not hold.
        unsafe { pg_sys::LWLockAcquire(lock, mode) };
        Some(Held { records, lock })
    }
}

struct Held<T> {
    records: *mut T,
    lock: *mut pg_sys::LWLock,
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        // SAFETY: an ERROR may have released every lock of this process already.
        if unsafe { pg_sys::LWLockHeldByMe(self.lock) } {
            // SAFETY: held by this process.
            unsafe { pg_sys::LWLockRelease(self.lock) };
        }
    }
}

impl<T: Copy + Send + Sync + 'static> Area for Table<T> {
    fn size(&self) -> usize {
        (self.length)() * size_of::<T>()
    }

    unsafe fn take(&self, memory: *mut u8, lock: *mut pg_sys::LWLock, fresh: bool) {
        let records: *mut T = memory.cast();
        for index in 0..if fresh { (self.length)() } else { 0 } {
            // SAFETY: within the memory that the caller promises.
            let record = unsafe { records.add(index) };
            // SAFETY: as above; nobody else uses it yet.
            unsafe { record.write(self.empty) };
        }
        self.lock.store(lock, Ordering::Relaxed);
        self.records.store(records, Ordering::Relaxed);
    }
}

/// Numbers that any process may add to at any time, without a lock.
pub struct Counters {
    length: usize,
    first: fn() -> u64,
    numbers: AtomicPtr<AtomicU64>,
}

impl Counters {
    /// So many numbers, at first what `first` says when the memory is made: at
    /// the server's start, and again after a crash.
    pub const fn new(length: usize, first: fn() -> u64) -> Counters {
        Counters { length, first, numbers: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// Asks the server for them, as [`Table::register`].
    pub fn register(&'static self) {
        areas().push(self);
    }

    /// The numbers; none where the library was not preloaded.
    pub fn numbers(&self) -> &[AtomicU64] {
        let numbers = self.numbers.load(Ordering::Relaxed);
        if numbers.is_null() {
            return &[];
        }
        // SAFETY: `take` wrote that many, and all access is atomic.
        unsafe { std::slice::from_raw_parts(numbers, self.length) }
    }
}

impl Area for Counters {
    fn size(&self) -> usize {
        self.length * size_of::<AtomicU64>()
    }

    unsafe fn take(&self, memory: *mut u8, _lock: *mut pg_sys::LWLock, fresh: bool) {
        let numbers: *mut AtomicU64 = memory.cast();
        for index in 0..if fresh { self.length } else { 0 } {
            // SAFETY: within the memory that the caller promises.
            let number = unsafe { numbers.add(index) };
            // SAFETY: as above; nobody else uses it yet.
            unsafe { number.write(AtomicU64::new((self.first)())) };
        }
        self.numbers.store(numbers, Ordering::Relaxed);
    }
}
