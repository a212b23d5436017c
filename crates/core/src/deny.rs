//! `jwt_sso.deny`: whom, and which tokens, no token lets in any more.

use crate::digest::Digest;
use crate::json::Node;
use crate::setting_error::SettingError;
use crate::setting_text::{self, SettingValue};
use crate::time::UnixTime;

/// What an element of the list is held against: who a login or a session is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Subject<D> {
    /// `iss`.
    pub issuer: D,
    /// The identity that maps to the role.
    pub principal: D,
    /// The `kid` of the header, where it has one.
    pub kid: Option<D>,
    /// The claim `jti` (RFC 7519 §4.1.7), where it is a string.
    pub jti: Option<D>,
}

/// As a login knows it.
impl Subject<&str> {
    /// As a table of sessions keeps it, whatever the lengths.
    pub fn digests(self) -> Subject<Digest> {
        Subject {
            issuer: digest(self.issuer),
            principal: digest(self.principal),
            kid: self.kid.map(digest),
            jti: self.jti.map(digest),
        }
    }
}

/// By which names are compared.
pub fn digest(name: &str) -> Digest {
    Digest::of(&[name.as_bytes()])
}

/// The list. The default is empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DenyList(Vec<Element>);

/// Its members are ANDed; an absent one is met by anybody.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Element {
    issuer: Option<Name>,
    principal: Option<Name>,
    kid: Option<Name>,
    jti: Option<Name>,
    /// From then on the element means nothing.
    until: Option<UnixTime>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Name {
    text: String,
    digest: Digest,
}

impl DenyList {
    /// Reads the setting: a JSON array of objects with at least one of the
    /// members `issuer`, `principal`, `kid`, `jti`, all exact, and perhaps
    /// `until`, a time in UTC (RFC 3339).
    ///
    /// # Errors
    /// Where it is anything else, with the number of the element.
    pub fn parse(text: &str) -> Result<DenyList, SettingError> {
        let items = match SettingValue::read(text)? {
            SettingValue::None => return Ok(DenyList::default()),
            SettingValue::Json(Node::Array(items)) => items,
            SettingValue::Json(other) => return Err(wrong_type(other.kind())),
            SettingValue::Text(_) => return Err(wrong_type("text")),
        };
        let element = |(i, item): (usize, &Node<'_>)| {
            element(item).map_err(|error| error.at(format_args!("element {}", i + 1)))
        };
        Ok(DenyList(items.iter().enumerate().map(element).collect::<Result<_, _>>()?))
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The element, counted from 1, that keeps `subject` out at `now`.
    pub fn find(&self, subject: &Subject<Digest>, now: UnixTime) -> Option<usize> {
        self.0.iter().position(|element| element.meets(subject, now)).map(|index| index + 1)
    }

    /// The elements, counted from 1, that mean nothing at `now`: their time is over.
    pub fn over(&self, now: UnixTime) -> Vec<(usize, UnixTime)> {
        let over = |element: &Element| element.until.filter(|until| *until <= now);
        (1..).zip(&self.0).filter_map(|(number, one)| Some((number, over(one)?))).collect()
    }

    /// The elements, counted from 1, that name an issuer, and the issuer.
    pub fn issuers(&self) -> impl Iterator<Item = (usize, &str)> {
        let elements = (1..).zip(&self.0);
        elements.filter_map(|(number, one)| Some((number, one.issuer.as_ref()?.text.as_str())))
    }

    /// The fingerprint of the list.
    pub fn digest(&self) -> Digest {
        let elements: Vec<String> = self.0.iter().map(Element::to_string).collect();
        let parts: Vec<&[u8]> = elements.iter().map(String::as_bytes).collect();
        Digest::of(&parts)
    }
}

impl Element {
    fn set(&mut self, member: &str, value: &Node<'_>) -> Result<(), SettingError> {
        match member {
            "issuer" => self.issuer = Some(name(value)?),
            "principal" => self.principal = Some(name(value)?),
            "kid" => self.kid = Some(name(value)?),
            "jti" => self.jti = Some(name(value)?),
            "until" => self.until = Some(until(value)?),
            _ => {
                return Err(SettingError::new("unknown member")
                    .with_hint("The members are issuer, principal, kid, jti and until."));
            }
        }
        Ok(())
    }

