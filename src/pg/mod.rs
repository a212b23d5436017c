//! The server's facilities, one safe function for each. All hand-written
//! `unsafe` of the extension is in this folder, and nothing in here knows what
//! a token is: it imports nothing of ours.

pub mod area;
pub mod auth_hook;
pub mod background;
pub mod exit;
pub mod guard;
pub mod guc;
pub mod hidden;
pub mod message;
#[cfg(feature = "pg18")]
pub mod oauth;
pub mod packet;
pub mod pam;
pub mod places;
pub mod port;
pub mod proc;
pub mod process;
pub mod roles;
pub mod shmem;
pub mod sql;
pub mod threads;

mod shim;

pub use pgrx::pg_sys::ffi;
