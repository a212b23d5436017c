//! `jwt-sso token`: every source, the cache and the profiles, by the real command.
//! - [`device`], [`browser`], [`client_credentials`]: against a real OpenID provider, and against
//!   a double that misbehaves
//! - [`refresh`]: the refresh token
//! - [`azure`], [`cloud`]: loopback doubles of what Azure, Google Cloud and GitHub document
//! - [`local`]: files and commands, and what is no token at all
//! - [`cache`]: what is kept, for how long, and for whom
//! - [`profiles`]: the file of profiles

mod azure;
mod browser;
mod cache;
mod client_credentials;
mod cloud;
mod device;
mod double;
mod local;
mod oidc_double;
mod profiles;
mod refresh;
mod scene;
