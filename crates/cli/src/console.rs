//! `jwt-sso console`.

use crate::failure::Failure;

/// Serve the page that hands out tokens
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn run(_: &Arguments) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
