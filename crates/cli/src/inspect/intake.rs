//! Where the token comes from: standard input, a pasted line, or a file.

use crate::failure::{Context, Failure};
use anstream::eprint;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// More than any token, so that a wrong file is found out and not shown.
const MAX_INPUT: u64 = 1024 * 1024;

/// What a Linux terminal passes on of one line; the rest is dropped without a word.
const TERMINAL_LINE: usize = 4095;

/// A token as it was handed over.
#[derive(Debug)]
pub struct Given {
    /// Without white space around it, and without `Bearer` before it.
    pub token: Zeroizing<String>,
    /// Whether the terminal must have cut it.
    pub cut: bool,
    /// Whether it came with the word `Bearer`.
    pub bearer: bool,
}

/// Reads it.
///
/// # Errors
/// A file that cannot be read; nothing at all; something that is no text.
pub fn read(file: Option<&Path>) -> Result<Given, Failure> {
    let stdin = io::stdin();
    let (bytes, pasted) = match file {
        Some(path) => {
            let reading = format!("cannot read {}", path.display());
            (whole(File::open(path).context(&reading)?).context(&reading)?, false)
        }
        None if stdin.is_terminal() => {
            eprint!("Paste the token and press Enter (longer than 4095 bytes: --file): ");
            (line(stdin.lock()).context("cannot read the terminal")?, true)
        }
        None => (whole(stdin.lock()).context("cannot read standard input")?, false),
    };
    if bytes.len() as u64 > MAX_INPUT {
        return Err(Failure::refused("no token: more than 1 MiB"));
    }
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Err(Failure::refused("not a JWT: it is not text"));
    };
    let cut = pasted && text.trim_end_matches(['\r', '\n']).len() == TERMINAL_LINE;
    let (token, bearer) = without_bearer(text.trim());
    if token.is_empty() {
        return Err(Failure::usage("there is no token on standard input")
            .with_hint("jwt-sso token | jwt-sso inspect, or --file"));
    }
    Ok(Given { token: Zeroizing::new(token.to_owned()), cut, bearer })
}

fn whole(source: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    source.take(MAX_INPUT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn line(source: impl BufRead) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    source.take(MAX_INPUT + 1).read_until(b'\n', &mut bytes)?;
    Ok(bytes)
}

/// As it stands in a header of HTTP (RFC 6750 §2.1).
fn without_bearer(text: &str) -> (&str, bool) {
    match text.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => (rest.trim(), true),
        _ => (text, false),
    }
}
