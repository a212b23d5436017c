//! The identity token of a Google Cloud machine's service account.

use super::platform::{get, refused, with_query};
use super::provider::Answer;
use super::question::Question;
use crate::failure::Failure;
use http::StatusCode;
use std::env;

const HOST: &str = "metadata.google.internal";

/// Of the question and of an answer that is truly the metadata server's.
const FLAVOR: (&str, &str) = ("Metadata-Flavor", "Google");

pub fn ask(question: &Question, audience: &str) -> Result<Answer, Failure> {
    let host = env::var("GCE_METADATA_HOST").unwrap_or_else(|_| HOST.to_owned());
    let path = "/computeMetadata/v1/instance/service-accounts/default/identity";
    // Only the full format has the account's address, email.
    let fields = [("audience", audience), ("format", "full")];
    let url = with_query(&format!("http://{host}{path}"), &fields)?;
    let answer = get(question, &url, &[FLAVOR], will_pass).map_err(|failure| {
        failure.with_hint(
            "--gcp-metadata works on Google Cloud only; GCE_METADATA_HOST names another host",
        )
    })?;
    if answer.headers().get(FLAVOR.0).is_none_or(|flavor| flavor != FLAVOR.1) {
        return Err(Failure::new(format!(
            "{host} is not Google's metadata server: its answer lacks the header {}",
            FLAVOR.0
        )));
    }
    if answer.status() != StatusCode::OK {
        return Err(refused("Google's metadata server gives no token", &answer)
            .with_hint("the machine needs a service account"));
    }
    let token = String::from_utf8_lossy(answer.body());
    Ok(Answer::plain(token.trim(), "the service account's identity token"))
}

fn will_pass(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}
