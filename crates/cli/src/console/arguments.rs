//! The options of `jwt-sso console`.

use crate::database::ServerArguments;
use std::net::SocketAddr;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  Settings from the database, by a role with pg_read_all_settings; for this machine only:
    jwt-sso console -d postgresql://console@db.example/postgres

  With a certificate of its own, for everybody:
    jwt-sso console -d postgresql://console@db.example/postgres \\
      --listen 0.0.0.0:443 --tls-cert console.crt --tls-key console.key

  Without a database connection:
    jwt-sso console --oidc-client-id pg --oidc-provider-url https://idp.example \\
      --identity-map '[\"https://idp.example /^(.*)@example\\\\.com$ \\\\1\"]' --sql-host db.example

The client secret, where the provider gave one, comes from the file that
jwt_sso.oidc_client_secret_file names or from JWT_SSO_OIDC_CLIENT_SECRET.
SIGHUP reads the certificate again, SIGTERM and SIGINT end the console.";

/// Serve the page that hands out tokens
///
/// A person signs in at the identity provider and gets a token, with
/// ready-made lines for psql and other clients. The settings jwt_sso.oidc_*
/// are read from the database whose tokens it hands out, again for each page.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Address and port to listen on; other than loopback ones want TLS
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    /// PEM file with the certificate chain to serve HTTPS with
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// PEM file with the certificate's private key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Listen without TLS on an address that is not loopback: a proxy in front has the TLS
    #[arg(long, conflicts_with = "tls_cert")]
    pub behind_tls_proxy: bool,
    /// PEM file of the certificates that the identity provider is verified by [default: the
    /// system's]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Copy of the server's jwt_sso.identity_map_file, on this machine
    #[arg(long, value_name = "FILE")]
    pub identity_map_file: Option<PathBuf>,
    #[command(flatten)]
    pub options: Options,
    #[command(flatten)]
    pub server: ServerArguments,
}

/// The settings as options, each named as `jwt_sso.NAME`. With a client id no
/// database is asked, and what is not given is the default.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Settings, in the place of the database's")]
pub struct Options {
    /// Client id at the provider; with it no database is asked for any setting
    #[arg(long, value_name = "ID", requires = "oidc_provider_url")]
    pub oidc_client_id: Option<String>,
    /// File with the client secret [default: none, and PKCE alone]
    #[arg(long, value_name = "FILE", requires = "oidc_client_id")]
    oidc_client_secret_file: Option<String>,
    /// Issuer at which people sign in
    #[arg(long, value_name = "URL", requires = "oidc_client_id")]
    pub oidc_provider_url: Option<String>,
    /// URL of the console to which the provider sends people back [default:
    /// http://localhost:8081/callback]
    #[arg(long, value_name = "URL", requires = "oidc_client_id")]
    oidc_redirect_url: Option<String>,
    /// Scopes to ask for [default: openid]
    #[arg(long, value_name = "SCOPES", requires = "oidc_client_id")]
    oidc_scopes: Option<String>,
    /// Whether tokens are handed out, on or off [default: on]
    #[arg(long, value_name = "SWITCH", requires = "oidc_client_id")]
    oidc_generate_cluster_sso_token_enabled: Option<String>,
    /// id_token or access_token [default: id_token]
    #[arg(long, value_name = "WHICH", requires = "oidc_client_id")]
    oidc_generate_cluster_sso_token_use_token: Option<String>,
    /// Text of the button
    #[arg(long, value_name = "TEXT", requires = "oidc_client_id")]
    oidc_button_text: Option<String>,
    /// The server's audience [default: the client id]
    #[arg(long, value_name = "AUDIENCE", requires = "oidc_client_id")]
    audience: Option<String>,
    /// The server's identity claim [default: sub]
    #[arg(long, value_name = "CLAIM", requires = "oidc_client_id")]
    claim: Option<String>,
    /// The server's issuers [default: the provider's URL]
    #[arg(long, value_name = "ISSUERS", requires = "oidc_client_id")]
    issuers: Option<String>,
    /// The server's identity map [default: none, so an identity is its own role]
    #[arg(long, value_name = "MAP", requires = "oidc_client_id")]
    identity_map: Option<String>,
    /// Host name to show for connections [default: localhost]
    #[arg(long, value_name = "HOST", requires = "oidc_client_id")]
    sql_host: Option<String>,
    /// Port to show for connections [default: 5432]
    #[arg(long, value_name = "PORT", requires = "oidc_client_id")]
    sql_port: Option<String>,
}

impl Options {
    /// Full name and text of each setting, where they come from options.
    pub fn values(&self) -> Option<Vec<(&'static str, String)>> {
        let client_id = self.oidc_client_id.clone()?;
        let provider = self.oidc_provider_url.clone().unwrap_or_default();
        let given = |option: &Option<String>, default: &str| {
            Some(option.clone().unwrap_or_else(|| default.to_owned()))
        };
        let values = [
            ("jwt_sso.oidc_client_id", Some(client_id.clone())),
            ("jwt_sso.oidc_client_secret_file", self.oidc_client_secret_file.clone()),
            ("jwt_sso.oidc_provider_url", Some(provider.clone())),
            ("jwt_sso.oidc_redirect_url", self.oidc_redirect_url.clone()),
            ("jwt_sso.oidc_scopes", self.oidc_scopes.clone()),
            (
                "jwt_sso.oidc_generate_cluster_sso_token_enabled",
                given(&self.oidc_generate_cluster_sso_token_enabled, "on"),
            ),
            (
                "jwt_sso.oidc_generate_cluster_sso_token_use_token",
                self.oidc_generate_cluster_sso_token_use_token.clone(),
            ),
            ("jwt_sso.oidc_button_text", self.oidc_button_text.clone()),
            ("jwt_sso.audience", given(&self.audience, &client_id)),
            ("jwt_sso.claim", self.claim.clone()),
            ("jwt_sso.issuers", given(&self.issuers, &provider)),
            ("jwt_sso.identity_map", self.identity_map.clone()),
            ("jwt_sso.sql_host", self.sql_host.clone()),
            ("jwt_sso.sql_port", self.sql_port.clone()),
            // Of the server's other settings nothing is known: it is taken to be on.
            ("jwt_sso.enabled", Some("on".to_owned())),
            ("jwt_sso.jwks_auto_fetch_enabled", Some("on".to_owned())),
        ];
        let given = |(name, value): (&'static str, Option<String>)| value.map(|v| (name, v));
        Some(values.into_iter().filter_map(given).collect())
    }
}
