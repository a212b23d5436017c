//! `jwt-sso man`.

use crate::failure::Failure;

/// Print the manual page
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn run(_: &Arguments) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
