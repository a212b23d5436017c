//! Who a session is by its token, and what may be done with it.
//! - [`claims`]: session(), claims(), claim()
//! - [`renewal`]: how renew() prolongs a session, and when it refuses
//! - [`table`]: the view `sessions`, terminate(), privileges
//! - [`other_doors`]: the same by PAM and OAuth
//!
//! Its end by expiry is in session_expiry.rs, by denial in deny.rs; row-level security in
//! row_level_security.rs.

mod claims;
mod other_doors;
mod renewal;
mod table;

use jwt_sso_e2e::expect::ended;
use jwt_sso_e2e::message::ServerError;
use jwt_sso_e2e::wire::Wire;
use jwt_sso_e2e::{Client, Cluster, Issuer, Token};

const ISS: &str = "https://issuer.example";

fn start(roles: &[&str]) -> Cluster {
    let cluster = Cluster::builder().start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    Issuer::example().install(&cluster, roles);
    cluster
}

fn token(subject: &str) -> Token {
    Issuer::example().token(subject)
}

fn open(cluster: &Cluster, role: &str, token: &Token) -> Wire {
    Client::new(cluster, role).login(&token.sign()).session()
}

/// The one value of a query; NULL is "".
#[track_caller]
fn value(session: &mut Wire, sql: &str) -> String {
    let rows = session.query(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    rows[0][0].clone()
}

#[track_caller]
fn error(session: &mut Wire, sql: &str) -> ServerError {
    *session.query(sql).err().unwrap_or_else(|| panic!("no error: {sql}"))
}

fn renew(session: &mut Wire, token: &str) -> Result<Vec<Vec<String>>, Box<ServerError>> {
    session.query(&format!("SELECT extract(epoch FROM jwt_sso.renew('{token}'))::bigint"))
}

/// Holds a renewal to be refused for `reason`, as a login is, by an ERROR; returns the log line.
#[track_caller]
fn not_renewed(cluster: &Cluster, session: &mut Wire, token: &str, reason: &str) -> String {
    let mark = cluster.log_mark();
    let error = renew(session, token).unwrap_err();
    assert_eq!((&*error.severity, &*error.code), ("ERROR", "28000"), "{error:?}");
    assert_eq!(error.message, "JWT authentication failed for user \"alice\"");
    let (_, reference) = error.detail.rsplit_once("(reference ").expect("a reference");
    let reference = reference.trim_end_matches(')');
    let line = cluster.wait_log(mark, &format!("jwt_sso: refused .*ref={reference} "));
    let head =
        format!("jwt_sso: refused reason={reason} ref={reference} door=renew user=\"alice\"");
    assert!(line.contains(&head), "{line}\nexpected: {head}");
    // It goes on, and PostgreSQL's own line of the ERROR has come without the token.
    assert_eq!(value(session, "SELECT 1"), "1");
    cluster.wait_log(mark, "ERROR:  JWT authentication failed for user \"alice\"");
    let log = cluster.log_since(mark);
    let part = token.get(..20).unwrap_or(token);
    assert!(part.is_empty() || !log.contains(part), "the token is in the log: {log}");
    line
}

fn expires(session: &mut Wire) -> String {
    value(session, "SELECT extract(epoch FROM (jwt_sso.session()).expires)::bigint")
}

/// Rows of the table itself, whether or not the view shows them.
fn rows(cluster: &Cluster) -> String {
    cluster.sql("SELECT principal || ' ' || role FROM jwt_sso.session_rows() ORDER BY 1")
}

#[track_caller]
fn only(cluster: &Cluster, wanted: &str) {
    cluster.until(&format!("the rows {wanted:?}"), || rows(cluster) == wanted);
}
