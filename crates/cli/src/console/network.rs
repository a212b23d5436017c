//! The console on the network: with TLS, or on loopback, or behind a proxy
//! that has the TLS; until a signal ends it.

use super::arguments::Arguments;
use super::handlers::{self, Console};
use super::log;
use crate::failure::{Context, Failure};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long a client may take for its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// How long it may take for the head of a request; a connection has one.
const HEADERS: Duration = Duration::from_secs(30);
/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// How long requests have to end once the console is to end.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// What carries the pages.
#[derive(Clone, Copy, Debug)]
pub struct Transport {
    listen: IpAddr,
    tls: bool,
}

impl Transport {
    pub fn of(arguments: &Arguments) -> Transport {
        let tls = arguments.tls_cert.is_some() || arguments.behind_tls_proxy;
        Transport { listen: arguments.listen.ip(), tls }
    }

    pub fn listen_ip(self) -> IpAddr {
        self.listen
    }

    /// Whether what people see is https.
    pub fn is_tls(self) -> bool {
        self.tls
    }
}

/// Refuses to hand out tokens in clear over a network.
pub fn check(arguments: &Arguments) -> Result<(), Failure> {
    let (ip, tls) = (arguments.listen.ip(), arguments.tls_cert.is_some());
    if ip.is_loopback() || tls || arguments.behind_tls_proxy {
        return Ok(());
    }
    let refused = format!("will not listen on {} without TLS", arguments.listen);
    Err(Failure::usage(refused).with_hint(
        "name a certificate with --tls-cert and --tls-key, or say --behind-tls-proxy where a proxy \
         in front of the console has the TLS",
    ))
}

/// Serves until SIGTERM or SIGINT.
pub async fn serve(arguments: &Arguments, console: Arc<Console>) -> Result<(), Failure> {
    let tls = tls_config(arguments)?.map(RustlsConfig::from_config);
    let listener = TcpListener::bind(arguments.listen)
        .context(format_args!("cannot listen on {}", arguments.listen))?;
    let address = listener.local_addr().context("cannot listen")?;
    let handle = Handle::new();
    watch_signals(arguments, handle.clone(), tls.clone())?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    console.introduce(&format!("{scheme}://{address}")).await;
    let service = handlers::router(console).into_make_service();
    let served = match tls {
        Some(tls) => {
            let mut server =
                axum_server::from_tcp_rustls(listener, tls).context("cannot listen")?;
            bound(&mut server);
            server.first_request_timeout(FIRST_REQUEST).handle(handle).serve(service).await
        }
        None => {
            let mut server = axum_server::from_tcp(listener).context("cannot listen")?;
            bound(&mut server);
            server.first_request_timeout(FIRST_REQUEST).handle(handle).serve(service).await
        }
    };
    served.context("the console ended")?;
    log::line("ended");
    Ok(())
}

fn bound<A>(server: &mut axum_server::Server<SocketAddr, A>) {
    // Limits of time are HTTP/1's; an idle connection of HTTP/2 would have none.
    let builder = server.http_builder().clone().http1_only();
    *server.http_builder() = builder;
    server
        .http_builder()
        .http1()
        .keep_alive(false)
        .header_read_timeout(HEADERS)
        .max_buf_size(MAX_HEAD)
        .half_close(false);
}

fn watch_signals(
    arguments: &Arguments,
    handle: Handle<SocketAddr>,
    tls: Option<RustlsConfig>,
) -> Result<(), Failure> {
    let listen = |kind| signal(kind).context("cannot wait for signals");
    let (mut terminate, mut interrupt) =
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let mut hangup = listen(SignalKind::hangup())?;
    let files = (arguments.tls_cert.clone(), arguments.tls_key.clone());
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => {
                    if let (Some(tls), (Some(cert), Some(key))) = (&tls, &files) {
                        reload(tls, cert, key);
                    }
                }
            }
        }
        log::line("ending");
        handle.graceful_shutdown(Some(LAST_REQUESTS));
    });
    Ok(())
}

/// A renewed certificate takes effect; one that cannot be used does not.
fn reload(tls: &RustlsConfig, cert: &Path, key: &Path) {
    match read_tls(cert, key) {
        Ok(config) => {
            tls.reload_from_config(Arc::new(config));
            log::line("the certificate was read again");
        }
        Err(failure) => {
            log::line(format_args!("warning: the certificate before stays in use: {failure}"));
        }
    }
}

fn tls_config(arguments: &Arguments) -> Result<Option<Arc<ServerConfig>>, Failure> {
    match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(cert), Some(key)) => Ok(Some(Arc::new(read_tls(cert, key)?))),
        _ => Ok(None),
    }
}

fn read_tls(cert: &Path, key: &Path) -> Result<ServerConfig, Failure> {
    let reading = |path: &Path| format!("cannot read {}", path.display());
    let mut chain = Vec::new();
    for certificate in CertificateDer::pem_file_iter(cert).context(reading(cert))? {
        chain.push(certificate.context(reading(cert))?);
    }
    if chain.is_empty() {
        return Err(Failure::usage(format!("{} has no certificate in it", cert.display())));
    }
    let private = PrivateKeyDer::from_pem_file(key).context(reading(key))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS")?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .context(format_args!("{} and {}", cert.display(), key.display()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
