//! The same as JSON, for programs.

use super::contents::{Contents, Part};
use super::dry_run::Row;
use super::moment;
use super::oddity::Oddity;
use crate::failure::{Context, Failure};
use jwt_sso_core::visible::ascii_json;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

/// One JSON object, with a newline. Numbers of the token are as they were
/// written, whatever their length.
pub fn document(
    contents: &Contents<'_>,
    oddities: &[Oddity],
    rows: Option<&[Row]>,
) -> Result<String, Failure> {
    #[derive(serde::Serialize)]
    struct Document {
        jwt: bool,
        bytes: usize,
        header: Option<Box<RawValue>>,
        claims: Option<Box<RawValue>>,
        signature_bytes: Option<usize>,
        times: Value,
        odd: Vec<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        explain: Option<Vec<Value>>,
    }
    let text = serde_json::to_string_pretty(&Document {
        jwt: contents.is_jwt(),
        bytes: contents.text().len(),
        header: raw(&contents.header())?,
        claims: raw(&contents.payload())?,
        signature_bytes: contents.signature_bytes(),
        times: times(contents),
        odd: oddities.iter().map(|odd| json!({"code": odd.code, "text": odd.text})).collect(),
        explain: rows.map(|rows| rows.iter().map(Row::json).collect()),
    })
    .context("JSON")?;
    Ok(format!("{}\n", ascii_json(&text)))
}

/// Null where there is nothing to read, a string where it is no JSON object.
fn raw(part: &Part<'_>) -> Result<Option<Box<RawValue>>, Failure> {
    match part {
        Part::None => Ok(None),
        Part::Text(text) => to_raw_value(text).map(Some).context("JSON"),
        Part::Object(node) => RawValue::from_string(node.to_string()).map(Some).context("JSON"),
    }
}

fn times(contents: &Contents<'_>) -> Value {
    let Some(claims) = contents.claims() else { return json!({}) };
    let now = moment::now();
    let times: Map<String, Value> = moment::all(&claims, now)
        .into_iter()
        .map(|moment| {
            let (time, words) = (moment.time.to_string(), moment.words);
            (moment.claim.to_owned(), json!({"utc": time, "words": words}))
        })
        .collect();
    Value::Object(times)
}
