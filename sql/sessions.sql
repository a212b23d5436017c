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
