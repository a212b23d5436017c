//! `jwt-sso token`.

use crate::failure::Failure;

/// Print a fresh token
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn run(_: &Arguments) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
