//! Questions to the platform that this machine runs on, which may be busy.

use super::question::Question;
use crate::failure::{Context, Failure};
use crate::terminal::{Waiting, printable};
use http::{Request, Response, StatusCode};
use std::thread;
use std::time::Duration;
use url::Url;

/// 63 seconds in all: Azure's metadata service may be away for 70 while it is renewed.
const PAUSES: [u64; 6] = [1, 2, 4, 8, 16, 32];

/// GET with these headers; asked again, at growing pauses and while the
/// patience lasts, as long as the status is one of those that will pass.
pub fn get(
    question: &Question,
    url: &Url,
    headers: &[(&str, &str)],
    will_pass: fn(StatusCode) -> bool,
) -> Result<Response<Vec<u8>>, Failure> {
    let mut waiting = None;
    for pause in PAUSES.map(Duration::from_secs) {
        let answer = once(question, url, headers)?;
        if !will_pass(answer.status()) || pause > question.remaining() {
            return Ok(answer);
        }
        waiting.get_or_insert_with(|| Waiting::new("Waiting for the platform"));
        thread::sleep(pause);
    }
    once(question, url, headers)
}

fn once(
    question: &Question,
    url: &Url,
    headers: &[(&str, &str)],
) -> Result<Response<Vec<u8>>, Failure> {
    let mut request = Request::get(url.as_str());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Vec::new()).context("cannot ask the platform")?;
    question.http.send_to_platform(request).map_err(Failure::new)
}

/// A URL with more in its query.
pub fn with_query(url: &str, fields: &[(&str, &str)]) -> Result<Url, Failure> {
    let mut url = Url::parse(url).context("the platform's address is not a URL")?;
    url.query_pairs_mut().extend_pairs(fields);
    Ok(url)
}

/// A refusal in the platform's own words.
pub fn refused(what: &str, answer: &Response<Vec<u8>>) -> Failure {
    let status = answer.status();
    let body = serde_json::from_slice::<serde_json::Value>(answer.body());
    let said = match &body {
        Ok(value) => ["error_description", "message", "error"]
            .iter()
            .find_map(|member| value[*member].as_str())
            .unwrap_or_default()
            .to_owned(),
        Err(_) => String::from_utf8_lossy(answer.body()).into_owned(),
    };
    let reason = status.canonical_reason().unwrap_or_default();
    let said = printable(said.trim());
    let colon = if said.is_empty() { "" } else { ": " };
    Failure::new(format!("{what}: {} {reason}{colon}{said}", status.as_u16()))
}
