-- Everybody may look into the schema; what each function tells is granted one by one.
GRANT USAGE ON SCHEMA @extschema@ TO PUBLIC;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA @extschema@ FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @extschema@.version(), @extschema@."check"(), @extschema@.check_ok(),
    @extschema@.map_report(),
    @extschema@.issuer_rows(), @extschema@.key_rows() TO pg_monitor;
GRANT SELECT ON @extschema@.issuers, @extschema@.keys TO pg_monitor;

-- Statistics and recent refusals.
GRANT EXECUTE ON FUNCTION @extschema@.stats_rows(), @extschema@.stats_latency_rows(),
    @extschema@.recent_refusal_rows() TO pg_monitor;
GRANT SELECT ON @extschema@.stats, @extschema@.stats_latency, @extschema@.recent_refusals
    TO pg_monitor;

COMMENT ON FUNCTION @extschema@.version() IS 'version of the jwt_sso library';
COMMENT ON FUNCTION @extschema@."check"() IS 'what is wrong or unwise about the set-up of jwt_sso, and what to do about it';
COMMENT ON FUNCTION @extschema@.check_ok() IS 'whether check() finds no error';
COMMENT ON FUNCTION @extschema@.map_report() IS 'each line of the identity maps: its role, and which lines are superfluous';
COMMENT ON FUNCTION @extschema@.explain(text, name) IS 'each check of a login with this token as this role, without the login';

-- Sessions. The four that follow tell a session about itself alone.
GRANT EXECUTE ON FUNCTION @extschema@.session(), @extschema@.claims(), @extschema@.claim(text),
    @extschema@.renew(text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION @extschema@.session_rows() TO pg_monitor;
GRANT SELECT ON @extschema@.sessions TO pg_monitor;
