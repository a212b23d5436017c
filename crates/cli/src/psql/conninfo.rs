//! libpq's connection strings, both kinds: `host=db user=alice` and
//! `postgresql://alice@db/postgres`, so far as they name a server and a role.

use std::collections::BTreeMap;

/// Parameters by libpq's names; the last of each counts.
pub type Parameters = BTreeMap<String, String>;

/// `None` where it is the plain name of a database. The error is what is wrong
/// with it; the text itself may hold a password and is not repeated.
pub fn parse(text: &str) -> Result<Option<Parameters>, &'static str> {
    let schemes = ["postgresql://", "postgres://"];
    if let Some(rest) = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)) {
        return uri(rest).map(Some);
    }
    if text.contains('=') {
        return pairs(text).map(Some);
    }
    Ok(None)
}

fn uri(rest: &str) -> Result<Parameters, &'static str> {
    let mut found = Parameters::new();
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, dbname) = before.split_once('/').unwrap_or((before, ""));
    let (userinfo, hosts) = authority.split_once('@').unwrap_or(("", authority));
    let user = userinfo.split(':').next().unwrap_or_default();
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',') {
        let (name, port) = match host.strip_prefix('[') {
            Some(rest) => {
                let (name, behind) = rest.split_once(']').ok_or("an IPv6 address without its ]")?;
                (name, behind.strip_prefix(':').unwrap_or_default())
            }
            None => host.split_once(':').unwrap_or((host, "")),
        };
        names.push(decode(name)?);
        ports.push(decode(port)?);
    }
    let parts = [("host", names.join(",")), ("port", ports.join(",")), ("user", decode(user)?)];
    for (name, value) in parts.into_iter().chain([("dbname", decode(dbname)?)]) {
        if !value.chars().all(|c| c == ',') {
            found.insert(name.to_owned(), value);
        }
    }
    for field in query.split('&').filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once('=').ok_or("a parameter without =")?;
        found.insert(decode(name)?, decode(value)?);
    }
    Ok(found)
}

fn decode(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "a % without two hexadecimal digits";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = behind;
            continue;
        }
        let (digits, behind) = behind.split_at_checked(2).ok_or(WRONG)?;
        let digits = std::str::from_utf8(digits).map_err(|_| WRONG)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| WRONG)?);
        rest = behind;
    }
    String::from_utf8(bytes).map_err(|_| "something that is not UTF-8")
}

fn pairs(text: &str) -> Result<Parameters, &'static str> {
    let mut found = Parameters::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('=').ok_or("a parameter without =")?;
        let (value, behind) = value(behind.trim_start())?;
        found.insert(name.trim_end().to_owned(), value);
        rest = behind.trim_start();
    }
    Ok(found)
}

/// A value and what follows it: up to a blank, or in single quotes; a backslash
/// takes the next character as it is.
fn value(text: &str) -> Result<(String, &str), &'static str> {
    let inner = text.strip_prefix('\'');
    let mut value = String::new();
    let mut characters = inner.unwrap_or(text).chars();
    loop {
        match characters.next() {
            Some('\\') => value.extend(characters.next()),
            Some('\'') if inner.is_some() => return Ok((value, characters.as_str())),
            Some(blank) if blank.is_ascii_whitespace() && inner.is_none() => {
                return Ok((value, characters.as_str()));
            }
            Some(other) => value.push(other),
            None if inner.is_some() => return Err("a quote that is not closed"),
            None => return Ok((value, "")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> String {
        match parse(text) {
            Ok(None) => "a name".to_owned(),
            Ok(Some(found)) => {
                let pairs: Vec<_> = found.iter().map(|(n, v)| format!("{n}={v}")).collect();
                pairs.join(" ")
            }
            Err(why) => why.to_owned(),
        }
    }

    #[test]
    fn reads_both_kinds() {
        for (text, meant) in [
            ("postgres", "a name"),
            (
                "host=db port = 5 user='al ice' dbname=x\\ y",
                "dbname=x y host=db port=5 user=al ice",
            ),
            ("host='it\\'s' host=b", "host=b"),
            ("host='open", "a quote that is not closed"),
            ("host=a b", "a parameter without ="),
            ("postgresql://", ""),
            (
                "postgres://alice:pw@db:6/x?sslmode=require",
                "dbname=x host=db port=6 sslmode=require user=alice",
            ),
            ("postgresql://a,b:7/", "host=a,b port=,7"),
            ("postgresql://[::1]:5/", "host=::1 port=5"),
            ("postgresql://al%40ice@%2Frun/x", "dbname=x host=/run user=al@ice"),
            ("postgresql:///x?host=b&port=9", "dbname=x host=b port=9"),
            ("postgresql://%zz", "a % without two hexadecimal digits"),
            ("postgresql://[::1", "an IPv6 address without its ]"),
        ] {
            assert_eq!(found(text), meant, "{text}");
        }
    }
}
