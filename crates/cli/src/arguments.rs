//! The command line: what there is, in the order in which `--help` shows it.

use crate::{completions, console, dev_issuer, inspect, keys, man_page, psql, token};
use clap::{Parser, Subcommand};

/// What the end of each `--help`, and the man page, say of exit codes.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  it could not be done: the message says why
  2  wrong usage: an option, a profile or a setting
  3  the token was refused, or is not one (inspect)
psql ends with psql's own.";

/// Tokens for PostgreSQL with jwt_sso: gets them, hands them to psql, shows
/// what is in them, and serves the page that gives them out.
#[derive(Debug, Parser)]
#[command(name = "jwt-sso", version, about, propagate_version = true, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// The first word.
#[derive(Debug, Subcommand)]
pub enum Command {
    Token(token::Arguments),
    Psql(psql::Arguments),
    Inspect(inspect::Arguments),
    Keys(keys::Arguments),
    Console(Box<console::Arguments>),
    DevIssuer(dev_issuer::Arguments),
    Completions(completions::Arguments),
    Man(man_page::Arguments),
}
