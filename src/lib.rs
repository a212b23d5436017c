//! jwt_sso: single sign-on for PostgreSQL. A client puts a JSON Web Token
//! where the password goes, and is let in as the role that the identity map
//! allows. docs/architecture.md has the way of a login through these files.

mod clock;
mod counters;
mod decide;
mod doors;
mod file;
mod hba;
mod inspect;
mod keyring;
mod pam_service;
mod pg;
mod recent;
mod report;
mod session;
mod settings;
mod short_text;
mod worker;

// `#[pg_guard]` on a block of declarations expands to `crate::ffi`.
use pg::ffi;
use pg::message::{self, Message};
use pgrx::prelude::*;

::pgrx::pg_module_magic!(name, version);

extension_sql_file!("../sql/bootstrap.sql", name = "bootstrap", bootstrap);
extension_sql_file!(
    "../sql/views.sql",
    name = "views",
    requires = [inspect::keys::issuer_rows, inspect::keys::key_rows, inspect::keys::refresh]
);
extension_sql_file!(
    "../sql/sessions.sql",
    name = "sessions",
    requires = [inspect::sessions::session_rows, inspect::sessions::terminate]
);
extension_sql_file!(
    "../sql/stats.sql",
    name = "stats",
    requires = [
        inspect::stats::stats_rows,
        inspect::stats::stats_latency_rows,
        inspect::stats::stats_reset,
        inspect::stats::recent_refusal_rows
    ]
);
extension_sql_file!("../sql/grants.sql", name = "grants", finalize);

/// Called by the server when it loads the library.
///
/// Without preload, for an `oauth` line or by a session, nothing is defined: that
/// door then refuses. Otherwise the settings come first, since the rest depends
/// on them. Under pg_upgrade the hook stays, so that nobody gets in by a trust
/// line, and no worker runs.
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    #[cfg(feature = "pg18")]
    doors::oauth::init();
    if !pg::process::is_preloading() {
        inspect::warn_not_preloaded();
        return;
    }
    check_cryptography();
    settings::init();
    doors::hook::init();
    session::init();
    counters::init();
    recent::init();
    doors::pam::init();
    keyring::init(settings::key_cache_bytes());
    if !pg::process::is_binary_upgrade() {
        worker::init();
    }
}

/// A server whose cryptographic library is broken does not start: it could
/// neither let in who may come nor keep out who may not.
fn check_cryptography() {
    if let Some(algorithm) = jwt_sso_core::self_test::failure() {
        message::fatal(&Message {
            sqlstate: PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
            detail: format!("Its answer for {} is wrong.", algorithm.name()),
            hint: "Install a build of jwt_sso for this processor, or take it out of \
                   shared_preload_libraries."
                .to_owned(),
            ..Message::plain("jwt_sso: the self-test of the cryptographic library failed")
        });
    }
}
