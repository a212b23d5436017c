-- explain(), check_ok(), map_report()
CREATE FUNCTION @extschema@.explain(token text, role name)
RETURNS TABLE (step integer, "check" text, ok boolean, detail text)
STRICT VOLATILE PARALLEL RESTRICTED SET search_path TO pg_catalog, pg_temp
LANGUAGE c AS 'MODULE_PATHNAME', 'explain_wrapper';

CREATE FUNCTION @extschema@.check_ok() RETURNS boolean
STRICT VOLATILE PARALLEL RESTRICTED SET search_path TO pg_catalog, pg_temp
LANGUAGE c AS 'MODULE_PATHNAME', 'check_ok_wrapper';

CREATE FUNCTION @extschema@.map_report() RETURNS TABLE (
    source text, line integer, issuer text, identity text, role text, kind text,
    issuer_configured boolean, role_exists boolean, can_login boolean, superuser boolean,
    predefined text[], dots boolean, duplicate_of text, shadowed_by text, hint text
)
STRICT VOLATILE PARALLEL RESTRICTED SET search_path TO pg_catalog, pg_temp
LANGUAGE c AS 'MODULE_PATHNAME', 'map_report_wrapper';

REVOKE ALL ON FUNCTION @extschema@.explain(text, name), @extschema@.check_ok(),
    @extschema@.map_report() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @extschema@.check_ok(), @extschema@.map_report() TO pg_monitor;

COMMENT ON FUNCTION @extschema@.check_ok() IS 'whether check() finds no error';
COMMENT ON FUNCTION @extschema@.map_report() IS 'each line of the identity maps: its role, and which lines are superfluous';
COMMENT ON FUNCTION @extschema@.explain(text, name) IS 'each check of a login with this token as this role, without the login';
-- end of explain(), check_ok(), map_report()
