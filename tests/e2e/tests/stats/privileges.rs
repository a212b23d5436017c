//! Who may see and do what.

use crate::start;

#[test]
fn s1_privileges() {
    let cluster = start();
    cluster.sql("CREATE ROLE plain; CREATE ROLE monitor; GRANT pg_monitor TO monitor");
    let calls = [
        ("jwt_sso.stats", true),
        ("jwt_sso.stats_latency", true),
        ("jwt_sso.recent_refusals", true),
        ("jwt_sso.stats_rows()", true),
        ("jwt_sso.stats_latency_rows()", true),
        ("jwt_sso.recent_refusal_rows()", true),
        ("jwt_sso.stats_reset()", false),
    ];
    for (call, monitors) in calls {
        let by = |role: &str| cluster.try_sql(&format!("SET ROLE {role}; SELECT * FROM {call}"));
        let error = by("plain").unwrap_err();
        assert!(error.contains("permission denied"), "{call}: {error}");
        assert_eq!(by("monitor").is_ok(), monitors, "{call}");
    }
    cluster.sql("GRANT EXECUTE ON FUNCTION jwt_sso.stats_reset() TO monitor");
    cluster.sql("SET ROLE monitor; SELECT jwt_sso.stats_reset()");
}
