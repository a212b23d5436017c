//! The hook door: HBA lines with method `trust`, whose clients the
//! ClientAuthentication hook then asks for a token.

use crate::decide::Login;
use crate::pg::auth_hook::{self, Verdict};
use crate::pg::message::Message;
use crate::pg::packet::{self, Answer};
use crate::pg::port::Client;
use crate::report::{self, Door};
use crate::settings;
use jwt_sso_core::decision::{Connection, Transport};

/// Opens the door. Only while the library is preloaded.
pub fn init() {
    auth_hook::install(auth_hook::Door { decide, must_decide, broken, bypassed });
}

fn decide(client: &Client) -> Verdict {
    if !must_decide(client) {
        return Verdict::NotMine;
    }
    settings::in_force(|policy| {
        let login = login(client);
        let admitted = match login.admit(policy, connection(client)) {
            Ok(admitted) => admitted,
            Err(error) => return Verdict::Refuse(error),
        };
        let packet = match packet::ask_password(client) {
            Answer::Packet(packet) => packet,
            Answer::ClientGone => return Verdict::ClientGone,
            Answer::Unexpected => return Verdict::Violation(report::unexpected_message()),
        };
        let Some(token) = without_nul(packet.bytes()) else {
            return Verdict::Violation(report::malformed_packet());
        };
        #[cfg(feature = "panic_probe")]
        if client.role() == c"panic_probe" {
            panic!("panic_probe: this text must not reach a client");
        }
        match login.decide(admitted, token) {
            Ok(grant) => {
                client.set_identity(&grant.principal);
                Verdict::Accept
            }
            Err(error) => Verdict::Refuse(error),
        }
    })
}

/// Every TCP connection that arrives by a trust line is a token connection,
/// whatever the settings say; by a Unix socket where `challenge_local` is on.
fn must_decide(client: &Client) -> bool {
    client.is_trust() && (!client.is_unix_socket() || settings::challenges_local())
}

fn broken(client: &Client, place: &str) -> Message {
    report::broken(&login(client), place)
}

fn bypassed(client: &Client) -> Message {
    report::bypassed(&login(client))
}

fn login(client: &Client) -> Login<'_> {
    Login { door: Door::Hook, role: client.role() }
}

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

/// The password in the packet: all but the one NUL at its end.
fn without_nul(body: &[u8]) -> Option<&[u8]> {
    let (0, password) = body.split_last()? else { return None };
    (!password.contains(&0)).then_some(password)
}
