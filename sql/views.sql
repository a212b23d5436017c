CREATE VIEW @extschema@.issuers AS SELECT * FROM @extschema@.issuer_rows();
CREATE VIEW @extschema@.keys AS SELECT * FROM @extschema@.key_rows();

COMMENT ON VIEW @extschema@.issuers IS 'each configured issuer, where its keys come from and how good they are';
COMMENT ON VIEW @extschema@.keys IS 'each key, whether it verifies tokens, and why not';
COMMENT ON FUNCTION @extschema@.refresh(text) IS 'fetches the keys of one issuer, or of all, now, and waits for the result';
