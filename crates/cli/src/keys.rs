//! `jwt-sso keys`.

use crate::failure::Failure;

/// Print an issuer's public keys
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn run(_: &Arguments) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
