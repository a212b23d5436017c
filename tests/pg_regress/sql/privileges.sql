-- Who may do what. The extension is there from the test before.
\pset format unaligned
\pset tuples_only on
CREATE ROLE regress_anybody;
CREATE ROLE regress_monitor;
GRANT pg_monitor TO regress_monitor;

\echo what anybody may call, pg_monitor, and only a superuser
WITH functions AS (
    SELECT p.oid::regprocedure::text AS name,
        has_function_privilege('regress_anybody', p.oid, 'execute') AS anybody,
        has_function_privilege('regress_monitor', p.oid, 'execute') AS monitor
    FROM pg_proc AS p WHERE p.pronamespace = 'jwt_sso'::regnamespace)
SELECT CASE WHEN anybody THEN 'anybody' WHEN monitor THEN 'pg_monitor' ELSE 'superuser' END, name
FROM functions ORDER BY 1, name COLLATE "C";

\echo what anybody may read, pg_monitor, and only a superuser
WITH relations AS (
    SELECT c.relname AS name,
        has_table_privilege('regress_anybody', c.oid, 'select') AS anybody,
        has_table_privilege('regress_monitor', c.oid, 'select') AS monitor
    FROM pg_class AS c WHERE c.relnamespace = 'jwt_sso'::regnamespace)
SELECT CASE WHEN anybody THEN 'anybody' WHEN monitor THEN 'pg_monitor' ELSE 'superuser' END, name
FROM relations ORDER BY 1, name COLLATE "C";

\echo nobody may change anything
SELECT c.relname FROM pg_class AS c
WHERE c.relnamespace = 'jwt_sso'::regnamespace AND (
    has_table_privilege('regress_monitor', c.oid, 'insert, update, delete, truncate')
    OR has_table_privilege('regress_anybody', c.oid, 'insert, update, delete, truncate'));
SELECT has_schema_privilege('regress_anybody', 'jwt_sso', 'usage'),
    has_schema_privilege('regress_anybody', 'jwt_sso', 'create');

\echo and so it is when it is tried
SET ROLE regress_anybody;
SELECT * FROM jwt_sso.check();
SELECT jwt_sso.check_ok();
SELECT * FROM jwt_sso.map_report();
SELECT * FROM jwt_sso.explain('a', 'b');
SELECT * FROM jwt_sso.refresh();
SELECT * FROM jwt_sso.issuers;
SELECT * FROM jwt_sso.keys;
SELECT jwt_sso.version();
SELECT * FROM jwt_sso.sessions;
SELECT * FROM jwt_sso.stats;
SELECT * FROM jwt_sso.stats_latency;
SELECT * FROM jwt_sso.recent_refusals;
SELECT jwt_sso.stats_reset();
SELECT jwt_sso.terminate(kid => 'k');
SELECT jwt_sso.session(), jwt_sso.claims(), jwt_sso.claim('sub');
SET ROLE regress_monitor;
SELECT * FROM jwt_sso.explain('a', 'b');
SELECT * FROM jwt_sso.refresh();
SELECT count(*) FROM jwt_sso.map_report();
SELECT count(*) FROM jwt_sso.issuers;
SELECT jwt_sso.stats_reset();
SELECT jwt_sso.terminate(kid => 'k');
SELECT count(*) FROM jwt_sso.sessions;
SELECT coalesce(sum(count), 0) FROM jwt_sso.stats;
SELECT count(*) > 0 FROM jwt_sso.stats_latency;
SELECT count(*) FROM jwt_sso.recent_refusals;
SELECT count(*) > 0 FROM jwt_sso.check();
RESET ROLE;

\echo explain is given to others by name
GRANT EXECUTE ON FUNCTION jwt_sso.explain TO regress_anybody;
SET ROLE regress_anybody;
SELECT count(*) FROM jwt_sso.explain('a', 'b');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION jwt_sso.explain FROM regress_anybody;
DROP ROLE regress_anybody, regress_monitor;
