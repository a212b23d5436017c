//! One question and its answer, redirects included.

use crate::address::Address;
use crate::cause;
use crate::proxies::{Proxies, Through};
use crate::request::FetchError;
use crate::{MAX_BODY, watchdog};
use http::header::{ACCEPT, CONTENT_ENCODING, LOCATION};
use http::response::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

/// The most redirects that are followed for one question.
const MAX_REDIRECTS: usize = 5;

const USER_AGENT: &str = concat!("jwt_sso/", env!("CARGO_PKG_VERSION"));

/// What one fetch needs for each of its questions.
pub(crate) struct Exchange<'a> {
    proxies: &'a Proxies,
    roots: RootCerts,
    /// What [`Exchange::roots`] are, for messages.
    roots_name: &'static str,
    provider: Arc<CryptoProvider>,
    timeout: Duration,
    deadline: Instant,
}

/// An answer of status 200.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    /// When the headers had come.
    pub(crate) at: SystemTime,
    pub(crate) body: Vec<u8>,
}

/// Why there is none; the URL is known to the caller.
struct Failure {
    status: Option<StatusCode>,
    cause: String,
}

impl<'a> Exchange<'a> {
    /// The time runs from `start` on. The provider is ours alone: the process's
    /// default is neither asked nor set.
    pub(crate) fn new(
        proxies: &'a Proxies,
        custom_ca: Option<&[u8]>,
        timeout: Duration,
        start: Instant,
    ) -> Result<Exchange<'a>, String> {
        Ok(Exchange {
            proxies,
            roots: crate::trust::roots(custom_ca)?,
            roots_name: match custom_ca {
                Some(_) => "the custom CA's certificates",
                None => "the system's root certificates",
            },
            provider: Arc::new(aws_lc_rs::default_provider()),
            timeout,
            // A timeout that no clock can hold is as good as an hour.
            deadline: start.checked_add(timeout).unwrap_or(start + Duration::from_secs(3600)),
        })
    }

    /// Asks `address` for something of the type `accept`.
    pub(crate) fn get(&self, address: &Address, accept: &str) -> Result<Answer, FetchError> {
        let mut here = address.clone();
        let mut status = None;
        for _ in 0..=MAX_REDIRECTS {
            match self.hop(&here, accept).map_err(|failure| failure.at(&here))? {
                Hop::Answer(answer) => return Ok(answer),
                Hop::Redirect(there, by) => (here, status) = (there, Some(by)),
            }
        }
        let cause = format!("more than {MAX_REDIRECTS} redirects");
        Err(Failure { status, cause }.at(address))
    }

    fn hop(&self, address: &Address, accept: &str) -> Result<Hop, Failure> {
        let (head, body, at) = self
            .ask(address, |agent| agent.get(address.uri().clone()).header(ACCEPT, accept).call())?;
        let failed = |cause| Failure { status: Some(head.status), cause };
        if let Some(reference) = redirect(head.status, &head.headers) {
            return match follow(address, reference) {
                Ok(there) => Ok(Hop::Redirect(there, head.status)),
                Err(cause) => Err(failed(cause)),
            };
        }
        if head.status != StatusCode::OK {
            let reason = head.status.canonical_reason().unwrap_or_default();
            return Err(failed(format!("{} {reason}", head.status.as_u16()).trim_end().to_owned()));
        }
        let body = self.read(&head.headers, body).map_err(failed)?;
        Ok(Hop::Answer(Answer { headers: head.headers, at, body }))
    }

    /// One request, and its answer whatever the status; no redirect is followed.
    pub(crate) fn send(
        &self,
        address: &Address,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, String> {
        let run = |agent: &Agent| match request.body().is_empty() {
            true => agent.run(request.map(drop)),
            false => agent.run(request),
        };
        let (head, body, _) = self.ask(address, run).map_err(|failure| failure.cause)?;
        let body = self.read(&head.headers, body)?;
        Ok(Response::from_parts(head, body))
    }

    /// The head of an answer, its body still to be read, and when it came.
    fn ask(
        &self,
        address: &Address,
        run: impl FnOnce(&Agent) -> Result<Response<Body>, ureq::Error>,
    ) -> Result<(Parts, Body, SystemTime), Failure> {
        let through = self.proxies.on_the_way_to(address).map_err(Failure::from)?;
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Err(Failure::from(cause::no_answer(self.timeout)));
        }
        let agent = self.agent(remaining, through.as_ref());
        // ureq lets a proxy that dribbles its headers have the time for each byte.
        let _watchdog = through.as_ref().map(|_| watchdog::set(agent.clone(), self.deadline));
        let answer = run(&agent);
        let at = SystemTime::now();
        let answer = answer.map_err(|error| {
            if self.is_over(&error) {
                return Failure::from(cause::no_answer(self.timeout));
            }
            let cause = cause::of(error, self.roots_name);
            Failure::from(match &through {
                Some(through) => format!("{cause} (through proxy {})", through.name),
                None => cause,
            })
        })?;
        let (head, body) = answer.into_parts();
        Ok((head, body, at))
    }

    fn agent(&self, remaining: Duration, through: Option<&Through>) -> Agent {
        let tls = TlsConfig::builder()
            .root_certs(self.roots.clone())
            .unversioned_rustls_crypto_provider(Arc::clone(&self.provider))
            .build();
        Agent::config_builder()
            .tls_config(tls)
            .proxy(through.map(|through| through.proxy.clone()))
            .timeout_global(Some(remaining))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .user_agent(USER_AGENT)
            .accept_encoding("identity")
            .build()
            .new_agent()
    }

    fn read(&self, headers: &HeaderMap, body: Body) -> Result<Vec<u8>, String> {
        if let Some(encoding) = headers.get(CONTENT_ENCODING)
            && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
        {
            let encoding = String::from_utf8_lossy(encoding.as_bytes());
            return Err(format!("the body is encoded as {encoding:?}, which was not asked for"));
        }
        let too_long = || format!("the body is longer than {} MiB", MAX_BODY >> 20);
        let limit = MAX_BODY as u64;
        if body.content_length().is_some_and(|length| length > limit) {
            return Err(too_long());
        }
        // One byte more than may come: the reader counts a full measure as too much.
        match body.into_with_config().limit(limit + 1).read_to_vec() {
            Ok(bytes) if bytes.len() > MAX_BODY => Err(too_long()),
            Ok(bytes) => Ok(bytes),
            Err(ureq::Error::BodyExceedsLimit(_)) => Err(too_long()),
            Err(error) if self.is_over(&error) => Err(cause::no_complete_answer(self.timeout)),
            Err(error) => Err(cause::of(error, self.roots_name)),
        }
    }

    /// Whether the time is over, however the error calls it.
    fn is_over(&self, error: &ureq::Error) -> bool {
        matches!(error, ureq::Error::Timeout(_)) || Instant::now() >= self.deadline
    }
}

/// What came of one request.
enum Hop {
    Answer(Answer),
    Redirect(Address, StatusCode),
}

impl Failure {
    fn at(self, address: &Address) -> FetchError {
        FetchError {
            url: address.to_string(),
            status: self.status.map(|status| status.as_u16()),
            cause: cause::one_line(&self.cause),
        }
    }
}

impl From<String> for Failure {
    fn from(cause: String) -> Failure {
        Failure { status: None, cause }
    }
}

/// Where an answer sends us; `None` where it does not.
fn redirect(status: StatusCode, headers: &HeaderMap) -> Option<&[u8]> {
    let location = headers.get(LOCATION)?;
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308).then_some(location.as_bytes())
}

fn follow(from: &Address, reference: &[u8]) -> Result<Address, String> {
    let reference = String::from_utf8_lossy(reference);
    let refused = |why: &str| format!("redirect refused, to {why}: {reference:?}");
    let there = from.resolve(&reference).map_err(refused)?;
    match from.elsewhere(&there) {
        Some(what) => Err(refused(what)),
        None => Ok(there),
    }
}
