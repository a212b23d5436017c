//! Profiles: named sets of options in `~/.config/jwt-sso/profiles.toml`.

use crate::failure::{Context, Failure};
use crate::token::options::{Options, RedirectHost, SourceKind, UseToken};
use etcetera::BaseStrategy;
use serde::de::{Deserialize, Deserializer, Error as _};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The profile that is used where none is named.
const DEFAULT: &str = "default";

/// Which file holds the profiles.
#[derive(Clone, Debug, clap::Args)]
pub struct ConfigArguments {
    /// File of the profiles [default: ~/.config/jwt-sso/profiles.toml]
    #[arg(long, value_name = "FILE", env = "JWT_SSO_CONFIG")]
    config: Option<PathBuf>,
}

/// The options of the command line, and the connection, under a name.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub source: Option<SourceKind>,
    issuer: Option<String>,
    client_id: Option<String>,
    client_secret_file: Option<PathBuf>,
    scope: Option<String>,
    resource: Option<String>,
    audience: Option<String>,
    use_token: Option<UseToken>,
    redirect_host: Option<RedirectHost>,
    redirect_port: Option<u16>,
    no_open: Option<bool>,
    ca: Option<PathBuf>,
    timeout: Option<u64>,
    file: Option<PathBuf>,
    command: Option<String>,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub dbname: Option<String>,
    pub user: Option<String>,
    pub sslmode: Option<String>,
    pub sslrootcert: Option<PathBuf>,
    #[serde(rename = "client_secret", alias = "password", alias = "token", default)]
    _secret: NoSecret,
}

impl Profile {
    /// What it says of the source, as the command line would.
    pub fn options(&self) -> Options {
        Options {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret_file: self.client_secret_file.clone(),
            scope: self.scope.clone(),
            resource: self.resource.clone(),
            audience: self.audience.clone(),
            use_token: self.use_token,
            redirect_host: self.redirect_host,
            redirect_port: self.redirect_port,
            no_open: self.no_open.unwrap_or_default(),
            ca: self.ca.clone(),
            timeout: self.timeout,
            file: self.file.clone(),
            command: self.command.clone(),
        }
    }

    /// Files of a profile are named relative to the file that it stands in.
    fn relative_to(mut self, folder: &Path) -> Profile {
        let files = [&mut self.client_secret_file, &mut self.ca, &mut self.file];
        for path in files.into_iter().chain([&mut self.sslrootcert]).flatten() {
            // libpq's word for the system's roots is no file.
            if path != Path::new("system") {
                *path = folder.join(&*path);
            }
        }
        self
    }
}

/// Refuses a member that would hold a secret; its value is not read.
#[derive(Clone, Debug, Default)]
struct NoSecret;

impl<'de> Deserialize<'de> for NoSecret {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<NoSecret, D::Error> {
        Err(D::Error::custom(
            "a secret does not belong into this file: name a file by client_secret_file, \
             or set JWT_SSO_CLIENT_SECRET",
        ))
    }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

impl ConfigArguments {
    /// The profile of that name; without a name the one called `default`, where there is one.
    pub fn choose(&self, name: Option<&str>) -> Result<Option<Profile>, Failure> {
        let (path, document) = self.read()?;
        let profile = document.profiles.get(name.unwrap_or(DEFAULT));
        match (profile, name) {
            (Some(profile), _) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                Ok(Some(profile.clone().relative_to(folder)))
            }
            (None, None) => Ok(None),
            (None, Some(name)) => Err(unknown(name, &path, &document)),
        }
    }

    /// A table of the profiles, one a line.
    pub fn list(&self) -> Result<String, Failure> {
        let (path, document) = self.read()?;
        if document.profiles.is_empty() {
            let failure = Failure::new(format!("no profile in {}", path.display()));
            return Err(failure.with_hint("docs/command.md shows how to write one"));
        }
        let width = document.profiles.keys().map(|name| name.chars().count()).max();
        let mut table = String::new();
        for (name, profile) in &document.profiles {
            let source = profile.source.map_or("no source", SourceKind::name);
            let of = profile.issuer.iter().map(|issuer| format!(" of {issuer}"));
            let host = profile.host.iter().map(|host| format!(", for {host}"));
            let rest: String = of.chain(host).collect();
            // Writing into a String cannot fail.
            let _ = writeln!(table, "{name:0$}  {source}{rest}", width.unwrap_or_default());
        }
        Ok(table)
    }

    fn path(&self) -> Result<PathBuf, Failure> {
        match &self.config {
            Some(path) => Ok(path.clone()),
            None => Ok(etcetera::choose_base_strategy()
                .context("no folder of settings")?
                .config_dir()
                .join("jwt-sso/profiles.toml")),
        }
    }

    /// Without the file there are no profiles, unless it was named.
    fn read(&self) -> Result<(PathBuf, Document), Failure> {
        let path = self.path()?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.config.is_none() => {
                return Ok((path, Document::default()));
            }
            Err(error) => {
                return Err(Failure::usage(format!("cannot read {}: {error}", path.display())));
            }
        };
        let document = toml::from_str(&text).map_err(|error| misread(&path, &text, &error))?;
        Ok((path, document))
    }
}

/// Whether a text of profiles can be read.
#[cfg(test)]
pub fn check(text: &str) -> Result<(), toml::de::Error> {
    toml::from_str::<Document>(text).map(drop)
}

/// toml's own words quote the line, in which a secret may stand.
fn misread(path: &Path, text: &str, error: &toml::de::Error) -> Failure {
    let place = error.span().map_or_else(String::new, |span| {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!(", line {line}, column {column}")
    });
    let first = error.message().lines().next().unwrap_or_default();
    Failure::usage(format!("{}{place}: {first}", path.display()))
}

fn unknown(name: &str, path: &Path, document: &Document) -> Failure {
    let names: Vec<&str> = document.profiles.keys().map(String::as_str).collect();
    let failure = Failure::usage(format!("no profile {name:?} in {}", path.display()));
    match names.as_slice() {
        [] => failure.with_hint("there is none at all; docs/command.md shows how to write one"),
        names => failure.with_hint(format!("there are: {}", names.join(", "))),
    }
}
