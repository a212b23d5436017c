//! The ID token of a job of GitHub Actions.

use super::platform::{get, refused, with_query};
use super::provider::Answer;
use super::question::Question;
use crate::failure::{Context, Failure};
use http::StatusCode;
use serde::Deserialize;
use std::env;

#[derive(Deserialize)]
struct Body {
    value: String,
}

pub fn ask(question: &Question, audience: Option<&str>) -> Result<Answer, Failure> {
    let url = env::var("ACTIONS_ID_TOKEN_REQUEST_URL").ok();
    let bearer = env::var("ACTIONS_ID_TOKEN_REQUEST_TOKEN").ok();
    let (Some(url), Some(bearer)) = (url, bearer) else {
        let failure = Failure::new(
            "this is no job of GitHub Actions that may ask for an ID token: \
             ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN are not both set",
        );
        return Err(failure.with_hint("the job needs `permissions: id-token: write`"));
    };
    let fields: Vec<_> = audience.iter().map(|audience| ("audience", *audience)).collect();
    let url = with_query(&url, &fields)?;
    let bearer = format!("bearer {bearer}");
    let headers = [("Authorization", bearer.as_str()), ("Accept", "application/json")];
    let answer = get(question, &url, &headers, will_pass)?;
    if answer.status() != StatusCode::OK {
        return Err(refused("GitHub gives no ID token", &answer)
            .with_hint("the job needs `permissions: id-token: write`"));
    }
    let body: Body = serde_json::from_slice(answer.body())
        .map_err(|error| error.classify())
        .map_err(|kind| format!("not the JSON that is documented ({kind:?})"))
        .context("GitHub's answer holds no token")?;
    Ok(Answer::plain(&body.value, "the job's ID token"))
}

fn will_pass(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}
