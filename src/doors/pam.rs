//! The PAM door: HBA lines with method `pam` whose service names our module,
//! `pam_jwt_sso.so` (crates/pam). It asks here twice, before and after it asks
//! the client. Nothing is recorded on success: the server itself takes the
//! role as the identity, and a second one would end the session.

use crate::decide::Login;
use crate::pg::message::Message;
use crate::pg::pam;
use crate::pg::port::Client;
use crate::report::{self, Door};
use crate::settings;
use std::ffi::CStr;

/// Opens the door. Only while the library is preloaded.
pub fn init() {
    pam::install(pam::Door { admit, decide, broken });
}

fn admit(client: &Client) -> Result<(), Message> {
    settings::in_force(|policy| {
        login(client).admit(policy, super::connection(client)).map(|_admitted| ())
    })
}

/// Admits once more: a module that left that out gets nothing by it.
fn decide(client: &Client, password: &CStr) -> Result<(), Message> {
    settings::in_force(|policy| {
        let login = login(client);
        let admitted = login.admit(policy, super::connection(client))?;
        login.decide(admitted, password).map(|_granted| ())
    })
}

fn broken(client: &Client, place: &str) -> Message {
    report::broken(&login(client), place)
}

fn login(client: &Client) -> Login<'_> {
    super::login(Door::Pam, client)
}
