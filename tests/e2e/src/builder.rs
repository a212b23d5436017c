//! From options to a running [`Cluster`].

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cluster::{Cluster, Guardian};
use crate::installation::{Installation, output_of};
use crate::template;
use crate::tls::Tls;

/// What a cluster shall be like. The default is an ordinary server with `jwt_sso` preloaded.
#[derive(Clone, Debug)]
pub struct ClusterBuilder {
    preload: Vec<String>,
    token_hba: Option<String>,
    core_hba: String,
    lines: Vec<String>,
    tls: bool,
    environment: Vec<(String, String)>,
}

/// Lets the harness in over the Unix socket by `peer`, which is never a token door, so that
/// `jwt_sso.challenge_local` does not shut it out.
const HARNESS_LINES: &str = "local all postgres peer map=harness\n";

/// Token doors for ordinary and replication connections. The plain `host` line stands last: it
/// is reached only without TLS, and is there to be refused.
pub const TOKEN_LINES: &str = "hostssl all all all trust\n\
                               hostssl replication all all trust\n\
                               host all all all trust\n";

impl Default for ClusterBuilder {
    fn default() -> Self {
        ClusterBuilder {
            preload: vec!["jwt_sso".to_owned()],
            token_hba: Some(TOKEN_LINES.to_owned()),
            core_hba: String::new(),
            lines: Vec::new(),
            tls: true,
            environment: Vec::new(),
        }
    }
}

impl ClusterBuilder {
    /// Without jwt_sso: no preload, no `jwt_sso.hba_file`.
    pub fn plain(mut self) -> Self {
        self.preload.clear();
        self.token_hba = None;
        self
    }

    /// The whole of `shared_preload_libraries`, in order.
    pub fn preload<S: AsRef<str>>(mut self, libraries: &[S]) -> Self {
        self.preload = libraries.iter().map(|s| s.as_ref().to_owned()).collect();
        self
    }

    /// Replaces [`TOKEN_LINES`] in the file of `jwt_sso.hba_file`; the harness's line stays first.
    pub fn token_hba(mut self, lines: &str) -> Self {
        self.token_hba = Some(lines.to_owned());
        self
    }

    /// `jwt_sso.hba_file` stays unset: the server reads pg_hba.conf.
    pub fn without_token_hba(mut self) -> Self {
        self.token_hba = None;
        self
    }

    /// Lines of pg_hba.conf, after the harness's own; none by default.
    pub fn core_hba(mut self, lines: &str) -> Self {
        self.core_hba = lines.to_owned();
        self
    }

    /// One more line of postgresql.conf, written as it is.
    pub fn conf(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// `ssl = off`: a cluster that a server without TLS can run, too.
    pub fn without_tls(mut self) -> Self {
        self.tls = false;
        self
    }

    /// A variable of the server's environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A running cluster; panics with the server's log where it does not come up.
    pub fn start(self) -> Cluster {
        let cluster = self.prepare();
        cluster.start();
        cluster
    }

    /// A data directory and its configuration, without starting the server.
    pub fn prepare(self) -> Cluster {
        let installation = Installation::get();
        assert!(
            installation.tls || !self.tls,
            "this PostgreSQL {} was built without TLS: only `--test smoke` runs on it",
            installation.major
        );
        let root = tempfile::Builder::new().prefix("jwt_sso_e2e.").tempdir().expect("a temp dir");
        let root = root.keep();
        let data = root.join("data");
        // From here on a failure must not leave the directory behind.
        let guardian = Guardian::over(&root, &data);
        let tls = Tls::create(&root);
        template::copy_to(&data);
        let log = root.join("log");
        self.write_configuration(&root, &data, &tls);
        installation.hand_over(&root);
        let cluster = Cluster::new(root, data, log, tls, self.environment, guardian);
        cluster.append_conf(&format!("port = {}", free_port()));
        cluster
    }

    fn write_configuration(&self, root: &Path, data: &Path, tls: &Tls) {
        let mut conf = vec![
            "listen_addresses = '127.0.0.1'".to_owned(),
            format!("unix_socket_directories = '{}'", root.display()),
            "fsync = off".to_owned(),
            "full_page_writes = off".to_owned(),
            "shared_buffers = 16MB".to_owned(),
            "max_wal_size = 128MB".to_owned(),
            "log_destination = stderr".to_owned(),
            "logging_collector = off".to_owned(),
            "log_line_prefix = '%m [%p] '".to_owned(),
            format!("shared_preload_libraries = '{}'", self.preload.join(",")),
        ];
        if self.tls {
            conf.push("ssl = on".to_owned());
            conf.push(format!("ssl_cert_file = '{}'", tls.certificate.display()));
            conf.push(format!("ssl_key_file = '{}'", tls.key.display()));
        }
        if let Some(lines) = &self.token_hba {
            conf.push("jwt_sso.hba_file = 'jwt_sso_hba.conf'".to_owned());
            write(&data.join("jwt_sso_hba.conf"), &format!("{HARNESS_LINES}{lines}"));
        }
        conf.extend(self.lines.iter().cloned());
        append(&data.join("postgresql.conf"), &conf.join("\n"));
        write(&data.join("pg_hba.conf"), &format!("{HARNESS_LINES}{}", self.core_hba));
        let user = output_of(Command::new("id").arg("-un"));
        write(&data.join("pg_ident.conf"), &format!("harness {user} postgres\n"));
    }
}

/// Seconds that any single step of a cluster may take before the test gives up.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A port that nobody listens on at this moment; the start is tried again on a clash.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

pub(crate) fn append(path: &PathBuf, text: &str) {
    let old = fs::read_to_string(path).unwrap_or_default();
    write(path, &format!("{old}\n{text}\n"));
}

fn write(path: &PathBuf, text: &str) {
    fs::write(path, text).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
}
