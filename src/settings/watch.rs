//! The check and assign hooks of every setting, by the process they run in.

use super::compile::{self, compile, is_file};
use super::{OWNER, advice_message, c_name, state};
use crate::pg::guc::{self, Rejection, Value, Watcher};
use crate::pg::message;
use crate::pg::process::{self, Process};
use jwt_sso_core::rounds::SettingSet;
use jwt_sso_core::setting_error::SettingError;
use jwt_sso_core::settings::{Setting, TABLE};
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

/// In a session: what ALTER SYSTEM would write. Nothing is kept.
fn judge(index: usize, setting: &Setting, value: Value<'_>) -> Result<(), SettingError> {
    if let (Value::Text(new), Value::Text(old)) = (value, compile::current(index, setting))
        && new == old
    {
        return Ok(());
    }
    compile(setting.id, value)?;
    // A reload between two statements must not send warnings to whoever is connected.
    if process::in_statement() {
        warn_of_new_advice(index, value);
    }
    Ok(())
}

/// What is unwise about the value and was not there before it.
fn warn_of_new_advice(index: usize, value: Value<'_>) {
    let Ok(after) = compile::compile_with(Some((index, value))) else { return };
    let before = compile::compile_with(None).map(|policy| policy.advice()).unwrap_or_default();
    for advice in after.advice() {
        if !before.contains(&advice) {
            message::warning(&advice_message(&advice));
        }
    }
}

/// In the postmaster and our worker: compiles, and keeps the result for `assign`.
fn prepare(index: usize, setting: &Setting, value: Value<'_>) -> Result<(), SettingError> {
    enter_round(index);
    let unchanged = match (value, compile::current(index, setting)) {
        (Value::Text(new), Value::Text(old)) => new == old && !is_file(setting.id),
        _ => false,
    };
    let compiled = if unchanged { None } else { Some(compile(setting.id, value)?) };
    let mut state = state();
    state.rounds.pass(index);
    state.passes[index] = state.passes[index].saturating_add(1);
    state.pending[index] = compiled;
    Ok(())
}

/// Whether this process keeps a policy of its own.
fn is_owner() -> bool {
    OWNER.load(Ordering::Relaxed) || process::kind() == Process::Postmaster
}

fn enter_round(index: usize) {
    let mut state = state();
    if state.started {
        state.rounds.enter(process::reload_time(), named_in_files);
    }
    state.pending[index] = None;
}

fn named_in_files() -> SettingSet {
    (0..TABLE.len()).filter(|index| guc::is_in_file(c_name(*index))).collect()
}
