//! Why a command failed, in words for whoever typed it, and the exit code.

use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use std::fmt::Display;
use std::process::ExitCode;

/// A command failed.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    message: String,
    hint: Option<String>,
}

/// Each has an exit code of its own; [`crate::arguments`] documents them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// The network, a file, an issuer or a server said no.
    Impossible = 1,
    /// The command line, a profile or a setting is wrong.
    Usage = 2,
    /// There is nothing wrong but the token.
    Refused = 3,
}

impl Failure {
    /// Something outside said no.
    pub fn new(message: impl Display) -> Failure {
        Failure { kind: Kind::Impossible, message: message.to_string(), hint: None }
    }

    /// What was asked for makes no sense as it was asked.
    pub fn usage(message: impl Display) -> Failure {
        Failure { kind: Kind::Usage, ..Failure::new(message) }
    }

    /// The token was refused, or is none.
    pub fn refused(message: impl Display) -> Failure {
        Failure { kind: Kind::Refused, ..Failure::new(message) }
    }

    /// What to do about it.
    #[must_use]
    pub fn with_hint(self, hint: impl Display) -> Failure {
        Failure { hint: Some(hint.to_string()), ..self }
    }

    /// Says it on standard error, in colour on a terminal only.
    pub fn report(&self) -> ExitCode {
        let (error, hint) = (AnsiColor::Red.on_default().bold(), Style::new().bold());
        eprintln!("{error}error:{error:#} {}", self.message);
        if let Some(text) = &self.hint {
            eprintln!(" {hint}hint:{hint:#} {text}");
        }
        ExitCode::from(self.kind as u8)
    }
}

/// The message alone, for a log or a page.
impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// Names what could not be done, in front of why.
pub trait Context<T> {
    /// `cannot read "profile.toml": No such file or directory`
    fn context(self, what: impl Display) -> Result<T, Failure>;
}

impl<T, E: Display> Context<T> for Result<T, E> {
    fn context(self, what: impl Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(format!("{what}: {error}")))
    }
}
