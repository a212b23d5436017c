//! Other extensions and programs, compiled from `fixtures/`, and other builds of the library.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::Cluster;
use crate::installation::{Installation, output_of};

/// Whether an authentication hook calls the one that was set before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Manners {
    /// It does, as every extension should.
    Chains,
    /// It does not.
    Displaces,
}

/// Builds `fixtures/auth_hook.c` into the cluster's directory. Returns the library's path, for
/// `shared_preload_libraries`.
pub fn auth_hook(cluster: &Cluster, manners: Manners) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/auth_hook.c");
    let library = cluster.socket_dir().join("auth_hook.so");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-I"]).arg(&Installation::get().include_dir);
    if manners == Manners::Chains {
        cc.arg("-DCHAIN");
    }
    output_of(cc.arg("-o").arg(&library).arg(source));
    library
}

/// Builds `fixtures/pam_program.c`, which has nothing to do with PostgreSQL, into `directory`.
pub fn pam_program(directory: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pam_program.c");
    let program = directory.join("pam_program");
    // By its full name, which needs no package with headers.
    output_of(Command::new("cc").arg("-o").arg(&program).arg(source).arg("-l:libpam.so.0"));
    program
}

/// The library of a build whose logins for the role "panic_probe" panic.
pub fn probe_library() -> Vec<u8> {
    let path = std::env::var("JWT_SSO_PROBE_LIBRARY").expect(
        "JWT_SSO_PROBE_LIBRARY is to name a library built with `--features panic_probe`; \
         `make test` sets it",
    );
    std::fs::read(path).expect("a readable JWT_SSO_PROBE_LIBRARY")
}

/// Has the cluster, which does not run yet, load `library` in the place of the installed one: by
/// its plain name, so that the worker finds the same copy; and from a folder that the server's user
/// can enter.
pub fn replace_library(cluster: &Cluster, library: &[u8]) {
    let folder = cluster.socket_dir();
    let path = folder.join("jwt_sso.so");
    std::fs::write(&path, library).expect("writing beside the cluster");
    Installation::get().hand_over(&path);
    cluster.append_conf(&format!("dynamic_library_path = '{}:$libdir'", folder.display()));
}
