//! `jwt-sso inspect`.

use crate::failure::Failure;

/// Show what is in a token
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn run(_: &Arguments) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
