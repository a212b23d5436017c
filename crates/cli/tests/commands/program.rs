//! The program under test.

use std::io::Write;
use std::process::{Command, Stdio};

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The run, where it ended with this exit code.
    #[track_caller]
    pub fn ended(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Holds standard error to these words, and standard output to nothing.
    #[track_caller]
    pub fn said(self, words: &str) {
        assert!(self.stderr.contains(words), "no {words:?} in {self:?}");
        assert_eq!(self.stdout, "");
    }
}

/// The program, without anything of the tests' own environment that it reads.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jwt-sso"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let reads = name.starts_with("PG") || name.starts_with("JWT_SSO_");
        if reads || name.to_ascii_uppercase().ends_with("_PROXY") || name == "NO_COLOR" {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

pub fn run(arguments: &[&str]) -> Ran {
    run_with(program(arguments), "")
}

/// With this on standard input.
pub fn run_with(mut command: Command, input: impl AsRef<[u8]>) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    // A program that stops before it has read everything is no failure of the test.
    stdin.write_all(input.as_ref()).ok();
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// On a terminal of its own; what it would show there is `stdout`.
pub fn run_on_terminal(command: &Command, input: &str) -> Ran {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
    let mut script = Command::new("script");
    script.args(["-qec", &line.join(" "), "/dev/null"]);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    run_with(script, input)
}
