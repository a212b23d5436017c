//! The identity map: which identity of which issuer may log in as which role.
//!
//! One line is `issuer identity role`, written as in pg_ident.conf. A login is
//! allowed when any line gives the requested role.

mod fields;
mod index;
pub mod overlaps;
mod pattern;
mod role;

use crate::digest::Digest;
use crate::json::Node;
use crate::setting_error::SettingError;
use crate::setting_text::{self, SettingValue};
use index::Index;
use pattern::Pattern;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The most lines, comments and empty ones included.
pub const MAX_LINES: usize = 200_000;
/// The most lines whose identity is a regex.
pub const MAX_REGEXES: usize = 2_000;

/// `jwt_sso.identity_map`, or the file of `jwt_sso.identity_map_file`. The
/// default is what no setting gives: not configured, without a line.
///
/// A hundred thousand lines live in one text and one list, since every backend
/// inherits them by fork.
#[derive(Clone, Debug, Default)]
pub struct IdentityMap {
    configured: bool,
    lines: Lines,
    by_issuer: HashMap<Arc<str>, Index>,
    digest: Digest,
}

/// One line, for reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MapLine<'m> {
    /// Its number in the setting or the file, from 1.
    pub number: usize,
    /// The first field.
    pub issuer: &'m str,
    /// The second field without its quotes; a regex with its slash.
    pub identity: &'m str,
    /// How the identity is compared.
    pub kind: IdentityKind,
    /// The third field without its quotes, `\1` as written.
    pub role: &'m str,
}

/// How the identity of a line is compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IdentityKind {
    /// Whole, exact, case-sensitive.
    Literal,
    /// A regex that must match the whole identity.
    Regex,
}

/// The lines in their order, their texts one after the other in `text`.
#[derive(Clone, Debug, Default)]
struct Lines {
    text: String,
    lines: Vec<Line>,
    regexes: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Line {
    number: u32,
    issuer: Arc<str>,
    identity: Span,
    role: Span,
    /// Into `Lines::regexes`.
    regex: Option<u32>,
}

/// A part of `Lines::text`; a map has 16 MB at most.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

impl IdentityMap {
    /// Reads the setting: lines of text, or a JSON array of lines.
    pub fn parse(text: &str) -> Result<IdentityMap, SettingError> {
        match SettingValue::read(text)? {
            SettingValue::None => Ok(IdentityMap::default()),
            SettingValue::Text(text) => IdentityMap::of_lines(text.lines().map(Ok)),
            SettingValue::Json(Node::Array(items)) => {
                IdentityMap::of_lines(items.iter().map(element))
            }
            SettingValue::Json(other) => {
                Err(SettingError::new(format!("{}, not an array of lines", other.kind())))
            }
        }
    }

    /// Reads the text of a file in pg_ident.conf style. A file without any line
    /// is a map all the same: then nothing maps.
    pub fn parse_file(text: &str) -> Result<IdentityMap, SettingError> {
        setting_text::check_file(text)?;
        IdentityMap::of_lines(text.lines().map(Ok))
    }

    fn of_lines<'t>(
        texts: impl Iterator<Item = Result<&'t str, SettingError>>,
    ) -> Result<IdentityMap, SettingError> {
        let mut lines = Lines::default();
        let mut issuers = HashMap::new();
        for (i, text) in texts.enumerate() {
            let number = i + 1;
            let at_line = |error: SettingError| error.at(format_args!("line {number}"));
            if number > MAX_LINES {
                return Err(at_line(SettingError::new(format!("more than {MAX_LINES} lines"))));
            }
            if let Some(fields) = text.and_then(fields::of_line).map_err(at_line)? {
                lines.add(number, fields, &mut issuers).map_err(at_line)?;
            }
        }
        let digest = lines.digest();
        let by_issuer = index::by_issuer(&lines);
        Ok(IdentityMap { configured: true, lines, by_issuer, digest })
    }

    /// Whether the setting is there at all, be it without a single line.
    pub fn is_configured(&self) -> bool {
        self.configured
    }

    /// Whether any line is about this issuer.
    pub fn has_issuer(&self, issuer: &str) -> bool {
        self.by_issuer.contains_key(issuer)
    }

