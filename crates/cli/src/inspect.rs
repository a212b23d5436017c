//! `jwt-sso inspect`: what is in a token, what is odd about it, and what a
//! server says of it. The signature never leaves the token.

mod contents;
mod dry_run;
mod intake;
mod machine;
mod moment;
mod oddity;
mod page;

use crate::database::ServerArguments;
use crate::failure::Failure;
use crate::output;
use contents::Contents;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  jwt-sso token work | jwt-sso inspect
  jwt-sso inspect --file token.txt --json | jq .claims
  jwt-sso inspect --file token.txt --host db.example --username postgres --role alice
  jwt-sso inspect --role alice -d postgresql://dba@db.example/postgres --without-signature

Asking a server:
  With --role, the server that the options name makes every check of a login
  with this token as that role, without the login (jwt_sso.explain). It gets the
  token as a bind parameter, over TLS, and only where its log does not keep
  parameters. You need EXECUTE on jwt_sso.explain(text, name).

Exit codes:
  0  a JWT, even an expired one; with --role: the server would let it in
  1  the token could not be read, or the server not asked
  2  wrong usage
  3  no JWT; with --role: the server would refuse it";

/// Show what is in a token, and what is odd about it
///
/// Reads the token from standard input, since an argument can be seen in the
/// list of processes. Shows header and claims, times in words, and whatever a
/// server, a pooler or a careful reader would stumble over. The signature is
/// not shown: without it, header and claims open nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Read the token from this file
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
    /// Ask the server whether the token would log in as this role
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Ask without the signature, which then is not checked
    #[arg(long, requires = "role")]
    without_signature: bool,
    #[command(flatten)]
    server: ServerArguments,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    check_usage(arguments)?;
    let given = intake::read(arguments.file.as_deref())?;
    let contents = Contents::of(&given.token);
    let oddities = oddity::all(&given, &contents);
    if !arguments.json {
        output::print(&page::page(&contents, &oddities))?;
    }
    let asked = match &arguments.role {
        Some(role) if contents.is_jwt() => {
            Some(dry_run::ask(&arguments.server, question(arguments, &contents), role)?)
        }
        _ => None,
    };
    if arguments.json {
        output::print(&machine::document(&contents, &oddities, asked.as_deref())?)?;
    } else if let Some(rows) = &asked {
        output::print(&dry_run::table(rows))?;
    }
    verdict(&contents, asked.as_deref().unwrap_or_default())
}

/// The token never goes to a server that only the environment names, unless it
/// is asked for by `--role`.
fn check_usage(arguments: &Arguments) -> Result<(), Failure> {
    let from_line = |value: &Option<String>, variable: &str| {
        value.is_some() && *value != std::env::var(variable).ok()
    };
    let server = &arguments.server;
    let named =
        from_line(&server.host, "PGHOST") || from_line(&server.database, "JWT_SSO_DATABASE");
    match &arguments.role {
        None if named => Err(Failure::usage("which role should the token log in as?")
            .with_hint("--role NAME asks the server about it")),
        Some(_) if !arguments.without_signature && !server.is_confidential()? => {
            Err(Failure::usage("a whole token is not sent over a connection without TLS")
                .with_hint("use --sslmode verify-full, or ask --without-signature"))
        }
        _ => Ok(()),
    }
}

fn question<'t>(arguments: &Arguments, contents: &Contents<'t>) -> &'t str {
    if arguments.without_signature { contents.unsigned() } else { contents.text() }
}

fn verdict(contents: &Contents<'_>, rows: &[dry_run::Row]) -> Result<(), Failure> {
    if let Some(why) = contents.why_none() {
        return Err(Failure::refused(format!("not a JWT: {why}")));
    }
    match rows.iter().find(|row| row.ok == Some(false)) {
        Some(row) => Err(Failure::refused(format!(
            "the server would refuse this token: {}",
            jwt_sso_core::visible::printable(&row.detail)
        ))),
        None => Ok(()),
    }
}
