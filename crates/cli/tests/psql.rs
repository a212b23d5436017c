//! `jwt-sso psql`, with a real server:
//! 1. a profile's connection and a token from a command: psql logs in as the profile's role
//! 2. while psql runs, no process list and no environment holds the token, nor a file on disk
//! 3. psql's own arguments: -h, -U and a URI name another server, and the token is for that one
//! 4. `\c` to another name of the server gets no token
//! 5. no profile: what begins with a dash or stands behind -- is psql's
//! 6. the environment cannot weaken it: PGPASSWORD, PGPASSFILE and PGSERVICE do not count, and
//!    sslmode is verify-full
//! 7. psql's exit code is ours; psql that is missing; a service; a warning for a weak sslmode
//! 8. --help and --version of either; an option of ours among psql's

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use jwt_sso_e2e::{Cluster, Issuer};
use tempfile::TempDir;

struct World {
    cluster: Cluster,
    home: TempDir,
    token: String,
}

impl World {
    fn start() -> World {
        let cluster = Cluster::builder().start();
        Issuer::example().install(&cluster, &["alice", "bob"]);
        let world = World {
            cluster,
            home: tempfile::tempdir().expect("a temp dir"),
            token: Issuer::example().token("alice").sign(),
        };
        fs::write(world.path("token"), &world.token).unwrap();
        world.profile("alice", "localhost");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn profile(&self, user: &str, host: &str) {
        let text = format!(
            "[profiles.prod]\nsource = \"file\"\nfile = \"token\"\nhost = \"{host}\"\n\
             port = {}\nuser = \"{user}\"\ndbname = \"postgres\"\nsslrootcert = \"{}\"\n",
            self.cluster.port(),
            self.cluster.ca_path().display(),
        );
        fs::write(self.path("profiles.toml"), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jwt-sso"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.arg("psql").args(arguments).stdin(Stdio::null());
        command.env("JWT_SSO_CONFIG", self.path("profiles.toml")).env("LC_ALL", "C");
        command.env("HOME", self.home.path()).env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }

    /// Arguments of a source without a profile.
    fn file(&self) -> [String; 2] {
        ["--file".to_owned(), self.path("token").display().to_string()]
    }
}

#[derive(Debug)]
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn said(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } = command.output().expect("the command runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8").trim().to_owned();
    Said { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

const WHO: &str = "SELECT current_user || ' ' || ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

#[test]
fn s1_profile() {
    let world = World::start();
    let said = world.run(&["prod", "-XAtc", WHO]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "alice true"), "{said:?}");
    assert_eq!(said.stderr, "");
    // Ours in front of the profile; -- behind it is harmless.
    let said = world.run(&["--force", "prod", "--", "-XAtc", WHO]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "alice true"), "{said:?}");
    world.profile("bob", "localhost");
    let said = world.run(&["prod", "-Xwc", "SELECT 1"]);
    assert!(said.stderr.contains("JWT authentication failed for user \"bob\""), "{said:?}");
}

#[test]
fn s2_nobody_sees_it() {
    let world = World::start();
    let mut command = world.command(&["prod", "-XAt"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut psql = command.spawn().unwrap();
    let mut stdin = psql.stdin.take().unwrap();
    writeln!(stdin, "SELECT 'in';").unwrap();
    let mut stdout = BufReader::new(psql.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "in\n");

    let own = format!("/proc/{}", psql.id());
    let name = fs::read_to_string(format!("{own}/comm")).unwrap();
    assert_eq!(name.trim(), "psql", "it is psql by now");
    let signature = world.token.rsplit('.').next().unwrap().as_bytes();
    let holds = |bytes: &[u8]| bytes.windows(signature.len()).any(|part| part == signature);
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        for file in ["cmdline", "environ"] {
            let bytes = fs::read(entry.path().join(file)).unwrap_or_default();
            assert!(!holds(&bytes), "{}/{file}", entry.path().display());
        }
    }
    let environment = fs::read(format!("{own}/environ")).unwrap();
    let passfile = environment.split(|byte| *byte == 0).find_map(|entry| {
        Some(String::from_utf8_lossy(entry.strip_prefix(b"PGPASSFILE=/proc/self")?).into_owned())
    });
    let passfile = PathBuf::from(format!("{own}{}", passfile.expect("a password file")));
    let link = fs::read_link(&passfile).unwrap();
    assert!(link.to_string_lossy().starts_with("/memfd:"), "{}", link.display());
    let line = fs::read_to_string(&passfile).unwrap();
    let port = world.cluster.port();
    assert_eq!(line, format!("localhost:{port}:*:alice:{}\n", world.token));
    assert_eq!(fs::metadata(&passfile).unwrap().permissions().mode() & 0o777, 0o600);
    let change = fs::OpenOptions::new()
        .append(true)
        .open(&passfile)
        .and_then(|mut file| file.write_all(b"x"));
    assert!(change.is_err(), "it is sealed");
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(psql.wait().unwrap().success());
}

#[test]
fn s3_own_server() {
    let world = World::start();
    world.profile("nobody", "db.invalid");
    let port = world.cluster.port().to_string();
    let uri = format!("postgresql://alice@localhost:{port}/postgres");
    let string = format!("host=localhost user=alice port={port}");
    for arguments in [
        vec!["prod", "-h", "localhost", "-U", "alice", "-XAtc", WHO],
        vec!["prod", "--host=127.0.0.1", "-Ualice", "-XAtc", WHO],
        vec!["prod", "-XAtc", WHO, "-d", &uri],
        vec!["prod", &string, "-XAtc", WHO],
        vec!["prod", "-h", "localhost", "-XAtc", WHO, "postgres", "alice"],
    ] {
        let said = world.run(&arguments);
        assert_eq!((said.code, said.stdout.as_str()), (Some(0), "alice true"), "{said:?}");
    }
}

#[test]
fn s4_another_host() {
    let world = World::start();
    let mut command = world.command(&["prod", "-XwAt", "-v", "ON_ERROR_STOP=1"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut psql = command.spawn().unwrap();
    // The same server by another name, which its certificate has, too.
    psql.stdin.take().unwrap().write_all(b"\\c - - 127.0.0.1 -\n").unwrap();
    let output = psql.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("no password supplied"), "{stderr}");
    let log = world.cluster.whole_log();
    assert_eq!(log.matches("jwt_sso: accepted").count(), 1, "the first login and no other: {log}");
}

#[test]
fn s5_no_profile() {
    let world = World::start();
    let [file, path] = world.file();
    let port = world.cluster.port().to_string();
    let root = world.cluster.ca_path().display().to_string();
    let options = ["-h", "localhost", "-p", &port, "-U", "alice", "-XAtc", WHO, "postgres"];
    for arguments in
        [[&[&*file, &path, "--"], &options[..]].concat(), [&[&*file, &path], &options[..]].concat()]
    {
        let said = said(world.command(&arguments).env("PGSSLROOTCERT", &root));
        assert_eq!((said.code, said.stdout.as_str()), (Some(0), "alice true"), "{said:?}");
    }
    // Behind -- the first word is a database and no profile.
    let mut command = world.command(&[&file, &path, "--", "postgres", "-XAtc", WHO]);
    command.env("PGSSLROOTCERT", &root).env("PGHOST", "localhost").env("PGPORT", &port);
    let said = said(command.env("PGUSER", "alice"));
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "alice true"), "{said:?}");
    let said = world.run(&[&file, &path, "postgres"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("no profile \"postgres\""), "{said:?}");
}

#[test]
fn s6_environment() {
    let world = World::start();
    let passfile = world.path("pgpass");
    fs::write(&passfile, "*:*:*:*:wrong\n").unwrap();
    fs::set_permissions(&passfile, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = world.command(&["prod", "-XAtc", WHO]);
    command.env("PGPASSWORD", "wrong").env("PGPASSFILE", &passfile).env("PGSERVICE", "other");
    command.env("JWT_SSO_CLIENT_SECRET", "s3cr3t");
    command.env("PGHOST", "db.invalid").env("PGHOSTADDR", "192.0.2.1").env("PGUSER", "bob");
    command.args(["-c", "\\! env"]);
    let said = said(&mut command);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.starts_with("alice true\n"), "{said:?}");
    assert!(!said.stdout.contains("s3cr3t") && !said.stdout.contains("wrong"), "{said:?}");

    // A certificate of another CA: nothing but verify-full would notice.
    let other = jwt_sso_e2e::authority::Authority::new();
    let path = world.path("other.pem");
    fs::write(&path, other.pem()).unwrap();
    let text = fs::read_to_string(world.path("profiles.toml")).unwrap();
    let text = text.replace(&world.cluster.ca_path().display().to_string(), "other.pem");
    fs::write(world.path("profiles.toml"), text).unwrap();
    let said = world.run(&["prod", "-Xc", "SELECT 1"]);
    assert!(said.stderr.contains("certificate verify failed"), "{said:?}");
    assert_eq!(said.code, Some(2));
}

#[test]
fn s7_ends() {
    let world = World::start();
    let said = world.run(&["prod", "-Xv", "ON_ERROR_STOP=1", "-c", "SELECT 1/0", "-c", "SELECT 1"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let said = world.run(&["prod", "-XAtc", "SELECT 1"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "1"));

    let empty = tempfile::tempdir().unwrap();
    let said = self::said(world.command(&["prod"]).env("PATH", empty.path()));
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("cannot start psql: No such file"), "{said:?}");
    assert!(said.stderr.contains("hint: psql must be on PATH"), "{said:?}");

    let [file, path] = world.file();
    for said in [
        self::said(world.command(&[&file, &path, "--", "-l"]).env("PGSERVICE", "prod")),
        world.run(&["prod", "service=prod"]),
    ] {
        assert_eq!(said.code, Some(2));
        assert!(said.stderr.contains("does not tell which server the token is for"), "{said:?}");
    }
    let said = world.run(&["prod", "host='open"]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.stderr.contains("psql's connection string has a quote that is not closed"),
        "{said:?}"
    );

    let mut command = world.command(&["prod", "-h", "db.invalid", "-c", "SELECT 1"]);
    let said = self::said(command.env("PGSSLMODE", "prefer"));
    assert!(said.stderr.contains("warning: with this sslmode anyone"), "{said:?}");
}

#[test]
fn s8_help() {
    let world = World::start();
    let said = world.run(&["--help"]);
    assert_eq!(said.code, Some(0));
    assert!(said.stdout.contains("jwt-sso psql prod -c"), "{said:?}");
    let said = world.run(&["-V"]);
    assert!(said.stderr.contains("nothing says where the token comes from"), "psql's: {said:?}");
    let said = world.run(&["prod", "-XAt", "--force"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("error: --force is not psql's"), "{said:?}");
    assert!(said.stderr.contains("hint: our options stand in front of the profile"), "{said:?}");
    let said = world.run(&["prod", "--help"]);
    assert!(said.stdout.contains("psql is the PostgreSQL interactive terminal"), "{said:?}");
}
