//! Fetches the key set of an issuer: discovery and JWKS over HTTPS.
//!
//! Blocking, for plain threads: [`fetch`] returns when everything is there, at
//! the first fault, or when the time is over. It keeps nothing between calls and
//! installs nothing in the process, no TLS provider either. Threads that it
//! starts inherit the signal mask of the caller.
#![forbid(unsafe_code)]

mod address;
mod cause;
mod discovery;
mod exchange;
mod freshness;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod proxies;
mod request;
mod send;
mod trust;
mod watchdog;

pub use proxies::Proxies;
pub use request::{FetchError, Fetched, Place, Request};
pub use send::{SendError, send, send_to_platform};
pub use trust::check_ca;

use address::Address;
use exchange::Exchange;
use std::panic::{self, AssertUnwindSafe};
use std::time::Instant;

/// The most bytes of a body that are read.
pub const MAX_BODY: usize = 1024 * 1024;

/// Fetches the key set that `request` names, through the proxies of the environment.
///
/// # Errors
/// The first request that failed, and why.
pub fn fetch(request: &Request) -> Result<Fetched, FetchError> {
    fetch_through(request, &Proxies::from_environment())
}

/// [`fetch`] with proxies from elsewhere.
///
/// # Errors
/// The first request that failed, and why. A panic in a library is such a
/// failure too: it must not take the caller's thread with it.
pub fn fetch_through(request: &Request, proxies: &Proxies) -> Result<Fetched, FetchError> {
    panic::catch_unwind(AssertUnwindSafe(|| run(request, proxies)))
        .unwrap_or_else(|_| Err(failed(request, "internal error: a panic".to_owned())))
}

fn run(request: &Request, proxies: &Proxies) -> Result<Fetched, FetchError> {
    let start = Instant::now();
    let address =
        Address::parse(first_url(request)).map_err(|why| failed(request, why.to_owned()))?;
    let exchange = Exchange::new(proxies, request.custom_ca.as_deref(), request.timeout, start)
        .map_err(|cause| failed(request, cause))?;
    let jwks = match &request.place {
        Place::Jwks { .. } => address,
        Place::Discovery { accepted_issuers, .. } => {
            let document = exchange.get(&address, "application/json")?;
            discovery::jwks_uri(&document.body, accepted_issuers, &address)
                .map_err(|cause| FetchError { status: Some(200), ..failed(request, cause) })?
        }
    };
    let answer = exchange.get(&jwks, "application/jwk-set+json, application/json")?;
    Ok(Fetched {
        jwks_uri: jwks.to_string(),
        lifetime: freshness::lifetime(&answer.headers, answer.at),
        clock_offset: freshness::clock_offset(&answer.headers, answer.at),
        body: answer.body,
    })
}

fn first_url(request: &Request) -> &str {
    match &request.place {
        Place::Discovery { url, .. } | Place::Jwks { url } => url,
    }
}

/// The failure of the first request, before or instead of an answer.
fn failed(request: &Request, cause: String) -> FetchError {
    let url = first_url(request).to_owned();
    FetchError { url, status: None, cause: cause::one_line(&cause) }
}
