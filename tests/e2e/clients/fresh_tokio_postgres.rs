//! A connection by tokio-postgres over rustls, with a fresh token.

use super::token;

// clients.md begins
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Connects with a fresh token, which is only in this connection's copy of the configuration.
pub async fn connect(config: &Config, tls: MakeRustlsConnect) -> Result<Client, Error> {
    let mut config = config.clone();
    config.password(token());
    let (client, connection) = config.connect(tls).await?;
    tokio::spawn(connection);
    Ok(client)
}
// clients.md ends
