//! The module as libpam sees it, and libpam, libc and the jwt_sso library as
//! the module sees them. All `unsafe` of this crate is here.
//!
//! Everything that libpam calls catches panics, and a panic is a refusal. The
//! conversation may end the process, as PostgreSQL's does when the client
//! breaks the protocol; it never jumps over our frames.

use crate::Refusal;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::io::Write;
use std::panic::catch_unwind;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

/// libpam's state of one login; ours only to hand back.
#[repr(C)]
pub struct PamHandle {
    _opaque: [u8; 0],
}

// security/_pam_types.h of Linux-PAM.
const PAM_SUCCESS: c_int = 0;
const PAM_SYSTEM_ERR: c_int = 4;
const PAM_AUTH_ERR: c_int = 7;
const PAM_AUTHINFO_UNAVAIL: c_int = 9;
const PAM_CONV_ERR: c_int = 19;
const PAM_CONV: c_int = 5;
const PAM_PROMPT_ECHO_OFF: c_int = 1;

#[repr(C)]
struct PamMessage {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct PamResponse {
    text: *mut c_char,
    unused: c_int,
}

type Converse = unsafe extern "C" fn(
    count: c_int,
    messages: *mut *const PamMessage,
    responses: *mut *mut PamResponse,
    data: *mut c_void,
) -> c_int;

#[repr(C)]
struct PamConv {
    converse: Option<Converse>,
    data: *mut c_void,
}

// Whoever loads this module has libpam in its process, so nothing is linked.
unsafe extern "C" {
    fn pam_get_item(handle: *const PamHandle, item: c_int, value: *mut *const c_void) -> c_int;
}

/// The login that this process has accepted a token for, for `pam_sm_acct_mgmt`.
static ACCEPTED: AtomicPtr<PamHandle> = AtomicPtr::new(ptr::null_mut());

/// Asks for a token and has it decided on.
///
/// # Safety
/// As libpam calls it: `handle` is live and this thread's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pam_sm_authenticate(
    handle: *mut PamHandle,
    _flags: c_int,
    _argc: c_int,
    _argv: *const *const c_char,
) -> c_int {
    ACCEPTED.store(ptr::null_mut(), Ordering::Relaxed);
    match catch_unwind(|| crate::authenticate(&Conversation { handle })) {
        Ok(Ok(())) => {
            ACCEPTED.store(handle, Ordering::Relaxed);
            PAM_SUCCESS
        }
        Ok(Err(Refusal::NoDecider)) => PAM_AUTHINFO_UNAVAIL,
        Ok(Err(Refusal::Refused)) => PAM_AUTH_ERR,
        Ok(Err(Refusal::NoAnswer)) => PAM_CONV_ERR,
        Err(_panic) => PAM_SYSTEM_ERR,
    }
}

/// There are no credentials to set.
#[unsafe(no_mangle)]
pub extern "C" fn pam_sm_setcred(
    _handle: *mut PamHandle,
    _flags: c_int,
    _argc: c_int,
    _argv: *const *const c_char,
) -> c_int {
    PAM_SUCCESS
}

/// An account is in order where [`pam_sm_authenticate`] let this very login in.
/// What else there is to say of a role is PostgreSQL's own.
#[unsafe(no_mangle)]
pub extern "C" fn pam_sm_acct_mgmt(
    handle: *mut PamHandle,
    _flags: c_int,
    _argc: c_int,
    _argv: *const *const c_char,
) -> c_int {
    let accepted = ACCEPTED.load(Ordering::Relaxed);
    if !handle.is_null() && handle == accepted { PAM_SUCCESS } else { PAM_AUTH_ERR }
}

/// The application's way to the client.
pub struct Conversation {
    handle: *mut PamHandle,
}

impl Conversation {
    /// Asks one question whose answer is a secret; `None` where none came.
    pub fn ask(&self, question: &CStr) -> Option<Secret> {
        let mut item = ptr::null();
        // SAFETY: a live handle; libpam writes one pointer.
        let status = unsafe { pam_get_item(self.handle, PAM_CONV, &mut item) };
        if status != PAM_SUCCESS {
            return None;
        }
        // SAFETY: PAM_CONV is NULL or libpam's own copy of a pam_conv.
        let conv = unsafe { item.cast::<PamConv>().as_ref() }?;
        let converse = conv.converse?;
        let message = PamMessage { style: PAM_PROMPT_ECHO_OFF, text: question.as_ptr() };
        let mut message = ptr::from_ref(&message);
        let mut response = ptr::null_mut();
        // SAFETY: one message that outlives the call, one pointer to write.
        let status = unsafe { converse(1, &mut message, &mut response, conv.data) };
        if status != PAM_SUCCESS {
            // Whatever is in `response` then is not for us to touch.
            return None;
        }
        let response = NonNull::new(response)?;
        // SAFETY: one response, malloc'd by the application for us.
        let text = unsafe { response.as_ref() }.text;
        // SAFETY: as above, freed once.
        unsafe { libc::free(response.as_ptr().cast()) };
        NonNull::new(text).map(Secret)
    }
}

/// What the client sent. Wiped and freed when dropped.
pub struct Secret(NonNull<c_char>);

impl Drop for Secret {
    fn drop(&mut self) {
        // SAFETY: NUL-terminated by the application.
        let length = unsafe { libc::strlen(self.0.as_ptr()) };
        // SAFETY: `length` bytes that are ours.
        unsafe { libc::explicit_bzero(self.0.as_ptr().cast(), length) };
        // SAFETY: malloc'd by the application, freed once.
        unsafe { libc::free(self.0.as_ptr().cast()) };
    }
}

/// The jwt_sso library of this process.
pub struct Decider {
    admit: extern "C" fn() -> c_int,
    decide: unsafe extern "C" fn(*const c_char) -> c_int,
}

impl Decider {
    /// By its symbols: PostgreSQL opens libraries with RTLD_GLOBAL.
    pub fn find() -> Option<Decider> {
        let admit = symbol(c"jwt_sso_pam_admit")?;
        let decide = symbol(c"jwt_sso_pam_decide")?;
        Some(Decider {
            // SAFETY: what the library declares under that name (src/pg/pam.rs).
            admit: unsafe {
                std::mem::transmute::<NonNull<c_void>, extern "C" fn() -> c_int>(admit)
            },
            // SAFETY: as above.
            decide: unsafe {
                std::mem::transmute::<NonNull<c_void>, unsafe extern "C" fn(*const c_char) -> c_int>(
                    decide,
                )
            },
        })
    }

    /// Whether the client may be asked for a token.
    pub fn admits(&self) -> bool {
        (self.admit)() == 0
    }

    /// Whether this token lets it in.
    pub fn accepts(&self, token: &Secret) -> bool {
        // SAFETY: NUL-terminated, and unchanged meanwhile.
        unsafe { (self.decide)(token.0.as_ptr()) == 0 }
    }
}

fn symbol(name: &CStr) -> Option<NonNull<c_void>> {
    // SAFETY: a NUL-terminated name.
    NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) })
}

/// One line to the system's log and to standard error, which is the log of a
/// PostgreSQL server.
pub fn complain(line: &str) {
    let with_end = format!("{line}\n\0");
    // Where nobody listens there is nothing to be done.
    let _ = std::io::stderr().write_all(&with_end.as_bytes()[..line.len() + 1]);
    let text: *const c_char = with_end.as_ptr().cast();
    // SAFETY: a format for one text, and a text that is NUL-terminated.
    unsafe { libc::syslog(libc::LOG_AUTHPRIV | libc::LOG_ERR, c"%s".as_ptr(), text) };
}
