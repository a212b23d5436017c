//! What our PAM module finds in this process: two functions that it looks up
//! by name and calls while the server authenticates a client by a `pam` line.
//!
//! The module is C to us and we are C to it: no panic and no server ERROR
//! leaves these functions, and 0 is the only answer that lets it go on.

use super::message::{self, Message};
use super::port::Client;
use super::{auth_hook, guard};
use std::ffi::{CStr, c_char, c_int};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// A door behind the PAM module.
pub struct Door {
    /// Whether the client may be asked for a password.
    pub admit: fn(&Client) -> Result<(), Message>,
    /// Decides on what it sent, whether it was admitted included.
    pub decide: fn(&Client, &CStr) -> Result<(), Message>,
    /// What the client is told when one of them panicked; where it did.
    pub broken: fn(&Client, &str) -> Message,
}

static DOOR: OnceLock<Door> = OnceLock::new();
/// Whether this process has refused its client: nothing after that lets it in.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Whether the module has asked in this process.
static ASKED: AtomicBool = AtomicBool::new(false);

const GO_ON: c_int = 0;
const REFUSE: c_int = 1;

/// Puts `door` behind the module. Once, while the library is preloaded: a
/// library that is loaded later has the functions, and they refuse.
pub fn install(door: Door) {
    let _ = DOOR.set(door);
}

/// Whether the module has asked about this process's client, whatever the answer.
pub fn was_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Whether the module may ask for a token: 0, or a refusal.
#[unsafe(no_mangle)]
pub extern "C" fn jwt_sso_pam_admit() -> c_int {
    answer(|door, client| (door.admit)(client))
}

/// Whether `token` lets the client in: 0, or a refusal.
///
/// # Safety
/// `token` is NULL or NUL-terminated, and nobody writes to it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jwt_sso_pam_decide(token: *const c_char) -> c_int {
    if token.is_null() {
        return REFUSE;
    }
    // SAFETY: what this function asks of its caller.
    let token = unsafe { CStr::from_ptr(token) };
    answer(|door, client| (door.decide)(client, token))
}

fn answer(ask: impl FnOnce(&Door, &Client) -> Result<(), Message>) -> c_int {
    match guard::catch(|| asked(ask)) {
        Ok(true) => GO_ON,
        _ => REFUSE,
    }
}

fn asked(ask: impl FnOnce(&Door, &Client) -> Result<(), Message>) -> bool {
    let client = Client::authenticating().filter(Client::is_pam);
    let (Some(client), Some(door)) = (client, DOOR.get()) else {
        message::log(
            "jwt_sso: a PAM module asked outside of a login by a pam line, or jwt_sso is not preloaded",
        );
        return false;
    };
    ASKED.store(true, Ordering::Relaxed);
    // From here on only an answer opens; a panic leaves it shut.
    if REFUSED.swap(true, Ordering::Relaxed) {
        return false;
    }
    let answer = guard::catch(|| ask(door, &client))
        .unwrap_or_else(|place| Err(auth_hook::said(|| (door.broken)(&client, &place))));
    match answer {
        Ok(()) => REFUSED.store(false, Ordering::Relaxed),
        Err(told) => auth_hook::refuse_with(told),
    }
    !REFUSED.load(Ordering::Relaxed)
}
