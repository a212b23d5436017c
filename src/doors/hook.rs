//! The hook door: HBA lines with method `trust`, whose clients the
//! ClientAuthentication hook then asks for a token. And the lock behind the PAM
//! door: nobody gets in by a service of ours whose modules did not ask us.

use crate::decide::{Granted, Login};
use crate::pg::auth_hook::{self, Verdict};
use crate::pg::message::Message;
use crate::pg::packet::{self, Answer};
use crate::pg::pam;
use crate::pg::port::Client;
use crate::report::{self, Door};
use crate::settings;
use jwt_sso_core::hba::doors;
use jwt_sso_core::password_packet;

/// Opens the door. Only while the library is preloaded.
pub fn init() {
    auth_hook::install(auth_hook::Door { decide, must_decide, broken, bypassed });
}

fn decide(client: &Client) -> Verdict {
    if !must_decide(client) {
        return Verdict::NotMine;
    }
    if client.is_pam() {
        return Verdict::Refuse(bypassed(client));
    }
    settings::in_force(|policy| {
        let login = login(client);
        let admitted = match login.admit(policy, super::connection(client)) {
            Ok(admitted) => admitted,
            Err(error) => return Verdict::Refuse(error),
        };
        let packet = match packet::ask_password(client) {
            Answer::Packet(packet) => packet,
            Answer::ClientGone => return Verdict::ClientGone,
            Answer::Unexpected => return Verdict::Violation(report::unexpected_message()),
        };
        let Some(password) = password_packet::password(packet.body()) else {
            return Verdict::Violation(report::malformed_packet());
        };
        match login.decide(admitted, password) {
            Ok(Granted::ByToken(grant)) => client.set_identity(grant.principal.as_bytes()),
            // As the server does it for every other password.
            Ok(Granted::ByPassword) => client.set_identity(login.role.to_bytes()),
            Err(error) => return Verdict::Refuse(error),
        }
        Verdict::Accept
    })
}

/// Every TCP connection that arrives by a trust line is a token connection,
/// whatever the settings say; by a Unix socket where `challenge_local` is on.
///
/// A client that a PAM service of ours let in without asking our module came by
/// the passwords of others: the service's file is missing, and libpam took its
/// service `other`, or other modules stand before ours.
fn must_decide(client: &Client) -> bool {
    if client.is_pam() {
        return doors::is_our_pam_service(&client.pam_service()) && !pam::was_asked();
    }
    client.is_trust() && (!client.is_unix_socket() || settings::challenges_local())
}

fn broken(client: &Client, place: &str) -> Message {
    report::broken(&login(client), place)
}

fn bypassed(client: &Client) -> Message {
    if client.is_pam() {
        report::pam_module_not_asked(&super::login(Door::Pam, client), &client.pam_service())
    } else {
        report::bypassed(&login(client))
    }
}

fn login(client: &Client) -> Login<'_> {
    super::login(Door::Hook, client)
}
