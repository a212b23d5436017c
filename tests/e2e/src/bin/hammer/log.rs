//! The server's log, read while it grows: decisions are counted, and parts of tokens looked for.
//! What was read is given back to the file system, since a million refusals are 350 MB.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// So many base64url characters of a token in a row are a leak.
const RUN: usize = 16;
type Piece = [u8; RUN];

/// Lines of the kind that no login of whatever kind may cause.
const ALARMS: [&str; 6] = [
    "terminated by signal",
    "reinitializing",
    "PANIC:",
    "internal_error",
    "out of memory",
    "could not fork",
];

/// Every piece of what must not be seen.
#[derive(Debug, Default)]
pub struct Pieces(HashSet<Piece>);

impl Pieces {
    /// Of these bytes, whatever is base64url and long enough.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Pieces {
        let mut pieces = HashSet::new();
        for run in secrets.into_iter().flat_map(runs) {
            pieces.extend(run.windows(RUN).map(|piece| Piece::try_from(piece).expect("its size")));
        }
        Pieces(pieces)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a text has one of them.
    pub fn are_in(&self, text: &[u8]) -> bool {
        runs(text).any(|run| run.windows(RUN).any(|piece| self.0.contains(piece)))
    }
}

/// Stretches of base64url characters that are long enough.
fn runs(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ordinary = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'_';
    bytes.split(move |byte| !ordinary(byte)).filter(|run| run.len() >= RUN)
}

/// Decisions about one role for one reason.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// How many.
    pub lines: u64,
    /// The sum of their references, modulo 2^64.
    pub references: u64,
}

/// The log so far.
pub struct LogReader {
    path: PathBuf,
    file: File,
    pieces: Pieces,
    /// The beginning of a line that is still being written.
    rest: Vec<u8>,
    read: u64,
    given_back: u64,
    /// By role and reason; the reason of a login that got in is "accepted".
    pub counts: BTreeMap<(String, String), Count>,
    /// The first lines with parts of tokens, cut.
    pub leaks: Vec<String>,
    /// The first lines that no login may cause.
    pub alarms: Vec<String>,
}

impl LogReader {
    /// From here on. Fails where it could not see a leak.
    pub fn new(path: &Path, secrets: &[&[u8]]) -> Result<LogReader, String> {
        let pieces = Pieces::of(secrets.iter().copied());
        let run =
            secrets.iter().find_map(|secret| runs(secret).next()).ok_or("no token to look for")?;
        let planted = [b"LOG:  x ", &run[..RUN], b" y"].concat();
        if !pieces.are_in(&planted) || pieces.are_in(b"LOG:  jwt_sso: refused reason=expired") {
            return Err("the search for parts of tokens does not work".to_owned());
        }
        Ok(LogReader {
            path: path.to_owned(),
            file: File::open(path).map_err(|error| format!("{}: {error}", path.display()))?,
            pieces,
            rest: Vec::new(),
            read: 0,
            given_back: 0,
            counts: BTreeMap::new(),
            leaks: Vec::new(),
            alarms: Vec::new(),
        })
    }

    /// Reads what has come since.
    pub fn advance(&mut self) {
        let mut chunk = vec![0; 1 << 20];
        while let Ok(length @ 1..) = self.file.read(&mut chunk) {
            self.read += length as u64;
            self.rest.extend_from_slice(&chunk[..length]);
            if let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') {
                let lines: Vec<u8> = self.rest.drain(..=end).collect();
                lines.split(|byte| *byte == b'\n').for_each(|line| self.take(line));
            }
            self.give_back();
        }
    }

    /// Reads until so many decisions were read, or for 30 seconds, and once more.
    pub fn catch_up(&mut self, decisions: u64) {
        let end = Instant::now() + Duration::from_secs(30);
        while self.counts.values().map(|count| count.lines).sum::<u64>() < decisions
            && Instant::now() < end
        {
            self.advance();
            std::thread::sleep(Duration::from_millis(50));
        }
        self.advance();
    }

    /// How long it was.
    pub fn megabytes(&self) -> u64 {
        self.read >> 20
    }

    /// What is looked for.
    pub fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    fn take(&mut self, line: &[u8]) {
        let text = || String::from_utf8_lossy(&line[..line.len().min(300)]).into_owned();
        if self.pieces.are_in(line) {
            // Not the line itself: it has what it must not have.
            self.leaks.push(format!("a line of {} bytes", line.len()));
        }
        let string = String::from_utf8_lossy(line);
        if ALARMS.iter().any(|alarm| string.contains(alarm)) {
            self.alarms.push(text());
        }
        let Some((_, decision)) = string.split_once("LOG:  jwt_sso: ") else { return };
        let (reason, references) = match decision.split_once(' ') {
            Some(("accepted", _)) => ("accepted", 0),
            Some(("refused", rest)) => {
                let reason = field(rest, "reason=").unwrap_or_default();
                let digits = field(rest, "ref=").unwrap_or_default();
                (reason, u64::from_str_radix(digits, 16).unwrap_or(0))
            }
            _ => return,
        };
        let user = field(decision, "user=").unwrap_or_default().trim_matches('"');
        let count = self.counts.entry((user.to_owned(), reason.to_owned())).or_default();
        count.lines += 1;
        count.references = count.references.wrapping_add(references);
    }

    /// Punches a hole where the log was read, every 64 MB. Where that cannot be done the file
    /// only becomes longer.
    fn give_back(&mut self) {
        if self.read - self.given_back < 64 << 20 {
            return;
        }
        let (offset, length) = (self.given_back, self.read - self.given_back);
        let mut command = Command::new("fallocate");
        command.args(["--punch-hole", "--offset", &offset.to_string()]);
        command.args(["--length", &length.to_string()]).arg(&self.path);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().ok();
        self.given_back = self.read;
    }
}

/// A value without blanks, by the name in front of it.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(name)?;
    rest.split(' ').next()
}
