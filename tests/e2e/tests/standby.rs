//! A primary and a hot standby by streaming replication, both with the keys of one provider:
//! 1. people get in on both, each server fetches for itself, and `check()` shows that both have
//!    the same policy; a rotation is noticed on each; the standby goes on alone, also after a
//!    restart while the provider is down

use jwt_sso_e2e::builder::TOKEN_LINES;
use jwt_sso_e2e::provider::{audience, keys};
use jwt_sso_e2e::standby::REPLICATION_LINE;
use jwt_sso_e2e::{Algorithm, Client, Cluster, Provider};

#[track_caller]
fn accepts(cluster: &Cluster, token: &str) {
    let mut session = Client::new(cluster, "alice").login(token).session();
    assert_eq!(session.query("SELECT current_user").unwrap(), [["alice"]]);
}

#[track_caller]
fn in_recovery(cluster: &Cluster, token: &str) -> String {
    let psql = cluster.psql().user("alice").token(token);
    let run = psql.run("SELECT pg_is_in_recovery()");
    assert!(run.success, "{}\n{}", run.stderr, cluster.log_tail());
    run.stdout
}

fn fingerprint(cluster: &Cluster) -> String {
    let row = "SELECT finding FROM jwt_sso.check() WHERE finding LIKE 'policy fingerprint %'";
    cluster.sql(row)
}

#[test]
fn s1_primary_and_standby() {
    let mut provider = Provider::start(&keys("first"));
    let lines = format!("{REPLICATION_LINE}{TOKEN_LINES}");
    let primary = Cluster::builder().token_hba(&lines).start();
    primary.sql("CREATE EXTENSION jwt_sso; CREATE ROLE alice LOGIN");
    primary.configure(&[
        ("jwt_sso.enabled", "on"),
        ("jwt_sso.issuers", &provider.url()),
        ("jwt_sso.audience", &audience()),
        ("jwt_sso.jwks_auto_fetch_enabled", "on"),
        ("jwt_sso.issuer_custom_ca", &provider.ca_path().display().to_string()),
    ]);
    let token = provider.id_token(Algorithm::EdDsa, "alice");
    assert_eq!(in_recovery(&primary, &token), "f");
    assert_eq!(provider.key_requests(), (1, 1));

    let standby = primary.standby();
    standby.start();
    primary.sql("CREATE TABLE replicated AS SELECT 1 AS n");
    let there = || standby.try_sql("SELECT n FROM replicated").is_ok();
    standby.until("the replication", there);
    assert_eq!(in_recovery(&standby, &token), "t");
    standby.until("the standby's own fetch", || provider.key_requests() == (2, 2));
    let row = "SELECT state, keys, last_error IS NULL FROM jwt_sso.issuers";
    standby.until("what it gave", || standby.sql(row) == "fresh|4|t");
    assert_eq!(fingerprint(&primary), fingerprint(&standby));
    assert!(!fingerprint(&primary).is_empty());

    provider.rotate(&keys("second"));
    let second = provider.id_token(Algorithm::Rs256, "alice");
    accepts(&standby, &second);
    assert_eq!(provider.key_requests(), (3, 3));
    accepts(&primary, &second);
    assert_eq!(provider.key_requests(), (4, 4));

    primary.stop();
    accepts(&standby, &second);
    provider.rotate(&keys("third"));
    assert_eq!(standby.sql("SELECT ok FROM jwt_sso.refresh()"), "t");
    let third = provider.id_token(Algorithm::Ps256, "alice");
    accepts(&standby, &third);

    provider.stop();
    standby.restart();
    assert_eq!(in_recovery(&standby, &third), "t");

    // Promoted, it goes on.
    standby.sql("SELECT pg_promote()");
    assert_eq!(in_recovery(&standby, &third), "f");
    primary.start();
    accepts(&primary, &second);
}
