//! Claims that an issuer's entry demands of every token.

use crate::claim_path::ClaimPath;
use crate::json::Node;
use crate::setting_error::SettingError;
use std::fmt;

/// A claim and the value that it must have.
#[derive(Clone, Debug, PartialEq)]
pub struct RequiredClaim {
    /// The claim.
    pub claim: ClaimPath,
    /// Any one of these will do; at least one.
    allowed: Vec<Value>,
    /// The demanded value as JSON on one line.
    written: String,
}

impl RequiredClaim {
    /// Reads the member `required_claims` of an entry: an object, claim name or
    /// JSON pointer to the value.
    pub(crate) fn all(value: &Node<'_>) -> Result<Vec<RequiredClaim>, SettingError> {
        let Node::Object(members) = value else {
            return Err(SettingError::new(format!("{}, not an object", value.kind())));
        };
        let one = |(name, value): (&String, &Node<'_>)| {
            RequiredClaim::new(name, value).map_err(|error| error.within(name))
        };
        members.iter().map(one).collect()
    }

    fn new(name: &str, value: &Node<'_>) -> Result<RequiredClaim, SettingError> {
        let claim = ClaimPath::named(name)?;
        let allowed: Vec<Value> = match value {
            Node::Array(items) => items.iter().map(Value::of).collect(),
            single => vec![Value::of(single)],
        };
        if allowed.is_empty() {
            return Err(SettingError::new("an empty array, which no token can meet"));
        }
        Ok(RequiredClaim { claim, allowed, written: value.to_string() })
    }

    /// Whether the claims meet the demand: the claim's value, or an element of
    /// it where it is an array, equals one of the allowed ones as JSON, type
    /// included. The strings `scope` and `scp` are lists of words (RFC 6749
    /// §3.3), and each word counts as an element.
    pub fn holds(&self, claims: &Node<'_>) -> bool {
        match self.claim.find(claims) {
            None => false,
            Some(Node::Array(items)) => items.iter().any(|item| self.allows(item)),
            Some(Node::String(text)) if self.is_list_of_words() => {
                let word = |word: &str| self.allows(&Node::String(word.to_owned()));
                word(text) || text.split(' ').any(word)
            }
            Some(single) => self.allows(single),
        }
    }

    fn allows(&self, found: &Node<'_>) -> bool {
        self.allowed.iter().any(|allowed| *allowed == Value::of(found))
    }

    fn is_list_of_words(&self) -> bool {
        matches!(self.claim.top_level(), Some("scope" | "scp"))
    }
}

/// The demanded value as JSON.
impl fmt::Display for RequiredClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// A JSON value that outlives the text that it was read from, for comparison.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Null,
    Bool(bool),
    Number(Decimal),
    String(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    fn of(node: &Node<'_>) -> Value {
        match node {
            Node::Null => Value::Null,
            Node::Bool(value) => Value::Bool(*value),
            Node::Number(text) => Value::Number(Decimal::of(text)),
            Node::String(text) => Value::String(text.clone()),
            Node::Array(items) => Value::Array(items.iter().map(Value::of).collect()),
            Node::Object(members) => Value::Object(
                members.iter().map(|(name, value)| (name.clone(), Value::of(value))).collect(),
            ),
        }
    }
}

/// A JSON number whose equality is that of its value: `1`, `1.0` and `10e-1`
/// are one number, however many digits there are.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Decimal {
    Zero,
    /// 0.`digits` × 10^`exponent`, `digits` without zeros at either end.
    Value {
        negative: bool,
        digits: String,
        exponent: i64,
    },
    /// The exponent is beyond reason; compared as written.
    Extreme(String),
}

