-- Statistics and recent refusals.
CREATE FUNCTION @extschema@.stats_rows() RETURNS TABLE (
    outcome text, reason text, door text, issuer text, count bigint, since timestamp with time zone
)
STRICT VOLATILE PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'stats_rows_wrapper';

CREATE FUNCTION @extschema@.stats_latency_rows() RETURNS TABLE (
    phase text, le_ms double precision, count bigint
)
STRICT VOLATILE PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'stats_latency_rows_wrapper';

CREATE FUNCTION @extschema@.recent_refusal_rows() RETURNS TABLE (
    at timestamp with time zone, reference text, reason text, door text, role text, issuer text,
    kid text, address text
)
STRICT VOLATILE PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'recent_refusal_rows_wrapper';

CREATE FUNCTION @extschema@.stats_reset() RETURNS void
STRICT VOLATILE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'stats_reset_wrapper';

CREATE VIEW @extschema@.stats AS SELECT * FROM @extschema@.stats_rows();
CREATE VIEW @extschema@.stats_latency AS SELECT * FROM @extschema@.stats_latency_rows();
CREATE VIEW @extschema@.recent_refusals AS
    SELECT at, reference AS ref, reason, door, role, issuer, kid, address
    FROM @extschema@.recent_refusal_rows();

COMMENT ON VIEW @extschema@.stats IS 'logins by outcome, reason, door and issuer, counted since the server started or stats_reset()';
COMMENT ON VIEW @extschema@.stats_latency IS 'how long the parts of a decision took: for each bound in milliseconds, how many took no longer';
COMMENT ON VIEW @extschema@.recent_refusals IS 'the last 128 refusals, the newest first, by the reference that the client was told';
COMMENT ON FUNCTION @extschema@.stats_reset() IS 'sets every counter of stats and stats_latency to 0';

REVOKE ALL ON FUNCTION @extschema@.stats_rows(), @extschema@.stats_latency_rows(),
    @extschema@.recent_refusal_rows(), @extschema@.stats_reset() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @extschema@.stats_rows(), @extschema@.stats_latency_rows(),
    @extschema@.recent_refusal_rows() TO pg_monitor;
GRANT SELECT ON @extschema@.stats, @extschema@.stats_latency, @extschema@.recent_refusals
    TO pg_monitor;
-- end of statistics and recent refusals

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
