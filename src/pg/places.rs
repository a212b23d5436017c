//! Places to wait in for an answer of the process that publishes: a few, in
//! shared memory, each with a question. Who finds no place does not wait.

use super::{process, shim, shmem};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How many places there are.
pub const PLACES: usize = 36;
/// How many kinds of questions there can be.
pub const KINDS: usize = 3;

const FREE: u32 = 0;
const ASKED: u32 = 1;
const ANSWERED: u32 = 2;

/// How often one who waits makes sure that the publisher is awake.
const REMINDER: Duration = Duration::from_secs(1);

/// One place in shared memory.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Place {
    state: u32,
    kind: u32,
    serial: u64,
    seen: u32,
    about: [u8; 32],
}

impl Place {
    pub(super) const FREE: Place =
        Place { state: FREE, kind: 0, serial: 0, seen: 0, about: [0; 32] };
}

/// A question that someone waits for, as the publisher sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Question {
    place: usize,
    serial: u64,
    /// What kind of question; below [`KINDS`].
    pub kind: usize,
    /// What it is about.
    pub about: [u8; 32],
    /// How many answers about it the one who asks has seen already.
    pub seen: u32,
}

/// A place that this process holds; left when dropped, and when the process
/// ends in any way, since FATAL runs no destructors.
pub struct Ticket {
    place: usize,
}

/// The place that this process holds; `PLACES` for none.
static MINE: AtomicUsize = AtomicUsize::new(PLACES);
static WILL_LEAVE: AtomicBool = AtomicBool::new(false);

/// Takes a place and asks, where `admit` agrees to how many places each kind
/// of question holds already. Wakes the publisher.
pub fn ask(
    kind: usize,
    about: [u8; 32],
    seen: u32,
    admit: impl FnOnce(&[usize; KINDS]) -> bool,
) -> Option<Ticket> {
    leave_at_exit();
    let place = shmem::with_block(|block| {
        let mut held = [0; KINDS];
        for place in block.places.iter().filter(|place| place.state != FREE) {
            held[(place.kind as usize).min(KINDS - 1)] += 1;
        }
        if !admit(&held) {
            return None;
        }
        let free = block.places.iter().position(|place| place.state == FREE)?;
        block.serial += 1;
        let (kind, serial) = (kind as u32, block.serial);
        block.places[free] = Place { state: ASKED, kind, serial, seen, about };
        Some(free)
    })??;
    MINE.store(place, Ordering::Relaxed);
    wake_publisher();
    Some(Ticket { place })
}

impl Ticket {
    /// Waits for the answer, at most `timeout`; interruptible. Whether it came.
    pub fn wait(&self, timeout: Duration) -> bool {
        let place = self.place;
        let answered = || shmem::with_block(|block| block.places[place].state == ANSWERED);
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if shmem::wait_until(left.min(REMINDER), || answered().unwrap_or(true)) {
                return true;
            }
            if left <= REMINDER {
                return false;
            }
            wake_publisher();
        }
    }

    /// Asks the same question again, having seen more.
    pub fn ask_again(&self, seen: u32) {
        shmem::with_block(|block| {
            block.serial += 1;
            let place = &mut block.places[self.place];
            *place = Place { state: ASKED, serial: block.serial, seen, ..*place };
        });
        wake_publisher();
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        leave();
    }
}

/// The open questions.
pub fn questions() -> Vec<Question> {
    let copied = shmem::with_block(|block| block.places).unwrap_or([Place::FREE; PLACES]);
    let open = copied.iter().enumerate().filter(|(_, place)| place.state == ASKED);
    open.map(|(index, place)| Question {
        place: index,
        serial: place.serial,
        kind: (place.kind as usize).min(KINDS - 1),
        about: place.about,
        seen: place.seen,
    })
    .collect()
}

/// Tells those who asked these questions that there is an answer to look for.
pub fn answer(questions: &[Question]) {
    shmem::with_block(|block| {
        for question in questions {
            let place = &mut block.places[question.place];
            // Somebody else may have taken the place since.
            if place.state == ASKED && place.serial == question.serial {
                place.state = ANSWERED;
            }
        }
    });
    shmem::broadcast();
}

/// This process answers questions from now on, until it ends.
pub fn become_publisher() {
    // SAFETY: reads a global; the latch is in shared memory.
    let latch = unsafe { pg_sys::MyLatch };
    let now = process::now();
    shmem::with_block(|block| {
        block.publisher = latch;
        block.publishers = block.publishers.saturating_add(1);
        block.publisher_since = now;
    });
    // SAFETY: a static function.
    unsafe { pg_sys::before_shmem_exit(Some(on_publisher_exit), pg_sys::Datum::from(0)) };
}

/// What is known of the process that publishes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Publisher {
    /// Whether there is one.
    pub runs: bool,
    /// How many there have been since shared memory was made.
    pub starts: u32,
    /// When the last one began, in microseconds since 2000.
    pub since: i64,
}

/// The process that publishes; `None` where the library is not preloaded.
pub fn publisher() -> Option<Publisher> {
    shmem::with_block(|block| Publisher {
        runs: !block.publisher.is_null(),
        starts: block.publishers,
        since: block.publisher_since,
    })
}

/// Where there is no publisher, it is the postmaster that is woken, to start one.
fn wake_publisher() {
    let latch = shmem::with_block(|block| block.publisher).unwrap_or(std::ptr::null_mut());
    if latch.is_null() {
        // SAFETY: sets a flag in shared memory and signals the postmaster, as
        // every backend may that has shared memory.
        unsafe { shim::jwt_sso_remind_postmaster() };
    } else {
        // SAFETY: a latch in shared memory. Where its process has just ended,
        // another one looks up for nothing.
        unsafe { pg_sys::SetLatch(latch) };
    }
}

fn leave_at_exit() {
    if !WILL_LEAVE.swap(true, Ordering::Relaxed) {
        // SAFETY: a static function.
        unsafe { pg_sys::before_shmem_exit(Some(on_exit), pg_sys::Datum::from(0)) };
    }
}

fn leave() {
    let place = MINE.swap(PLACES, Ordering::Relaxed);
    if place < PLACES {
        shmem::with_block(|block| block.places[place] = Place::FREE);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn on_exit(_code: i32, _argument: pg_sys::Datum) {
    // An ERROR on the way here may have come with our lock held.
    // SAFETY: allowed at any time outside of a critical section.
    unsafe { pg_sys::LWLockReleaseAll() };
    leave();
}

#[pg_guard]
unsafe extern "C-unwind" fn on_publisher_exit(_code: i32, _argument: pg_sys::Datum) {
    // SAFETY: as above.
    unsafe { pg_sys::LWLockReleaseAll() };
    shmem::with_block(|block| block.publisher = std::ptr::null_mut());
}
