//! Messages to the server log and to the client, as ereport sends them.

use super::{process, shim};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode};
use std::ffi::CString;

/// An error, a warning or a log line: what ereport takes.
#[derive(Clone, Debug)]
pub struct Message {
    /// The SQLSTATE.
    pub sqlstate: PgSqlErrorCode,
    /// The primary message, in bytes, since a role name need not be UTF-8.
    pub message: Vec<u8>,
    /// DETAIL; empty for none.
    pub detail: String,
    /// HINT; empty for none.
    pub hint: String,
}

impl Message {
    /// A message alone, of SQLSTATE 00000.
    pub fn plain(message: impl Into<Vec<u8>>) -> Message {
        Message {
            sqlstate: PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
            message: message.into(),
            detail: String::new(),
            hint: String::new(),
        }
    }
}

/// One line in the server log, never to a client.
pub fn log(line: &str) {
    send(pg_sys::LOG_SERVER_ONLY, &Message::plain(line));
}

/// A warning, to the client where a statement runs and to the log.
pub fn warning(message: &Message) {
    send(pg_sys::WARNING, message);
}

/// A notice to the client of the statement.
pub fn notice(message: &Message) {
    send(pg_sys::NOTICE, message);
}

/// Raises the error: the statement ends, and so does the transaction.
///
/// By pgrx, which would add a backtrace to an ERROR that it caught first.
pub fn error(message: &Message) -> ! {
    let text = process::presentable(&String::from_utf8_lossy(&message.message));
    let mut report = ErrorReport::new(message.sqlstate, text, "");
    if !message.detail.is_empty() {
        report = report.set_detail(process::presentable(&message.detail));
    }
    if !message.hint.is_empty() {
        report = report.set_hint(process::presentable(&message.hint));
    }
    report.report(PgLogLevel::ERROR);
    unreachable!("ERROR does not return")
}

/// Sends the error to the client and the log and ends this process.
pub fn fatal(message: &Message) -> ! {
    send(pg_sys::FATAL, message);
    process::exit(1)
}

fn send(level: u32, message: &Message) {
    // A role name need not be UTF-8, and then goes out as it came.
    let text = match std::str::from_utf8(&message.message) {
        Ok(text) => c_string(process::presentable(text).as_bytes()),
        Err(_) => c_string(&message.message),
    };
    let detail = c_string(process::presentable(&message.detail).as_bytes());
    let hint = c_string(process::presentable(&message.hint).as_bytes());
    // SAFETY: NUL-terminated strings that outlive the call; an ERROR unwinds
    // through the guard, and FATAL ends the process without unwinding.
    unsafe {
        shim::jwt_sso_report(
            level as i32,
            message.sqlstate as i32,
            text.as_ptr(),
            detail.as_ptr(),
            hint.as_ptr(),
        )
    };
}

/// The text up to its first NUL, which C could not carry.
pub(super) fn c_string(text: &[u8]) -> CString {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}
