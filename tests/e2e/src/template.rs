//! A data directory as initdb makes it, made once for each test process and copied for each
//! cluster: initdb takes longer than everything else about a cluster.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::cluster::Guardian;
use crate::installation::{Installation, output_of};

struct Template {
    data: PathBuf,
    /// Removes it when this process ends.
    _guardian: Guardian,
}

static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
    let installation = Installation::get();
    let root = tempfile::Builder::new().prefix("jwt_sso_e2e.").tempdir().expect("a temp dir");
    let root = root.keep();
    let data = root.join("data");
    let guardian = Guardian::over(&root, &data);
    installation.hand_over(&root);
    output_of(
        installation
            .server("initdb", &root)
            .args(["-U", "postgres", "-A", "reject", "-E", "UTF8", "--no-locale", "-N", "-D"])
            .arg(&data),
    );
    Template { data, _guardian: guardian }
});

/// A fresh data directory, which does not exist yet, in a folder of the server's user.
pub(crate) fn copy_to(data: &Path) {
    output_of(Command::new("cp").arg("-a").args([&TEMPLATE.data, data]));
}
