//! `jwt-sso token`: a token from wherever it comes, and whether it must be asked for at all.

mod azure;
mod browser;
mod cache;
mod client_credentials;
mod device;
mod gcp;
mod github;
mod jwt;
mod local;
pub mod options;
mod platform;
mod provider;
mod question;
mod refresh;

use crate::failure::{Context, Failure};
use crate::profile::{ConfigArguments, Profile};
use anstream::eprintln;
use cache::{Cache, Kept};
pub use jwt::Jwt;
use options::SourceArguments;
use provider::Answer;
pub use question::SECRET_VARIABLE;
use question::{Question, Source};
use std::io::Write;

const EXAMPLES: &str = "\
Examples:
  jwt-sso token --device --issuer https://idp.example --client-id psql
  jwt-sso token prod                    the profile prod of ~/.config/jwt-sso/profiles.toml
  PGPASSWORD=$(jwt-sso token prod) psql \"host=db.example user=alice sslmode=verify-full\"
  jwt-sso token --azure-imds --resource api://<app id>
  jwt-sso token --github-actions --audience postgres
  jwt-sso token --file /var/run/secrets/tokens/postgres

The token goes to standard output, all else to standard error. It is kept in
~/.cache/jwt-sso until shortly before it expires.";

/// Print a token, a fresh one where the last is about to expire
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Profile [default: the one named default, where there is one]
    #[arg(value_name = "PROFILE")]
    profile: Option<String>,
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    keeping: KeepingArguments,
    #[command(flatten)]
    config: ConfigArguments,
    /// Show the profiles, and do nothing else
    #[arg(long, conflicts_with_all = ["profile", "source"])]
    list: bool,
    /// Remove all tokens that are kept, and do nothing else
    #[arg(long, conflicts_with_all = ["profile", "source", "list"])]
    clear_cache: bool,
}

/// Whether a token of before may serve.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Kept tokens and profiles")]
pub struct KeepingArguments {
    /// Ask for another token, by another sign-in, whatever is kept
    #[arg(long)]
    force: bool,
    /// Neither use a token that was kept nor keep this one
    #[arg(long)]
    no_cache: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.list {
        return print(&arguments.config.list()?);
    }
    if arguments.clear_cache {
        match cache::clear()? {
            0 => eprintln!("There were no tokens."),
            count => eprintln!("Removed {count} of them."),
        }
        return Ok(());
    }
    let profile = arguments.config.choose(arguments.profile.as_deref())?;
    let token = obtain(&arguments.source, profile.as_ref(), arguments.keeping)?;
    print(&format!("{}\n", token.text()))
}

/// On standard output; a reader that has gone is told of as any other fault.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("cannot print")
}

/// A token that is good for a while: the one that is kept, or another.
pub fn obtain(
    source: &SourceArguments,
    profile: Option<&Profile>,
    keeping: KeepingArguments,
) -> Result<Jwt, Failure> {
    let (kind, options) = source.merged(profile)?;
    let mut question = Question::new(kind, options)?;
    let cache = match question.kept_as().filter(|_| !keeping.no_cache).map(Cache::open) {
        None => None,
        Some(Ok(cache)) => Some(cache),
        Some(Err(failure)) => {
            eprintln!("warning: {failure}");
            None
        }
    };
    let Some(cache) = cache else {
        let answer = ask(&question)?;
        return Jwt::check(&answer.token, &answer.origin);
    };
    through(&cache, &mut question, keeping.force)
}

fn through(cache: &Cache, question: &mut Question, force: bool) -> Result<Jwt, Failure> {
    let fresh = || cache.load().filter(|_| !force).and_then(|kept| kept.fresh());
    if let Some(token) = fresh() {
        return Ok(token);
    }
    let _lock = cache.lock()?;
    // Who had it may have waited long for somebody to sign in.
    question.begin();
    // Whoever had the lock before may have asked for the same.
    let kept = if force { None } else { cache.load() };
    if let Some(token) = kept.as_ref().and_then(Kept::fresh) {
        return Ok(token);
    }
    let refreshed = match kept.as_ref().and_then(Kept::refresh) {
        Some((before, refresh_token)) => refresh(question, refresh_token, before)?,
        None => None,
    };
    let answer = match refreshed {
        Some(answer) => answer,
        None => ask(question)?,
    };
    let token = Jwt::check(&answer.token, &answer.origin)?;
    if let Err(failure) = cache.store(&answer) {
        eprintln!("warning: {failure}");
    }
    Ok(token)
}

fn refresh(
    question: &Question,
    refresh_token: &str,
    before: &str,
) -> Result<Option<Answer>, Failure> {
    match &question.source {
        Source::Device(oidc) | Source::Browser(oidc, _) => {
            refresh::ask(oidc, &question.http, refresh_token, before)
        }
        _ => Ok(None),
    }
}

fn ask(question: &Question) -> Result<Answer, Failure> {
    match &question.source {
        Source::Device(oidc) => device::ask(oidc, question),
        Source::Browser(oidc, browser) => browser::ask(oidc, browser, question),
        Source::ClientCredentials(oidc) => client_credentials::ask(oidc, &question.http),
        Source::AzureImds { resource, client_id } => {
            azure::ask(question, resource, client_id.as_deref())
        }
        Source::GcpMetadata { audience } => gcp::ask(question, audience),
        Source::GithubActions { audience } => github::ask(question, audience.as_deref()),
        Source::File(path) => local::read(path),
        Source::Command(command) => local::run(question, command),
    }
}
