//! A running PgBouncer of Debian's, with TLS on both sides.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use jwt_sso_e2e::installation::{Installation, installed, output_of};
use jwt_sso_e2e::psql::Output;
use tempfile::TempDir;

use crate::handout::Handout;
use crate::{WORLD, program, require, toward};

/// How the pooler is set up.
pub struct Setup<'a> {
    /// After `host` and `port` in the line of the database `postgres`, in a file of its own.
    pub database: &'a str,
    /// Lines of the section `[pgbouncer]`.
    pub settings: &'a str,
    /// Lines of auth_file.
    pub users: &'a str,
    /// Lines of the PAM service `pgbouncer`.
    pub pam_service: &'a str,
}

/// Ended when dropped, and by itself when the tests' process is gone.
pub struct Pooler {
    shell: Child,
    folder: TempDir,
    port: u16,
}

/// PgBouncer reads its PAM service where libpam_wrapper says, so the machine's own stays as it is.
const SCRIPT: &str = r#"
    LD_PRELOAD=$2 PAM_WRAPPER=1 PAM_WRAPPER_SERVICE_DIR=$PWD/pam.d "$1" pgbouncer.ini </dev/null &
    cat >/dev/null
    kill $! 2>/dev/null
    wait"#;

impl Pooler {
    /// Starts one, and waits until it listens.
    pub fn start(setup: &Setup<'_>) -> Pooler {
        let (program, wrapper) = (installed("pgbouncer"), installed("pam_wrapper"));
        require("PgBouncer", Command::new(&program).arg("--version"));
        require("libpam_wrapper", Command::new("test").arg("-e").arg(&wrapper));
        loop {
            let pooler = Pooler::launch(setup, &program, &wrapper);
            let mut log = String::new();
            WORLD.cluster.until("PgBouncer", || {
                log = pooler.log();
                ["process up", "already in use", "FATAL"].iter().any(|word| log.contains(word))
            });
            if log.contains("already in use") {
                continue;
            }
            assert!(log.contains("process up"), "PgBouncer does not start:\n{log}");
            return pooler;
        }
    }

    fn launch(setup: &Setup<'_>, program: &Path, wrapper: &Path) -> Pooler {
        let folder = tempfile::tempdir().expect("a temp dir");
        let port = free_port();
        write(folder.path(), setup, port);
        Installation::get().hand_over(folder.path());
        let shell = Installation::get()
            .as_server_user(Path::new("sh"), folder.path())
            .args(["-c", SCRIPT, "sh"])
            .args([program, wrapper])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        Pooler { shell, folder, port }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Runs clients/renew_pgbouncer.sh as the pooler's user, with this pooler in the place of the
    /// one that it names, and waits until the pooler has heard of it.
    pub fn renew(&self, handout: &Handout, user: &str) {
        let before = self.log().len();
        let folder = self.folder.path().display().to_string();
        let script = fs::read_to_string(program("renew_pgbouncer.sh")).expect("a program");
        let script = script
            .replace("/etc/pgbouncer", &folder)
            .replace("/run/postgresql/pgbouncer.pid", &format!("{folder}/pid"))
            .replace("host=db.example port=5432", &server())
            .replace("orders = host", "postgres = host")
            .replace("user=orders", &format!("user={user}"));
        Installation::get().hand_over(handout.folder());
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(handout.folder().to_owned());
        let path = std::env::join_paths(folders.chain(std::env::split_paths(&path))).unwrap();
        let mut shell = Installation::get().as_server_user(Path::new("sh"), self.folder.path());
        output_of(shell.args(["-c", &script]).env("PATH", path));
        WORLD.cluster.until("the reload", || self.log()[before..].contains("got SIGHUP"));
    }

    /// Logs in through it by psql, `sslmode=verify-full`, and runs SQL.
    pub fn run(&self, user: &str, password: &str, sql: &str) -> Output {
        let psql = WORLD.cluster.psql().env("PGPORT", &self.port.to_string());
        psql.user(user).token(password).run(sql)
    }
}

/// A client that has got through its login at the pooler, and has said nothing since.
pub struct Waiting(Child, BufReader<ChildStdout>);

impl Pooler {
    /// Logs in as [`Pooler::run`] does, without asking for anything yet.
    pub fn start_psql(&self, user: &str, password: &str) -> Waiting {
        let mut psql = Installation::get().client("psql");
        toward(&mut psql, user, WORLD.cluster.ca_path())
            .env("PGPORT", self.port.to_string())
            .env("PGPASSWORD", password)
            .args(["-X", "-w", "-qAt"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = psql.spawn().expect("psql runs");
        // It reads commands when it is logged in.
        child.stdin.as_mut().expect("piped").write_all(b"\\echo logged in\n").unwrap();
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert_eq!(line, "logged in\n", "{}", self.log());
        Waiting(child, lines)
    }
}

impl Waiting {
    /// Runs SQL, and ends.
    pub fn goes_on(mut self, sql: &str) -> Output {
        let mut stdin = self.0.stdin.take().expect("piped");
        stdin.write_all(format!("{sql};\n").as_bytes()).unwrap();
        drop(stdin);
        let mut stdout = String::new();
        self.1.read_to_string(&mut stdout).unwrap();
        let success = self.0.wait().expect("psql ends").success();
        Output { success, stdout: stdout.trim().to_owned(), stderr: String::new() }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        self.shell.wait().ok();
    }
}

fn write(folder: &Path, setup: &Setup<'_>, port: u16) {
    let cluster = &WORLD.cluster;
    let beside = |name: &str| cluster.ca_path().with_file_name(name).display().to_string();
    let configuration = format!(
        "%include databases.ini\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         logfile = log\n\
         pidfile = pid\n\
         auth_file = userlist.txt\n\
         client_tls_sslmode = require\n\
         client_tls_cert_file = {}\n\
         client_tls_key_file = {}\n\
         server_tls_sslmode = verify-full\n\
         server_tls_ca_file = {}\n\
         {}\n",
        beside("server.crt"),
        beside("server.key"),
        beside("ca.crt"),
        setup.settings,
    );
    let path = |name: &str| -> PathBuf { folder.join(name) };
    fs::create_dir_all(path("pam.d")).unwrap();
    fs::write(path("pam.d/pgbouncer"), setup.pam_service).unwrap();
    fs::write(path("userlist.txt"), setup.users).unwrap();
    let databases = format!("[databases]\npostgres = {} {}\n", server(), setup.database);
    fs::write(path("databases.ini"), databases).unwrap();
    fs::write(path("pgbouncer.ini"), configuration).unwrap();
}

/// Where the server is, in PgBouncer's words.
fn server() -> String {
    format!("host=127.0.0.1 port={}", WORLD.cluster.port())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
