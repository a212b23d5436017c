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

-- ---- sessions ----

CREATE FUNCTION @extschema@.session_rows() RETURNS TABLE (
    pid integer, role text, issuer text, principal text, kid text, door text,
    since timestamp with time zone, expires timestamp with time zone
)
STRICT VOLATILE PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'session_rows_wrapper';

CREATE FUNCTION @extschema@.terminate(
    issuer text DEFAULT NULL, principal text DEFAULT NULL, kid text DEFAULT NULL)
RETURNS integer
VOLATILE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'terminate_wrapper';

CREATE FUNCTION @extschema@.session(
    OUT issuer text, OUT principal text, OUT kid text, OUT door text,
    OUT since timestamp with time zone, OUT expires timestamp with time zone)
STABLE PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'session_wrapper';

CREATE FUNCTION @extschema@.claims() RETURNS jsonb
STABLE PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'claims_wrapper';

CREATE FUNCTION @extschema@.claim(path text) RETURNS text
STRICT STABLE PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'claim_wrapper';

CREATE FUNCTION @extschema@.renew(token text) RETURNS timestamp with time zone
STRICT VOLATILE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'renew_wrapper';

-- Joined, so that a session shows only once its login is complete.
CREATE VIEW @extschema@.sessions AS
    SELECT s.pid, s.role, s.issuer, s.principal, s.kid, s.door, s.since, s.expires
    FROM @extschema@.session_rows() AS s
    JOIN pg_catalog.pg_stat_activity AS a ON a.pid OPERATOR(pg_catalog.=) s.pid
    WHERE a.usesysid IS NOT NULL;

COMMENT ON FUNCTION @extschema@.session() IS 'who this session is by its token; every column NULL where none opened it';
COMMENT ON FUNCTION @extschema@.claims() IS 'the claims of the token that opened this session';
COMMENT ON FUNCTION @extschema@.claim(text) IS 'one claim of the token that opened this session, by name or JSON pointer';
COMMENT ON FUNCTION @extschema@.renew(text) IS 'prolongs this session by a newer token of the same issuer and identity';
COMMENT ON FUNCTION @extschema@.terminate(text, text, text) IS 'ends the sessions of this issuer, identity and key; how many';
COMMENT ON VIEW @extschema@.sessions IS 'each session that a token opened, who it is and when its token expires';

REVOKE ALL ON FUNCTION @extschema@.session_rows(), @extschema@.terminate(text, text, text),
    @extschema@.session(), @extschema@.claims(), @extschema@.claim(text), @extschema@.renew(text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @extschema@.session(), @extschema@.claims(), @extschema@.claim(text),
    @extschema@.renew(text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION @extschema@.session_rows() TO pg_monitor;
GRANT SELECT ON @extschema@.sessions TO pg_monitor;

-- ---- end of sessions ----
