//! Settings (GUCs): definition, and check hooks that cannot fail.
//!
//! A check hook of the server gets a value and no name, so each setting has an
//! index of its own and each index a set of hooks. An ERROR or a panic in a
//! check hook during a reload would shut the cluster down: [`guard::catch`]
//! turns both into a refusal of the value.

use super::{guard, message, process, shim};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering};

/// How many settings there can be.
pub const MOST: usize = 40;

/// A value of a setting.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A boolean.
    Bool(bool),
    /// An integer, in the setting's own unit.
    Int(i32),
    /// A text, of any encoding.
    Text(&'a CStr),
}

/// Why a value is refused, as the server reports it.
pub struct Rejection {
    /// The primary message.
    pub message: String,
    /// DETAIL: where the mistake is.
    pub detail: String,
    /// HINT; empty for none.
    pub hint: String,
}

/// Who judges and takes the values.
pub trait Watcher: Sync {
    /// Whether the setting of that index may have that value.
    fn check(&self, index: usize, value: Value<'_>) -> Result<(), Rejection>;
    /// The setting of that index has that value from now on.
    fn assign(&self, index: usize, value: Value<'_>);
    /// What to answer when `check` itself failed.
    fn broken(&self, index: usize) -> Rejection;
}

static WATCHER: OnceLock<&'static dyn Watcher> = OnceLock::new();

/// Names who judges. Once, before the first definition.
pub fn watch(watcher: &'static dyn Watcher) {
    let _ = WATCHER.set(watcher);
}

/// Whose change takes a restart and who may read the value.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// PGC_POSTMASTER rather than PGC_SIGHUP.
    pub restart: bool,
    /// Shown to superusers and pg_read_all_settings only.
    pub superuser_only: bool,
}

/// What a setting is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A boolean and its default.
    Bool(bool),
    /// An integer: default, least, greatest, and the GUC_UNIT flag.
    Int(i32, i32, i32, u32),
    /// A text and its default.
    Text(&'static CStr),
}

/// The integer counts nothing that has a unit.
pub const UNIT_NONE: u32 = 0;
/// GUC_UNIT_S: the integer counts seconds.
pub const UNIT_SECONDS: u32 = pg_sys::GUC_UNIT_S;
/// GUC_UNIT_KB: the integer counts kilobytes.
pub const UNIT_KILOBYTES: u32 = pg_sys::GUC_UNIT_KB;

static BOOLS: [AtomicBool; MOST] = [const { AtomicBool::new(false) }; MOST];
static INTS: [AtomicI32; MOST] = [const { AtomicI32::new(0) }; MOST];
static TEXTS: [AtomicPtr<c_char>; MOST] = [const { AtomicPtr::new(std::ptr::null_mut()) }; MOST];

/// Defines the setting of that index. Its hooks run at once: with the default,
/// and then with the value of the configuration file, where there is one.
pub fn define(index: usize, name: &'static CStr, short: &'static CStr, kind: Kind, access: Access) {
    let context = match access.restart {
        true => pg_sys::GucContext::PGC_POSTMASTER,
        false => pg_sys::GucContext::PGC_SIGHUP,
    };
    let superuser_only = if access.superuser_only { pg_sys::GUC_SUPERUSER_ONLY } else { 0 };
    let hooks = &HOOKS[index];
    let none = std::ptr::null();
    match kind {
        // SAFETY: the names and the cell are static; the hooks match the kind.
        Kind::Bool(default) => unsafe {
            pg_sys::DefineCustomBoolVariable(
                name.as_ptr(),
                short.as_ptr(),
                none,
                BOOLS[index].as_ptr(),
                default,
                context,
                superuser_only as c_int,
                Some(hooks.check_bool),
                Some(hooks.assign_bool),
                None,
            )
        },
        // SAFETY: as above.
        Kind::Int(default, least, greatest, unit) => unsafe {
            pg_sys::DefineCustomIntVariable(
                name.as_ptr(),
                short.as_ptr(),
                none,
                INTS[index].as_ptr(),
                default,
                least,
                greatest,
                context,
                (superuser_only | unit) as c_int,
                Some(hooks.check_int),
                Some(hooks.assign_int),
                None,
            )
        },
        // SAFETY: as above.
        Kind::Text(default) => unsafe {
            pg_sys::DefineCustomStringVariable(
                name.as_ptr(),
                short.as_ptr(),
                none,
                TEXTS[index].as_ptr(),
                default.as_ptr(),
                context,
                superuser_only as c_int,
                Some(hooks.check_text),
                Some(hooks.assign_text),
                None,
            )
        },
    }
}

/// Refuses settings of that prefix which nobody defined.
pub fn reserve_prefix(prefix: &'static CStr) {
    // SAFETY: a static NUL-terminated string.
    unsafe { pg_sys::MarkGUCPrefixReserved(prefix.as_ptr()) };
}

/// Defines a boolean that nothing reads: accepted from clients, shown nowhere.
pub fn define_ignored(name: &'static CStr, short: &'static CStr) {
    static IGNORED: AtomicBool = AtomicBool::new(false);
    let flags = pg_sys::GUC_NO_SHOW_ALL | pg_sys::GUC_NOT_IN_SAMPLE | pg_sys::GUC_DISALLOW_IN_FILE;
    // SAFETY: the name and the cell are static; no hooks.
    unsafe {
        pg_sys::DefineCustomBoolVariable(
            name.as_ptr(),
            short.as_ptr(),
            std::ptr::null(),
            IGNORED.as_ptr(),
            false,
            pg_sys::GucContext::PGC_USERSET,
            flags as c_int,
            None,
            None,
            None,
        )
    };
}

/// The boolean of that index, as this process has it.
pub fn bool_value(index: usize) -> bool {
    BOOLS[index].load(Ordering::Relaxed)
}

/// The integer of that index, as this process has it.
pub fn int_value(index: usize) -> i32 {
    INTS[index].load(Ordering::Relaxed)
}

/// The text of that index, as this process has it.
pub fn text_value(index: usize) -> &'static CStr {
    let text = TEXTS[index].load(Ordering::Relaxed);
    if text.is_null() {
        return c"";
    }
    // SAFETY: the server keeps a NUL-terminated string in the cell, and frees it
    // only when it assigns another; no caller holds it across a reload.
    unsafe { CStr::from_ptr(text) }
}

