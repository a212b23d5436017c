//! What a token says.

use super::folder::State;
use super::now;
use crate::failure::Failure;
use serde_json::{Map, Value, json};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Requested<'a> {
    pub subject: &'a str,
    /// None: the issuer's own.
    pub audience: &'a [String],
    /// Seconds.
    pub expires_in: u64,
    /// `name=text`.
    pub texts: &'a [String],
    /// `name=json`; these count last, so that a test can have any fault.
    pub json: &'a [String],
}

/// The claims of a token that begins now.
pub fn claims(state: &State, requested: &Requested<'_>) -> Result<Map<String, Value>, Failure> {
    let now = now()?;
    let audience = match requested.audience {
        [] => json!(state.audience),
        [single] => json!(single),
        several => json!(several),
    };
    let mut claims = Map::new();
    let expires = i64::try_from(requested.expires_in).unwrap_or(i64::MAX);
    claims.insert("iss".to_owned(), json!(state.issuer));
    claims.insert("sub".to_owned(), json!(requested.subject));
    claims.insert("aud".to_owned(), audience);
    claims.insert("iat".to_owned(), json!(now));
    claims.insert("exp".to_owned(), json!(now.saturating_add(expires)));
    for text in requested.texts {
        let (name, value) = split(text, "--claim email=alice@example.com")?;
        claims.insert(name.to_owned(), json!(value));
    }
    for text in requested.json {
        let (name, value) = split(text, "--claim-json 'groups=[\"dba\"]'")?;
        match serde_json::from_str(value) {
            Ok(Value::Null) => drop(claims.remove(name)),
            Ok(value) => drop(claims.insert(name.to_owned(), value)),
            Err(error) => {
                return Err(Failure::usage(format!("the claim {name:?} is not JSON: {error}"))
                    .with_hint("--claim NAME=TEXT takes text as it is"));
            }
        }
    }
    Ok(claims)
}

fn split<'t>(text: &'t str, example: &str) -> Result<(&'t str, &'t str), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err(Failure::usage(format!("{text:?} is no claim")).with_hint(example)),
    }
}
