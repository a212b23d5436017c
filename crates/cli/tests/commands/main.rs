//! The subcommands that look at keys and tokens, as their users run them.
//! - [`keys`]: against a real provider, issuers that make faults, and a real cluster
//! - [`inspect`]: sound, odd and hostile tokens
//! - [`explain`]: what a real cluster says of a token
//! - [`dev_issuer`]: the throw-away issuer, up to a login with its token
//! - [`help`]: `--help`, manual pages, completions
//!
//! scripts/client-deps.sh installs the provider.

mod dev_issuer;
mod explain;
mod help;
mod inspect;
mod keys;
mod program;
