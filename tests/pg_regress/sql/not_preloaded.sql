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
SELECT count(*) FROM pg_settings WHERE name LIKE 'jwt\_sso.%';
DROP EXTENSION jwt_sso;
