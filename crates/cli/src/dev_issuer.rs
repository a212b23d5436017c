//! `jwt-sso dev-issuer`.

use crate::failure::Failure;

/// Run a throw-away issuer on this machine
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn run(_: &Arguments) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
