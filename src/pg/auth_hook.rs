//! The ClientAuthentication hook, and the second lock behind it.

use super::message::{self, Message};
use super::port::Client;
use super::{guard, process};
use pgrx::pg_sys;
use pgrx::pg_sys::libpq::{ClientAuthentication_hook, ClientAuthentication_hook_type, be};
use pgrx::prelude::*;
use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// What a door says of a client that the server's own method let in.
#[must_use]
pub enum Verdict {
    /// Not a connection that this door decides.
    NotMine,
    /// Let in.
    Accept,
    /// Refused, with what the client is told.
    Refuse(Message),
    /// The client hung up: end without a word, as the server does.
    ClientGone,
    /// The client broke the protocol: nothing was decided.
    Violation(Message),
}

/// A door behind the hook. Each function gets the connection while its HBA
/// line still exists.
pub struct Door {
    /// Decides. Called once, after the server's own method said yes.
    pub decide: fn(&Client) -> Verdict,
    /// Whether a session on this connection must have been decided by `decide`.
    pub must_decide: fn(&Client) -> bool,
    /// What the client is told when `decide` panicked; where it did.
    pub broken: fn(&Client, &str) -> Message,
    /// What the client is told when another extension kept `decide` from being called.
    pub bypassed: fn(&Client) -> Message,
}

static DOOR: OnceLock<Door> = OnceLock::new();
static PREVIOUS: OnceLock<ClientAuthentication_hook_type> = OnceLock::new();
/// The address of our hook.
static INSTALLED: AtomicUsize = AtomicUsize::new(0);
/// Whether `decide` accepted this backend's client.
static ACCEPTED: AtomicBool = AtomicBool::new(false);
/// What the client is told, in place of the server's own words, when the
/// server's method has failed because a door behind it refused.
static PENDING: Mutex<Option<Message>> = Mutex::new(None);
/// Whether this process's first transaction has been looked at.
static LOOKED: AtomicBool = AtomicBool::new(false);

/// Puts `door` behind the server's hook. Once, while the library is preloaded.
pub fn install(door: Door) {
    if DOOR.set(door).is_err() {
        return;
    }
    // SAFETY: the postmaster is alone while it loads libraries.
    let previous = unsafe { ClientAuthentication_hook };
    let _ = PREVIOUS.set(previous);
    // SAFETY: as above.
    unsafe { ClientAuthentication_hook = Some(on_authentication) };
    // SAFETY: as above.
    let ours = unsafe { ClientAuthentication_hook }.map_or(0, |hook| hook as usize);
    INSTALLED.store(ours, Ordering::Relaxed);
    // SAFETY: a static function without argument; the list is inherited by fork.
    unsafe { pg_sys::RegisterXactCallback(Some(on_transaction), std::ptr::null_mut()) };
}

/// The library whose hook the server calls in the place of ours, where there is
/// one: it was loaded later, and ours is called only if it calls it.
pub fn in_front() -> Option<String> {
    DOOR.get()?;
    // SAFETY: reads a global.
    let hook = unsafe { ClientAuthentication_hook }.map_or(0, |hook| hook as usize);
    if hook == INSTALLED.load(Ordering::Relaxed) {
        return None;
    }
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: any address may be asked about; the callee writes to `info`.
    let found = unsafe { libc::dladdr(hook as *const c_void, info.as_mut_ptr()) };
    // SAFETY: all zero is a value of the type, too.
    let name = unsafe { info.assume_init() }.dli_fname;
    if found == 0 || name.is_null() {
        return Some("an unknown library".to_owned());
    }
    // SAFETY: the path of a loaded library, NUL-terminated; nothing unloads it.
    Some(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
}

/// For a door that the server's own method asks (PAM, OAUTHBEARER): what the
/// client is told once that method has failed.
pub fn refuse_with(answer: Message) {
    *pending() = Some(answer);
}

fn pending() -> MutexGuard<'static, Option<Message>> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[pg_guard]
unsafe extern "C-unwind" fn on_authentication(port: *mut be::Port, status: i32) {
    // SAFETY: the server's Port, inside ClientAuthentication.
    let client = unsafe { Client::new(port.cast()) };
    let (Some(client), Some(door)) = (client, DOOR.get()) else {
        message::fatal(&Message::plain("jwt_sso: no connection to decide on"));
    };
    if status != pg_sys::STATUS_OK as i32 {
        call_previous(port, status);
        // Our words, where it was a door of ours that made the server's method fail.
        return match pending().take() {
            Some(answer) if status == pg_sys::STATUS_ERROR => message::fatal(&answer),
            _ => (),
        };
    }
    let verdict = guard::catch(|| (door.decide)(&client))
        .unwrap_or_else(|place| Verdict::Refuse(said(|| (door.broken)(&client, &place))));
    match verdict {
        Verdict::NotMine => call_previous(port, status),
        Verdict::Accept => {
            call_previous(port, status);
            ACCEPTED.store(true, Ordering::Relaxed);
        }
        Verdict::Refuse(answer) => {
            call_previous(port, pg_sys::STATUS_ERROR);
            message::fatal(&answer)
        }
        Verdict::ClientGone => {
            call_previous(port, pg_sys::STATUS_EOF);
            process::exit(0)
        }
        // The server's own code raises this before it calls any hook.
        Verdict::Violation(error) => message::fatal(&error),
    }
}

/// What a door says, or, where the saying panics, what is left to say.
pub(super) fn said(say: impl FnOnce() -> Message) -> Message {
    guard::catch(say).unwrap_or_else(|_| Message {
        sqlstate: pgrx::PgSqlErrorCode::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
        ..Message::plain("JWT authentication failed")
    })
}

fn call_previous(port: *mut be::Port, status: i32) {
    if let Some(Some(previous)) = PREVIOUS.get() {
        #[allow(ffi_unwind_calls)] // inside the guard
        let call = || {
            // SAFETY: the hook that the server would have called without us, with its own Port.
            unsafe { previous(port, status) }
        };
        // SAFETY: an ERROR in the hook unwinds through the guard; nothing is to be dropped in `call`.
        unsafe { pg_sys::ffi::pg_guard_ffi_boundary(call) };
    }
}

/// The second lock: the start-up transaction of a connection commits only when
/// its client was decided on, if it is one to decide on.
#[pg_guard]
unsafe extern "C-unwind" fn on_transaction(event: pg_sys::XactEvent::Type, _arg: *mut c_void) {
    if event != pg_sys::XactEvent::XACT_EVENT_PRE_COMMIT || LOOKED.swap(true, Ordering::Relaxed) {
        return;
    }
    // SAFETY: reads a global.
    let port = unsafe { pg_sys::MyProcPort };
    // SAFETY: NULL, or this backend's Port; its HBA line is freed only after
    // the start-up transaction, which is the first that this process commits.
    let Some(client) = (unsafe { Client::new(port) }) else { return };
    let Some(door) = DOOR.get() else { return };
    if ACCEPTED.load(Ordering::Relaxed) {
        return;
    }
    // A panic's text must not reach the client, and opens nothing.
    if guard::catch(|| (door.must_decide)(&client)).unwrap_or(true) {
        let answer = said(|| (door.bypassed)(&client));
        message::fatal(&answer);
    }
}
