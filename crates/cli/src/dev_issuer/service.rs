//! The server, from the first connection to the signal that ends it.

use super::folder::Folder;
use super::{change_keys, endpoints};
use crate::failure::{Context, Failure};
use anstream::eprintln;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long answers that are under way may take after the end has come.
const GRACE: Duration = Duration::from_secs(2);

/// Takes the port; which one, where it was to be a free one.
pub fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let listening = format!("cannot listen on {address}");
    let listener = TcpListener::bind(address).context(&listening)?;
    listener.set_nonblocking(true).context(&listening)?;
    let address = listener.local_addr().context(&listening)?;
    Ok((listener, address))
}

/// What is served.
pub struct Prepared {
    pub listener: TcpListener,
    pub tls: Arc<ServerConfig>,
    pub folder: Folder,
}

/// Serves what `prepare` makes until SIGINT or SIGTERM; SIGHUP makes new keys.
/// The signals are minded before there is a folder to be removed.
pub fn run(prepare: impl FnOnce() -> Result<Prepared, Failure>) -> Result<(), Failure> {
    const SERVING: &str = "the issuer";
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context(SERVING)?.block_on(async {
        let interrupt = signal(SignalKind::interrupt()).context(SERVING)?;
        let terminate = signal(SignalKind::terminate()).context(SERVING)?;
        let hangup = signal(SignalKind::hangup()).context(SERVING)?;
        let Prepared { listener, tls, folder } = prepare()?;
        let handle = Handle::new();
        tokio::spawn(rotate_at(hangup, folder.clone()));
        tokio::spawn(end_at(interrupt, terminate, handle.clone()));
        axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(tls))
            .context(SERVING)?
            .handle(handle)
            .serve(endpoints::router(&folder).into_make_service())
            .await
            .context(SERVING)
    })
}

async fn end_at(mut interrupt: Signal, mut terminate: Signal, handle: Handle<SocketAddr>) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    handle.graceful_shutdown(Some(GRACE));
}

async fn rotate_at(mut hangup: Signal, folder: Folder) {
    while hangup.recv().await.is_some() {
        match change_keys(&folder, false) {
            Ok(kids) => eprintln!("new keys: {}", kids.join(", ")),
            Err(failure) => eprintln!("the keys stay: {failure}"),
        }
    }
}
