//! `jwt-sso psql`.

use crate::failure::Failure;

/// Start psql with a token
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn run(_: &Arguments) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
