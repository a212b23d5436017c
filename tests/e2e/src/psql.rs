//! The real psql.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use crate::cluster::Cluster;
use crate::installation::Installation;

/// What psql said.
#[derive(Clone, Debug)]
pub struct Output {
    /// Exit status 0.
    pub success: bool,
    /// Trimmed; unaligned, tuples only.
    pub stdout: String,
    /// Trimmed.
    pub stderr: String,
}

/// One run of psql, by default `host=localhost sslmode=verify-full dbname=postgres`.
#[derive(Clone, Debug)]
pub struct Psql<'a> {
    cluster: &'a Cluster,
    uri: Option<String>,
    environment: Vec<(String, String)>,
}

impl<'a> Psql<'a> {
    pub(crate) fn new(cluster: &'a Cluster) -> Self {
        Psql { cluster, uri: None, environment: Vec::new() }
            .env("PGHOST", "localhost")
            .env("PGHOSTADDR", "127.0.0.1")
            .env("PGPORT", &cluster.port().to_string())
            .env("PGDATABASE", "postgres")
            .env("PGSSLMODE", "verify-full")
            .env("PGSSLROOTCERT", &cluster.ca_path().to_string_lossy())
    }

    /// The requested role.
    pub fn user(self, role: &str) -> Self {
        self.env("PGUSER", role)
    }

    /// The password, by PGPASSWORD.
    pub fn token(self, token: &str) -> Self {
        self.env("PGPASSWORD", token)
    }

    /// A variable of psql's environment, for any option of libpq; replaces an earlier one.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(old, _)| old != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Over the Unix socket, without TLS.
    pub fn socket(mut self) -> Self {
        self.environment.retain(|(name, _)| name != "PGHOSTADDR" && name != "PGSSLMODE");
        let directory = self.cluster.socket_dir().to_string_lossy().into_owned();
        self.env("PGHOST", &directory)
    }

    /// A connection URI as the only source of role, password and options.
    pub fn uri(mut self, uri: &str) -> Self {
        self.uri = Some(uri.to_owned());
        self
    }

    /// Logs in and runs SQL.
    pub fn run(&self, sql: &str) -> Output {
        finish(self.start(sql))
    }

    /// Begins to log in and to run SQL; both outputs are piped.
    pub fn start(&self, sql: &str) -> Child {
        let mut command = Installation::get().client("psql");
        command.args(["-X", "-w", "-qAt", "-v", "ON_ERROR_STOP=1"]);
        if let Some(uri) = &self.uri {
            command.arg("-d").arg(uri);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        start_with_input(command, sql)
    }
}

/// SQL goes in by standard input, since an argument may have only 128 kB.
fn start_with_input(mut command: Command, input: &str) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("psql runs");
    let mut stdin = child.stdin.take().expect("piped");
    // psql that could not log in reads nothing: a broken pipe is no failure of the test.
    stdin.write_all(input.as_bytes()).ok();
    drop(stdin);
    child
}

fn finish(child: Child) -> Output {
    let output = child.wait_with_output().expect("psql ends");
    Output {
        success: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    }
}
