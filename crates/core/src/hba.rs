//! What a report needs to know of an HBA file: its lines that let anybody in
//! over TCP, and the files that it includes.
//!
//! This reads as PostgreSQL's hba.c does (quotes, comments, continued lines),
//! but decides nothing: which line a connection arrived by is known to the
//! server alone.

use std::net::IpAddr;

/// A line that lets anybody in over TCP.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustLine {
    /// The number of its first line in the file, from 1.
    pub number: usize,
    /// `host`, `hostssl`, `hostnossl`, `hostgssenc` or `hostnogssenc`.
    pub kind: &'static str,
    /// The line, its continuations joined, without blanks around it.
    pub text: String,
}

/// A line that includes other files (PostgreSQL 16 and later).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Include {
    /// The number of its first line in the file, from 1.
    pub number: usize,
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

const TCP_KINDS: [&str; 5] = ["host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"];

/// The lines for TCP connections whose method is `trust`, in the file's order.
pub fn trust_over_tcp(text: &str) -> Vec<TrustLine> {
    let trust_line = |(number, line): (usize, String)| {
        let fields = fields(&line);
        let first = single(fields.first()?)?;
        let kind = TCP_KINDS.into_iter().find(|kind| *kind == first)?;
        (single(method(&fields)?)? == "trust").then(|| TrustLine {
            number,
            kind,
            text: line.trim().to_owned(),
        })
    };
    logical_lines(text).into_iter().filter_map(trust_line).collect()
}

/// The lines that include other files, in the file's order.
pub fn includes(text: &str) -> Vec<Include> {
    let include = |(number, line): (usize, String)| {
        let fields = fields(&line);
        let kind = match single(fields.first()?)? {
            "include" => IncludeKind::File,
            "include_if_exists" => IncludeKind::FileIfExists,
            "include_dir" => IncludeKind::Folder,
            _ => return None,
        };
        Some(Include { number, kind, path: single(fields.get(1)?)?.to_owned() })
    };
    logical_lines(text).into_iter().filter_map(include).collect()
}

/// The method of a TCP line: type, database, user and address stand before it,
/// and where the address has no `/`, a mask may.
fn method(fields: &[Vec<String>]) -> Option<&Vec<String>> {
    let has_mask = single(fields.get(4)?)?.parse::<IpAddr>().is_ok();
    fields.get(if has_mask { 5 } else { 4 })
}

/// The token of a field that is no list.
fn single(field: &Vec<String>) -> Option<&str> {
    match field.as_slice() {
        [token] => Some(token),
        _ => None,
    }
}

/// Lines with their number; a backslash at the end of a line continues it, in a
/// comment too.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut continues = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end_matches('\r');
        let (part, has_more) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match lines.last_mut() {
            Some((_, joined)) if continues => joined.push_str(part),
            _ => lines.push((number, part.to_owned())),
        }
        continues = has_more;
    }
    lines
}

/// The fields of a line, each a list of tokens: a comma, with or without blanks
/// after it, joins tokens to one field.
fn fields(line: &str) -> Vec<Vec<String>> {
    let mut fields: Vec<Vec<String>> = Vec::new();
    let mut joins = false;
    let mut rest = line;
    while let Some(token) = next_token(rest) {
        match fields.last_mut() {
            Some(field) if joins => field.push(token.text),
            _ => fields.push(vec![token.text]),
        }
        (joins, rest) = (token.comma_follows, token.rest);
    }
    fields
}

struct Token<'l> {
    text: String,
    comma_follows: bool,
    rest: &'l str,
}

/// The next token as hba.c's next_token reads it; `None` at the end of the line.
fn next_token(line: &str) -> Option<Token<'_>> {
    let line = line.trim_start_matches([' ', '\t', '\r', ',']);
    let mut text = String::new();
    let (mut quoted, mut saw_quote) = (false, false);
    let mut characters = line.char_indices().peekable();
    let mut end = (false, "");
    while let Some((at, c)) = characters.next() {
        match c {
            '"' if quoted && characters.next_if(|(_, next)| *next == '"').is_some() => {
                text.push('"')
            }
            '"' => (quoted, saw_quote) = (!quoted, true),
            _ if quoted => text.push(c),
            '#' => break,
            ' ' | '\t' | '\r' => {
                end = (false, &line[at..]);
                break;
            }
            ',' => {
                end = (true, &line[at + 1..]);
                break;
            }
            _ => text.push(c),
        }
    }
    let (comma_follows, rest) = end;
    (saw_quote || !text.is_empty()).then_some(Token { text, comma_follows, rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<usize> {
        trust_over_tcp(text).into_iter().map(|line| line.number).collect()
    }

    #[test]
    fn every_form_of_a_trust_line() {
        for line in [
            "host all all all trust",
            "hostssl all all 0.0.0.0/0 trust",
            "hostnossl all all ::/0 trust",
            "hostgssenc all all samenet trust",
            "hostnogssenc all all .example.com trust",
            "host all all 10.0.0.0 255.0.0.0 trust",
            "host all all fe80:: ffff:: trust",
            "host\t\"my db\",other +group, alice  \"all\"\ttrust",
            "host a,b, c u all trust",
            "host a u , v trust",
            "host all all all \"trust",
            "host all all all \"trust\" # comment",
            "host all all all trust map=x",
            "\"host\" all all all trust",
            "host all all all tr\"us\"t",
        ] {
            let found = trust_over_tcp(line);
            assert_eq!(found.len(), 1, "{line}");
            assert_eq!(found[0].text, line);
        }
        assert_eq!(trust_over_tcp("hostssl all all all trust")[0].kind, "hostssl");
    }

    #[test]
    fn no_other_line() {
        for line in [
            "",
            "# host all all all trust",
            "local all all trust",
            "host all all all md5",
            "host all all 10.0.0.0 255.0.0.0 scram-sha-256",
            "host trust trust all pam pamservice=trust",
            "host all all all",
            "host all all all reject # trust",
            "hostall all all all trust",
            "host all all trust",
            "host a u, v trust",
            "host all all all trust,md5",
            "include trust.conf",
        ] {
            assert_eq!(trust_over_tcp(line), [], "{line}");
        }
    }

    #[test]
    fn lines_are_numbered_and_continued() {
        let text =
            "# a \\\nhost all all all trust\r\nhost all \\\r\n  all all trust\nhost a a all trust";
        assert_eq!(numbers(text), [3, 5]);
        assert_eq!(trust_over_tcp(text)[0].text, "host all   all all trust");
    }

    #[test]
    fn includes_are_found() {
        let text = "include pg_hba.conf\nlocal all all peer\n include_if_exists \"a b.conf\" # c\n\
             include_dir conf.d\ninclude";
        let found = includes(text);
        let expected = [
            (1, IncludeKind::File, "pg_hba.conf"),
            (3, IncludeKind::FileIfExists, "a b.conf"),
            (4, IncludeKind::Folder, "conf.d"),
        ];
        assert_eq!(found.len(), expected.len());
        for (include, (number, kind, path)) in found.iter().zip(expected) {
            assert_eq!((include.number, include.kind, include.path.as_str()), (number, kind, path));
        }
    }
}
