//! `jwt-sso psql`: psql with a token for its password.

mod conninfo;
mod password_file;
mod psql_arguments;
mod server;

use crate::failure::Failure;
use crate::profile::{ConfigArguments, Profile};
use crate::token::options::SourceArguments;
use crate::token::{self, KeepingArguments};
use anstream::eprintln;
use clap::Args;
use server::Server;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::Command;

const EXAMPLES: &str = "\
Examples:
  jwt-sso psql prod                                 the profile prod
  jwt-sso psql prod -c 'SELECT current_user'        what follows the profile is psql's
  jwt-sso psql -c 'SELECT 1'                        the profile default
  jwt-sso psql --device --issuer https://idp.example --client-id psql -- -h db.example -U alice

Our options stand in front of the profile or of `--`. psql gets the token in a
file in memory that no process list shows, for the one server that it is told
of: \\c to another host asks for a password. sslmode is verify-full where
neither the profile nor PGSSLMODE says otherwise.";

/// Start psql with a token for its password
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, disable_help_flag = true, disable_version_flag = true)]
pub struct Arguments {
    /// The profile, then psql's arguments; without a profile they begin with a dash or after --
    #[arg(
        value_name = "PROFILE] [PSQL ARGUMENTS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<OsString>,
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    keeping: KeepingArguments,
    #[command(flatten)]
    config: ConfigArguments,
    /// Print help
    // -h is psql's.
    #[arg(long, action = clap::ArgAction::HelpLong)]
    help: Option<bool>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (name, rest) = split(&arguments.words);
    let name = name.map(|name| name.to_string_lossy().into_owned());
    if let Some(option) = misplaced(rest) {
        return Err(Failure::usage(format!(
            "{option} is not psql's, and stands among its arguments"
        ))
        .with_hint("our options stand in front of the profile or of `--`"));
    }
    let profile = arguments.config.choose(name.as_deref())?;
    let server = Server::of(rest, profile.as_ref())?;
    if server.is_exposed() {
        eprintln!(
            "warning: with this sslmode anyone on the way can pose as the server and read the \
             token; verify-full prevents it"
        );
    }
    let token = token::obtain(&arguments.source, profile.as_ref(), arguments.keeping)?;
    let file = password_file::create(&server.password_lines(token.text())?)?;
    let mut psql = Command::new("psql");
    psql.args(rest).envs(environment(profile.as_ref())).env("PGPASSFILE", file.path());
    // Of no use to psql, nor to the programs that it may start.
    psql.env_remove("PGPASSWORD").env_remove(token::SECRET_VARIABLE);
    for name in server.misleading() {
        psql.env_remove(name);
    }
    let error = psql.exec();
    let failure = Failure::new(format!("cannot start psql: {error}"));
    Err(match error.kind() {
        ErrorKind::NotFound => failure.with_hint(
            "psql must be on PATH; Debian and Ubuntu have it in the package postgresql-client",
        ),
        _ => failure,
    })
}

/// The profile's name, where the first word is one, and psql's arguments. What
/// stood behind a `--` of ours is psql's from the first word on.
fn split(words: &[OsString]) -> (Option<&OsStr>, &[OsString]) {
    // clap takes the dashes away, and does not say so.
    let before = env::args_os().rev().nth(words.len());
    let Some((first, rest)) = words.split_first() else { return (None, words) };
    if before.is_some_and(|word| word == "--") || first.as_encoded_bytes().starts_with(b"-") {
        return (None, words);
    }
    match rest.split_first() {
        Some((dashes, behind)) if dashes == "--" => (Some(first), behind),
        _ => (Some(first), rest),
    }
}

/// An option of ours that psql would not know.
fn misplaced(rest: &[OsString]) -> Option<String> {
    let ours = Arguments::augment_args(clap::Command::new(""));
    let is_ours = |name: &str| ours.get_arguments().any(|own| own.get_long() == Some(name));
    let words = rest.iter().take_while(|word| *word != "--").map(|word| word.to_string_lossy());
    words.into_iter().find_map(|word| {
        let name = word.strip_prefix("--")?.split('=').next()?;
        (is_ours(name) && psql_arguments::long_option(name).is_none()).then(|| format!("--{name}"))
    })
}

/// The profile's connection, by libpq's variables: psql's own options come before them.
fn environment(profile: Option<&Profile>) -> Vec<(&'static str, OsString)> {
    let mut variables: Vec<(&'static str, OsString)> = Vec::new();
    if let Some(profile) = profile {
        let named = [
            ("PGHOST", profile.host.clone().map(OsString::from)),
            ("PGPORT", profile.port.map(|port| port.to_string().into())),
            ("PGDATABASE", profile.dbname.clone().map(OsString::from)),
            ("PGUSER", profile.user.clone().map(OsString::from)),
            ("PGSSLMODE", profile.sslmode.clone().map(OsString::from)),
            ("PGSSLROOTCERT", profile.sslrootcert.clone().map(OsString::from)),
        ];
        variables.extend(named.into_iter().filter_map(|(name, value)| Some((name, value?))));
    }
    let is_named = variables.iter().any(|(name, _)| *name == "PGSSLMODE");
    if !is_named && env::var_os("PGSSLMODE").is_none_or(|mode| mode.is_empty()) {
        variables.push(("PGSSLMODE", "verify-full".into()));
    }
    variables
}
