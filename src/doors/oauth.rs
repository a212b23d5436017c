//! The OAuth door: HBA lines with method `oauth` whose validator is this
//! library. The server's own OAUTHBEARER (RFC 7628) gets the token.

use crate::decide::Login;
use crate::pg::message::Message;
use crate::pg::oauth::{self, Verdict};
use crate::pg::port::Client;
use crate::pg::process;
use crate::report::{self, Door};
use crate::settings;
use jwt_sso_core::decision::{Demands, Mapping};
use jwt_sso_core::issuers::issuer_of_line;

/// Opens the door, or, without preload, puts somebody there who says that it is shut.
pub fn init() {
    oauth::install(oauth::Door { decide, broken });
}

fn decide(client: &Client, token: &[u8]) -> Verdict {
    let login = login(client);
    if !process::is_preloaded() {
        return Verdict::Refuse(report::not_preloaded(&login));
    }
    settings::in_force(|policy| {
        let admitted = match login.admit(policy, super::connection(client)) {
            Ok(admitted) => admitted,
            Err(error) => return Verdict::Refuse(error),
        };
        let issuer = issuer_of_line(&client.oauth_issuer());
        let maps = |identity: &str| client.usermap_allows(identity);
        let mapping = if client.oauth_delegates_mapping() {
            Mapping::IdentityMaps
        } else {
            Mapping::Server(&maps)
        };
        let demands = Demands { issuer: Some(&issuer), mapping };
        match login.decide_token(admitted, token, demands) {
            Ok(grant) => Verdict::Accept(grant.principal),
            Err(error) => Verdict::Refuse(error),
        }
    })
}

fn broken(client: &Client, place: &str) -> Message {
    report::broken(&login(client), place)
}

fn login(client: &Client) -> Login<'_> {
    super::login(Door::Oauth, client)
}
