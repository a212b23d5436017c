-- On a server that does not preload the library: what is said, and what is refused.
\pset format unaligned
\pset tuples_only on
CREATE EXTENSION jwt_sso;
SELECT * FROM jwt_sso.check();
SELECT jwt_sso.check_ok();
SELECT * FROM jwt_sso.explain('a', 'b');
SELECT * FROM jwt_sso.map_report();
SELECT * FROM jwt_sso.refresh();
SELECT count(*) FROM jwt_sso.issuers;
SELECT count(*) FROM jwt_sso.keys;
SELECT jwt_sso.stats_reset();
SELECT jwt_sso.terminate(kid => 'k');
SELECT jwt_sso.renew('e30.e30.');
SELECT count(*) FROM jwt_sso.sessions;
SELECT count(*) FROM jwt_sso.stats;
SELECT count(*) FROM jwt_sso.recent_refusals;
SELECT * FROM jwt_sso.session();
SELECT jwt_sso.claims() IS NULL, jwt_sso.claim('sub') IS NULL;
SELECT count(*) FROM pg_settings WHERE name LIKE 'jwt\_sso.%';
DROP EXTENSION jwt_sso;
