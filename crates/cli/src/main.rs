//! `jwt-sso`: gets tokens for PostgreSQL, hands them to psql, says what is in
//! them, and serves the page that hands them out.

mod alter_system;
mod arguments;
mod completions;
mod console;
mod database;
mod dev_issuer;
mod duration;
mod failure;
mod http_client;
mod inspect;
mod keys;
mod man_page;
mod output;
mod profile;
mod provider_metadata;
mod psql;
mod terminal;
mod token;

use arguments::{Arguments, Command};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let run = match Arguments::parse().command {
        Command::Console(arguments) => console::run(&arguments),
        Command::Token(arguments) => token::run(&arguments),
        Command::Keys(arguments) => keys::run(&arguments),
        Command::Psql(arguments) => psql::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::DevIssuer(arguments) => dev_issuer::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man_page::run(&arguments),
    };
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