/// A setting of the server or of another library, in its own unit, as this
/// session has it; `None` where there is none of that name.
pub fn value_of(name: &CStr) -> Option<String> {
    // SAFETY: a NUL-terminated name; a missing setting is no error.
    let value = unsafe { pg_sys::GetConfigOption(name.as_ptr(), true, false) };
    if value.is_null() {
        return None;
    }
    // SAFETY: NUL-terminated, and in place until the next call.
    Some(unsafe { CStr::from_ptr(value) }.to_string_lossy().into_owned())
}

/// Whether a configuration file or the command line names this setting, before
/// it is defined.
pub fn has_placeholder(name: &CStr) -> bool {
    value_of(name).is_some()
}

/// The settings of that prefix which were given at start and nobody defined;
/// after all definitions, before [`reserve_prefix`].
pub fn undefined_at_start(prefix: &CStr) -> Vec<String> {
    names(|buffer, size| {
        // SAFETY: a NUL-terminated prefix, and a buffer of `size` bytes.
        unsafe { shim::jwt_sso_undefined_placeholders(prefix.as_ptr(), buffer, size) }
    })
}

/// The settings of that prefix which the configuration files name and nobody
/// defined. Only in a check hook.
pub fn undefined_in_files(prefix: &CStr) -> Vec<String> {
    names(|buffer, size| {
        // SAFETY: a NUL-terminated prefix, and a buffer of `size` bytes.
        unsafe { shim::jwt_sso_undefined_in_files(prefix.as_ptr(), buffer, size) }
    })
}

/// The lines that `write` puts into a buffer of the given size.
fn names(write: impl FnOnce(*mut c_char, c_int)) -> Vec<String> {
    let mut buffer = [0u8; 2048];
    write(buffer.as_mut_ptr().cast(), buffer.len() as c_int);
    let text = CStr::from_bytes_until_nul(&buffer).unwrap_or_default().to_string_lossy();
    text.lines().map(str::to_owned).collect()
}

/// Whether the value came from a configuration file, rather than the command line.
pub fn is_from_file(name: &CStr) -> bool {
    // SAFETY: a NUL-terminated name.
    unsafe { shim::jwt_sso_setting_from_file(name.as_ptr()) }
}

/// Whether the configuration files of this reload name the setting. Only in a check hook.
pub fn is_in_file(name: &CStr) -> bool {
    // SAFETY: a NUL-terminated name.
    unsafe { shim::jwt_sso_setting_in_file(name.as_ptr()) }
}

