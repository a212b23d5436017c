//! The SQL functions that are given a token, `renew()` and `explain()`, as the
//! server calls them: with the statement hidden from the log meanwhile.
//!
//! pgrx makes the functions themselves, under the names that stand here as
//! inner ones; the outer names are those in the SQL of every release.

use super::shim;
use pgrx::pg_sys;

macro_rules! hidden {
    ($outer:ident, $finfo:ident, $inner:ident, $stays_hidden:literal) => {
        unsafe extern "C-unwind" {
            fn $inner(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum;
        }

        /// As PG_FUNCTION_INFO_V1 makes it.
        #[unsafe(no_mangle)]
        pub extern "C" fn $finfo() -> &'static pg_sys::Pg_finfo_record {
            &pg_sys::Pg_finfo_record { api_version: 1 }
        }

        /// Called by the server alone. An ERROR leaves it by longjmp, and there
        /// is nothing in it to be dropped.
        #[unsafe(no_mangle)]
        #[allow(ffi_unwind_calls)]
        pub extern "C-unwind" fn $outer(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
            // SAFETY: a function by the server's convention, and the arguments
            // that the server has for it.
            unsafe { shim::jwt_sso_call_hidden($inner, fcinfo, $stays_hidden) }
        }
    };
}

hidden!(renew_wrapper, pg_finfo_renew_wrapper, renew_session_wrapper, false);
// Not everybody's to call.
hidden!(explain_wrapper, pg_finfo_explain_wrapper, explain_login_wrapper, true);
