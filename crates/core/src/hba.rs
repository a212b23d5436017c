//! What a report needs to know of an HBA file: its lines, and the files that it
//! includes.
//!
//! This reads as PostgreSQL's hba.c does (quotes, comments, continued lines,
//! masks), but decides nothing: which line a connection arrived by is known to
//! the server alone. What is no line in hba.c's eyes is left out here; the
//! server refuses the whole file for it and says so.

pub mod doors;
pub mod faults;
mod fields;
pub mod reach;

use fields::Token;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// Something that stands in an HBA file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Entry {
    /// A rule.
    Line(Line),
    /// Other files stand here (PostgreSQL 16 and later).
    Include(Include),
}

/// A rule of an HBA file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// The number of its first line in the file, from 1.
    pub number: usize,
    /// Which connections, by the way they come.
    pub kind: Kind,
    /// The database field.
    pub databases: Vec<Word>,
    /// The user field.
    pub users: Vec<Word>,
    /// The address field.
    pub address: Address,
    /// The method.
    pub method: String,
    /// The line, its continuations joined, without comment; of an option that
    /// may hold a secret only the name.
    pub text: String,
    options: Vec<(String, String)>,
}

/// A rule and the file that it stands in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The rule.
    pub line: Line,
}

/// A word of the database or user field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Word {
    /// Without its quotes.
    pub text: String,
    /// A quoted word is never a keyword.
    pub quoted: bool,
}

/// The type of a rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `local`: Unix sockets.
    Local,
    /// `host`: TCP.
    Host,
    /// `hostssl`: TCP with TLS.
    HostSsl,
    /// `hostnossl`: TCP without TLS.
    HostNoSsl,
    /// `hostgssenc`: TCP with GSSAPI encryption.
    HostGssEnc,
    /// `hostnogssenc`: TCP without GSSAPI encryption.
    HostNoGssEnc,
}

/// Which addresses a rule is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Address {
    /// `all`, or none as in a `local` rule.
    Every,
    /// A network of IPv4 or IPv6; the whole of it where the mask is empty.
    Network {
        /// IPv6 rather than IPv4.
        is_v6: bool,
        /// The mask is empty.
        is_whole: bool,
    },
    /// A host's name, `samehost` or `samenet`: known to the server alone.
    Other,
}

/// A line that includes other files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Include {
    /// What is included how.
    pub kind: IncludeKind,
    /// The path as written, relative to the folder of the including file.
    pub path: String,
}

/// The directive of an [`Include`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IncludeKind {
    /// `include`: a file that must be there.
    File,
    /// `include_if_exists`.
    FileIfExists,
    /// `include_dir`: every file of a folder whose name ends in `.conf`.
    Folder,
}

/// Options whose value may be shown; of others the value may be a secret.
const SHOWN_OPTIONS: [&str; 9] = [
    "clientcert",
    "clientname",
    "delegate_ident_mapping",
    "issuer",
    "map",
    "pam_use_hostname",
    "pamservice",
    "scope",
    "validator",
];

/// The rules and includes of a file, in its order, which is the order in which
/// the server tries the rules.
pub fn entries(text: &str) -> Vec<Entry> {
    let entry = |(number, line): (usize, String)| {
        let fields = fields::fields(&line);
        include(&fields)
            .map(Entry::Include)
            .or_else(|| rule(number, &line, &fields).map(Entry::Line))
    };
    fields::logical_lines(text).into_iter().filter_map(entry).collect()
}

fn include(fields: &[Vec<Token<'_>>]) -> Option<Include> {
    let kind = match single(fields.first()?)?.text.as_str() {
        "include" => IncludeKind::File,
        "include_if_exists" => IncludeKind::FileIfExists,
        "include_dir" => IncludeKind::Folder,
        _ => return None,
    };
    Some(Include { kind, path: single(fields.get(1)?)?.text.clone() })
}

fn rule(number: usize, line: &str, fields: &[Vec<Token<'_>>]) -> Option<Line> {
    let kind = Kind::of(&single(fields.first()?)?.text)?;
    let (address, at) = match kind {
        Kind::Local => (Address::Every, 3),
        _ => address(fields)?,
    };
    let method = single(fields.get(at)?)?;
    let options: Vec<&Token<'_>> = fields[at + 1..].iter().flatten().collect();
    let mut text = line[..method.end].trim_start().to_owned();
    for option in &options {
        text.push(' ');
        let name = option.text.split('=').next().unwrap_or_default();
        if SHOWN_OPTIONS.contains(&name) {
            text.push_str(option.raw);
        } else {
            text.push_str(&format!("{name}=..."));
        }
    }
    let pair = |option: &&Token<'_>| {
        option.text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    Some(Line {
        number,
        kind,
        databases: words(fields.get(1)?),
        users: words(fields.get(2)?),
        address,
        method: method.text.clone(),
        text,
        options: options.iter().filter_map(pair).collect(),
    })
}

/// The address of a TCP rule and the index of its method: a mask may stand
/// between them.
fn address(fields: &[Vec<Token<'_>>]) -> Option<(Address, usize)> {
    let address = single(fields.get(3)?)?;
    let mask = single(fields.get(4)?)?.text.parse::<IpAddr>().ok();
    let at = if mask.is_some() { 5 } else { 4 };
    if !address.quoted && address.text == "all" {
        return Some((Address::Every, at));
    }
    let (host, bits) = match address.text.split_once('/') {
        Some((host, bits)) => (host, Some(bits)),
        None => (address.text.as_str(), None),
    };
    let Ok(host) = host.parse::<IpAddr>() else { return Some((Address::Other, at)) };
    let is_whole = bits == Some("0") || mask.is_some_and(|mask| mask.is_unspecified());
    Some((Address::Network { is_v6: host.is_ipv6(), is_whole }, at))
}

/// The token of a field that is no list.
fn single<'f, 'l>(field: &'f [Token<'l>]) -> Option<&'f Token<'l>> {
    match field {
        [token] => Some(token),
        _ => None,
    }
}

fn words(field: &[Token<'_>]) -> Vec<Word> {
    field.iter().map(|token| Word { text: token.text.clone(), quoted: token.quoted }).collect()
}

impl Line {
    /// The value of this option; of several the last counts.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The line's text with another type.
    fn text_as(&self, kind: &str) -> String {
        let rest = self.text.find([' ', '\t']).map_or("", |at| &self.text[at..]);
        format!("{kind}{rest}")
    }
}

/// `line 7 of /etc/…/pg_hba.conf: hostssl all all all trust`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of {}: {}", self.line.number, self.file.display(), self.line.text)
    }
}

impl Word {
    /// Whether this is that keyword.
    pub fn is(&self, keyword: &str) -> bool {
        !self.quoted && self.text == keyword
    }

    /// Whether the word stands for others that only the server knows: a group,
    /// a regex, a file of names.
    pub fn is_pattern(&self) -> bool {
        !self.quoted && self.text.starts_with(['+', '/', '@'])
    }
}

impl Kind {
    fn of(word: &str) -> Option<Kind> {
        match word {
            "local" => Some(Kind::Local),
            "host" => Some(Kind::Host),
            "hostssl" => Some(Kind::HostSsl),
            "hostnossl" => Some(Kind::HostNoSsl),
            "hostgssenc" => Some(Kind::HostGssEnc),
            "hostnogssenc" => Some(Kind::HostNoGssEnc),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
