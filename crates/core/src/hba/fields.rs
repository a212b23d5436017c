//! Lines, fields and tokens, as hba.c cuts them.

/// A token of a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Token<'l> {
    /// Without its quotes.
    pub text: String,
    /// It begins with a quote, and so is no keyword.
    pub quoted: bool,
    /// As it stands in the line.
    pub raw: &'l str,
    /// Where it ends in the line, in bytes.
    pub end: usize,
}

/// Lines with their number; a backslash at the end of a line continues it, in a
/// comment too.
pub fn logical_lines(text: &str) -> Vec<(usize, String)> {
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
pub fn fields(line: &str) -> Vec<Vec<Token<'_>>> {
    let mut fields: Vec<Vec<Token<'_>>> = Vec::new();
    let mut joins = false;
    let mut from = 0;
    while let Some(read) = next_token(line, from) {
        match fields.last_mut() {
            Some(field) if joins => field.push(read.token),
            _ => fields.push(vec![read.token]),
        }
        (joins, from) = (read.comma_follows, read.next);
    }
    fields
}

struct Read<'l> {
    token: Token<'l>,
    comma_follows: bool,
    /// Where to read on, in bytes.
    next: usize,
}

/// The next token as hba.c's next_token reads it; `None` at the end of the line.
fn next_token(line: &str, from: usize) -> Option<Read<'_>> {
    let rest = line[from..].trim_start_matches([' ', '\t', '\r', ',']);
    let start = line.len() - rest.len();
    let mut text = String::new();
    let (mut in_quotes, mut saw_quote, mut quoted) = (false, false, false);
    let mut characters = rest.char_indices().peekable();
    // Without a blank or a comma the token reaches to the end of the line.
    let (mut end, mut comma_follows, mut next) = (line.len(), false, line.len());
    while let Some((at, c)) = characters.next() {
        match c {
            '"' if in_quotes && characters.next_if(|(_, next)| *next == '"').is_some() => {
                text.push('"');
            }
            '"' => {
                quoted |= text.is_empty();
                (in_quotes, saw_quote) = (!in_quotes, true);
            }
            _ if in_quotes => text.push(c),
            '#' => {
                end = start + at;
                break;
            }
            ' ' | '\t' | '\r' | ',' => {
                end = start + at;
                comma_follows = c == ',';
                next = end + 1;
                break;
            }
            _ => text.push(c),
        }
    }
    let token = Token { text, quoted, raw: &line[start..end], end };
    (saw_quote || !token.text.is_empty()).then_some(Read { token, comma_follows, next })
}
