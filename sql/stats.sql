CREATE VIEW @extschema@.stats AS SELECT * FROM @extschema@.stats_rows();
CREATE VIEW @extschema@.stats_latency AS SELECT * FROM @extschema@.stats_latency_rows();
CREATE VIEW @extschema@.recent_refusals AS
    SELECT at, reference AS ref, reason, door, role, issuer, kid, address
    FROM @extschema@.recent_refusal_rows();

COMMENT ON VIEW @extschema@.stats IS 'logins by outcome, reason, door and issuer, counted since the server started or stats_reset()';
COMMENT ON VIEW @extschema@.stats_latency IS 'how long the parts of a decision took: for each bound in milliseconds, how many took no longer';
COMMENT ON VIEW @extschema@.recent_refusals IS 'the last 128 refusals, the newest first, by the reference that the client was told';
COMMENT ON FUNCTION @extschema@.stats_reset() IS 'sets every counter of stats and stats_latency to 0';
