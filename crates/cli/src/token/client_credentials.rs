//! A service's own token (RFC 6749 §4.4).

use super::provider::{Answer, Provider, no_nonce, refused};
use super::question::Oidc;
use crate::failure::{Context, Failure};
use crate::http_client::HttpClient;

pub fn ask(oidc: &Oidc, http: &HttpClient) -> Result<Answer, Failure> {
    let provider = Provider::discover(oidc, http)?;
    let mut request = provider
        .client
        .exchange_client_credentials()
        .context(format_args!("the provider {} gives no tokens", oidc.issuer))?
        .add_scopes(provider.scopes());
    for (name, value) in &oidc.more {
        request = request.add_extra_param(*name, value);
    }
    let answer =
        request.request(http).map_err(|error| refused("no token for the client", error))?;
    provider.take(&answer, no_nonce)
}
