//! Any one request, for programs that speak to an issuer or to a platform.

use crate::address::Address;
use crate::cause::one_line;
use crate::exchange::Exchange;
use crate::proxies::Proxies;
use http::{Method, Request, Response};
use std::fmt;
use std::time::{Duration, Instant};

/// Why a request had no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SendError {
    /// Of the request.
    pub method: Method,
    /// Of the request, with its query left out, which may hold a secret.
    pub url: String,
    /// One line without control characters.
    pub cause: String,
}

/// `POST https://idp.example/token: no answer within 15 s`
impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.method, self.url, self.cause)
    }
}

impl std::error::Error for SendError {}

/// Sends one request over HTTPS, through the proxies of the environment, and
/// gives the answer back whatever its status. No redirect is followed, as
/// OAuth wants it. A body has at most [`crate::MAX_BODY`] bytes.
///
/// http is allowed for loopback hosts only.
///
/// # Errors
/// What failed, where there is no complete answer within `timeout`.
pub fn send(
    request: Request<Vec<u8>>,
    custom_ca: Option<&[u8]>,
    timeout: Duration,
) -> Result<Response<Vec<u8>>, SendError> {
    send_to(Address::parse, request, custom_ca, timeout)
}

/// The same, to a platform's own service: http is allowed for link-local
/// addresses and for the metadata service of Google Cloud too. Those have no
/// TLS, so the URL must come from whoever runs the program, never from an
/// answer.
///
/// # Errors
/// As [`send`].
pub fn send_to_platform(
    request: Request<Vec<u8>>,
    custom_ca: Option<&[u8]>,
    timeout: Duration,
) -> Result<Response<Vec<u8>>, SendError> {
    send_to(Address::parse_trusted, request, custom_ca, timeout)
}

fn send_to(
    parse: fn(&str) -> Result<Address, &'static str>,
    request: Request<Vec<u8>>,
    custom_ca: Option<&[u8]>,
    timeout: Duration,
) -> Result<Response<Vec<u8>>, SendError> {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let failed = |cause: String| SendError {
        method: method.clone(),
        url: uri.to_string().split('?').next().unwrap_or_default().to_owned(),
        cause: one_line(&cause),
    };
    let address = parse(&uri.to_string()).map_err(|why| failed(why.to_owned()))?;
    let proxies = Proxies::from_environment();
    Exchange::new(&proxies, custom_ca, timeout, Instant::now())
        .and_then(|exchange| exchange.send(&address, request))
        .map_err(failed)
}
