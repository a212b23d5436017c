//! What can be said of a token's source, on the command line or in a profile.

use crate::failure::Failure;
use crate::profile::Profile;
use std::path::PathBuf;

/// Where the token comes from, and what it is asked for with.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Where the token comes from, one of")]
pub struct SourceArguments {
    /// You sign in on any device: the page and the code are shown here (RFC 8628)
    #[arg(long, group = "source")]
    device: bool,
    /// You sign in with the browser of this machine (authorization code with PKCE, RFC 8252)
    #[arg(long, group = "source")]
    browser: bool,
    /// A service signs in with its own secret, from --client-secret-file or JWT_SSO_CLIENT_SECRET
    #[arg(long, group = "source")]
    client_credentials: bool,
    /// The managed identity of an Azure machine, App Service or Container App; needs --resource
    #[arg(long, group = "source")]
    azure_imds: bool,
    /// The service account of a Google Cloud machine; needs --audience
    #[arg(long, group = "source")]
    gcp_metadata: bool,
    /// The job of GitHub Actions that this runs in, with `permissions: id-token: write`
    #[arg(long, group = "source")]
    github_actions: bool,
    #[command(flatten)]
    options: Options,
}

/// The options that a profile may name, too.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// A file, such as Kubernetes' projected token; it is read each time
    #[arg(long, value_name = "PATH", group = "source")]
    pub file: Option<PathBuf>,
    /// What a command prints; the command is run by `sh -c`
    #[arg(long, value_name = "COMMAND", group = "source")]
    pub command: Option<String>,
    /// The provider's issuer, exactly as it stands in `iss`
    #[arg(long, value_name = "URL", help_heading = ASKED_WITH)]
    pub issuer: Option<String>,
    /// The client as the provider knows it; with --azure-imds the identity's client id
    #[arg(long, value_name = "ID", help_heading = ASKED_WITH)]
    pub client_id: Option<String>,
    /// File with the client's secret; without it JWT_SSO_CLIENT_SECRET counts
    #[arg(long, value_name = "FILE", help_heading = ASKED_WITH)]
    pub client_secret_file: Option<PathBuf>,
    /// Scopes, separated by blanks; offline_access asks for a refresh token [default: openid for people]
    #[arg(long, value_name = "SCOPES", help_heading = ASKED_WITH)]
    pub scope: Option<String>,
    /// What the token is for, a URI (RFC 8707; Azure's application, api://…)
    #[arg(long, value_name = "URI", help_heading = ASKED_WITH)]
    pub resource: Option<String>,
    /// Whom the token is for: `aud`, where the provider lets one choose it
    #[arg(long, value_name = "AUDIENCE", help_heading = ASKED_WITH)]
    pub audience: Option<String>,
    /// Which of the provider's tokens [default: id_token for people, access_token for services]
    #[arg(long, value_name = "KIND", help_heading = ASKED_WITH)]
    pub use_token: Option<UseToken>,
    /// Host of the browser's way back; Entra ID and Cognito want localhost [default: 127.0.0.1]
    #[arg(long, value_name = "HOST", help_heading = ASKED_WITH)]
    pub redirect_host: Option<RedirectHost>,
    /// Port for the browser's way back, where the provider wants to know it [default: any]
    #[arg(long, value_name = "PORT", help_heading = ASKED_WITH)]
    pub redirect_port: Option<u16>,
    /// Only print the URL for --browser, open none
    #[arg(long, help_heading = ASKED_WITH)]
    pub no_open: bool,
    /// PEM file of the CA that the provider is verified by [default: the system's roots]
    #[arg(long, value_name = "FILE", help_heading = ASKED_WITH)]
    pub ca: Option<PathBuf>,
    /// How long all of it may take [default: 300 where somebody signs in or a command runs, else 90]
    #[arg(long, value_name = "SECONDS", help_heading = ASKED_WITH, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub timeout: Option<u64>,
}

const ASKED_WITH: &str = "What the token is asked for with";

/// How a token is come by.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    Device,
    Browser,
    ClientCredentials,
    AzureImds,
    GcpMetadata,
    GithubActions,
    File,
    Command,
}

