//! A home of its own for the command, and what the command said.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use jwt_sso_e2e::Issuer;
use tempfile::TempDir;

/// Somebody's folders, empty at first.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Home {
        Home(tempfile::tempdir().expect("a temp dir"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("below the home")).expect("own folder");
        fs::write(&path, text).expect("own folder");
        path
    }

    /// The files of the cache that hold tokens.
    pub fn kept(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("cache/jwt-sso"));
        let paths = entries.into_iter().flatten().map(|entry| entry.expect("readable").path());
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect()
    }

    /// The only such file.
    pub fn the_kept(&self) -> PathBuf {
        let kept = self.kept();
        assert_eq!(kept.len(), 1, "{kept:?}");
        kept[0].clone()
    }

    /// `jwt-sso token` with these arguments.
    pub fn token(&self, arguments: &[&str]) -> Run {
        let mut command = self.command();
        command.arg("token").args(arguments);
        Run(command)
    }

    /// The command without the variables that would change what it does.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jwt-sso"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().into_owned();
            let prefixes = ["JWT_SSO_", "PG", "XDG_", "IDENTITY_", "ACTIONS_", "GCE_", "AZURE_"];
            if prefixes.iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command.env("HOME", self.0.path()).env("NO_PROXY", "*");
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command.env("XDG_CONFIG_HOME", self.path("config"));
        command
    }
}

/// A run of the command that is still to begin.
pub struct Run(pub Command);

impl Run {
    pub fn env(mut self, name: &str, value: &str) -> Run {
        self.0.env(name, value);
        self
    }

    pub fn end(mut self) -> Said {
        let output = self.0.stdin(Stdio::null()).output().expect("the command runs");
        Said {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    pub fn start(mut self) -> Started {
        self.0.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.0.spawn().expect("the command runs");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        Started { child, stderr, said: String::new() }
    }
}

/// A run that waits for something.
pub struct Started {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Started {
    /// The next line of standard error that has this in it.
    pub fn line(&mut self, wanted: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.stderr.read_line(&mut line).expect("UTF-8");
            assert!(read > 0, "no {wanted:?} in:\n{}", self.said);
            self.said.push_str(&line);
            if line.contains(wanted) {
                return line.trim_end().to_owned();
            }
        }
    }

    pub fn end(mut self) -> Said {
        self.stderr.read_to_string(&mut self.said).expect("UTF-8");
        let mut stdout = String::new();
        self.child.stdout.take().expect("piped").read_to_string(&mut stdout).expect("UTF-8");
        let status = self.child.wait().expect("it ends");
        Said { code: status.code(), stdout, stderr: self.said }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// The token: all that is on standard output, with a newline, and the exit code is 0.
    #[track_caller]
    pub fn token(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        let token = self.stdout.strip_suffix('\n').expect("a newline at the end");
        assert_eq!(token.split('.').count(), 3, "{token:?}");
        assert!(!token.contains(char::is_whitespace), "{token:?}");
        assert!(!self.stderr.contains(token), "the token is on standard error");
        token
    }

    /// The whole of standard error after a run that printed nothing else.
    #[track_caller]
    pub fn failed(&self, code: i32) -> &str {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{self:?}");
        &self.stderr
    }
}

/// A token that nobody needs to verify.
pub fn some_token(subject: &str) -> String {
    Issuer::example().token(subject).sign()
}

/// The claims of a token.
pub fn claims(token: &str) -> serde_json::Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).expect("three parts");
    let bytes =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
