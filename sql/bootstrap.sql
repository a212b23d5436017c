-- CREATE EXTENSION takes a schema that is there already, whoever owns it. Its
-- owner could put functions beside ours and have them run as a superuser.
DO $$
DECLARE
    owner pg_catalog.text := (
        SELECT r.rolname::pg_catalog.text
        FROM pg_catalog.pg_namespace AS n
        JOIN pg_catalog.pg_roles AS r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
        WHERE n.nspname OPERATOR(pg_catalog.=) 'jwt_sso' AND NOT r.rolsuper);
BEGIN
    IF owner IS NOT NULL THEN
        RAISE EXCEPTION 'schema jwt_sso exists and belongs to %, who is no superuser', owner
            USING HINT = 'DROP SCHEMA jwt_sso, and CREATE EXTENSION makes it anew.';
    END IF;
END
$$;
