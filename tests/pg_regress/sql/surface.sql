-- Every object of the extension: a new one is a line in the expected output.
CREATE EXTENSION jwt_sso;
-- Whatever order the server's locale has, and nothing that differs between majors.
\pset format unaligned
\pset tuples_only on

\echo the functions: name and arguments, result, volatility, parallel safety, strictness, search path
SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
    CASE p.provolatile WHEN 'v' THEN 'volatile' WHEN 's' THEN 'stable' ELSE 'immutable' END,
    CASE p.proparallel WHEN 'u' THEN 'unsafe' WHEN 'r' THEN 'restricted' ELSE 'safe' END,
    CASE WHEN p.proisstrict THEN 'strict' ELSE 'not strict' END,
    coalesce(p.proconfig::text, 'no search_path'),
    CASE WHEN p.prosecdef THEN 'SECURITY DEFINER' ELSE 'invoker' END
FROM pg_proc AS p WHERE p.pronamespace = 'jwt_sso'::regnamespace
ORDER BY p.proname COLLATE "C";

\echo the views and their columns
SELECT c.relname, string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod),
    ', ' ORDER BY a.attnum)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'jwt_sso'::regnamespace AND c.relkind = 'v'
GROUP BY c.relname ORDER BY c.relname COLLATE "C";

\echo the comments
SELECT objname, description FROM (
    SELECT p.proname AS objname, obj_description(p.oid, 'pg_proc') AS description
    FROM pg_proc AS p WHERE p.pronamespace = 'jwt_sso'::regnamespace
    UNION ALL
    SELECT c.relname, obj_description(c.oid, 'pg_class')
    FROM pg_class AS c WHERE c.relnamespace = 'jwt_sso'::regnamespace
) AS comments ORDER BY objname COLLATE "C";

\echo nothing else, and nothing outside of the schema
SELECT count(*) FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE e.extname = 'jwt_sso' AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    AND d.classid NOT IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_namespace'::regclass,
        'pg_type'::regclass);
SELECT d.objid::regprocedure FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
JOIN pg_proc AS p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
WHERE e.extname = 'jwt_sso' AND p.pronamespace <> 'jwt_sso'::regnamespace;
