//! What psql's own arguments say of the server, read as psql's getopt_long does.

use std::ffi::OsString;

/// Short options that take a value, as in psql's startup.c.
const WITH_VALUE: &str = "cdfFhLopPRTUv";

/// psql's long options; whether each takes a value.
const LONG: [(&str, bool); 36] = [
    ("command", true),
    ("csv", false),
    ("dbname", true),
    ("echo-all", false),
    ("echo-errors", false),
    ("echo-hidden", false),
    ("echo-queries", false),
    ("expanded", false),
    ("field-separator", true),
    ("field-separator-zero", false),
    ("file", true),
    ("help", false),
    ("host", true),
    ("html", false),
    ("list", false),
    ("log-file", true),
    ("no-align", false),
    ("no-password", false),
    ("no-psqlrc", false),
    ("no-readline", false),
    ("output", true),
    ("password", false),
    ("port", true),
    ("pset", true),
    ("quiet", false),
    ("record-separator", true),
    ("record-separator-zero", false),
    ("set", true),
    ("single-line", false),
    ("single-step", false),
    ("single-transaction", false),
    ("table-attr", true),
    ("tuples-only", false),
    ("username", true),
    ("variable", true),
    ("version", false),
];

/// The options that name a server or a role. The last of each counts.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct PsqlArguments {
    pub host: Option<String>,
    pub port: Option<String>,
    pub user: Option<String>,
    /// A name, a connection string or a URI.
    pub dbname: Option<String>,
}

impl PsqlArguments {
    pub fn read(arguments: &[OsString]) -> PsqlArguments {
        let mut found = PsqlArguments::default();
        let mut others = Vec::new();
        let mut words = arguments.iter().map(|word| word.to_string_lossy().into_owned());
        while let Some(word) = words.next() {
            if word == "--" {
                others.extend(words.by_ref());
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                if let Some((name, true)) = long_option(name) {
                    found.set(name, value.or_else(|| words.next()));
                }
            } else if let Some(short) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                // -qAth host is -q -A -t -h host.
                if let Some(at) = short.find(|letter| WITH_VALUE.contains(letter)) {
                    let (letter, value) = short[at..].split_at(1);
                    let value = if value.is_empty() { words.next() } else { Some(value.into()) };
                    found.set(letter, value);
                }
            } else {
                others.push(word);
            }
        }
        let mut others = others.into_iter();
        if found.dbname.is_none() {
            found.dbname = others.next();
        }
        if found.user.is_none() {
            found.user = others.next();
        }
        found
    }

    fn set(&mut self, option: &str, value: Option<String>) {
        match option {
            "h" | "host" => self.host = value,
            "p" | "port" => self.port = value,
            "U" | "username" => self.user = value,
            "d" | "dbname" => self.dbname = value,
            _ => {}
        }
    }
}

/// By its name, or by a beginning that only one has.
pub fn long_option(name: &str) -> Option<(&'static str, bool)> {
    if let Some(exact) = LONG.iter().find(|(long, _)| *long == name) {
        return Some(*exact);
    }
    let mut begun = LONG.iter().filter(|(long, _)| long.starts_with(name));
    match (begun.next(), begun.next()) {
        (Some(only), None) => Some(*only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> [Option<String>; 4] {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let found = PsqlArguments::read(&words);
        [found.host, found.port, found.user, found.dbname]
    }

    fn is(host: &str, port: &str, user: &str, dbname: &str) -> [Option<String>; 4] {
        [host, port, user, dbname].map(|text| (!text.is_empty()).then(|| text.to_owned()))
    }

    #[test]
    fn reads_as_getopt_does() {
        for (words, found) in [
            (vec![], is("", "", "", "")),
            (vec!["-h", "a", "-p5", "-U", "u", "-d", "d"], is("a", "5", "u", "d")),
            (vec!["-qAthx", "--port=7"], is("x", "7", "", "")),
            (vec!["--host", "a", "--user", "u", "--dbname=d"], is("a", "", "u", "d")),
            // Where a value looks like an option.
            (vec!["-c", "-h", "-v", "--host=x", "db"], is("", "", "", "db")),
            (vec!["db", "user", "more"], is("", "", "user", "db")),
            (vec!["db", "-U", "u", "-h", "a"], is("a", "", "u", "db")),
            (vec!["-d", "d", "user"], is("", "", "user", "d")),
            (vec!["--", "-h", "a"], is("", "", "a", "-h")),
            (vec!["-h", "a", "-h", "b"], is("b", "", "", "")),
            // Ambiguous: echo-all, echo-errors; psql refuses it.
            (vec!["--echo", "db"], is("", "", "", "db")),
        ] {
            assert_eq!(read(&words), found, "{words:?}");
        }
    }
}
