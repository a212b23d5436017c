//! The PostgreSQL under test: the one that `PG_CONFIG` (default: `pg_config` on PATH) describes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Directories and version of the server under test.
#[derive(Debug)]
pub struct Installation {
    /// Where its programs are.
    pub bindir: PathBuf,
    /// The server's C headers, for the fixtures.
    pub include_dir: PathBuf,
    /// Where a library named without a path is looked for.
    pub library_dir: PathBuf,
    /// 15, 16, …
    pub major: u32,
    /// Whether the server was built with TLS. Where it was not, only `smoke.rs` can run.
    pub tls: bool,
    /// Whether it was built with PAM.
    pub with_pam: bool,
    run_as_postgres: bool,
}

impl Installation {
    /// The installation of this test run; asked from pg_config once.
    pub fn get() -> &'static Installation {
        static FOUND: LazyLock<Installation> = LazyLock::new(Installation::find);
        &FOUND
    }

    fn find() -> Installation {
        let version = pg_config("--version");
        let include_dir = PathBuf::from(pg_config("--includedir-server"));
        let config = std::fs::read_to_string(include_dir.join("pg_config.h"));
        let config = config.expect("the server's headers are installed");
        let digits: String = version
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        Installation {
            bindir: pg_config("--bindir").into(),
            include_dir,
            library_dir: pg_config("--pkglibdir").into(),
            tls: config.lines().any(|line| line == "#define USE_OPENSSL 1"),
            major: digits.parse().expect("pg_config --version names a major version"),
            with_pam: config.lines().any(|line| line == "#define USE_PAM 1"),
            run_as_postgres: output_of(Command::new("id").arg("-u")) == "0",
        }
    }

    /// Values of `log_connections` with which the server logs who was authenticated; from 18 on it
    /// takes a list as well.
    pub fn log_connections_with_identity(&self) -> &'static [&'static str] {
        if self.major >= 18 { &["on", "receipt,authentication"] } else { &["on"] }
    }

    /// The setting by which a query is forced to run in parallel; renamed in 16.
    pub fn force_parallel_setting(&self) -> &'static str {
        if self.major >= 16 { "debug_parallel_query" } else { "force_parallel_mode" }
    }

    /// A client program, run as the user of the tests, without any PG* variable from outside.
    pub fn client(&self, program: &str) -> Command {
        without_libpq_environment(Command::new(self.bindir.join(program)))
    }

    /// A shell that finds the client programs, as the user of the tests.
    pub fn shell(&self) -> Command {
        let mut command = without_libpq_environment(Command::new("sh"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = std::env::split_paths(&path);
        let paths = std::env::join_paths(std::iter::once(self.bindir.clone()).chain(own));
        command.env("PATH", paths.expect("paths without a colon"));
        command
    }

    /// A server program. PostgreSQL refuses to run as root, so root hands it to user postgres.
    pub fn server(&self, program: &str, directory: &Path) -> Command {
        self.as_server_user(&self.bindir.join(program), directory)
    }

    /// Any program, run as the user that the server runs as.
    pub fn as_server_user(&self, path: &Path, directory: &Path) -> Command {
        let mut command = if self.run_as_postgres {
            let mut runuser = Command::new("runuser");
            runuser.args(["-u", "postgres", "--"]).arg(path);
            runuser
        } else {
            Command::new(path)
        };
        // Where user postgres may not enter the tests' directory, initdb and pg_ctl complain.
        command.current_dir(directory);
        without_libpq_environment(command)
    }

    /// Gives a path, with all below it, to the user that the server runs as.
    pub fn hand_over(&self, path: &Path) {
        if self.run_as_postgres {
            output_of(
                Command::new("chown").args([OsStr::new("-R"), "postgres:".as_ref()]).arg(path),
            );
        }
    }
}

/// Runs a command that must succeed; returns its trimmed standard output.
pub fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?} failed:\n{stdout}\n{stderr}");
    stdout.trim().to_owned()
}

fn pg_config(option: &str) -> String {
    let program = std::env::var_os("PG_CONFIG").unwrap_or_else(|| "pg_config".into());
    output_of(Command::new(program).arg(option))
}

/// Takes every PG* variable of the tests' own environment away from a client or server.
pub fn without_libpq_environment(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.env("PGPASSFILE", "/nonexistent").env("LC_ALL", "C");
    command
}

/// Where scripts/client-deps.sh puts something, such as `node_modules`.
#[track_caller]
pub fn installed(name: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/client-deps.sh");
    let paths = output_of(Command::new(script).arg("--paths"));
    let path = paths.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    PathBuf::from(path.unwrap_or_else(|| panic!("client-deps.sh names no {name}: {paths}")))
}
