//! The ways a token comes in. Each door is thin: it gets a token and hands it,
//! with the role and the connection, to [`crate::decide`].

pub mod hook;
#[cfg(feature = "pg18")]
pub mod oauth;
pub mod pam;

use crate::decide::Login;
use crate::pg::port::Client;
use crate::report::Door;
use jwt_sso_core::decision::{Connection, Transport};

/// What `client` asks for at this door.
fn login(door: Door, client: &Client) -> Login<'_> {
    Login { door, role: client.role() }
}

/// How it came.
fn connection(client: &Client) -> Connection {
    let transport = if client.is_unix_socket() {
        Transport::UnixSocket
    } else if client.is_tls() {
        Transport::Tls
    } else {
        Transport::Plain
    };
    Connection { transport, replication: client.is_replication() }
}
