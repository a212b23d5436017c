//! The fields of one line, quoted as in pg_ident.conf.

use crate::setting_error::SettingError;

const HINT: &str = "A line is: issuer identity role. A field with a blank or # \
     stands in double quotes, and a double quote inside of them is doubled.";

/// The three fields of a line without their quotes; `None` where the line is
/// empty or a comment.
pub(super) fn of_line(line: &str) -> Result<Option<[String; 3]>, SettingError> {
    // pg_ident.conf would join it with the next line, comment or not.
    if line.ends_with('\\') {
        return Err(SettingError::new("a backslash at the end; lines are not continued"));
    }
    let fields = split(line)?;
    if fields.is_empty() {
        return Ok(None);
    }
    let three: [String; 3] = fields.try_into().map_err(|fields: Vec<String>| {
        let count = match fields.len() {
            1 => "1 field".to_owned(),
            count => format!("{count} fields"),
        };
        SettingError::new(format!("{count}, not three")).with_hint(HINT)
    })?;
    for (field, name) in three.iter().zip(["issuer", "identity", "role"]) {
        if field.is_empty() {
            return Err(SettingError::new(format!("the {name} is empty")).with_hint(HINT));
        }
    }
    Ok(Some(three))
}

/// What PostgreSQL's hba.c (next_token) makes of a line, except that a comma is
/// an ordinary character here: a quote may begin and end anywhere in a field,
/// and `#` outside of quotes begins a comment even in the middle of one.
fn split(line: &str) -> Result<Vec<String>, SettingError> {
    let mut fields = Vec::new();
    let mut rest = line.trim_start_matches(is_blank);
    while !rest.is_empty() && !rest.starts_with('#') {
        let (field, after) = next(rest)?;
        fields.push(field);
        rest = after.trim_start_matches(is_blank);
    }
    Ok(fields)
}

fn next(text: &str) -> Result<(String, &str), SettingError> {
    let mut field = String::new();
    let mut quoted = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' if quoted && characters.next_if(|(_, next)| *next == '"').is_some() => {
                field.push('"')
            }
            '"' => quoted = !quoted,
            _ if quoted => field.push(c),
            '#' => return Ok((field, "")),
            _ if is_blank(c) => return Ok((field, &text[at..])),
            _ => field.push(c),
        }
    }
    if quoted {
        return Err(SettingError::new("a double quote is not closed").with_hint(HINT));
    }
    Ok((field, ""))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Vec<String> {
        split(line).unwrap()
    }

    #[test]
    fn blanks_separate() {
        assert_eq!(fields("a b c"), ["a", "b", "c"]);
        assert_eq!(fields(" \ta \t b\tc  "), ["a", "b", "c"]);
        assert_eq!(fields(""), [""; 0]);
        assert_eq!(fields(" \t "), [""; 0]);
    }

    #[test]
    fn quotes_as_postgresql_reads_them() {
        assert_eq!(fields(r#""a b" c"#), ["a b", "c"]);
        assert_eq!(fields(r#"a"b c"d e"#), ["ab cd", "e"]);
        assert_eq!(fields(r#""a""b" c"#), ["a\"b", "c"]);
        assert_eq!(fields(r#""""" c"#), ["\"", "c"]);
        assert_eq!(fields(r#""" c"#), ["", "c"]);
        assert_eq!(fields(r#""a"b"c" d"#), ["abc", "d"]);
        assert_eq!(fields(r##""#a" b"##), ["#a", "b"]);
        assert_eq!(fields(r#""a\" b"#), [r"a\", "b"]);
    }

    #[test]
    fn comments_begin_anywhere_outside_of_quotes() {
        assert_eq!(fields("# a b c"), [""; 0]);
        assert_eq!(fields("a b c # d"), ["a", "b", "c"]);
        assert_eq!(fields("a b c#d e"), ["a", "b", "c"]);
        assert_eq!(fields("a#\"b"), ["a"]);
    }

    #[test]
    fn a_comma_is_a_character() {
        assert_eq!(fields("a,b ,c d,"), ["a,b", ",c", "d,"]);
    }

    #[test]
    fn a_line_has_three_fields_or_none() {
        assert_eq!(of_line("  # only this"), Ok(None));
        let three = ["i", "x", "r"].map(str::to_owned);
        assert_eq!(of_line("i x r"), Ok(Some(three)));
        for (line, detail) in [
            ("i", "1 field, not three"),
            ("i x", "2 fields, not three"),
            ("i x r s", "4 fields, not three"),
            ("i x #r", "2 fields, not three"),
            ("i \"x r", "a double quote is not closed"),
            ("i x r\"", "a double quote is not closed"),
            ("\"\" x r", "the issuer is empty"),
            ("i \"\" r", "the identity is empty"),
            ("i x \"\"", "the role is empty"),
            ("i x \\", "a backslash at the end; lines are not continued"),
            ("# \\", "a backslash at the end; lines are not continued"),
        ] {
            assert_eq!(of_line(line).unwrap_err().detail, detail, "{line}");
        }
    }
}
