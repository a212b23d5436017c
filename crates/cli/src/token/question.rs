//! What a token is asked for with: options in which nothing is missing.

use super::options::{Options, RedirectHost, SourceKind, UseToken};
use crate::failure::{Context, Failure};
use crate::http_client::HttpClient;
use jwt_sso_core::digest::Digest;
use openidconnect::ClientSecret;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where a client's secret is, if not in a file.
pub const SECRET_VARIABLE: &str = "JWT_SSO_CLIENT_SECRET";

/// One source with what it needs.
pub struct Question {
    pub source: Source,
    pub http: HttpClient,
    /// How long the source may take, and since when it does.
    patience: Duration,
    began: Instant,
    digest: Digest,
}

/// What each kind of source needs to know.
pub enum Source {
    Device(Oidc),
    Browser(Oidc, Browser),
    ClientCredentials(Oidc),
    AzureImds { resource: String, client_id: Option<String> },
    GcpMetadata { audience: String },
    GithubActions { audience: Option<String> },
    File(PathBuf),
    Command(String),
}

/// How a provider is asked.
pub struct Oidc {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Option<ClientSecret>,
    pub scopes: Vec<String>,
    /// Parameters of the requests beyond the standard ones: `resource`, `audience`.
    pub more: Vec<(&'static str, String)>,
    pub use_token: UseToken,
}

/// What the browser's way back looks like.
pub struct Browser {
    pub redirect_host: RedirectHost,
    pub redirect_port: Option<u16>,
    pub open: bool,
}

impl Question {
    /// Reads the files that the options name.
    ///
    /// # Errors
    /// What the source needs and was not said.
    pub fn new(kind: SourceKind, options: Options) -> Result<Question, Failure> {
        let digest = digest(kind, &options);
        let http = HttpClient::new(options.ca.as_deref())?;
        let patience = options.timeout.unwrap_or(match kind {
            SourceKind::Device | SourceKind::Browser | SourceKind::Command => 300,
            _ => 90,
        });
        let source = source(kind, options)?;
        let patience = Duration::from_secs(patience);
        Ok(Question { source, http, patience, began: Instant::now(), digest })
    }

    /// What the answer is kept under; `None` where it is not to be kept.
    /// Kubernetes renews its file by itself. A job's token of GitHub names
    /// that job, and the next one on the same runner is another.
    pub fn kept_as(&self) -> Option<Digest> {
        let is_kept = !matches!(self.source, Source::File(_) | Source::GithubActions { .. });
        is_kept.then_some(self.digest)
    }

    /// The source is asked from now on.
    pub fn begin(&mut self) {
        self.began = Instant::now();
    }

