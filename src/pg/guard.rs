//! No panic and no server ERROR leaves this.

use pgrx::PgSqlErrorCode;
use pgrx::PgTryBuilder;
use pgrx::pg_sys::panic::CaughtError;
use std::panic::AssertUnwindSafe;

/// Runs `body`; a panic or an ERROR inside becomes `Err` with the place where
/// it happened. The text of a panic is left out: it may quote what a stranger sent.
pub fn catch<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    PgTryBuilder::new(AssertUnwindSafe(|| Ok(body())))
        .catch_others(|caught| Err(place(&caught)))
        .catch_rust_panic(|caught| Err(place(&caught)))
        .execute()
}

/// As [`catch`], inside of a statement: one that is cancelled says so.
pub fn catch_in_statement<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    PgTryBuilder::new(AssertUnwindSafe(|| Ok(body())))
        .catch_when(PgSqlErrorCode::ERRCODE_QUERY_CANCELED, |caught| caught.rethrow())
        .catch_others(|caught| Err(place(&caught)))
        .catch_rust_panic(|caught| Err(place(&caught)))
        .execute()
}

fn place(caught: &CaughtError) -> String {
    match caught {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
            format!("error {:?}: {}", report.sql_error_code(), report.message())
        }
        CaughtError::RustPanic { ereport, .. } => {
            format!("panic at {}:{}", ereport.file(), ereport.line_number())
        }
    }
}
