//! `jwt-sso dev-issuer`: an issuer for demos and tests, on this machine only.

mod announcement;
mod authority;
mod claims;
mod endpoints;
mod folder;
mod service;
mod signing_key;

use crate::duration;
use crate::failure::{Context, Failure};
use crate::output;
use anstream::eprintln;
use claims::Requested;
use clap::Subcommand;
use folder::{Folder, State};
use jwt_sso_core::algorithm::Algorithm;
use service::Prepared;
use signing_key::SigningKey;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  jwt-sso dev-issuer                          until Ctrl-C; prints what to paste into psql
  jwt-sso dev-issuer --dir idp --listen 127.0.0.1:8443 --alg RS256 --alg EdDSA
  jwt-sso dev-issuer token --dir idp --subject alice
  jwt-sso dev-issuer token --dir idp --subject alice --claim email=a@b.example \\
    --claim-json 'groups=[\"dba\"]' --expires-in 5m
  curl --cacert idp/ca.pem -d grant_type=client_credentials -d client_id=alice \\
    https://localhost:8443/token
  jwt-sso dev-issuer rotate --dir idp         a new key; so does SIGHUP

Exit codes:
  0  ended by Ctrl-C or SIGTERM; the token was printed; the key was changed
  1  could not be done
  2  wrong usage, such as an address that is not loopback";

/// Run a throw-away issuer on this machine, FOR DEVELOPMENT ONLY
///
/// Whoever can reach it gets a token for any user: it asks for no password. It
/// listens on loopback only, over HTTPS with a CA of its own, and has discovery,
/// keys and a token endpoint for client credentials. Never name it in the
/// settings of a server that matters.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    issuer: IssuerArguments,
}

#[derive(Debug, clap::Args)]
struct IssuerArguments {
    /// Where its CA and keys are kept [default: a temporary folder, removed at the end]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Loopback address and port; port 0 is a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Algorithm of a key; the first one signs where none is asked for [default: ES256]
    #[arg(long = "alg", value_name = "ALG", value_parser = algorithm)]
    algorithms: Vec<Algorithm>,
    /// Whom its tokens are for where none is asked for: their "aud"
    #[arg(long, value_name = "AUDIENCE", default_value = "postgres")]
    audience: String,
    /// How long a token of its token endpoint is valid
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration::parse)]
    expires_in: Duration,
}

#[derive(Debug, Subcommand)]
enum Command {
    Token(TokenArguments),
    Rotate(RotateArguments),
}

/// Print a token of an issuer with --dir
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  PGPASSWORD=$(jwt-sso dev-issuer token --dir idp --subject alice) psql -h localhost -U alice
  jwt-sso dev-issuer token --dir idp --subject alice --claim-json exp=1 | jwt-sso inspect")]
struct TokenArguments {
    /// The issuer's folder
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Who it is: the claim "sub"
    #[arg(long, value_name = "NAME")]
    subject: String,
    /// Whom it is for: the claim "aud", repeatable [default: the issuer's --audience]
    #[arg(long, value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// Another claim, as text; repeatable
    #[arg(long = "claim", value_name = "NAME=TEXT")]
    claims: Vec<String>,
    /// Another claim, as JSON, over those that there would be; null leaves one out; repeatable
    #[arg(long = "claim-json", value_name = "NAME=JSON")]
    json_claims: Vec<String>,
    /// How long it is valid
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration::parse)]
    expires_in: Duration,
    /// Sign with the newest key of this algorithm [default: of the issuer's first --alg]
    #[arg(long, value_name = "ALG", value_parser = algorithm)]
    alg: Option<Algorithm>,
}

/// Give the issuer a new key for each algorithm
///
/// The new keys sign from now on. The old ones stay in the key set, as real
/// issuers have it, unless they are to be withdrawn.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jwt-sso dev-issuer rotate --dir idp
  jwt-sso dev-issuer rotate --dir idp --withdraw   as after a theft")]
struct RotateArguments {
    /// The issuer's folder
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Take the old keys out of the key set
    #[arg(long)]
    withdraw: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Some(Command::Token(arguments)) => token(arguments),
        Some(Command::Rotate(arguments)) => rotate(arguments),
        None => serve(&arguments.issuer),
    }
}

fn serve(arguments: &IssuerArguments) -> Result<(), Failure> {
    if !arguments.listen.ip().is_loopback() {
        return Err(Failure::usage(format!(
            "{} is not loopback: an issuer that gives anybody any token stays on this machine",
            arguments.listen.ip()
        ))
        .with_hint("--listen 127.0.0.1:8443"));
    }
    service::run(|| prepare(arguments))
}

/// Everything before the first connection.
fn prepare(arguments: &IssuerArguments) -> Result<Prepared, Failure> {
    let folder = Folder::open(arguments.dir.as_deref())?;
    let (listener, address) = service::listen(arguments.listen)?;
    let mut state = folder.state()?.unwrap_or_default();
    state.issuer = url(address);
    state.audience = arguments.audience.clone();
    state.expires_in = arguments.expires_in.as_secs();
    state.provide(&algorithms(arguments))?;
    let tls = authority::certify(&folder, &mut state, address.ip())?;
    folder.keep(&state)?;
    announcement::print(&folder, &state)?;
    Ok(Prepared { listener, tls, folder })
}

fn algorithms(arguments: &IssuerArguments) -> Vec<Algorithm> {
    match arguments.algorithms.as_slice() {
        [] => vec![Algorithm::Es256],
        named => named.to_vec(),
    }
}

/// The name where it leads there, which it does for one address.
fn url(address: SocketAddr) -> String {
    if address.ip() == std::net::Ipv4Addr::LOCALHOST {
        format!("https://localhost:{}", address.port())
    } else {
        format!("https://{address}")
    }
}

fn token(arguments: &TokenArguments) -> Result<(), Failure> {
    let state = Folder::at(&arguments.dir).existing()?;
    let claims = claims::claims(
        &state,
        &Requested {
            subject: &arguments.subject,
            audience: &arguments.audience,
            expires_in: arguments.expires_in.as_secs(),
            texts: &arguments.claims,
            json: &arguments.json_claims,
        },
    )?;
    let key = state.signer(arguments.alg)?;
    output::print(&format!("{}\n", key.token(&claims)?))
}

fn rotate(arguments: &RotateArguments) -> Result<(), Failure> {
    let kids = change_keys(&Folder::at(&arguments.dir), arguments.withdraw)?;
    eprintln!("new keys: {}", kids.join(", "));
    Ok(())
}

/// New keys in the place of those that sign; their names.
fn change_keys(folder: &Folder, withdraw: bool) -> Result<Vec<String>, Failure> {
    let mut state: State = folder.existing()?;
    state.rotate(withdraw)?;
    folder.keep(&state)?;
    Ok(state.signing().map(SigningKey::kid).map(str::to_owned).collect())
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    let named = |known: &Algorithm| known.name().eq_ignore_ascii_case(name);
    Algorithm::ALL.into_iter().find(named).ok_or_else(|| {
        let known: Vec<&str> = Algorithm::ALL.iter().map(|known| known.name()).collect();
        format!("there are {}", known.join(", "))
    })
}

/// Seconds since 1970.
fn now() -> Result<i64, Failure> {
    let now = jiff::Timestamp::now().as_second();
    if now > 0 { Ok(now) } else { Err(now).context("the clock is before 1970") }
}
