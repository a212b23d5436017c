//! The ways a token comes in. Each door is thin: it gets a token and hands it,
//! with the role and the connection, to [`crate::decide`].

pub mod hook;
#[cfg(feature = "pg18")]
pub mod oauth;
pub mod pam;
pub mod renew;

use crate::decide::Login;
use crate::pg::port::{Carrier, Client};
use crate::report::Door;
use jwt_sso_core::decision::{Connection, Transport};

/// What `client` asks for at this door.
fn login(door: Door, client: &Client) -> Login<'_> {
    Login { door, role: client.role() }
}

/// How it came.
fn connection(client: &Client) -> Connection {
    connection_by(&client.carrier())
}

fn connection_by(carrier: &Carrier) -> Connection {
    let transport = if carrier.unix_socket {
        Transport::UnixSocket
    } else if carrier.tls {
        Transport::Tls
    } else {
        Transport::Plain
    };
    Connection { transport, replication: carrier.replication }
}
