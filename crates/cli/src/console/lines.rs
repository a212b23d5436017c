//! The ready-made lines of the token page. Each is text with the role and the
//! token in it, written as the place wants them.

use super::settings::Settings;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may stand unescaped in a URI's user name and query (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The name that stands for a role that is not known.
pub const UNKNOWN_ROLE: &str = "YOUR_ROLE";

/// A role's name, as each kind of line writes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Role {
    pub name: String,
    /// In libpq's key words inside of a shell's single quotes.
    pub shell: String,
    /// In a URI.
    pub uri: String,
    /// In .pgpass.
    pub pgpass: String,
}

impl Role {
    pub fn new(name: &str) -> Role {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.@+".contains(c);
        let word = if !name.is_empty() && name.chars().all(plain) {
            name.to_owned()
        } else {
            format!("'{}'", name.replace('\\', r"\\").replace('\'', r"\'"))
        };
        Role {
            name: name.to_owned(),
            shell: word.replace('\'', r"'\''"),
            uri: utf8_percent_encode(name, ESCAPED).to_string(),
            pgpass: pgpass(name),
        }
    }
}

/// libpq: a colon and a backslash are escaped by a backslash.
fn pgpass(text: &str) -> String {
    text.replace('\\', r"\\").replace(':', r"\:")
}

/// A part of a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Part {
    Text(String),
    /// The token, which needs no escaping anywhere: base64url and dots.
    Token,
    /// The role, in the writing of that name.
    Role(&'static str, String),
}

/// A line to copy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// For the page's own references.
    pub id: &'static str,
    pub label: &'static str,
    pub note: &'static str,
    pub parts: Vec<Part>,
}

/// Every line, for the role that is shown first.
pub fn all(settings: &Settings, role: &Role) -> Vec<Line> {
    let (host, port) = (&settings.sql_host, settings.sql_port);
    let uri_host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let text = |text: String| Part::Text(text);
    let shell = || Part::Role("shell", role.shell.clone());
    let uri = || Part::Role("uri", role.uri.clone());
    vec![
        Line {
            id: "psql",
            label: "psql",
            note: "For a shell. The blank in front keeps it out of the history of shells that are set \
                   to that (HISTCONTROL=ignorespace).",
            parts: vec![
                text(" PGPASSWORD=".to_owned()),
                Part::Token,
                text(format!(" psql 'host={host} port={port} dbname=postgres user=")),
                shell(),
                text(" sslmode=verify-full'".to_owned()),
            ],
        },
        Line {
            id: "export",
            label: "PGPASSWORD",
            note: "For every program of this shell that uses libpq.",
            parts: vec![text(" export PGPASSWORD=".to_owned()), Part::Token],
        },
        Line {
            id: "uri",
            label: "Connection URI",
            note: "For drivers and applications. As an argument it can be seen in the process \
                   list.",
            parts: vec![
                text("postgresql://".to_owned()),
                uri(),
                text(":".to_owned()),
                Part::Token,
                text(format!("@{uri_host}:{port}/postgres?sslmode=verify-full")),
            ],
        },
        Line {
            id: "pgpass",
            label: ".pgpass",
            note: "For ~/.pgpass with mode 0600; connect with sslmode=verify-full.",
            parts: vec![
                text(format!("{}:{port}:*:", pgpass(host))),
                Part::Role("pgpass", role.pgpass.clone()),
                text(":".to_owned()),
                Part::Token,
            ],
        },
        Line {
            id: "jdbc",
            label: "JDBC",
            note: "For pgjdbc.",
            parts: vec![
                text(format!("jdbc:postgresql://{uri_host}:{port}/postgres?user=")),
                uri(),
                text("&password=".to_owned()),
                Part::Token,
                text("&sslmode=verify-full".to_owned()),
            ],
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::super::settings::ServerFiles;
    use super::*;

    fn written(role: &str, host: &str) -> Vec<String> {
        let values = [
            ("jwt_sso.oidc_client_id", "pg"),
            ("jwt_sso.oidc_provider_url", "https://idp.example"),
            ("jwt_sso.sql_host", host),
        ];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::compile(&values.into(), &ServerFiles::default()).unwrap();
        let part = |part: &Part| match part {
            Part::Text(text) | Part::Role(_, text) => text.clone(),
            Part::Token => "a.b.c".to_owned(),
        };
        let line = |line: Line| line.parts.iter().map(part).collect();
        all(&settings, &Role::new(role)).into_iter().map(line).collect()
    }

    #[test]
    fn a_plain_role() {
        assert_eq!(
            written("alice", "db.example"),
            [
                " PGPASSWORD=a.b.c psql 'host=db.example port=5432 dbname=postgres user=alice \
                 sslmode=verify-full'",
                " export PGPASSWORD=a.b.c",
                "postgresql://alice:a.b.c@db.example:5432/postgres?sslmode=verify-full",
                "db.example:5432:*:alice:a.b.c",
                "jdbc:postgresql://db.example:5432/postgres?user=alice&password=a.b.c\
                 &sslmode=verify-full",
            ]
        );
    }

    #[test]
    fn a_role_that_has_everything_in_it() {
        let [psql, _, uri, pgpass, jdbc] = written(r"a'b\c:d $e@f", "::1").try_into().unwrap();
        assert!(psql.contains(r" user='\''a\'\''b\\c:d $e@f'\'' sslmode"), "{psql}");
        assert!(
            uri.starts_with("postgresql://a%27b%5Cc%3Ad%20%24e%40f:a.b.c@[::1]:5432/"),
            "{uri}"
        );
        assert_eq!(pgpass, r"\:\:1:5432:*:a'b\\c\:d $e@f:a.b.c");
        assert!(jdbc.contains("?user=a%27b%5Cc%3Ad%20%24e%40f&"), "{jdbc}");
    }
}
