//! Requests to an issuer or a platform: the same TLS, roots and proxies as the
//! server's own fetches, and no redirects.

use crate::failure::{Context, Failure};
use http::{Request, Response};
use jwt_sso_fetch::SendError;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How long one request may take, from the name to the last byte.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Sends requests; blocking.
#[derive(Clone, Debug, Default)]
pub struct HttpClient {
    custom_ca: Option<Vec<u8>>,
}

impl HttpClient {
    /// With the certificates of a PEM file in the place of the system's roots.
    pub fn new(ca_file: Option<&Path>) -> Result<HttpClient, Failure> {
        let Some(path) = ca_file else { return Ok(HttpClient::default()) };
        let pem = fs::read(path).context(format_args!("cannot read {}", path.display()))?;
        jwt_sso_fetch::check_ca(&pem)
            .map_err(|why| Failure::usage(format!("{}: {why}", path.display())))?;
        Ok(HttpClient { custom_ca: Some(pem) })
    }

    /// The certificates in the place of the system's roots, where there are any.
    pub fn custom_ca(&self) -> Option<&[u8]> {
        self.custom_ca.as_deref()
    }

    /// One request and its answer, whatever the status.
    pub fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, SendError> {
        jwt_sso_fetch::send(request, self.custom_ca.as_deref(), TIMEOUT)
    }

    /// The same, to a service of the platform whose URL comes from whoever runs this.
    pub fn send_to_platform(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, SendError> {
        jwt_sso_fetch::send_to_platform(request, self.custom_ca.as_deref(), TIMEOUT)
    }
}

/// Lets openidconnect send its requests by ours.
impl openidconnect::SyncHttpClient for HttpClient {
    type Error = SendError;

    fn call(
        &self,
        request: openidconnect::HttpRequest,
    ) -> Result<openidconnect::HttpResponse, SendError> {
        self.send(request)
    }
}
