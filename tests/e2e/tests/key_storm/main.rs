//! Logins that must wait for keys, many at once:
//! - `unknown_kids`: 500 logins with 500 unknown `kid`s are one fetch
//! - `places`: at most 32 logins wait for an issuer without keys, and each place that is left
//!   is free again, however it is left

mod places;
mod scene;
mod unknown_kids;
