//! A real temporary PostgreSQL cluster with TLS, stopped and removed when dropped.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use regex::Regex;

use crate::builder::{ClusterBuilder, DEADLINE, append, free_port};
use crate::installation::Installation;
use crate::psql::Psql;
use crate::tls::Tls;

/// One data directory and, most of the time, the server that runs on it.
#[derive(Debug)]
pub struct Cluster {
    root: PathBuf,
    data: PathBuf,
    log: PathBuf,
    tls: Tls,
    environment: Vec<(String, String)>,
    port: Mutex<u16>,
    guardian: Guardian,
}

/// A place in the server's log, from [`Cluster::log_mark`]: a byte offset.
#[derive(Clone, Copy, Debug)]
pub struct LogMark(usize);

impl LogMark {
    /// The beginning of the log.
    pub fn start() -> LogMark {
        LogMark(0)
    }
}

impl Cluster {
    /// Options for a new cluster.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    pub(crate) fn new(
        root: PathBuf,
        data: PathBuf,
        log: PathBuf,
        tls: Tls,
        environment: Vec<(String, String)>,
        guardian: Guardian,
    ) -> Cluster {
        // A socket's path may have 107 bytes; the name in it takes up to 16.
        assert!(root.as_os_str().len() < 90, "TMPDIR is too long for a Unix socket");
        Cluster { root, data, log, tls, environment, port: Mutex::new(0), guardian }
    }

    /// Starts the server; panics with its log where it does not come up.
    pub fn start(&self) {
        if let Err(log) = self.try_start() {
            panic!("the server does not start:\n{log}");
        }
    }

    /// Starts the server; where it does not come up, returns what it logged.
    pub fn try_start(&self) -> Result<(), String> {
        self.try_start_with(&[])
    }

    /// Like [`Cluster::try_start`], with options of the postgres command line, such as
    /// `["-c", "shared_preload_libraries="]`.
    pub fn try_start_with(&self, options: &[&str]) -> Result<(), String> {
        for _ in 0..5 {
            let mark = self.log_mark();
            let started = self.pg_ctl(&["-t", "60", "-o", &shell_words(options), "start"]);
            if started {
                *self.port.lock().expect("no panic while held") = self.configured_port();
                return Ok(());
            }
            let log = self.log_since(mark);
            if !log.contains("Address already in use") {
                return Err(log);
            }
            self.append_conf(&format!("port = {}", free_port()));
        }
        Err("no free port in five attempts".to_owned())
    }

    /// Stops the server in the fast mode; sessions end.
    pub fn stop(&self) {
        assert!(self.pg_ctl(&["-m", "fast", "stop"]), "pg_ctl stop:\n{}", self.whole_log());
    }

    /// [`Cluster::stop`] and [`Cluster::start`].
    pub fn restart(&self) {
        self.stop();
        self.start();
    }

    /// Stops the server in the immediate mode, which is a crash, and starts it.
    pub fn restart_immediately(&self) {
        assert!(self.pg_ctl(&["-m", "immediate", "stop"]), "pg_ctl stop:\n{}", self.whole_log());
        self.start();
    }

    fn pg_ctl(&self, arguments: &[&str]) -> bool {
        let mut command = Installation::get().server("pg_ctl", &self.root);
        command.arg("-D").arg(&self.data).arg("-w").arg("-l").arg(&self.log).args(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).output().expect("pg_ctl runs").status.success()
    }

    fn configured_port(&self) -> u16 {
        let pid_file = fs::read_to_string(self.data.join("postmaster.pid")).expect("it runs");
        // Line 4 of postmaster.pid is the port (miscadmin.h, LOCK_FILE_LINE_PORT).
        pid_file.lines().nth(3).and_then(|line| line.trim().parse().ok()).expect("a port")
    }

    /// Process id of the postmaster.
    pub fn postmaster_pid(&self) -> u32 {
        let pid_file = fs::read_to_string(self.data.join("postmaster.pid")).expect("it runs");
        pid_file.lines().next().and_then(|line| line.trim().parse().ok()).expect("a pid")
    }

    /// Process id of the `jwt_sso worker`, while there is one. Without a database connection it
    /// is not in pg_stat_activity.
    pub fn worker_pid(&self) -> Option<u32> {
        let postmaster = self.postmaster_pid();
        let children = format!("/proc/{postmaster}/task/{postmaster}/children");
        let children = fs::read_to_string(children).unwrap_or_default();
        let is_worker = |pid: &u32| {
            let title = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&title).contains("jwt_sso worker")
        };
        children.split_whitespace().filter_map(|pid| pid.parse().ok()).find(is_worker)
    }

    /// Runs SQL as the superuser over the Unix socket; rows by line, columns by `|`.
    pub fn sql(&self, sql: &str) -> String {
        self.try_sql(sql).unwrap_or_else(|e| panic!("{sql:.300}\n{e}"))
    }

    /// Like [`Cluster::sql`]; an error is psql's standard error (message, DETAIL, HINT).
    pub fn try_sql(&self, sql: &str) -> Result<String, String> {
        let run = self.psql().socket().user("postgres").run(sql);
        if run.success { Ok(run.stdout) } else { Err(run.stderr) }
    }

    /// Like [`Cluster::try_sql`]; on success, what psql wrote to standard error (WARNINGs).
    pub fn notices(&self, sql: &str) -> Result<String, String> {
        let run = self.psql().socket().user("postgres").run(sql);
        if run.success { Ok(run.stderr) } else { Err(run.stderr) }
    }

    /// `ALTER SYSTEM SET`, value quoted; panics where the server refuses it.
    pub fn alter_system(&self, name: &str, value: &str) {
        self.try_alter_system(name, value).unwrap_or_else(|e| panic!("{name}: {e}"));
    }

    /// `ALTER SYSTEM SET`, value quoted; the refusal is psql's standard error.
    pub fn try_alter_system(&self, name: &str, value: &str) -> Result<(), String> {
        let value = value.replace('\'', "''");
        self.try_sql(&format!("ALTER SYSTEM SET {name} = '{value}'")).map(drop)
    }

    /// [`Cluster::alter_system`] for each, then [`Cluster::reload`].
    pub fn configure(&self, settings: &[(&str, &str)]) {
        for (name, value) in settings {
            self.alter_system(name, value);
        }
        self.reload();
    }

    /// `ALTER SYSTEM RESET` for each, then [`Cluster::reload`].
    pub fn reset(&self, names: &[&str]) {
        for name in names {
            self.sql(&format!("ALTER SYSTEM RESET {name}"));
        }
        self.reload();
    }

    /// Reloads the configuration and waits until the postmaster has done so: a new backend
    /// inherits the time of the postmaster's last reload. Keys need no wait of ours, since a
    /// login is to find those of its own policy.
    pub fn reload(&self) {
        let before = self.sql("SELECT pg_conf_load_time()");
        self.sql("SELECT pg_reload_conf()");
        let later = format!("SELECT pg_conf_load_time() > '{before}'");
        self.until("the reload", || self.sql(&later) == "t");
    }

    /// Adds a line to postgresql.conf, as it is; a later line overrides an earlier one.
    pub fn append_conf(&self, line: &str) {
        append(&self.data.join("postgresql.conf"), line);
    }

    /// Writes a file that the server's user owns; a relative path is below the data directory.
    pub fn write_file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.data.join(name);
        fs::write(&path, content).expect("writing below the cluster's directory");
        Installation::get().hand_over(&path);
        path
    }

    /// The end of the log as it is now.
    pub fn log_mark(&self) -> LogMark {
        LogMark(fs::metadata(&self.log).map_or(0, |m| m.len() as usize))
    }

    /// What was logged after `mark`.
    pub fn log_since(&self, mark: LogMark) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(bytes.get(mark.0..).unwrap_or_default()).into_owned()
    }

    /// The log from the first start on.
    pub fn whole_log(&self) -> String {
        self.log_since(LogMark::start())
    }

    /// Waits for a line after `mark` that matches the regex; returns that line.
    pub fn wait_log(&self, mark: LogMark, pattern: &str) -> String {
        let regex = Regex::new(pattern).expect("a valid pattern");
        let mut found = None;
        self.until(&format!("a log line like {pattern}"), || {
            let log = self.log_since(mark);
            found = log.lines().find(|line| regex.is_match(line)).map(str::to_owned);
            found.is_some()
        });
        found.expect("the wait ended with a line")
    }

    /// Polls until `done`; panics with the log at the deadline.
    pub fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let end = Instant::now() + DEADLINE;
        while !done() {
            assert!(Instant::now() < end, "no sign of {what}; log:\n{}", self.log_tail());
            sleep(Duration::from_millis(20));
        }
    }

    /// The last lines of the log, for messages of failed tests.
    pub fn log_tail(&self) -> String {
        let log = self.whole_log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// psql against this cluster, over TLS with `sslmode=verify-full`.
    pub fn psql(&self) -> Psql<'_> {
        Psql::new(self)
    }

    /// TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        *self.port.lock().expect("no panic while held")
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data
    }

    /// Directory of the Unix socket; the tests' own files may go here too.
    pub fn socket_dir(&self) -> &Path {
        &self.root
    }

    /// The server's log.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// Leaves the server running and its directory in place, also after this process.
    pub fn keep(mut self) {
        self.guardian.call_off();
        std::mem::forget(self);
    }

    /// PEM file of the CA that signed the server's certificate.
    pub fn ca_path(&self) -> &Path {
        &self.tls.ca
    }

    pub(crate) fn tls(&self) -> &Tls {
        &self.tls
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.data.join("postmaster.pid").exists() {
            self.pg_ctl(&["-m", "immediate", "stop"]);
        }
        self.guardian.dismiss();
    }
}

/// A shell that waits for the test process to go away, however that happens, and then stops
/// the server and removes the directory. Covers clusters in statics (never dropped), aborts
/// and Ctrl-C; a plain drop is the same way out.
#[derive(Debug)]
pub(crate) struct Guardian(Child);

impl Guardian {
    pub(crate) fn over(root: &Path, data: &Path) -> Guardian {
        let script = r#"cat >/dev/null; read -r pid <"$2/postmaster.pid" && kill -QUIT "$pid"
            while [ -e "$2/postmaster.pid" ] && kill -0 "$pid"; do sleep 0.1; done; rm -rf "$1""#;
        let child = Command::new("sh")
            .args(["-c", script, "guardian"])
            .args([root, data])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of the terminal's group, so that Ctrl-C does not end it first.
            .process_group(0)
            .spawn();
        Guardian(child.expect("sh runs"))
    }

    /// The server and the directory stay.
    fn call_off(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }

    fn dismiss(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().ok();
    }
}

/// One string for `pg_ctl -o`, which a shell takes apart again.
fn shell_words(words: &[&str]) -> String {
    words.iter().map(|w| format!("'{}'", w.replace('\'', r"'\''"))).collect::<Vec<_>>().join(" ")
}