    /// Whether any line gives `role` to this identity of this issuer. `role` is
    /// compared as bytes; one that is not UTF-8 is on no line.
    pub fn allows(&self, issuer: &str, identity: &str, role: &[u8]) -> bool {
        match (self.by_issuer.get(issuer), std::str::from_utf8(role)) {
            (Some(index), Ok(role)) => index.allows(&self.lines, identity, role),
            _ => false,
        }
    }

    /// Every role that a line gives to this identity of this issuer, in order.
    /// It runs each of the issuer's regexes: for a page, not for a login.
    pub fn roles(&self, issuer: &str, identity: &str) -> BTreeSet<String> {
        let index = self.by_issuer.get(issuer);
        index.map(|index| index.roles(&self.lines, identity)).unwrap_or_default()
    }

    /// Every line, in order.
    pub fn lines(&self) -> impl Iterator<Item = MapLine<'_>> {
        self.lines.lines.iter().map(|line| MapLine {
            number: line.number as usize,
            issuer: &line.issuer,
            identity: self.lines.text(line.identity),
            kind: match line.regex {
                Some(_) => IdentityKind::Regex,
                None => IdentityKind::Literal,
            },
            role: self.lines.text(line.role),
        })
    }

    /// The fingerprint of the lines; comments and quoting have no part in it.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl MapLine<'_> {
    /// Whether the regex has a `.` between two letters or digits, as in
    /// `example.com`: there it matches any character, and a dot was meant.
    pub fn has_dot_between_letters(&self) -> bool {
        self.kind == IdentityKind::Regex && pattern::has_dot_between_letters(self.identity)
    }
}

fn element<'n>(item: &'n Node<'_>) -> Result<&'n str, SettingError> {
    let line =
        item.as_str().ok_or_else(|| SettingError::new(format!("{}, not a string", item.kind())))?;
    if line.contains('\n') {
        return Err(SettingError::new("a line break inside of a line"));
    }
    setting_text::check_string(line)?;
    Ok(line)
}

impl Lines {
    fn add(
        &mut self,
        number: usize,
        [issuer, identity, role]: [String; 3],
        issuers: &mut HashMap<String, Arc<str>>,
    ) -> Result<(), SettingError> {
        let regex = match identity.strip_prefix('/') {
            None => {
                role::check(&role, role::Groups::Literal)?;
                None
            }
            Some(pattern) => Some(self.add_regex(pattern, &role)?),
        };
        let issuer = match issuers.get(&issuer) {
            Some(shared) => Arc::clone(shared),
            None => {
                let shared: Arc<str> = Arc::from(issuer.as_str());
                issuers.insert(issuer, Arc::clone(&shared));
                shared
            }
        };
        let (identity, role) = (self.push(&identity), self.push(&role));
        self.lines.push(Line { number: number as u32, issuer, identity, role, regex });
        Ok(())
    }

    fn add_regex(&mut self, pattern: &str, role: &str) -> Result<u32, SettingError> {
        if self.regexes.len() == MAX_REGEXES {
            return Err(SettingError::new(format!("more than {MAX_REGEXES} regexes")));
        }
        let regex = Pattern::compile(pattern)?;
        role::check(role, role::Groups::Regex(regex.groups()))?;
        self.regexes.push(regex);
        Ok(self.regexes.len() as u32 - 1)
    }

    fn push(&mut self, text: &str) -> Span {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        Span { start, end: self.text.len() as u32 }
    }

    fn text(&self, span: Span) -> &str {
        &self.text[span.start as usize..span.end as usize]
    }

    fn identity(&self, line: u32) -> &str {
        self.text(self.lines[line as usize].identity)
    }

    fn role(&self, line: u32) -> &str {
        self.text(self.lines[line as usize].role)
    }

    fn regex(&self, line: u32) -> Option<&Pattern> {
        self.lines[line as usize].regex.map(|index| &self.regexes[index as usize])
    }

    fn digest(&self) -> Digest {
        let fields = |line: &'_ Line| [line.identity, line.role];
        let mut parts: Vec<&[u8]> = vec![b"configured"];
        for line in &self.lines {
            parts.push(line.issuer.as_bytes());
            parts.extend(fields(line).map(|span| self.text(span).as_bytes()));
        }
        Digest::of(&parts)
    }
}

#[cfg(test)]
mod tests;
