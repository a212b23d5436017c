//! The check and assign hooks of every setting, by the process they run in.

use super::compile::{self, compile, is_file};
use super::{OWNER, PREFIX, State, UNKNOWN, advice_message, c_name, state};
use crate::file;
use crate::pg::guc::{self, Rejection, Value, Watcher};
use crate::pg::message::{self, Message};
use crate::pg::process::{self, Process};
use jwt_sso_core::digest::Digest;
use jwt_sso_core::rounds::SettingSet;
use jwt_sso_core::setting_error::SettingError;
use jwt_sso_core::settings::{Id, Setting, TABLE};
use pgrx::PgSqlErrorCode;
use std::sync::atomic::Ordering;

/// Judges and takes values, by the process it is in.
pub struct Compiler;

impl Watcher for Compiler {
    fn check(&self, index: usize, value: Value<'_>) -> Result<(), Rejection> {
        let Some(setting) = TABLE.get(index) else { return Ok(()) };
        let judged = match process::kind() {
            _ if is_owner() => prepare(index, setting, value),
            Process::Session => judge(index, setting, value),
            _ => Ok(()),
        };
        judged.map_err(|error| rejection(setting, error))
    }

    fn assign(&self, index: usize, _value: Value<'_>) {
        if !is_owner() {
            return;
        }
        let mut state = state();
        if let Some(compiled) = state.pending.get_mut(index).and_then(Option::take) {
            (compiled.change)(state.rounds.candidate_mut());
            state.file_digests[index] = compiled.file;
        }
    }

    fn broken(&self, index: usize) -> Rejection {
        let error = SettingError::new("the check of this setting failed");
        match TABLE.get(index) {
            Some(setting) => rejection(setting, error),
            None => Rejection { message: String::new(), detail: error.detail, hint: String::new() },
        }
    }
}

/// The message names the setting and leaves the value out: core would repeat
/// it, and it may be a private key.
fn rejection(setting: &Setting, error: SettingError) -> Rejection {
    Rejection {
        message: format!("invalid value for parameter \"{}\"", setting.name),
        detail: format!("{}.", error.detail.trim_end_matches('.')),
        hint: error.hint.unwrap_or_default(),
    }
}

/// In a session: what ALTER SYSTEM would write. Nothing is kept. At a reload
/// every session would compile what only the postmaster decides on, and a
/// warning would go to whoever is connected: so nothing is judged then.
fn judge(index: usize, setting: &Setting, value: Value<'_>) -> Result<(), SettingError> {
    if !process::in_statement() {
        return Ok(());
    }
    compile(setting.id, value, None)?;
    warn_of_advice(index, setting, value);
    warn_of_unreadable_hba_file(setting, value);
    Ok(())
}

/// The server would not start with it, and ALTER SYSTEM is the last chance to say so.
fn warn_of_unreadable_hba_file(setting: &Setting, value: Value<'_>) {
    let Value::Text(path) = value else { return };
    if setting.id != Id::HbaFile || path.is_empty() {
        return;
    }
    if let Err(error) = file::read(&path.to_string_lossy()) {
        message::warning(&Message {
            sqlstate: PgSqlErrorCode::ERRCODE_WARNING,
            hint: "Write the file before the restart.".to_owned(),
            ..Message::plain(format!("jwt_sso: the server will not start again: {error}"))
        });
    }
}

/// What is unwise about the value, alone or beside the session's other values.
fn warn_of_advice(index: usize, setting: &Setting, value: Value<'_>) {
    let Ok(policy) = compile::compile_with(Some((index, value))) else { return };
    for advice in policy.advice().iter().filter(|one| one.settings().contains(&setting.id)) {
        message::warning(&advice_message(advice));
    }
}

/// In the postmaster and our worker: compiles, and keeps the result for `assign`.
fn prepare(index: usize, setting: &Setting, value: Value<'_>) -> Result<(), SettingError> {
    {
        let mut state = state();
        if state.started {
            enter_round(&mut state, process::reload_time());
        }
        state.pending[index] = None;
    }
    let unchanged = match (value, compile::current(index, setting)) {
        (Value::Text(new), Value::Text(old)) => new == old && !is_file(setting.id),
        _ => false,
    };
    let compiled =
        if unchanged { None } else { Some(compile(setting.id, value, known_digest(index))?) };
    let mut state = state();
    state.rounds.pass(index);
    state.passes[index] = state.passes[index].saturating_add(1);
    state.pending[index] = compiled;
    Ok(())
}

/// The file's digest whose content the candidate policy has already.
fn known_digest(index: usize) -> Option<Digest> {
    state().file_digests[index]
}

/// Whether this process keeps a policy of its own.
fn is_owner() -> bool {
    OWNER.load(Ordering::Relaxed) || process::kind() == Process::Postmaster
}

/// A round that has not begun yet begins.
pub(super) fn enter_round(state: &mut State, stamp: i64) {
    let unknown = &mut state.unknown;
    state.rounds.enter(stamp, || {
        *unknown = guc::undefined_in_files(PREFIX);
        let expected = named_in_files();
        if unknown.is_empty() { expected } else { expected.with(UNKNOWN) }
    });
}

fn named_in_files() -> SettingSet {
    (0..TABLE.len()).filter(|index| guc::is_in_file(c_name(*index))).collect()
}
