//! The settings: registered from the core's one table, compiled into one
//! policy that is in force whole or not at all.
//!
//! Only the postmaster and our worker compile. Every backend inherits the
//! postmaster's policy by fork; its own check hooks merely judge what ALTER
//! SYSTEM is about to write.

mod compile;
mod watch;

pub use compile::compile_session;

use crate::file;
use crate::pg::guc::{self, Access};
use crate::pg::message::{self, Message};
use crate::pg::process;
use compile::Compiled;
use jwt_sso_core::advice::Advice;
use jwt_sso_core::digest::Digest;
use jwt_sso_core::policy::Policy;
use jwt_sso_core::rounds::{Rounds, SettingSet};
use jwt_sso_core::settings::{Context, Id, Kind, Setting, TABLE, Unit};
use pgrx::PgSqlErrorCode;
use std::ffi::{CStr, CString};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

struct State {
    rounds: Rounds<Policy>,
    /// Of the last check of each setting, until the value is assigned.
    pending: [Option<Compiled>; guc::MOST],
    /// Of the files whose content is in the candidate policy.
    file_digests: [Option<Digest>; guc::MOST],
    /// Checks passed while the server starts: one for the default, one for the value.
    passes: [u8; guc::MOST],
    started: bool,
    /// Names with our prefix that are no settings: a misspelled line must not
    /// pass for one that was left out.
    unknown: Vec<String>,
    /// Those of them that the command line gave: no file can mend them.
    unknown_options: Vec<String>,
}

/// Stands for [`State::unknown`] among the settings of a round; never passes.
const UNKNOWN: usize = 63;

const PREFIX: &CStr = c"jwt_sso.";

const _: () = assert!(guc::MOST <= UNKNOWN);

static STATE: LazyLock<Mutex<State>> = LazyLock::new(|| {
    Mutex::new(State {
        rounds: Rounds::new(Policy::default()),
        pending: [const { None }; guc::MOST],
        file_digests: [None; guc::MOST],
        passes: [0; guc::MOST],
        started: false,
        unknown: Vec::new(),
        unknown_options: Vec::new(),
    })
});

/// The table's texts as the server wants them, for as long as it lives.
struct CTexts {
    name: CString,
    short: CString,
    default: CString,
}

static C_TEXTS: LazyLock<Vec<CTexts>> = LazyLock::new(|| {
    // The table's texts have no NUL; one that had would be empty, and a test would see it.
    let c_text = |text: &str| CString::new(text).unwrap_or_default();
    let texts = |setting: &Setting| CTexts {
        name: c_text(setting.name),
        short: c_text(setting.short),
        default: match setting.kind {
            Kind::Text { default } => c_text(default),
            _ => CString::default(),
        },
    };
    TABLE.iter().map(texts).collect()
});

/// Whether this process, a worker of ours, compiles as the postmaster does.
static OWNER: AtomicBool = AtomicBool::new(false);

/// A panic in a check leaves the setting unticked, so the state is as good as before.
fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Defines every setting and compiles the first policy. Only while preloading.
pub fn init() {
    guc::watch(&watch::Compiler);
    let mut refused = SettingSet::default();
    let mut not_from_file = SettingSet::default();
    for (index, setting) in TABLE.iter().enumerate() {
        let given = guc::has_placeholder(c_name(index));
        let from_file = guc::is_from_file(c_name(index));
        define(index, setting);
        // Core tests numbers and booleans before any hook of ours and falls
        // back to the default; a value that was given and passed no check of
        // its own was refused, by whomever.
        if given && state().passes[index] < 2 {
            refused = refused.with(index);
            if !from_file {
                not_from_file = not_from_file.with(index);
            }
        }
    }
    guc::define_ignored(c"crdb:jwt_auth_enabled", c"Accepted from CockroachDB connection strings.");
    let unknown = guc::undefined_at_start(PREFIX);
    guc::reserve_prefix(c"jwt_sso");
    let mut state = state();
    if !unknown.is_empty() {
        refused = refused.with(UNKNOWN);
        state.unknown = guc::undefined_in_files(PREFIX);
        state.unknown_options =
            unknown.into_iter().filter(|name| !state.unknown.contains(name)).collect();
        if !state.unknown_options.is_empty() {
            not_from_file = not_from_file.with(UNKNOWN);
        }
    }
    state.rounds.start(refused, not_from_file);
    state.started = true;
    drop(state);
    if !refused.is_empty() {
        message::log(&format!(
            "jwt_sso: refused at start: {}; every token login is refused as misconfigured until \
             this is mended and the configuration reloaded",
            names(refused).join(", ")
        ));
    }
    override_hba_file();
}

fn define(index: usize, setting: &Setting) {
    let texts: &'static CTexts = &C_TEXTS[index];
    let kind = match setting.kind {
        Kind::Bool { default } => guc::Kind::Bool(default),
        Kind::Int { default, min, max, unit: Unit::None } => {
            guc::Kind::Int(default, min, max, guc::UNIT_NONE)
        }
        Kind::Int { default, min, max, unit: Unit::Seconds } => {
            guc::Kind::Int(default, min, max, guc::UNIT_SECONDS)
        }
        Kind::Int { default, min, max, unit: Unit::Kilobytes } => {
            guc::Kind::Int(default, min, max, guc::UNIT_KILOBYTES)
        }
        Kind::Text { .. } => guc::Kind::Text(&texts.default),
    };
    let access = Access {
        restart: setting.context == Context::Postmaster,
        superuser_only: setting.superuser_only,
    };
    guc::define(index, &texts.name, &texts.short, kind, access);
}

