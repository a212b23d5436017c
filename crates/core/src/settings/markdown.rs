//! docs/settings.md, written from the table.

use super::{Context, Kind, Setting, TABLE, Unit};
use crate::identity_map::{MAX_LINES, MAX_REGEXES};
use crate::issuers::MAX_ISSUERS;
use crate::setting_text::{MAX_FILE_BYTES, MAX_TEXT_BYTES};
use std::fmt::Write;

/// The text of docs/settings.md.
pub fn markdown() -> String {
    let mut text = introduction();
    for setting in &TABLE {
        text.push_str(&section(setting));
    }
    text
}

fn introduction() -> String {
    let (kilobytes, megabytes) = (MAX_TEXT_BYTES / 1024, MAX_FILE_BYTES / 1024 / 1024);
    let [lines, regexes, issuers] = [MAX_LINES, MAX_REGEXES, MAX_ISSUERS].map(thousands);
    format!(
        r#"# Settings

<!-- Written from the table in crates/core/src/settings/table.rs by
     JWT_SSO_UPDATE_DOCS=1 cargo test -p jwt_sso_core; a test fails when the two differ. -->

Change a setting as a superuser, then reload:

```sql
ALTER SYSTEM SET jwt_sso.audience = 'postgres';
SELECT pg_reload_conf();
```

A change takes effect at the next login; sessions that are open stay, unless `deny` or `session_expiry` ends them. The settings that say "restart" need one. Settings are those of one node: a standby has its own.

**Values.** A text whose first character that is no blank is `[` or `{{` is JSON, in which unknown and duplicate members and wrong types are refused; any other is text, also a number. The empty text and `[]` mean none. A bare number is in the unit that the setting names, and `'90s'`, `'5min'` or `'4MB'` work as everywhere in PostgreSQL. ALTER SYSTEM refuses line breaks, and no setting needs one. Files are named relative to the data directory.

**Mistakes.** A wrong value is refused at ALTER SYSTEM, with a DETAIL that says where it is wrong: the line, the member, the position in a regex. The old value stays.

**One policy, whole or not at all.** When one setting or one file is refused in a reload, the whole previous policy stays in force, and a LOG line names the setting. When one is refused at the start of the server, every token login is refused (`misconfigured`) until it is right. A policy is never made of those parts that happened to be good.

**Backslashes.** postgresql.conf eats them: `\.` becomes `.`, and `\1` a control character. Control characters other than tab and newline are therefore refused. Double each backslash there, or use ALTER SYSTEM or a file. JSON reads backslashes too: inside of it, write `\\.` for `\.`.

**Limits.** A text has at most {kilobytes} kB; a file is regular and has at most {megabytes} MB; an identity map has at most {lines} lines, of which {regexes} may have a regex of at most 4 kB, and of 64 kB when compiled; there are at most {issuers} issuers.
"#
    )
}

fn section(setting: &Setting) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n{}", setting.name, setting.short, facts(setting));
    // A String takes everything that is written to it.
    let _ = write!(text, "\n{}\n", setting.long);
    text
}

fn facts(setting: &Setting) -> String {
    let (kind, default) = match setting.kind {
        Kind::Bool { default } => {
            ("boolean".to_owned(), if default { "on" } else { "off" }.to_owned())
        }
        Kind::Text { default: "" } => ("text".to_owned(), "empty".to_owned()),
        Kind::Text { default } => ("text".to_owned(), format!("`{default}`")),
        Kind::Int { default, min, max, unit } => (
            format!("number, {} to {}", amount(min, unit), amount(max, unit)),
            amount(default, unit),
        ),
    };
    let change = match setting.context {
        Context::Sighup => "reload",
        Context::Postmaster => "restart",
    };
    let mut facts =
        format!("- Type: {kind}\n- Default: {default}\n- Change takes effect at: {change}\n");
    if setting.superuser_only {
        facts.push_str("- Visible to: superusers and members of pg_read_all_settings\n");
    }
    if !setting.mirrors.is_empty() {
        facts.push_str(&format!("- CockroachDB: `{}`\n", setting.mirrors));
    }
    facts
}

/// The number with a comma before its last three digits.
fn thousands(number: usize) -> String {
    format!("{},{:03}", number / 1_000, number % 1_000)
}

/// As PostgreSQL writes it: the largest unit that leaves no fraction.
fn amount(number: i32, unit: Unit) -> String {
    match unit {
        Unit::None => number.to_string(),
        Unit::Kilobytes if number % (1024 * 1024) == 0 => format!("{}GB", number / 1024 / 1024),
        Unit::Kilobytes if number % 1024 == 0 => format!("{}MB", number / 1024),
        Unit::Kilobytes => format!("{number}kB"),
        Unit::Seconds if number == 0 => "0".to_owned(),
        Unit::Seconds => format!("{number}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_as_postgresql_writes_them() {
        assert_eq!(amount(4096, Unit::Kilobytes), "4MB");
        assert_eq!(amount(256, Unit::Kilobytes), "256kB");
        assert_eq!(amount(1024 * 1024, Unit::Kilobytes), "1GB");
        assert_eq!(amount(30, Unit::Seconds), "30s");
        assert_eq!(thousands(200_000), "200,000");
    }
}
