//! `jwt-sso keys`: an issuer's public keys, for servers that cannot fetch them.

mod destination;

use crate::failure::{Context, Failure};
use crate::terminal::Waiting;
use crate::{alter_system, duration, output};
use anstream::eprintln;
use clap::ArgGroup;
use destination::Change;
use jwt_sso_core::issuers::{Issuer, IssuerKeys, Issuers};
use jwt_sso_core::policy::{FetchPlace, Policy};
use jwt_sso_core::published_set::{PublishedSet, Refused};
use jwt_sso_core::setting_text;
use jwt_sso_core::visible::quote;
use jwt_sso_fetch::{Place, Request};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  jwt-sso keys https://idp.example
  jwt-sso keys https://idp.example --alter-system | psql
  jwt-sso keys https://idp.example --output /var/lib/postgresql/idp.jwks
  jwt-sso keys --jwks-uri https://10.96.0.1/openid/v1/jwks --ca cluster-ca.pem

Cron:
  Once an hour, on a server that may ask the issuer while PostgreSQL may not:
  jwt-sso keys https://idp.example --output /var/lib/postgresql/idp.jwks &&
    psql -qAtc 'SELECT pg_reload_conf()'

Exit codes:
  0  printed, written, or already the same
  1  not fetched, no sound key set, or not written: an old file is as it was
  2  wrong usage";

/// Print an issuer's public keys
///
/// Fetches them as the server would: the discovery document leads to the key
/// set. Prints the set on one line, as the setting jwt_sso.jwks takes it. Keys
/// that can verify no token are left out, and named on standard error; a set
/// with a private or symmetric key in it is refused.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("source").required(true).multiple(true))]
pub struct Arguments {
    /// The issuer, exactly as its tokens name it in "iss"
    #[arg(group = "source")]
    issuer: Option<String>,
    /// Take the keys from this URL, without discovery
    #[arg(long, value_name = "URL", group = "source")]
    jwks_uri: Option<String>,
    /// PEM file of the certificates that the issuer is verified by [default: the system's]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// How long it may take in all
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = duration::parse)]
    timeout: Duration,
    /// Print the statement ALTER SYSTEM SET jwt_sso.jwks = '...', ready for psql
    #[arg(long, conflicts_with = "output")]
    alter_system: bool,
    /// Replace this file, the one that jwt_sso.jwks_file names, in one step
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let request = request(arguments)?;
    let waiting = Waiting::new("Fetching the keys");
    let fetched = jwt_sso_fetch::fetch(&request);
    drop(waiting);
    let fetched = fetched.map_err(|error| {
        let failure = Failure::new(format!("the keys were not fetched: {error}"));
        hint(failure, &error.cause, arguments.ca.is_some())
    })?;
    let set = PublishedSet::read(&fetched.body)
        .map_err(|refused| unsound(&fetched.jwks_uri, &refused))?;
    for key in &set.left_out {
        eprintln!("left out: {key}");
    }
    match &arguments.output {
        Some(path) => replace(path, &set),
        None if arguments.alter_system => print_statement(&set),
        None => output::print(&format!("{}\n", set.text())),
    }
}

/// Where the server would look, by the rules of its own settings.
fn request(arguments: &Arguments) -> Result<Request, Failure> {
    let place = match (&arguments.issuer, &arguments.jwks_uri) {
        (_, Some(url)) => Place::Jwks { url: url.clone() },
        (Some(issuer), None) => discovery(issuer)?,
        (None, None) => return Err(Failure::usage("name an issuer, or --jwks-uri")),
    };
    Ok(Request {
        issuer: arguments.issuer.clone().unwrap_or_default(),
        place,
        custom_ca: arguments.ca.as_deref().map(read_ca).transpose()?,
        timeout: arguments.timeout,
    })
}

fn discovery(issuer: &str) -> Result<Place, Failure> {
    let refused = |why: String| Failure::usage(format!("{} is no issuer: {why}", quote(issuer)));
    if setting_text::looks_like_json(issuer) {
        return Err(refused("it looks like JSON".to_owned()));
    }
    let issuers = Issuers::parse(issuer).map_err(|error| refused(error.to_string()))?;
    let policy = Policy { jwks_auto_fetch_enabled: true, ..Policy::default() };
    let plain = |found: &&Issuer| matches!(found.keys, IssuerKeys::Global);
    match issuers.iter().find(plain).and_then(|found| policy.fetch_place(found)) {
        Some(FetchPlace::Discovery { url, accepted_issuers }) => {
            Ok(Place::Discovery { url, accepted_issuers })
        }
        _ => Err(refused("it is empty".to_owned())),
    }
}

fn read_ca(path: &Path) -> Result<std::sync::Arc<[u8]>, Failure> {
    let pem = fs::read(path).context(format_args!("cannot read {}", path.display()))?;
    jwt_sso_fetch::check_ca(&pem)
        .map_err(|why| Failure::usage(format!("{}: {why}", path.display())))?;
    Ok(pem.into())
}

fn hint(failure: Failure, cause: &str, own_ca: bool) -> Failure {
    if cause.contains("certificate") && !own_ca {
        return failure.with_hint("--ca names the certificates that the issuer is verified by");
    }
    if cause.contains("discovery document is of issuer") {
        return failure.with_hint(
            "name the issuer exactly as its tokens do in \"iss\", or its key set by --jwks-uri",
        );
    }
    if cause.contains("404") {
        return failure.with_hint("an issuer without discovery needs --jwks-uri");
    }
    failure
}

fn unsound(jwks_uri: &str, refused: &Refused) -> Failure {
    let failure = Failure::new(format!("{jwks_uri} has no key set to use: {refused}"));
    match refused {
        Refused::Secret(_) => failure.with_hint(
            "tell whoever runs the issuer: everybody who has read that URL can now make its tokens",
        ),
        _ => failure,
    }
}

fn print_statement(set: &PublishedSet) -> Result<(), Failure> {
    setting_text::check(&set.text()).map_err(|error| {
        Failure::new(format!("the key set does not fit into a setting: {error}"))
            .with_hint("--output writes a file for jwt_sso.jwks_file")
    })?;
    output::print(&format!("{}\n", alter_system::statement("jwks", &set.text())))?;
    eprintln!(
        "These keys are for every issuer without keys of its own, while \
         jwt_sso.jwks_auto_fetch_enabled is off. With several issuers, give each its own by the \
         member \"jwks\" of its entry in jwt_sso.issuers, or each could sign for the others.\n\
         Reload with SELECT pg_reload_conf()"
    );
    Ok(())
}

fn replace(path: &Path, set: &PublishedSet) -> Result<(), Failure> {
    let shown = path.display();
    match destination::replace(path, set)? {
        Change::None => eprintln!("{shown} has these keys already: nothing to do"),
        Change::Replaced { owner_kept } => {
            eprintln!(
                "{shown}: {} of the issuer's keys; reload with SELECT pg_reload_conf()",
                set.count()
            );
            if !owner_kept {
                eprintln!("{shown} belongs to you now: its owner could not be kept");
            }
        }
    }
    Ok(())
}