    fn meets(&self, subject: &Subject<Digest>, now: UnixTime) -> bool {
        let is = |name: &Option<Name>, value: Option<Digest>| {
            name.as_ref().is_none_or(|name| Some(name.digest) == value)
        };
        self.until.is_none_or(|until| now < until)
            && is(&self.issuer, Some(subject.issuer))
            && is(&self.principal, Some(subject.principal))
            && is(&self.kid, subject.kid)
            && is(&self.jti, subject.jti)
    }
}

/// For the fingerprint: one text for each element, and no two the same.
impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for name in [&self.issuer, &self.principal, &self.kid, &self.jti] {
            write!(f, "{:?} ", name.as_ref().map(|name| &name.text))?;
        }
        write!(f, "{:?}", self.until)
    }
}

fn element(item: &Node<'_>) -> Result<Element, SettingError> {
    let Node::Object(members) = item else {
        return Err(SettingError::new(format!("{}, not an object", item.kind())));
    };
    let mut element = Element::default();
    for (member, value) in members {
        element.set(member, value).map_err(|error| error.within(member))?;
    }
    let named = [&element.issuer, &element.principal, &element.kid, &element.jti];
    if named.iter().all(|name| name.is_none()) {
        return Err(SettingError::new(
            "names no issuer, principal, kid or jti: it would keep everybody out",
        )
        .with_hint("To refuse every token: ALTER SYSTEM SET jwt_sso.enabled = off."));
    }
    Ok(element)
}

fn name(value: &Node<'_>) -> Result<Name, SettingError> {
    let text = string(value)?;
    if text.is_empty() {
        return Err(SettingError::new("an empty string"));
    }
    Ok(Name { digest: digest(text), text: text.to_owned() })
}

fn until(value: &Node<'_>) -> Result<UnixTime, SettingError> {
    let wrong = || {
        SettingError::new("not a time in UTC as RFC 3339 writes it")
            .with_hint("Write it as \"2026-12-31T00:00:00Z\".")
    };
    let time = humantime::parse_rfc3339(string(value)?).map_err(|_| wrong())?;
    let since = time.duration_since(std::time::UNIX_EPOCH).map_err(|_| wrong())?;
    UnixTime::from_seconds(since.as_secs()).ok_or_else(wrong)
}

fn string<'n>(value: &'n Node<'_>) -> Result<&'n str, SettingError> {
    let text = value
        .as_str()
        .ok_or_else(|| SettingError::new(format!("{}, not a string", value.kind())))?;
    setting_text::check_string(text)?;
    Ok(text)
}

