//! A server that faults happen to.

use std::fs;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jwt_sso_e2e::builder::TOKEN_LINES;
use jwt_sso_e2e::installation::{installed, output_of};
use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::standby::REPLICATION_LINE;
use jwt_sso_e2e::wire::Wire;
use jwt_sso_e2e::{Client, Cluster, End};
use regex::Regex;
use tempfile::TempDir;

use crate::Result;
use crate::idp::Idp;

/// Within this everything must be well again.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// `jwt_sso.client_timeout`.
pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(4);

/// Why somebody did not get in.
#[derive(Clone, Debug)]
pub enum NotIn {
    /// By a decision of ours.
    Refused(String),
    /// The server was not there, or went away.
    Interrupted(String),
}

/// The server and its providers.
pub struct Scene {
    /// The server.
    pub cluster: Cluster,
    /// Its providers, which other servers share.
    pub idp: Arc<Idp>,
    /// Where its clock is told what to show.
    clock: Option<TempDir>,
}

impl Scene {
    /// A server that trusts the providers, and fetches every second.
    pub fn start(idp: &Arc<Idp>, clock: Option<(TempDir, String)>) -> Scene {
        let mut builder = Cluster::builder()
            .token_hba(&format!("{REPLICATION_LINE}{TOKEN_LINES}"))
            .conf("max_connections = 200")
            .conf("log_connections = on")
            .conf("jwt_sso.key_cache_size = '256kB'")
            .conf("jwt_sso.jwks_refresh_interval = '1s'")
            .conf("include_if_exists = 'chaos.conf'");
        let clock = clock.map(|(folder, library)| {
            let file = folder.path().join("clock").display().to_string();
            let variables = [
                ("LD_PRELOAD", library.as_str()),
                ("FAKETIME_TIMESTAMP_FILE", &file),
                ("FAKETIME_NO_CACHE", "1"),
                ("FAKETIME_DISABLE_SHM", "1"),
                ("FAKETIME_DONT_RESET", "1"),
                // What a jump of the clock leaves alone, too.
                ("DONT_FAKE_MONOTONIC", "1"),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ];
            for (name, value) in variables {
                builder = builder.clone().env(name, value);
            }
            folder
        });
        let cluster = builder.start();
        cluster.write_file("issuers_ca.pem", idp.authority.pem().as_bytes());
        cluster.sql("CREATE EXTENSION jwt_sso; CREATE ROLE alice LOGIN");
        cluster.configure(&[
            ("jwt_sso.enabled", "on"),
            ("jwt_sso.audience", "postgres"),
            ("jwt_sso.client_timeout", &CLIENT_TIMEOUT.as_secs().to_string()),
            ("jwt_sso.jwks_auto_fetch_enabled", "on"),
            ("jwt_sso.issuer_custom_ca", "issuers_ca.pem"),
            ("jwt_sso.issuers", &idp.names(clock.is_none())),
        ]);
        Scene { cluster, idp: Arc::clone(idp), clock }
    }

    /// A server whose clock can be set, by libfaketime.
    pub fn with_clock(idp: &Arc<Idp>) -> Result<Scene> {
        let library = installed("faketime").display().to_string();
        if !fs::exists(&library).unwrap_or(false) {
            return Err("libfaketime is missing; run scripts/client-deps.sh --faketime".to_owned());
        }
        let folder = tempfile::Builder::new().prefix("jwt_sso_clock.").tempdir();
        let folder = folder.map_err(|error| error.to_string())?;
        output_of(std::process::Command::new("chmod").arg("755").arg(folder.path()));
        fs::write(folder.path().join("clock"), "+0").map_err(|error| error.to_string())?;
        let scene = Scene::start(idp, Some((folder, library)));
        scene.set_clock(7200)?;
        scene.within("a clock that can be set", || scene.clock_is_wrong_by(7200))?;
        scene.set_clock(0)?;
        Ok(scene)
    }

    /// A hot standby of this server, on which people can log in.
    pub fn standby(&self) -> Result<Scene> {
        let cluster = self.cluster.standby();
        cluster.start();
        let standby = Scene { cluster, idp: Arc::clone(&self.idp), clock: None };
        standby.logins_work()?;
        Ok(standby)
    }

    /// The server's clock is wrong by so many seconds from now on.
    pub fn set_clock(&self, offset: i64) -> Result {
        let folder = self.clock.as_ref().ok_or("this server has the true clock")?;
        // In one step: whoever reads it meanwhile must not find half of it.
        let (new, file) = (folder.path().join("new"), folder.path().join("clock"));
        fs::write(&new, format!("{offset:+}"))
            .and_then(|()| fs::rename(&new, &file))
            .map_err(|error| error.to_string())
    }

