//! The command line: what there is, in the order in which `--help` shows it.

use crate::{completions, console, dev_issuer, inspect, keys, man_page, psql, token};
use clap::{Parser, Subcommand};

/// The end of `jwt-sso --help`, and of its manual page.
const AFTER_HELP: &str = "\
Examples:
  jwt-sso token work                     a fresh token, to standard output
  jwt-sso psql work                      psql with a fresh token
  jwt-sso token work | jwt-sso inspect   what is in it
  jwt-sso keys https://idp.example       an issuer's public keys
  jwt-sso dev-issuer                     an issuer to try things with
  jwt-sso help keys                      all about a subcommand

Exit codes:
  0  done
  1  it could not be done: the message says why
  2  wrong usage: an option, a profile or a setting
  3  the token was refused, or is not one (inspect)
  psql ends with psql's own.

Files:
  ~/.config/jwt-sso/profiles.toml   profiles, named sets of options

Environment:
  HTTPS_PROXY, NO_PROXY   how issuers are reached
  PGPASSWORD              the password for --host and --database
  NO_COLOR                no colours, on a terminal either";

/// Tokens for PostgreSQL with jwt_sso: gets them, hands them to psql, shows
/// what is in them, and serves the page that gives them out.
#[derive(Debug, Parser)]
#[command(name = "jwt-sso", version, propagate_version = true, after_help = AFTER_HELP)]
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

#[cfg(test)]
mod documents;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// The command and all below it.
    fn all(command: &clap::Command) -> Vec<clap::Command> {
        let below = command.get_subcommands().filter(|c| c.get_name() != "help").flat_map(all);
        std::iter::once(command.clone()).chain(below).collect()
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_subcommand_and_option_is_explained() {
        let mut root = Arguments::command();
        root.build();
        for command in all(&root) {
            let name = command.get_display_name().unwrap_or("jwt-sso").to_owned();
            assert!(command.get_about().is_some(), "{name} says nothing of itself");
            for argument in command.get_arguments() {
                let (id, help) = (argument.get_id(), argument.get_help());
                assert!(help.is_some_and(|text| !text.to_string().is_empty()), "{name}: {id}");
            }
        }
    }

    /// Those that have something to be shown: options of their own.
    #[test]
    fn every_help_has_examples() {
        let mut root = Arguments::command();
        root.build();
        for command in all(&root) {
            let name = command.get_display_name().unwrap_or("jwt-sso").to_owned();
            let own = |id: &str| id != "help" && id != "version";
            if command.get_arguments().any(|argument| own(argument.get_id().as_str())) {
                let end = command.get_after_long_help().or(command.get_after_help());
                let text = end.map(ToString::to_string).unwrap_or_default();
                assert!(text.contains("Example"), "{name} has no examples");
            }
        }
    }
}
