//! The SQL functions.

mod explain;
mod findings;
mod keys;
mod map_report;
mod role_facts;
mod sessions;
mod stats;

use crate::pg::message::{self, Message};
use crate::pg::process;
use findings::{Finding, Severity};
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;

/// The version of the library, which ALTER EXTENSION UPDATE brings the SQL to.
#[pg_extern(stable, parallel_safe)]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// What is wrong or unwise about the set-up, worst first, and what to do about it.
#[pg_extern(volatile, parallel_restricted)]
#[search_path(pg_catalog, pg_temp)]
fn check() -> TableIterator<
    'static,
    (name!(severity, &'static str), name!(finding, String), name!(hint, Option<String>)),
> {
    let row = |finding: Finding| {
        let hint = finding.hint.as_deref().map(process::presentable);
        (finding.severity.name(), process::presentable(&finding.text), hint)
    };
    TableIterator::new(findings::all().into_iter().map(row))
}

/// Whether `check()` finds no error: for the exit status of a script.
#[pg_extern(volatile, parallel_restricted)]
#[search_path(pg_catalog, pg_temp)]
fn check_ok() -> bool {
    findings::all().iter().all(|finding| finding.severity != Severity::Error)
}

/// Raises an ERROR where the library is not preloaded, for functions that have
/// nothing to say then.
fn demand_preload() {
    if !process::is_preloaded() {
        message::error(&Message {
            sqlstate: PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            hint: findings::PRELOAD_HINT.to_owned(),
            ..Message::plain("jwt_sso is not loaded by shared_preload_libraries")
        });
    }
}

/// What to do about a library that was loaded too late to guard anything.
pub fn warn_not_preloaded() {
    message::warning(&Message {
        sqlstate: PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        detail: "No login is checked and no setting of jwt_sso exists.".to_owned(),
        hint: findings::PRELOAD_HINT.to_owned(),
        ..Message::plain("jwt_sso is not loaded by shared_preload_libraries")
    });
}
