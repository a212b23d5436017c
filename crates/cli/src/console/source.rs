//! Where the settings come from: the database, asked again for each page, or
//! the options.

use super::arguments::Arguments;
use super::settings::{ServerFiles, Settings, Values, Wrong};
use super::{log, warnings};
use crate::database::{self, ServerArguments};
use crate::failure::{Context, Failure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::Client;

/// How long a page waits for the database.
const PATIENCE: Duration = Duration::from_secs(5);
/// How old settings may be, so that a crowd does not reach the database.
const FRESH: Duration = Duration::from_secs(1);

/// Where the settings come from.
pub enum Source {
    /// The options: always the same.
    Options(Arc<Settings>),
    /// A database.
    Database(Box<Database>),
}

/// Why there are no settings.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Unavailable {
    /// The database does not answer, for this reason.
    Database(String),
    /// Its server has not loaded the library.
    NotPreloaded,
    /// Its library is older than the console.
    TooOld,
    /// The role of the connection does not see every setting.
    NotAllowed,
    /// A setting is wrong.
    Wrong(Wrong),
}

/// What the catalogue says of a role.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RoleFacts {
    pub superuser: bool,
    pub login: bool,
}

pub struct Database {
    arguments: ServerArguments,
    /// `--identity-map-file`
    map_file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    client: Option<Client>,
    last: Option<Last>,
}

/// The settings, and the files that they name.
type Texts = (Values, ServerFiles);

/// What was read last, and what it compiled to.
struct Last {
    at: Instant,
    /// `None` where the database did not answer.
    texts: Option<Texts>,
    settings: Result<Arc<Settings>, Unavailable>,
}

impl Source {
    pub fn new(arguments: &Arguments) -> Result<Source, Failure> {
        let map_file = arguments.identity_map_file.clone();
        let Some(values) = arguments.options.values() else {
            let arguments = arguments.server.clone();
            let state = Mutex::default();
            return Ok(Source::Database(Box::new(Database { arguments, map_file, state })));
        };
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let identity_map = map_file.as_deref().map(read_file).transpose()?;
        let settings = Settings::compile(&values, &ServerFiles { identity_map, jwks: None });
        let settings = settings.map_err(|Wrong { setting, why }| {
            let option = setting.trim_start_matches("jwt_sso.").replace('_', "-");
            let failure = Failure::usage(format!("--{option}: {}", why.detail));
            match why.hint {
                Some(hint) => failure.with_hint(hint),
                None => failure,
            }
        })?;
        Ok(Source::Options(Arc::new(settings)))
    }

    /// The settings as they are now, at most a second old.
    pub async fn settings(&self) -> Result<Arc<Settings>, Unavailable> {
        match self {
            Source::Options(settings) => Ok(Arc::clone(settings)),
            Source::Database(database) => database.settings().await,
        }
    }

    /// What the catalogue says of these roles; one that does not exist is
    /// absent. `None` where there is no catalogue to ask.
    pub async fn roles(&self, names: &[String]) -> Option<BTreeMap<String, RoleFacts>> {
        match self {
            Source::Options(_) => None,
            Source::Database(database) => database.roles(names).await,
        }
    }
}

fn read_file(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).context(format_args!("cannot read {}", path.display()))
}

impl Database {
    async fn settings(&self) -> Result<Arc<Settings>, Unavailable> {
        let mut state = self.state.lock().await;
        if let Some(last) = state.last.as_ref().filter(|last| last.at.elapsed() < FRESH) {
            return last.settings.clone();
        }
        let read = match timeout(PATIENCE, self.read(&mut state.client)).await {
            Ok(read) => read,
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        let at = Instant::now();
        let (texts, settings) = match read {
            Err(why) => {
                state.client = None;
                (None, Err(Unavailable::Database(why)))
            }
            Ok(texts) => {
                // Unchanged texts are not compiled again: a map may have
                // thousands of regexes.
                let settings = match state.last.take() {
                    Some(last) if last.texts.as_ref() == Some(&texts) => last.settings,
                    before => {
                        let settings = compile(&texts);
                        // Those of the start are said at the start.
                        if let (Some(_), Ok(settings)) = (before, &settings) {
                            for warning in warnings::of(settings) {
                                log::line(format_args!("warning: {warning}"));
                            }
                        }
                        settings
                    }
                };
                (Some(texts), settings)
            }
        };
        state.last = Some(Last { at, texts, settings: settings.clone() });
        settings
    }

    /// Asks over the connection that there is, and once more over a new one.
    async fn read(&self, kept: &mut Option<Client>) -> Result<Texts, String> {
        if let Some(client) = kept.as_ref().filter(|client| !client.is_closed())
            && let Ok(read) = self.query(client).await
        {
            return Ok(read);
        }
        let client = self.arguments.connect().await.map_err(|failure| failure.to_string())?;
        let read = self.query(&client).await.map_err(|error| database::chain(&error));
        *kept = Some(client);
        read
    }

    async fn query(&self, client: &Client) -> Result<Texts, tokio_postgres::Error> {
        const SETTINGS: &str = "SELECT name, setting FROM pg_catalog.pg_settings \
                                WHERE name LIKE 'jwt\\_sso.%' AND setting IS NOT NULL";
        let rows = client.query(SETTINGS, &[]).await?;
        let values: Values = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let named = |name: &str| values.get(name).filter(|path| !path.trim().is_empty());
        let mut files = ServerFiles::default();
        if let Some(path) = named("jwt_sso.identity_map_file") {
            files.identity_map = match &self.map_file {
                Some(copy) => local_copy(copy.clone()).await,
                None => server_file(client, path).await,
            };
        }
        if let Some(path) = named("jwt_sso.jwks_file") {
            files.jwks = server_file(client, path).await;
        }
        Ok((values, files))
    }

    async fn roles(&self, names: &[String]) -> Option<BTreeMap<String, RoleFacts>> {
        const ROLES: &str = "SELECT rolname::text, rolsuper, rolcanlogin \
                             FROM pg_catalog.pg_roles WHERE rolname = ANY($1::text[])";
        let state = self.state.lock().await;
        let client = state.client.as_ref()?;
        let rows = timeout(PATIENCE, client.query(ROLES, &[&names])).await.ok()?.ok()?;
        let facts = |row: &tokio_postgres::Row| {
            (row.get(0), RoleFacts { superuser: row.get(1), login: row.get(2) })
        };
        Some(rows.iter().map(facts).collect())
    }
}

fn compile((values, files): &Texts) -> Result<Arc<Settings>, Unavailable> {
    if !values.contains_key("jwt_sso.enabled") {
        return Err(Unavailable::NotPreloaded);
    }
    if !values.contains_key("jwt_sso.oidc_client_id") {
        return Err(Unavailable::TooOld);
    }
    // Only superusers and pg_read_all_settings see the identity map.
    if !values.contains_key("jwt_sso.identity_map") {
        return Err(Unavailable::NotAllowed);
    }
    Settings::compile(values, files).map(Arc::new).map_err(Unavailable::Wrong)
}

async fn local_copy(path: PathBuf) -> Option<String> {
    tokio::task::spawn_blocking(move || std::fs::read_to_string(path).ok()).await.ok().flatten()
}

/// A file on the server's machine, for which the role needs to be allowed
/// pg_read_file; relative to the data directory, as the setting is.
async fn server_file(client: &Client, path: &str) -> Option<String> {
    let read = client.query_one("SELECT pg_catalog.pg_read_file($1)", &[&path]).await;
    read.ok()?.try_get(0).ok()
}