/// Reads the configuration files again, as a reload does.
pub fn reload() {
    // SAFETY: in a background worker, outside any transaction.
    unsafe { pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP) };
}

struct Hooks {
    check_bool:
        unsafe extern "C-unwind" fn(*mut bool, *mut *mut c_void, pg_sys::GucSource::Type) -> bool,
    check_int:
        unsafe extern "C-unwind" fn(*mut c_int, *mut *mut c_void, pg_sys::GucSource::Type) -> bool,
    check_text: unsafe extern "C-unwind" fn(
        *mut *mut c_char,
        *mut *mut c_void,
        pg_sys::GucSource::Type,
    ) -> bool,
    assign_bool: unsafe extern "C-unwind" fn(bool, *mut c_void),
    assign_int: unsafe extern "C-unwind" fn(c_int, *mut c_void),
    assign_text: unsafe extern "C-unwind" fn(*const c_char, *mut c_void),
}

macro_rules! hooks {
    ($($index:literal)*) => {
        [$(Hooks {
            check_bool: check_bool::<$index>,
            check_int: check_int::<$index>,
            check_text: check_text::<$index>,
            assign_bool: assign_bool::<$index>,
            assign_int: assign_int::<$index>,
            assign_text: assign_text::<$index>,
        }),*]
    };
}

static HOOKS: [Hooks; MOST] = hooks!(
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34
    35 36 37 38 39
);

#[pg_guard]
unsafe extern "C-unwind" fn check_bool<const INDEX: usize>(
    value: *mut bool,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: the server passes a valid pointer to the new value.
    let value = unsafe { *value };
    check(INDEX, Value::Bool(value))
}

#[pg_guard]
unsafe extern "C-unwind" fn check_int<const INDEX: usize>(
    value: *mut c_int,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: the server passes a valid pointer to the new value.
    let value = unsafe { *value };
    check(INDEX, Value::Int(value))
}

#[pg_guard]
unsafe extern "C-unwind" fn check_text<const INDEX: usize>(
    value: *mut *mut c_char,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: the server passes a valid pointer to the new value.
    let text = unsafe { *value };
    // SAFETY: the new value is NULL or NUL-terminated.
    let text = if text.is_null() { c"" } else { unsafe { CStr::from_ptr(text) } };
    check(INDEX, Value::Text(text))
}

#[pg_guard]
unsafe extern "C-unwind" fn assign_bool<const INDEX: usize>(value: bool, _extra: *mut c_void) {
    assign(INDEX, Value::Bool(value));
}

#[pg_guard]
unsafe extern "C-unwind" fn assign_int<const INDEX: usize>(value: c_int, _extra: *mut c_void) {
    assign(INDEX, Value::Int(value));
}

#[pg_guard]
unsafe extern "C-unwind" fn assign_text<const INDEX: usize>(
    value: *const c_char,
    _extra: *mut c_void,
) {
    // SAFETY: the server passes NULL or a NUL-terminated string.
    let text = if value.is_null() { c"" } else { unsafe { CStr::from_ptr(value) } };
    assign(INDEX, Value::Text(text));
}

fn check(index: usize, value: Value<'_>) -> bool {
    let Some(watcher) = WATCHER.get() else { return false };
    let judged = guard::catch(|| watcher.check(index, value));
    let rejection = match judged {
        Ok(Ok(())) => return true,
        Ok(Err(rejection)) => rejection,
        Err(place) => {
            let mut rejection = watcher.broken(index);
            rejection.detail = format!("{} ({place})", rejection.detail);
            rejection
        }
    };
    // Out of memory while saying why is no reason to take the cluster down.
    let _ = guard::catch(|| refuse(&rejection));
    false
}

fn refuse(rejection: &Rejection) {
    let text = message::c_string(rejection.message.as_bytes());
    let detail = message::c_string(process::presentable(&rejection.detail).as_bytes());
    let hint = message::c_string(process::presentable(&rejection.hint).as_bytes());
    // SAFETY: NUL-terminated strings, copied by the callee.
    unsafe { shim::jwt_sso_guc_refuse(text.as_ptr(), detail.as_ptr(), hint.as_ptr()) };
}

fn assign(index: usize, value: Value<'_>) {
    if let Some(watcher) = WATCHER.get() {
        // The value has passed its check; all that is left to do is to move it.
        let _ = guard::catch(|| watcher.assign(index, value));
    }
}
