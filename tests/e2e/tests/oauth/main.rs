//! The OAuth door: HBA lines with method `oauth` whose validator is jwt_sso, on PostgreSQL 18.
//! - [`refusals`]: who gets in, every reason code, what the client and the log are told
//! - [`lines`]: what a line says: its issuer, its map or none, its transport
//! - [`exchange`]: SASL: discovery, long tokens, malformed messages, clients that hang up
//! - [`installation`]: without preload, without a validator, beside other hooks, a panic
//! - [`device_flow`]: psql's own device flow against a real OpenID provider
//!
//! Before 18 there is no such door: the tests say `SKIPPED`.

mod device_flow;
mod exchange;
mod installation;
mod lines;
mod refusals;

use jwt_sso_e2e::expect::{Refusal, Terms};
use jwt_sso_e2e::oauthbearer::{self, Exchange, method};
use jwt_sso_e2e::{Client, Cluster, Issuer, refused};
use serde_json::json;

const ISSUER: &str = "https://issuer.example";

/// A line for everybody over TLS, with our map in force.
fn delegating() -> String {
    format!("hostssl all all all {}\n", method(ISSUER, "delegate_ident_mapping=1"))
}

/// A server with [`delegating`] that takes the example issuer's tokens.
fn start(roles: &[&str]) -> Cluster {
    let cluster = oauthbearer::builder(&delegating()).start();
    Issuer::example().install(&cluster, roles);
    cluster
}

fn token(subject: &str) -> String {
    Issuer::example().token(subject).sign()
}

fn login(cluster: &Cluster, role: &str, token: &str) -> Exchange {
    oauthbearer::login(&Client::new(cluster, role), token)
}

fn terms(principal: &str) -> Terms<'_> {
    Terms { issuer: ISSUER, principal, kid: "k1" }
}

/// Holds an exchange to be refused: first the protocol's error, which says where to get a
/// token for this issuer and nothing else, then our FATAL with its line in the log.
#[track_caller]
fn refused_by(
    cluster: &Cluster,
    role: &str,
    exchange: &Exchange,
    issuer: &str,
    reason: &str,
) -> Refusal {
    assert!(exchange.login.prompted);
    let document = format!("{issuer}/.well-known/openid-configuration");
    let error = json!({
        "status": "invalid_token", "scope": "db:connect", "openid-configuration": document,
    });
    assert_eq!(exchange.error, Some(error));
    refused(cluster, role, &exchange.login, reason)
}

/// [`refused_by`] on a line of the example issuer.
#[track_caller]
fn refuse(cluster: &Cluster, role: &str, token: &str, reason: &str) -> Refusal {
    refused_by(cluster, role, &login(cluster, role, token), ISSUER, reason)
}
