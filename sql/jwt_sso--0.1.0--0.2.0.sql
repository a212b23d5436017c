CREATE FUNCTION @extschema@.issuer_rows() RETURNS TABLE (
    issuer text, source text, jwks_uri text, state text, keys integer,
    last_success timestamp with time zone, last_attempt timestamp with time zone,
    last_error text, next_refresh timestamp with time zone
)
STRICT VOLATILE PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'issuer_rows_wrapper';

CREATE FUNCTION @extschema@.key_rows() RETURNS TABLE (
    issuer text, kid text, kty text, alg text, "use" text, bits integer, usable boolean, note text,
    first_seen timestamp with time zone, last_seen timestamp with time zone
)
STRICT VOLATILE PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'key_rows_wrapper';

CREATE FUNCTION @extschema@.refresh(issuer text DEFAULT NULL)
RETURNS TABLE (issuer text, ok boolean, detail text)
VOLATILE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'refresh_wrapper';

CREATE VIEW @extschema@.issuers AS SELECT * FROM @extschema@.issuer_rows();
CREATE VIEW @extschema@.keys AS SELECT * FROM @extschema@.key_rows();

COMMENT ON VIEW @extschema@.issuers IS 'each configured issuer, where its keys come from and how good they are';
COMMENT ON VIEW @extschema@.keys IS 'each key, whether it verifies tokens, and why not';
COMMENT ON FUNCTION @extschema@.refresh(text) IS 'fetches the keys of one issuer, or of all, now, and waits for the result';

REVOKE ALL ON FUNCTION @extschema@.issuer_rows(), @extschema@.key_rows(), @extschema@.refresh(text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @extschema@.issuer_rows(), @extschema@.key_rows() TO pg_monitor;
GRANT SELECT ON @extschema@.issuers, @extschema@.keys TO pg_monitor;
