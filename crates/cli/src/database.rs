//! One connection to a PostgreSQL server, by the names that libpq's programs have.

use crate::failure::{Context, Failure};
use jwt_sso_core::https_url::is_loopback;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

/// How long a connection may take to be there.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Which server, and as whom. The password comes from PGPASSWORD.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "The PostgreSQL server")]
pub struct ServerArguments {
    /// Connection URI: postgresql://user@host:port/dbname?sslrootcert=/path/to/ca.pem; the options
    /// below say what it leaves out
    #[arg(short = 'd', long, value_name = "URI", env = "JWT_SSO_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// Host name, or the folder of the Unix socket
    #[arg(long, value_name = "HOST", env = "PGHOST")]
    pub host: Option<String>,
    /// TCP port, or the number of the Unix socket [default: 5432]
    #[arg(short = 'p', long, value_name = "PORT", env = "PGPORT")]
    pub port: Option<u16>,
    /// Role to connect as [default: the operating system's user]
    #[arg(short = 'U', long, value_name = "ROLE", env = "PGUSER")]
    pub username: Option<String>,
    /// Database [default: postgres]
    #[arg(long, value_name = "NAME", env = "PGDATABASE")]
    pub dbname: Option<String>,
    /// PEM file of the certificates that the server is verified by [default: the system's]
    #[arg(long, value_name = "FILE", env = "PGSSLROOTCERT")]
    pub sslrootcert: Option<PathBuf>,
    /// verify-full, or disable for a server on this machine without TLS
    #[arg(long, value_name = "MODE", env = "PGSSLMODE", default_value = "verify-full")]
    pub sslmode: String,
}

impl ServerArguments {
    /// Connects. Over TCP it is by TLS, and the certificate must be the host's,
    /// whatever weaker mode is asked for; `disable` alone goes without.
    ///
    /// # Errors
    /// What is wrong with the options, or why the server is not to be had.
    pub async fn connect(&self) -> Result<Client, Failure> {
        let (mut config, root_file) = self.config()?;
        if !self.is_confidential()? {
            let refused = "the server is on another machine, and the connection would have no TLS";
            return Err(Failure::usage(refused).with_hint("use --sslmode verify-full"));
        }
        config.connect_timeout(TIMEOUT).application_name("jwt-sso");
        if let Ok(password) = std::env::var("PGPASSWORD") {
            config.password(password);
        }
        let tls = MakeRustlsConnect::new(tls_config(root_file.as_deref())?);
        // The library's own bound ends once TCP stands.
        let Ok(connected) = tokio::time::timeout(TIMEOUT, config.connect(tls)).await else {
            return Err(Failure::new(format!(
                "cannot connect to {}: no answer within {} s",
                hosts(&config),
                TIMEOUT.as_secs()
            )));
        };
        let (client, connection) = connected.map_err(|error| unreachable(&config, &error))?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Whether nobody on the way could read what is sent: by TLS, by a socket
    /// of this machine or by its loopback.
    ///
    /// # Errors
    /// What is wrong with the options.
    pub fn is_confidential(&self) -> Result<bool, Failure> {
        let (config, _) = self.config()?;
        let stays_here = config.get_hosts().iter().all(|host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => is_loopback(name),
        }) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
        Ok(config.get_ssl_mode() == SslMode::Require || stays_here)
    }

    fn config(&self) -> Result<(Config, Option<PathBuf>), Failure> {
        let (mut config, mut root_file) = (Config::new(), self.sslrootcert.clone());
        let mut mode = self.sslmode.clone();
        if let Some(text) = &self.database {
            let mut uri = Url::parse(text)
                .map_err(|error| Failure::usage(format!("--database is not a URI: {error}")))?;
            let (ours, others): (Vec<_>, Vec<_>) = uri
                .query_pairs()
                .into_owned()
                .partition(|(name, _)| name == "sslmode" || name == "sslrootcert");
            uri.set_query(None);
            if !others.is_empty() {
                uri.query_pairs_mut().extend_pairs(others);
            }
            for (name, value) in ours {
                match name.as_str() {
                    "sslmode" => mode = value,
                    _ => root_file = Some(value.into()),
                }
            }
            config = uri
                .as_str()
                .parse()
                .map_err(|error| Failure::usage(format!("--database: {}", chain(&error))))?;
        }
        // What the URI says counts, as for libpq: PGHOST and the like, by which
        // these options may be set, must not lead to another server.
        if config.get_hosts().is_empty() {
            config.host(self.host.as_deref().unwrap_or("/var/run/postgresql"));
        }
        if config.get_ports().is_empty()
            && let Some(port) = self.port
        {
            config.port(port);
        }
        if config.get_user().is_none()
            && let Some(user) = &self.username
        {
            config.user(user);
        }
        if config.get_dbname().is_none() {
            config.dbname(self.dbname.as_deref().unwrap_or("postgres"));
        }
        let socket = matches!(config.get_hosts(), [Host::Unix(_)]);
        config.ssl_mode(match mode.as_str() {
            _ if socket => SslMode::Disable,
            "disable" => SslMode::Disable,
            "allow" | "prefer" | "require" | "verify-ca" | "verify-full" => SslMode::Require,
            other => return Err(Failure::usage(format!("there is no sslmode {other:?}"))),
        });
        Ok((config, root_file))
    }
}

fn tls_config(root_file: Option<&Path>) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    match root_file {
        Some(path) if path != Path::new("system") => {
            let reading = format!("cannot read {}", path.display());
            for certificate in CertificateDer::pem_file_iter(path).context(&reading)? {
                roots.add(certificate.context(&reading)?).context(&reading)?;
            }
        }
        _ => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(config.context("TLS")?.with_root_certificates(roots).with_no_client_auth())
}

fn hosts(config: &Config) -> String {
    let name = |host: &Host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    };
    config.get_hosts().iter().map(name).collect::<Vec<_>>().join(", ")
}

fn unreachable(config: &Config, error: &tokio_postgres::Error) -> Failure {
    let why = chain(error);
    let failure = Failure::new(format!("cannot connect to {}: {why}", hosts(config)));
    if why.contains("certificate") {
        return failure
            .with_hint("--sslrootcert names the certificates that the server is verified by");
    }
    if why.contains("does not support TLS") {
        return failure.with_hint("--sslmode disable is for a server on this machine without TLS");
    }
    failure
}

/// An error with its causes, which tokio-postgres leaves to be asked for.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}
