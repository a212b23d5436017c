//! A hot standby of a running [`Cluster`].

use crate::builder::free_port;
use crate::cluster::{Cluster, Guardian};
use crate::installation::{Installation, output_of};
use crate::tls::Tls;

/// The line of an HBA file that lets a standby in over the primary's Unix socket. It stands
/// before the token doors.
pub const REPLICATION_LINE: &str = "local replication postgres trust\n";

impl Cluster {
    /// A hot standby, copied by pg_basebackup and not started yet. It streams from this
    /// cluster, which needs [`REPLICATION_LINE`].
    pub fn standby(&self) -> Cluster {
        let installation = Installation::get();
        let root = tempfile::Builder::new().prefix("jwt_sso_e2e.").tempdir().expect("a temp dir");
        let root = root.keep();
        let data = root.join("data");
        let guardian = Guardian::over(&root, &data);
        let tls = Tls::create(&root);
        installation.hand_over(&root);
        output_of(
            installation
                .server("pg_basebackup", &root)
                .args(["-R", "-X", "stream", "-c", "fast", "-U", "postgres", "-h"])
                .arg(self.socket_dir())
                .args(["-p", &self.port().to_string(), "-D"])
                .arg(&data),
        );
        // What the copy of the primary's postgresql.conf says of the primary's own directory.
        let lines = [
            format!("unix_socket_directories = '{}'", root.display()),
            format!("ssl_cert_file = '{}'", tls.certificate.display()),
            format!("ssl_key_file = '{}'", tls.key.display()),
            format!("port = {}", free_port()),
        ];
        let log = root.join("log");
        let standby = Cluster::new(root, data, log, tls, Vec::new(), guardian);
        standby.append_conf(&lines.join("\n"));
        standby
    }
}
