//! The managed identity of an Azure resource: the metadata service of a virtual
//! machine, or the endpoint that App Service and Container Apps name.

use super::platform::{get, refused, with_query};
use super::provider::Answer;
use super::question::Question;
use crate::failure::{Context, Failure};
use http::StatusCode;
use serde::Deserialize;
use std::env;

/// Where the metadata service is, unless the variable says otherwise, which
/// Microsoft's own libraries heed, too.
const SERVICE: &str = "http://169.254.169.254";
const SERVICE_VARIABLE: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";

const ORIGIN: &str = "the managed identity's access token";

#[derive(Deserialize)]
struct Body {
    access_token: String,
}

pub fn ask(
    question: &Question,
    resource: &str,
    client_id: Option<&str>,
) -> Result<Answer, Failure> {
    let endpoint = env::var("IDENTITY_ENDPOINT").ok().zip(env::var("IDENTITY_HEADER").ok());
    let (url, version, header) = match &endpoint {
        Some((url, header)) => (url.clone(), "2019-08-01", ("X-IDENTITY-HEADER", header.as_str())),
        None => {
            let host = env::var(SERVICE_VARIABLE).unwrap_or_else(|_| SERVICE.to_owned());
            let url = format!("{}/metadata/identity/oauth2/token", host.trim_end_matches('/'));
            (url, "2018-02-01", ("Metadata", "true"))
        }
    };
    let mut fields = vec![("api-version", version), ("resource", resource)];
    fields.extend(client_id.map(|id| ("client_id", id)));
    let url = with_query(&url, &fields)?;
    let answer = get(question, &url, &[header], will_pass).map_err(|failure| {
        failure.with_hint("--azure-imds works on Azure only, where the machine has an identity")
    })?;
    if answer.status() != StatusCode::OK {
        return Err(refused("Azure gives no token", &answer).with_hint(
            "the machine needs a managed identity (--client-id names one of several), and \
             --resource an application of the tenant, such as api://<app id>",
        ));
    }
    let body: Body = serde_json::from_slice(answer.body())
        .map_err(|error| error.classify())
        .map_err(|kind| format!("not the JSON that is documented ({kind:?})"))
        .context("Azure's answer holds no token")?;
    Ok(Answer::plain(&body.access_token, ORIGIN))
}

/// As Microsoft documents for the metadata service: too many requests, an
/// endpoint that is being renewed, and transient faults.
fn will_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 404 | 410 | 429) || status.is_server_error()
}
