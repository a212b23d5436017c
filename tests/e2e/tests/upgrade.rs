//! Upgrades of the extension's objects:
//! 1. 0.1.0, then ALTER EXTENSION … UPDATE: the same objects, definitions, comments and
//!    privileges as a fresh CREATE EXTENSION makes
//! 2. the same from 0.2.0, and from 0.3.0, which has the same objects
//! 3. the same from 0.4.0 and every later release that has an upgrade script
//! 4. each release before this one has an upgrade script, and one of these scenarios

use std::path::{Path, PathBuf};
use std::process::Command;

use jwt_sso_e2e::Cluster;
use jwt_sso_e2e::installation::output_of;

/// An old release's install script among the server's own, which has it no more; taken away
/// at the end, where this test put it there.
struct OldScript {
    path: PathBuf,
    ours: bool,
}

impl OldScript {
    fn install(version: &str) -> OldScript {
        let program = std::env::var_os("PG_CONFIG").unwrap_or_else(|| "pg_config".into());
        let share = output_of(Command::new(program).arg("--sharedir"));
        let name = format!("jwt_sso--{version}.sql");
        let path = Path::new(&share).join("extension").join(&name);
        if path.exists() {
            return OldScript { path, ours: false };
        }
        // Releases whose SQL objects are those of the one before.
        let same_objects = match version {
            "0.3.0" => "0.2.0",
            "0.5.0" | "0.6.0" => "0.4.0",
            _ => version,
        };
        let fixture = format!("fixtures/jwt_sso--{same_objects}.sql");
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture);
        as_owner_of(&path, "install", &[Path::new("-m644"), &fixture, &path]);
        OldScript { path, ours: true }
    }
}

impl Drop for OldScript {
    fn drop(&mut self) {
        if self.ours {
            as_owner_of(&self.path, "rm", &[&self.path]);
        }
    }
}

/// Debian's root owns the folder; `make install` takes sudo there too.
fn as_owner_of(path: &Path, program: &str, arguments: &[&Path]) {
    let folder = path.parent().expect("a folder");
    let writable =
        Command::new("test").arg("-w").arg(folder).status().expect("test runs").success();
    let mut command = Command::new(if writable { program } else { "sudo" });
    if !writable {
        command.args(["-n", program]);
    }
    output_of(command.args(arguments));
}

/// Everything that the extension made, without anything that differs from database to database.
const OBJECTS: &str = "
SELECT 'function', p.oid::regprocedure::text, concat_ws(' ', pg_get_functiondef(p.oid), p.proacl,
    obj_description(p.oid, 'pg_proc'))
FROM pg_proc AS p WHERE p.pronamespace = 'jwt_sso'::regnamespace
UNION ALL
SELECT 'relation', c.oid::regclass::text, concat_ws(' ', c.relkind, c.relacl, pg_get_viewdef(c.oid),
    obj_description(c.oid, 'pg_class'))
FROM pg_class AS c WHERE c.relnamespace = 'jwt_sso'::regnamespace
UNION ALL
SELECT 'column', a.attrelid::regclass::text || '.' || a.attname,
    concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod), a.attacl)
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
WHERE c.relnamespace = 'jwt_sso'::regnamespace AND a.attnum > 0
UNION ALL
SELECT 'schema', nspname, nspacl::text FROM pg_namespace WHERE nspname = 'jwt_sso'
UNION ALL
SELECT 'member', pg_describe_object(d.classid, d.objid, d.objsubid), ''
FROM pg_depend AS d JOIN pg_extension AS e ON d.refobjid = e.oid
    AND d.refclassid = 'pg_extension'::regclass
WHERE e.extname = 'jwt_sso' AND d.deptype = 'e'
UNION ALL
-- What pg_dump takes for granted.
SELECT 'initial privileges', pg_describe_object(i.classoid, i.objoid, i.objsubid), i.initprivs::text
FROM pg_init_privs AS i JOIN pg_depend AS d ON d.classid = i.classoid AND d.objid = i.objoid
    AND d.deptype = 'e'
JOIN pg_extension AS e ON d.refobjid = e.oid AND e.extname = 'jwt_sso'
UNION ALL
SELECT 'version', extname, extversion FROM pg_extension WHERE extname = 'jwt_sso'
ORDER BY 1, 2, 3";

/// The objects of a fresh install, after they were found to be those of an upgrade from `version`,
/// in which `absent` was not there yet.
fn upgrade_from(version: &str, absent: Option<&str>) -> String {
    let _old = OldScript::install(version);
    let cluster = Cluster::builder().start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    let fresh = cluster.sql(OBJECTS);
    cluster.sql(&format!("DROP EXTENSION jwt_sso; CREATE EXTENSION jwt_sso VERSION '{version}'"));
    // The old objects serve with this library: nothing is configured here, and they say so.
    let found = "SELECT count(*) FROM jwt_sso.check()
        WHERE severity = 'error' AND finding = 'no issuer is configured' AND hint <> ''";
    assert_eq!(cluster.sql(found), "1", "{version}");
    if let Some(absent) = absent {
        let error = cluster.try_sql(&format!("SELECT * FROM jwt_sso.{absent}")).unwrap_err();
        assert!(error.contains("does not exist"), "{error}");
    }
    cluster.sql("ALTER EXTENSION jwt_sso UPDATE");
    let upgraded = cluster.sql(OBJECTS);
    for (new, old) in fresh.lines().zip(upgraded.lines()) {
        assert_eq!(old, new, "upgraded, fresh");
    }
    assert_eq!(upgraded, fresh);
    // A later release's script is reached from here as well.
    let reachable = format!(
        "SELECT count(*) FROM pg_extension_update_paths('jwt_sso') WHERE source = '{version}'
        AND target = (SELECT default_version FROM pg_available_extensions WHERE name = 'jwt_sso')
        AND path IS NOT NULL"
    );
    assert_eq!(cluster.sql(&reachable), "1");
    fresh
}

#[test]
fn s1_from_the_first_release() {
    let fresh = upgrade_from("0.1.0", Some("issuers"));
    assert!(fresh.contains("view jwt_sso.issuers") && fresh.contains("refresh(text)"), "{fresh}");
}

#[test]
fn s2_from_0_2_0_and_0_3_0() {
    for version in ["0.2.0", "0.3.0"] {
        let fresh = upgrade_from(version, Some("sessions"));
        assert!(fresh.contains("view jwt_sso.sessions"), "{fresh}");
        assert!(fresh.contains("renew(text)"), "{fresh}");
    }
}

/// The releases from which an upgrade script leads on, oldest first.
fn upgradable() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql");
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).expect("the folder sql") {
        let name = file.expect("a file").file_name().into_string().expect("a name in UTF-8");
        if let [_, from, _] = name.split("--").collect::<Vec<_>>()[..] {
            found.push(from.to_owned());
        }
    }
    let minor = |version: &String| version.split('.').nth(1).and_then(|n| n.parse::<u32>().ok());
    found.sort_by_key(minor);
    found
}

#[test]
fn s3_from_0_4_0_on() {
    for version in &upgradable()[3..] {
        let fresh = upgrade_from(version, None);
        assert!(fresh.contains("jwt_sso.explain("), "{fresh}");
    }
}

#[test]
fn s4_every_release() {
    // This package has the workspace's version, as the extension has.
    let this: usize = env!("CARGO_PKG_VERSION_MINOR").parse().expect("a number");
    let before: Vec<String> = (1..this).map(|minor| format!("0.{minor}.0")).collect();
    assert_eq!(upgradable(), before);
}