fn wrong_type(found: &str) -> SettingError {
    SettingError::new(format!("{found}, not a JSON array of objects"))
        .with_hint("Write it as '[{\"principal\":\"alice\"}]'.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn denied(list: &str, subject: Subject<&str>) -> Option<usize> {
        let now = UnixTime::from_seconds(NOW).unwrap();
        DenyList::parse(list).unwrap().find(&subject.digests(), now)
    }

    fn alice() -> Subject<&'static str> {
        Subject { issuer: "https://a", principal: "alice", kid: Some("k1"), jti: Some("t1") }
    }

    #[test]
    fn the_members_of_an_element_are_anded() {
        for (list, found) in [
            ("", None),
            ("[]", None),
            (r#"[{"principal":"alice"}]"#, Some(1)),
            (r#"[{"principal":"Alice"}]"#, None),
            (r#"[{"issuer":"https://a"}]"#, Some(1)),
            (r#"[{"issuer":"https://a/"}]"#, None),
            (r#"[{"kid":"k1"}]"#, Some(1)),
            (r#"[{"jti":"t1"}]"#, Some(1)),
            (r#"[{"issuer":"https://a","principal":"bob"}]"#, None),
            (r#"[{"issuer":"https://a","principal":"alice","kid":"k1","jti":"t1"}]"#, Some(1)),
            (r#"[{"issuer":"https://a","principal":"alice","kid":"k1","jti":"t2"}]"#, None),
            (r#"[{"principal":"bob"},{"kid":"k1"}]"#, Some(2)),
        ] {
            assert_eq!(denied(list, alice()), found, "{list}");
        }
    }

    #[test]
    fn a_member_that_the_token_has_not_is_not_met() {
        let without = Subject { kid: None, jti: None, ..alice() };
        assert_eq!(denied(r#"[{"kid":"k1"},{"jti":"t1"}]"#, without), None);
        assert_eq!(denied(r#"[{"principal":"alice"}]"#, without), Some(1));
    }

    #[test]
    fn an_element_ends() {
        // 1,800,000,000 is 2027-01-15T08:00:00Z.
        for (until, found) in [
            ("2027-01-15T08:00:01Z", Some(1)),
            ("2027-01-15T08:00:00Z", None),
            ("2027-01-15T07:59:59.9Z", None),
            ("9999-12-31T23:59:59Z", Some(1)),
        ] {
            let list = format!(r#"[{{"principal":"alice","until":"{until}"}}]"#);
            assert_eq!(denied(&list, alice()), found, "{until}");
        }
    }

    #[test]
    fn elements_that_keep_nobody_out() {
        let over = r#"{"kid":"k","until":"2027-01-15T08:00:00Z"}"#;
        let open = r#"{"kid":"k","until":"2027-01-15T08:00:01Z"}"#;
        let text = format!(r#"[{open},{over},{{"issuer":"https://a"}}]"#);
        let list = DenyList::parse(&text).unwrap();
        let now = UnixTime::from_seconds(NOW).unwrap();
        assert_eq!(list.over(now), [(2, now)]);
        assert_eq!(list.issuers().collect::<Vec<_>>(), [(3, "https://a")]);
    }

    #[test]
    fn wrong_values_say_where() {
        for (text, detail) in [
            ("alice", "text, not a JSON array of objects"),
            (r#"{"principal":"alice"}"#, "an object, not a JSON array of objects"),
            (r#"["alice"]"#, "element 1: a string, not an object"),
            (
                r#"[{"kid":"k"},{}]"#,
                "element 2: names no issuer, principal, kid or jti: it would keep everybody out",
            ),
            (
                r#"[{"until":"2026-12-31T00:00:00Z"}]"#,
                "element 1: names no issuer, principal, kid or jti: it would keep everybody out",
            ),
            (r#"[{"principal":1}]"#, "element 1: member \"principal\": a number, not a string"),
            (r#"[{"principal":""}]"#, "element 1: member \"principal\": an empty string"),
            (r#"[{"principal":null}]"#, "element 1: member \"principal\": null, not a string"),
            (r#"[{"user":"alice"}]"#, "element 1: member \"user\": unknown member"),
            (r#"[{"kid":"\u0001"}]"#, "element 1: member \"kid\": control character U+0001"),
            (r#"[{"kid":"k","kid":"l"}]"#, "duplicate member \"kid\""),
        ] {
            assert_eq!(DenyList::parse(text).unwrap_err().detail, detail, "{text}");
        }
        for until in [
            "tomorrow",
            "2026-12-31",
            "2026-12-31T00:00:00",
            "2026-12-31T00:00:00+01:00",
            "1969-12-31T00:00:00Z",
            "",
        ] {
            let text = format!(r#"[{{"kid":"k","until":"{until}"}}]"#);
            let error = DenyList::parse(&text).unwrap_err();
            assert!(error.detail.starts_with("element 1: member \"until\": not a time"), "{error}");
        }
    }

    #[test]
    fn the_fingerprint_is_of_everything() {
        let lists = [
            "[]",
            r#"[{"kid":"a"}]"#,
            r#"[{"jti":"a"}]"#,
            r#"[{"kid":"a","until":"2026-12-31T00:00:00Z"}]"#,
            r#"[{"kid":"a"},{"jti":"a"}]"#,
            r#"[{"kid":"a","jti":"a"}]"#,
        ];
        let digests: std::collections::HashSet<Digest> =
            lists.iter().map(|list| DenyList::parse(list).unwrap().digest()).collect();
        assert_eq!(digests.len(), lists.len());
    }
}