fn c_name(index: usize) -> &'static CStr {
    &C_TEXTS[index].name
}

/// The first lock: the trust lines of the hook door stand in a file that only
/// a server with this library reads.
fn override_hba_file() {
    let _ = HBA_FILE_WITHOUT_US.set(process::hba_file());
    let Some(path) = hba_file() else { return };
    if let Ok(path) = CString::new(path.into_os_string().into_encoded_bytes()) {
        process::override_hba_file(&path);
    }
}

/// What the server would use as its hba_file if this library were missing.
static HBA_FILE_WITHOUT_US: OnceLock<PathBuf> = OnceLock::new();

/// The HBA file that the server would obey without this library.
pub fn hba_file_without_us() -> PathBuf {
    HBA_FILE_WITHOUT_US.get().cloned().unwrap_or_default()
}

/// Gives `use_policy` the policy in force, or the settings that are to blame
/// for there being none.
pub fn in_force<T>(use_policy: impl FnOnce(Result<&Policy, Vec<String>>) -> T) -> T {
    let state = state();
    use_policy(state.rounds.in_force().map_err(|refused| names_in(&state, refused)))
}

/// The policy that new logins are decided by, in a session that was forked
/// before it came: the one that has the fingerprint `published` by our worker.
///
/// # Errors
/// The settings that are to blame. None where this session has not read the
/// files that the worker has read: between two statements it will.
pub fn in_force_as(published: Option<Digest>) -> Result<Policy, Vec<String>> {
    let is_it = |policy: &Policy| Some(policy.fingerprint()) == published;
    if let Some(inherited) = in_force(|policy| policy.ok().filter(|own| is_it(own)).cloned()) {
        return Ok(inherited);
    }
    match compile_session() {
        Ok(policy) if is_it(&policy) => Ok(policy),
        Ok(_) => Err(Vec::new()),
        Err(refused) => Err(refused.iter().map(|(setting, _)| setting.name.to_owned()).collect()),
    }
}

/// Whether a trust line on a Unix socket is a token door too. Where that very
/// setting was refused at start, it is: nobody is let in by a guess.
pub fn challenges_local() -> bool {
    let state = state();
    match state.rounds.in_force() {
        Ok(policy) => policy.challenge_local,
        Err(refused) => {
            refused.contains(Id::ChallengeLocal as usize)
                || state.rounds.candidate().challenge_local
        }
    }
}

/// Whether a token is asked for over TLS or a Unix socket only. While there is
/// no policy in force none is asked for at all.
pub fn requires_tls() -> bool {
    in_force(|policy| policy.map_or(true, |policy| policy.require_tls))
}

/// The settings that were refused, in the last reload or at start.
pub fn refused() -> SettingSet {
    state().rounds.refused()
}

/// Whether there is a policy in force.
pub fn is_sound() -> bool {
    state().rounds.in_force().is_ok()
}

/// The full names of these settings; an unknown one is called that.
pub fn names(settings: SettingSet) -> Vec<String> {
    names_in(&state(), settings)
}

fn names_in(state: &State, settings: SettingSet) -> Vec<String> {
    let known = settings.iter().filter_map(|index| TABLE.get(index));
    let mut names: Vec<String> = known.map(|setting| setting.name.to_owned()).collect();
    if settings.contains(UNKNOWN) {
        let unknown: Vec<&String> = state.unknown.iter().chain(&state.unknown_options).collect();
        names.extend(unknown.iter().map(|name| format!("{name} (unknown setting)")));
        if unknown.is_empty() {
            // In a session, which was forked before the reload that found it.
            names.push("an unknown jwt_sso setting".to_owned());
        }
    }
    names
}

/// From now on this process compiles a policy of its own at each reload.
pub fn become_owner() {
    OWNER.store(true, Ordering::Relaxed);
}

/// Reads the configuration files again, in our worker.
pub fn reload() {
    let stamp = process::reload_time();
    guc::reload();
    // Where no check ran, since nothing that the files name came so far, the
    // round has not begun yet; this process alone knows that it is over.
    watch::enter_round(&mut state(), stamp);
}

/// `jwt_sso.key_cache_size` in bytes.
pub fn key_cache_bytes() -> usize {
    usize::try_from(guc::int_value(Id::KeyCacheSize as usize)).unwrap_or(0) * 1024
}

/// `jwt_sso.hba_file` as a full path, where it is set.
pub fn hba_file() -> Option<PathBuf> {
    let path = guc::text_value(Id::HbaFile as usize).to_string_lossy();
    (!path.is_empty()).then(|| file::in_data_directory(&path))
}

/// The settings that name files, and the files.
pub fn files() -> Vec<(&'static str, PathBuf)> {
    let named = |id: Id| {
        let path = guc::text_value(id as usize).to_string_lossy();
        (!path.is_empty()).then(|| (id.name(), file::in_data_directory(&path)))
    };
    [Id::JwksFile, Id::IdentityMapFile, Id::IssuerCustomCa, Id::HbaFile]
        .into_iter()
        .filter_map(named)
        .collect()
}

/// The advice as the server's warnings carry it.
pub fn advice_message(advice: &Advice) -> Message {
    Message {
        sqlstate: PgSqlErrorCode::ERRCODE_WARNING,
        hint: advice.hint(),
        ..Message::plain(format!("jwt_sso: {advice}"))
    }
}