    /// Whether SQL sees that.
    pub fn clock_is_wrong_by(&self, offset: i64) -> bool {
        let shown = self.cluster.sql("SELECT extract(epoch FROM clock_timestamp())::bigint");
        let now = jwt_sso_e2e::token::now() as i64;
        shown.parse::<i64>().is_ok_and(|shown| (shown - now - offset).abs() < 60)
    }

    /// Waits, and says for how long.
    pub fn within(&self, what: &str, done: impl FnMut() -> bool) -> Result {
        self.within_time(DEADLINE, what, done)
    }

    /// The same, with another deadline.
    pub fn within_time(
        &self,
        deadline: Duration,
        what: &str,
        mut done: impl FnMut() -> bool,
    ) -> Result {
        let start = Instant::now();
        while !done() {
            if start.elapsed() > deadline {
                let tail = self.cluster.log_tail();
                return Err(format!("no sign of {what} within {deadline:?}; log:\n{tail}"));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Logs in as alice.
    pub fn enter(&self, token: &str) -> std::result::Result<Wire, NotIn> {
        let packet = frame(b'p', format!("{token}\0").as_bytes());
        let wire = Client::new(&self.cluster, "alice").try_open();
        let wire = wire.map_err(|error| NotIn::Interrupted(error.to_string()))?;
        let mut session = match wire.finish(&packet).end {
            End::Accepted(session) => session,
            End::Closed => return Err(NotIn::Interrupted("closed".to_owned())),
            End::Refused(error) => return Err(refused(&error.code, &error.message, &error.detail)),
        };
        match session.query("SELECT current_user") {
            Ok(rows) if rows == [["alice"]] => Ok(session),
            Ok(rows) => Err(NotIn::Refused(format!("current_user is {rows:?}"))),
            Err(error) => Err(NotIn::Interrupted(error.message.clone())),
        }
    }

    /// Waits until good tokens get in.
    pub fn logins_work(&self) -> Result {
        self.within("a login", || self.enter(&self.idp.good()).is_ok())
    }

    /// Waits until good tokens get in, a worker runs, and the key that they are signed with has
    /// been kept.
    pub fn settled(&self) -> Result {
        self.logins_work()?;
        self.within("a worker", || self.cluster.worker_pid().is_some())?;
        let kid = self.idp.kid();
        // A failed fetch may have been the last one, and the next may be a while away.
        self.within_time(DEADLINE * 3, "the kept key", || self.has_kept(&kid))
    }

    /// Whether the file of kept keys has this one.
    pub fn has_kept(&self, kid: &str) -> bool {
        let bytes = self.kept().unwrap_or_default();
        // A key set is a JSON text within the file's own.
        let text = String::from_utf8_lossy(&bytes).replace('\\', "");
        text.contains(&format!("\"{kid}\""))
    }

    /// The file of kept keys.
    pub fn kept(&self) -> Result<Vec<u8>> {
        let file = self.cluster.data_dir().join("jwt_sso/keys.json");
        fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// A connection that was asked for a token.
    pub fn prompted(&self) -> Result<Wire> {
        let mut wire = Client::new(&self.cluster, "alice").try_open().map_err(|e| e.to_string())?;
        wire.prompt();
        Ok(wire)
    }

    /// The process that serves a connection.
    pub fn backend(&self, wire: &Wire) -> Result<u32> {
        let line =
            format!(r"\[\d+\] LOG:  connection received: host=\S+ port={}$", wire.local_port());
        let log = self.cluster.whole_log();
        let pattern = Regex::new(&line.replace(r"\d+", r"(\d+)")).map_err(|e| e.to_string())?;
        // The last one: ports are used again.
        let found = log.lines().rev().find_map(|line| pattern.captures(line));
        let pid = found.and_then(|found| found[1].parse().ok());
        pid.ok_or_else(|| "no line of the connection".to_owned())
    }

    /// The worker's number.
    pub fn worker(&self) -> Result<u32> {
        self.cluster.worker_pid().ok_or_else(|| "no worker".to_owned())
    }
}

fn refused(code: &str, message: &str, detail: &str) -> NotIn {
    let words = format!("{code} {message} {detail}");
    // Shutting down, crashed, starting up, no more connections.
    let server = ["57P01", "57P02", "57P03", "53300"].contains(&code);
    if server { NotIn::Interrupted(words) } else { NotIn::Refused(words) }
}
