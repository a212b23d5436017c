//! Other extensions, compiled from `fixtures/` against the server under test.

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
