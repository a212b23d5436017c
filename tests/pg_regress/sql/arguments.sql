-- What the functions make of odd arguments, on a server where nothing is configured.
\pset format unaligned
\pset tuples_only on
\echo explain: a row for each check, in order
SELECT step, "check", ok, regexp_replace(detail, '[0-9a-f]{32}', '(32 digits)')
FROM jwt_sso.explain('no token', 'nobody');
SELECT step, "check", ok, detail FROM jwt_sso.explain('', 'nobody') WHERE "check" = 'form';
SELECT step, "check", ok, detail FROM jwt_sso.explain(repeat('a', 70000), 'nobody')
WHERE "check" = 'form';
SELECT detail LIKE 'reserved_role: %' FROM jwt_sso.explain('e30.e30.', 'pg_monitor')
WHERE "check" = 'role';
\echo explain: NULL is no token
SELECT * FROM jwt_sso.explain(NULL, 'nobody');
SELECT * FROM jwt_sso.explain('a', NULL);
\echo explain: wrong arguments
\set VERBOSITY terse
SELECT * FROM jwt_sso.explain('a');
SELECT * FROM jwt_sso.explain();
SELECT * FROM jwt_sso.explain(token => 'a', "user" => 'nobody');
\set VERBOSITY default
\echo explain: a name is cut as that of a login
SELECT count(*) FROM jwt_sso.explain('a', repeat('x', 100)::name);
\echo refresh: an issuer that is not configured
SELECT * FROM jwt_sso.refresh('https://nowhere.example');
SELECT * FROM jwt_sso.refresh();
\echo terminate: without an argument it would end every session
SELECT jwt_sso.terminate();
SELECT jwt_sso.terminate(NULL, NULL, NULL);
SELECT jwt_sso.terminate('https://nowhere.example');
\echo a session that no token opened
SELECT * FROM jwt_sso.session();
SELECT jwt_sso.claims() IS NULL, jwt_sso.claim('sub') IS NULL, jwt_sso.claim('/a/b') IS NULL;
SELECT jwt_sso.claim(NULL) IS NULL, jwt_sso.renew(NULL) IS NULL;
SELECT jwt_sso.claim('');
SELECT jwt_sso.renew('e30.e30.');
\echo map_report: no map has no lines
SELECT * FROM jwt_sso.map_report();
\echo check: an issuer is missing, so it is not well
SELECT jwt_sso.check_ok(), (SELECT count(*) > 0 FROM jwt_sso.check() WHERE severity = 'error');
SELECT DISTINCT severity FROM jwt_sso.check() WHERE severity NOT IN ('error', 'warning', 'ok');
SELECT count(*) FROM jwt_sso.check() WHERE severity <> 'ok' AND coalesce(hint, '') = '';
\echo nothing is written: they work in a read-only transaction, as on a standby
BEGIN READ ONLY;
SELECT count(*) FROM jwt_sso.explain('a', 'b');
SELECT jwt_sso.check_ok();
SELECT count(*) FROM jwt_sso.map_report();
COMMIT;
\echo objects of the same names in front of the search path change nothing
SET client_min_messages = warning;
CREATE SCHEMA regress_evil;
CREATE FUNCTION regress_evil.pg_has_role(oid, oid, text) RETURNS boolean
    LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$planted$$; END';
CREATE VIEW regress_evil.pg_roles AS SELECT 1 AS oid;
SET search_path = regress_evil, pg_catalog;
SELECT count(*) FROM jwt_sso.explain('e30.e30.', 'postgres');
RESET search_path;
DROP SCHEMA regress_evil CASCADE;
DROP EXTENSION jwt_sso;
SELECT count(*) FROM pg_proc WHERE probin LIKE '%jwt_sso%';