impl SourceKind {
    /// As an option, without its dashes, and as a profile names it.
    pub fn name(self) -> &'static str {
        match self {
            SourceKind::Device => "device",
            SourceKind::Browser => "browser",
            SourceKind::ClientCredentials => "client-credentials",
            SourceKind::AzureImds => "azure-imds",
            SourceKind::GcpMetadata => "gcp-metadata",
            SourceKind::GithubActions => "github-actions",
            SourceKind::File => "file",
            SourceKind::Command => "command",
        }
    }
}

/// Which of the tokens that a provider gives.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum, serde::Deserialize)]
#[clap(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum UseToken {
    /// The ID token: says who signed in
    IdToken,
    /// The access token, where it is a JWT
    AccessToken,
}

/// How the way back names this machine. Either way it is 127.0.0.1 that listens:
/// RFC 8252 §8.3 prefers the address, and some providers know the name only.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum, serde::Deserialize)]
pub enum RedirectHost {
    /// The address
    #[default]
    #[clap(name = "127.0.0.1")]
    #[serde(rename = "127.0.0.1")]
    Address,
    /// The name
    #[clap(name = "localhost")]
    #[serde(rename = "localhost")]
    Name,
}

impl RedirectHost {
    /// As the URL has it.
    pub fn name(self) -> &'static str {
        match self {
            RedirectHost::Address => "127.0.0.1",
            RedirectHost::Name => "localhost",
        }
    }
}

impl UseToken {
    /// As OAuth names it.
    pub fn name(self) -> &'static str {
        match self {
            UseToken::IdToken => "id_token",
            UseToken::AccessToken => "access_token",
        }
    }
}

impl SourceArguments {
    /// The source and its options: what the command line says, then what the
    /// profile says. Where the two name different sources, the profile's
    /// options are another source's, and do not count.
    pub fn merged(&self, profile: Option<&Profile>) -> Result<(SourceKind, Options), Failure> {
        let own = self.kind();
        let theirs = profile.and_then(|profile| profile.source);
        let Some(kind) = own.or(theirs) else {
            return Err(Failure::usage("nothing says where the token comes from").with_hint(
                "name a source, --device or --browser for people, or a profile; \
                 `jwt-sso token --help` has them all",
            ));
        };
        let options = match profile {
            Some(profile) if theirs.is_none_or(|theirs| theirs == kind) => {
                self.options.clone().or(profile.options())
            }
            _ => self.options.clone(),
        };
        Ok((kind, options))
    }

    fn kind(&self) -> Option<SourceKind> {
        let named = [
            (self.device, SourceKind::Device),
            (self.browser, SourceKind::Browser),
            (self.client_credentials, SourceKind::ClientCredentials),
            (self.azure_imds, SourceKind::AzureImds),
            (self.gcp_metadata, SourceKind::GcpMetadata),
            (self.github_actions, SourceKind::GithubActions),
            (self.options.file.is_some(), SourceKind::File),
            (self.options.command.is_some(), SourceKind::Command),
        ];
        named.into_iter().find_map(|(is_named, kind)| is_named.then_some(kind))
    }
}

impl Options {
    fn or(self, other: Options) -> Options {
        // A secret, and what it opens, are for the issuer and the client beside
        // which they stand.
        let differs = |own: &Option<String>, theirs: &Option<String>| {
            own.as_ref().is_some_and(|own| Some(own) != theirs.as_ref())
        };
        let other = match differs(&self.issuer, &other.issuer)
            || differs(&self.client_id, &other.client_id)
        {
            true => Options { client_secret_file: None, resource: None, audience: None, ..other },
            false => other,
        };
        Options {
            file: self.file.or(other.file),
            command: self.command.or(other.command),
            issuer: self.issuer.or(other.issuer),
            client_id: self.client_id.or(other.client_id),
            client_secret_file: self.client_secret_file.or(other.client_secret_file),
            scope: self.scope.or(other.scope),
            resource: self.resource.or(other.resource),
            audience: self.audience.or(other.audience),
            use_token: self.use_token.or(other.use_token),
            redirect_host: self.redirect_host.or(other.redirect_host),
            redirect_port: self.redirect_port.or(other.redirect_port),
            no_open: self.no_open || other.no_open,
            ca: self.ca.or(other.ca),
            timeout: self.timeout.or(other.timeout),
        }
    }
}
