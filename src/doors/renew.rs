//! Not a way in: `jwt_sso.renew()`, by which an open session goes on with a
//! newer token of the same issuer and identity.

use crate::decide::Login;
use crate::keyring;
use crate::pg::message::Message;
use crate::pg::{guard, port, roles};
use crate::report::{self, Door};
use crate::session::Session;
use crate::settings;

/// Decides on `token` for this session, and on acceptance prolongs it.
///
/// # Errors
/// What the client is to be told; logged and counted as a refused login is.
pub fn renew(session: &Session, token: &[u8]) -> Result<(), Message> {
    // A role that was dropped is nobody's: its name maps to nothing.
    let role = roles::authenticated().unwrap_or_default();
    let login = Login { door: Door::Renew, role: &role };
    let decided = guard::catch_in_statement(|| decide(&login, session, token));
    decided.unwrap_or_else(|place| Err(report::broken(&login, &place)))
}

fn decide(login: &Login<'_>, session: &Session, token: &[u8]) -> Result<(), Message> {
    let policy = settings::in_force_as(keyring::status().map(|status| status.policy));
    let policy = policy.as_ref().map_err(Vec::clone);
    let Some(carrier) = port::carrier() else {
        return Err(report::broken(login, "no client"));
    };
    let admitted = login.admit(policy, super::connection_by(&carrier))?;
    login.renew(admitted, token, session).map(|_granted| ())
}
