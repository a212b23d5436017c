//! What the server counts and remembers of logins:
//! - `counting` 1. each decision is one: accepted or refused by reason, at its door, for the
//!   configured issuer that the token names; 2. names that are not configured make no row;
//!   3. what is no decision is not counted; 4. an issuer that is taken out or renamed keeps its
//!   row until a reset; 5. a thousand issuers, and one more; 6. many at once, none lost; 7. the
//!   latency buckets; 8. a refusal of the second lock; 9. a renewal is counted at its own door
//! - `lifetime` 1. stats_reset(); 2. a login that breaks, a session that ends by FATAL; 3. a crash
//!   begins at 0, and `since` says so; 4. without preload
//! - `recent` 1. found by the reference of the client's error; 2. the last 128, the newest first;
//!   3. hostile names cannot be seen as anything else; 4. a database that is not UTF-8;
//!   5. a storm
//! - `privileges` 1. PUBLIC sees nothing, pg_monitor all, stats_reset() is for superusers

mod counting;
mod lifetime;
mod privileges;
mod recent;

use jwt_sso_e2e::{Client, Cluster, Issuer};
use serde_json::json;

/// A cluster with the extension that takes the example issuer's tokens, for alice.
fn start() -> Cluster {
    let cluster = Cluster::builder().start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    Issuer::example().install(&cluster, &["alice"]);
    cluster
}

fn token() -> String {
    Issuer::example().token("alice").sign()
}

fn log_in(cluster: &Cluster) {
    Client::new(cluster, "alice").login(&token()).session();
}

/// Rows of the view that count something: `outcome|reason|door|issuer|count`.
fn counts(cluster: &Cluster) -> Vec<String> {
    let rows = "SELECT outcome, reason, door, issuer, count FROM jwt_sso.stats
        WHERE count > 0 ORDER BY outcome, reason, door, issuer";
    cluster.sql(rows).lines().map(str::to_owned).collect()
}

/// These issuers, with keys and audience of the example issuer.
fn take(cluster: &Cluster, issuers: &[String]) {
    cluster.configure(&[("jwt_sso.issuers", &json!(issuers).to_string())]);
}