impl Decimal {
    /// `text` is a number by the grammar of RFC 8259 §6.
    fn of(text: &str) -> Decimal {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let negative = mantissa.starts_with('-');
        let (whole, fraction) = mantissa
            .trim_start_matches('-')
            .split_once('.')
            .unwrap_or((mantissa.trim_start_matches('-'), ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        if significant.is_empty() {
            return Decimal::Zero;
        }
        let leading_zeros = all.len() - significant.len();
        let point = whole.len() as i64 - leading_zeros as i64;
        match exponent.parse::<i64>().ok().and_then(|exponent| exponent.checked_add(point)) {
            Some(exponent) => {
                let digits = significant.trim_end_matches('0').to_owned();
                Decimal::Value { negative, digits, exponent }
            }
            None => Decimal::Extreme(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn holds(required: &str, claims: &str) -> bool {
        let required = parse(required.as_bytes()).unwrap();
        let claims = parse(claims.as_bytes()).unwrap();
        RequiredClaim::all(&required).unwrap().iter().all(|one| one.holds(&claims))
    }

    #[test]
    fn equal_as_json_type_included() {
        for (required, claims, expected) in [
            (r#"{"hd":"a.example"}"#, r#"{"hd":"a.example"}"#, true),
            (r#"{"hd":"a.example"}"#, r#"{"hd":"A.example"}"#, false),
            (r#"{"hd":"a.example"}"#, r#"{}"#, false),
            (r#"{"v":true}"#, r#"{"v":true}"#, true),
            (r#"{"v":true}"#, r#"{"v":"true"}"#, false),
            (r#"{"v":true}"#, r#"{"v":1}"#, false),
            (r#"{"v":"1"}"#, r#"{"v":1}"#, false),
            (r#"{"v":null}"#, r#"{"v":null}"#, true),
            (r#"{"v":null}"#, r#"{}"#, false),
            (r#"{"o":{"a":1,"b":[1]}}"#, r#"{"o":{"b":[1],"a":1}}"#, true),
            (r#"{"o":{"a":1}}"#, r#"{"o":{"a":1,"b":2}}"#, false),
            (r#"{"/a/b":1}"#, r#"{"a":{"b":1}}"#, true),
            (r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2,"c":3}"#, true),
            (r#"{"a":1,"b":2}"#, r#"{"a":1}"#, false),
            (r#"{}"#, r#"{}"#, true),
        ] {
            assert_eq!(holds(required, claims), expected, "{required} {claims}");
        }
    }

    #[test]
    fn numbers_are_equal_by_value() {
        for (a, b) in
            [("1", "1.0"), ("10", "1e1"), ("0.5", "5E-1"), ("-0", "0.0e9"), ("1e400", "10e399")]
        {
            assert!(holds(&format!("{{\"n\":{a}}}"), &format!("{{\"n\":{b}}}")), "{a} {b}");
        }
        for (a, b) in [
            ("1", "-1"),
            ("1", "10"),
            ("9007199254740993", "9007199254740992"),
            ("0.1", "0.01"),
            ("1e400", "1e401"),
            ("1e99999999999999999999", "1e99999999999999999998"),
        ] {
            assert!(!holds(&format!("{{\"n\":{a}}}"), &format!("{{\"n\":{b}}}")), "{a} {b}");
        }
    }

    #[test]
    fn arrays_on_either_side() {
        for (required, claims, expected) in [
            (r#"{"groups":"dba"}"#, r#"{"groups":["dev","dba"]}"#, true),
            (r#"{"groups":"dba"}"#, r#"{"groups":["dev"]}"#, false),
            (r#"{"groups":"dba"}"#, r#"{"groups":[]}"#, false),
            (r#"{"groups":["dba","ops"]}"#, r#"{"groups":["dev","ops"]}"#, true),
            (r#"{"groups":["dba","ops"]}"#, r#"{"groups":"ops"}"#, true),
            (r#"{"groups":["dba","ops"]}"#, r#"{"groups":["dev"]}"#, false),
            (r#"{"groups":"dba"}"#, r#"{"groups":[["dba"]]}"#, false),
            (r#"{"groups":[["dba"]]}"#, r#"{"groups":[["dba"]]}"#, true),
            (r#"{"groups":"dev dba"}"#, r#"{"groups":"dev dba"}"#, true),
            (r#"{"groups":"dba"}"#, r#"{"groups":"dev dba"}"#, false),
        ] {
            assert_eq!(holds(required, claims), expected, "{required} {claims}");
        }
    }

    #[test]
    fn scopes_are_words() {
        for (required, claims, expected) in [
            (r#"{"scope":"db"}"#, r#"{"scope":"openid db"}"#, true),
            (r#"{"scp":"db"}"#, r#"{"scp":"openid db"}"#, true),
            (r#"{"/scope":"db"}"#, r#"{"scope":"openid db"}"#, true),
            (r#"{"scope":["db","x"]}"#, r#"{"scope":"openid db"}"#, true),
            (r#"{"scope":"db"}"#, r#"{"scope":"dbs"}"#, false),
            (r#"{"scp":"db"}"#, r#"{"scp":["openid","db"]}"#, true),
            (r#"{"/a/scope":"db"}"#, r#"{"a":{"scope":"openid db"}}"#, false),
        ] {
            assert_eq!(holds(required, claims), expected, "{required} {claims}");
        }
    }

    #[test]
    fn wrong_values_say_where() {
        for (text, detail) in [
            ("[]", "an array, not an object"),
            (r#"{"":1}"#, "member \"\": an empty claim name"),
            (r#"{"/a/":1}"#, "member \"/a/\": segment 2: an empty segment of a JSON pointer"),
            (r#"{"a":[]}"#, "member \"a\": an empty array, which no token can meet"),
        ] {
            let error = RequiredClaim::all(&parse(text.as_bytes()).unwrap()).unwrap_err();
            assert_eq!(error.detail, detail, "{text}");
        }
    }

    #[test]
    fn shows_what_it_demands() {
        let text = parse(br#"{"a":["x",1.50]}"#).unwrap();
        assert_eq!(RequiredClaim::all(&text).unwrap()[0].to_string(), r#"["x",1.50]"#);
    }
}