    /// How much of the patience is left.
    pub fn remaining(&self) -> Duration {
        self.patience.saturating_sub(self.began.elapsed())
    }
}

fn source(kind: SourceKind, options: Options) -> Result<Source, Failure> {
    let missing =
        |option: &str| Failure::usage(format!("the source {} needs --{option}", kind.name()));
    Ok(match kind {
        SourceKind::Device => Source::Device(oidc(kind, options)?),
        SourceKind::Browser => {
            let browser = Browser {
                redirect_host: options.redirect_host.unwrap_or_default(),
                redirect_port: options.redirect_port,
                open: !options.no_open,
            };
            Source::Browser(oidc(kind, options)?, browser)
        }
        SourceKind::ClientCredentials => Source::ClientCredentials(oidc(kind, options)?),
        SourceKind::AzureImds => Source::AzureImds {
            resource: options.resource.ok_or_else(|| missing("resource"))?,
            client_id: options.client_id,
        },
        SourceKind::GcpMetadata => {
            Source::GcpMetadata { audience: options.audience.ok_or_else(|| missing("audience"))? }
        }
        SourceKind::GithubActions => Source::GithubActions { audience: options.audience },
        SourceKind::File => Source::File(options.file.ok_or_else(|| missing("file"))?),
        SourceKind::Command => Source::Command(options.command.ok_or_else(|| missing("command"))?),
    })
}

fn oidc(kind: SourceKind, options: Options) -> Result<Oidc, Failure> {
    let missing =
        |option: &str| Failure::usage(format!("the source {} needs --{option}", kind.name()));
    let is_service = kind == SourceKind::ClientCredentials;
    let use_token = options.use_token.unwrap_or(match is_service {
        true => UseToken::AccessToken,
        false => UseToken::IdToken,
    });
    let client_secret = client_secret(options.client_secret_file.as_deref())?;
    if is_service && client_secret.is_none() {
        return Err(missing(&format!("client-secret-file, or {SECRET_VARIABLE}")));
    }
    let mut scopes: Vec<String> = options
        .scope
        .iter()
        .flat_map(|scope| scope.split_whitespace())
        .map(str::to_owned)
        .collect();
    // Without it the provider speaks plain OAuth and gives no ID token.
    let wants_openid = scopes.is_empty() || use_token == UseToken::IdToken;
    if !is_service && wants_openid && !scopes.iter().any(|scope| scope == "openid") {
        scopes.insert(0, "openid".to_owned());
    }
    let more = [("resource", options.resource), ("audience", options.audience)];
    Ok(Oidc {
        issuer: options.issuer.ok_or_else(|| missing("issuer"))?,
        client_id: options.client_id.ok_or_else(|| missing("client-id"))?,
        client_secret,
        scopes,
        more: more.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        use_token,
    })
}

fn client_secret(file: Option<&Path>) -> Result<Option<ClientSecret>, Failure> {
    let text = match file {
        Some(path) => fs::read_to_string(path)
            .context(format_args!("cannot read the client secret in {}", path.display()))?,
        None => std::env::var(SECRET_VARIABLE).unwrap_or_default(),
    };
    let secret = text.trim_end_matches(['\r', '\n']);
    match (secret.is_empty(), file) {
        (true, Some(path)) => {
            Err(Failure::new(format!("the client secret in {} is empty", path.display())))
        }
        (true, None) => Ok(None),
        (false, _) => Ok(Some(ClientSecret::new(secret.to_owned()))),
    }
}

/// All that makes one token another than another, the secret apart.
fn digest(kind: SourceKind, options: &Options) -> Digest {
    // A command may mean another thing in another folder.
    let folder = std::env::current_dir().ok().filter(|_| kind == SourceKind::Command);
    let folder = folder.map(|path| path.to_string_lossy().into_owned());
    let environment = environment(kind);
    let ca = options.ca.as_ref().map(|path| path.to_string_lossy().into_owned());
    let texts = [
        Some(kind.name().to_owned()),
        options.issuer.clone(),
        options.client_id.clone(),
        options.scope.clone(),
        options.resource.clone(),
        options.audience.clone(),
        options.use_token.map(|token| token.name().to_owned()),
        options.command.clone(),
        folder,
        environment,
        ca,
    ];
    // One that is absent is not one that is empty.
    let parts: Vec<String> = texts
        .into_iter()
        .map(|text| text.map_or_else(String::new, |text| format!("={text}")))
        .collect();
    Digest::of(&parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>())
}

/// What of the environment makes the token another one: for a command all that
/// it could see, but for what changes from one prompt to the next; on Azure the
/// place that is asked.
fn environment(kind: SourceKind) -> Option<String> {
    const PASSING: [&str; 8] =
        ["PWD", "OLDPWD", "SHLVL", "_", "COLUMNS", "LINES", "TERM", "WINDOWID"];
    const AZURE: [&str; 2] = ["IDENTITY_ENDPOINT", "IDENTITY_HEADER"];
    let counts = |name: &str| match kind {
        SourceKind::Command => !PASSING.contains(&name),
        SourceKind::AzureImds => AZURE.contains(&name),
        _ => false,
    };
    let variables = std::env::vars_os().map(|(name, value)| {
        (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
    });
    let mut variables: Vec<_> = variables.filter(|(name, _)| counts(name)).collect();
    variables.sort();
    (!variables.is_empty()).then(|| format!("{variables:?}"))
}
