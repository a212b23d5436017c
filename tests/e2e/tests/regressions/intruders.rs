//! The owner of a database, who is no superuser, against the superuser who works in it.

use jwt_sso_e2e::Cluster;
use jwt_sso_e2e::psql::Output;

/// A database that mallory owns.
fn server() -> Cluster {
    let cluster = Cluster::builder().start();
    cluster.sql("CREATE ROLE mallory LOGIN");
    cluster.sql("CREATE DATABASE theirs OWNER mallory");
    cluster
}

/// Runs SQL as the superuser in mallory's database.
#[track_caller]
fn there(cluster: &Cluster, sql: &str) -> String {
    let Output { success, stdout, stderr } = run(cluster, sql);
    assert!(success, "{sql}\n{stderr}");
    stdout
}

fn run(cluster: &Cluster, sql: &str) -> Output {
    cluster.psql().socket().user("postgres").env("PGDATABASE", "theirs").run(sql)
}

/// A function and four operators that make mallory a superuser, where a superuser calls them
/// for those of pg_catalog, and tables and a type that stand before others.
const TRAPS: &str = "
SET ROLE mallory;
CREATE FUNCTION public.trap() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS
    'BEGIN ALTER ROLE mallory SUPERUSER; END';
CREATE FUNCTION public.unnest(text[]) RETURNS SETOF text LANGUAGE plpgsql AS
    'BEGIN PERFORM public.trap(); RETURN QUERY SELECT pg_catalog.unnest($1); END';
CREATE FUNCTION public.unnest(bytea[]) RETURNS SETOF bytea LANGUAGE plpgsql AS
    'BEGIN PERFORM public.trap(); RETURN QUERY SELECT pg_catalog.unnest($1); END';
CREATE FUNCTION public.same(text, text) RETURNS boolean LANGUAGE plpgsql AS
    'BEGIN PERFORM public.trap(); RETURN pg_catalog.texteq($1, $2); END';
CREATE FUNCTION public.same(bytea, bytea) RETURNS boolean LANGUAGE plpgsql AS
    'BEGIN PERFORM public.trap(); RETURN pg_catalog.byteaeq($1, $2); END';
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.same);
CREATE OPERATOR public.~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = public.same);
CREATE OPERATOR public.= (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = public.same);
CREATE OPERATOR public.~~ (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = public.same);
CREATE FUNCTION public.convert_to(text, name) RETURNS bytea LANGUAGE plpgsql AS
    'BEGIN PERFORM public.trap(); RETURN pg_catalog.convert_to($1, $2); END';
CREATE FUNCTION public.convert_from(bytea, name) RETURNS text LANGUAGE plpgsql AS
    'BEGIN PERFORM public.trap(); RETURN pg_catalog.convert_from($1, $2); END';
CREATE FUNCTION public.pg_has_role(oid, oid, text) RETURNS boolean LANGUAGE plpgsql AS
    'BEGIN PERFORM public.trap(); RETURN false; END';
ALTER DATABASE theirs SET search_path = public, pg_catalog;";

#[test]
fn check_is_not_hijacked_by_a_planted_function() {
    let cluster = server();
    cluster.configure(&[("jwt_sso.identity_map", "https://issuer.example person ghost")]);
    there(&cluster, "CREATE EXTENSION jwt_sso");
    there(&cluster, TRAPS);
    let rises = "SELECT rolsuper FROM pg_roles WHERE rolname OPERATOR(pg_catalog.=) 'mallory'";
    for path in ["", "SET search_path = public, pg_catalog;"] {
        let findings = there(&cluster, &format!("{path} SELECT finding FROM jwt_sso.check()"));
        assert!(findings.contains("\"ghost\", which does not exist"), "{findings}");
        assert_eq!(there(&cluster, rises), "f");
    }
    // The traps are live ones.
    for bait in [
        "SELECT count(*) FROM unnest('{a}'::text[])",
        "SELECT count(*) FROM unnest('{a}'::bytea[])",
        "SELECT 'a'::text = 'b'::text",
        "SELECT 'a'::text LIKE 'b'::text",
        "SELECT 'a'::bytea = 'b'::bytea",
        "SELECT convert_to('a'::text, 'UTF8'::name)",
    ] {
        let risen = there(&cluster, &format!("BEGIN; {bait}; {rises}; ROLLBACK"));
        assert!(risen.ends_with("\nt"), "{bait}: {risen}");
    }
}

#[test]
fn create_extension_refuses_a_foreign_schema() {
    let cluster = server();
    there(&cluster, "SET ROLE mallory; CREATE SCHEMA jwt_sso");
    let create = "CREATE EXTENSION jwt_sso";
    let refusal = run(&cluster, create);
    assert!(!refusal.success, "the schema was taken");
    for words in ["schema jwt_sso", "mallory", "HINT:  DROP SCHEMA jwt_sso"] {
        assert!(refusal.stderr.contains(words), "{}", refusal.stderr);
    }
    assert_eq!(there(&cluster, "SELECT count(*) FROM pg_extension WHERE extname = 'jwt_sso'"), "0");
    there(&cluster, &format!("DROP SCHEMA jwt_sso; {create}"));
    // A schema of a superuser is as good as none.
    there(&cluster, "DROP EXTENSION jwt_sso");
    there(&cluster, &format!("DROP SCHEMA IF EXISTS jwt_sso; CREATE SCHEMA jwt_sso; {create}"));
}
