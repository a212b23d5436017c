//! Mistakes of the administrator that were found out too late.

use std::fs;

use jwt_sso_e2e::Cluster;
use jwt_sso_e2e::cluster::LogMark;
use jwt_sso_e2e::installation::Installation;

#[test]
fn alter_system_warns_of_an_unreadable_hba_file() {
    let cluster = Cluster::builder().start();
    let say = |path: &str| {
        let sql = format!("ALTER SYSTEM SET jwt_sso.hba_file = '{path}'");
        cluster.notices(&sql).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    for path in ["no_such_file", "base"] {
        let warning = say(path);
        for words in ["WARNING:", "will not start", path, "HINT:"] {
            assert!(warning.contains(words), "{path}: {warning}");
        }
    }
    for path in ["jwt_sso_hba.conf", ""] {
        assert_eq!(say(path), "");
    }
}

#[test]
fn a_preload_by_a_path_is_named() {
    let cluster = Cluster::builder().prepare();
    let library = cluster.socket_dir().join("jwt_sso.so");
    fs::copy(Installation::get().library_dir.join("jwt_sso.so"), &library).unwrap();
    cluster.append_conf(&format!("shared_preload_libraries = '{}'", library.display()));
    cluster.start();
    let line = "LOG:  .*jwt_sso.*shared_preload_libraries = 'jwt_sso', without a path";
    cluster.wait_log(LogMark::start(), line);
}
