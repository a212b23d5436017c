-- Everybody may look into the schema; what each function tells is granted one by one.
GRANT USAGE ON SCHEMA @extschema@ TO PUBLIC;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA @extschema@ FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @extschema@.version(), @extschema@."check"(),
    @extschema@.issuer_rows(), @extschema@.key_rows() TO pg_monitor;
GRANT SELECT ON @extschema@.issuers, @extschema@.keys TO pg_monitor;

COMMENT ON FUNCTION @extschema@.version() IS 'version of the jwt_sso library';
COMMENT ON FUNCTION @extschema@."check"() IS 'what is wrong or unwise about the set-up of jwt_sso, and what to do about it';

-- Sessions. The four that follow tell a session about itself alone.
GRANT EXECUTE ON FUNCTION @extschema@.session(), @extschema@.claims(), @extschema@.claim(text),
    @extschema@.renew(text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION @extschema@.session_rows() TO pg_monitor;
GRANT SELECT ON @extschema@.sessions TO pg_monitor;
