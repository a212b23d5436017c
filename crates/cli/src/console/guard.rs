//! What every request has to pass, and what every response carries.

use super::assets::ASSETS;
use super::handlers::Console;
use super::log;
use super::problem::Problem;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// Nothing but the console's own style sheet, script and icon; no form, no
/// frame, no request by a script.
const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                   connect-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 8] = [
    (CONTENT_SECURITY_POLICY, CSP),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
    (
        HeaderName::from_static("permissions-policy"),
        "clipboard-write=(self), clipboard-read=(), camera=(), geolocation=(), microphone=(), \
         payment=(), usb=()",
    ),
];

/// Answers for the console's own names only, and only to GET and HEAD.
pub async fn guard(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    let may_be_asked = matches!(*request.method(), Method::GET | Method::HEAD);
    let checked = check_host(&console, request.uri().path().to_owned(), host(&request)).await;
    let passed = match checked {
        Ok(()) if !may_be_asked => Err(Problem::method_not_allowed()),
        checked => checked,
    };
    let mut response = match passed {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            log::line(format_args!("refused reason={}", problem.reason));
            problem.into_response()
        }
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(true) = console.hsts().await {
        // Of this host alone: of others under its name the console knows nothing.
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// Against DNS rebinding: a site whose name is made to point here may not be
/// answered. What is the same for everybody is not worth asking the settings.
async fn check_host(console: &Console, path: String, host: Option<String>) -> Result<(), Problem> {
    if [&ASSETS.style, &ASSETS.script, &ASSETS.icon].iter().any(|asset| asset.path == path) {
        return Ok(());
    }
    let Some(host) = host else { return Err(Problem::wrong_host(None)) };
    if is_own_address(&host, console.transport.listen_ip()) {
        return Ok(());
    }
    let settings = console.source.settings().await?;
    match settings.redirect_url.host_str() {
        Some(own) if own.eq_ignore_ascii_case(&host) => Ok(()),
        _ => Err(Problem::wrong_host(Some(&settings.origin()))),
    }
}

/// The name that the client means, without its port. One in the request's
/// target comes before the header (RFC 9112 §3.2.2).
fn host(request: &Request) -> Option<String> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.host().to_owned());
    }
    let mut values = request.headers().get_all(HOST).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let authority: Authority = value.to_str().ok()?.parse().ok()?;
    (!value.as_bytes().contains(&b'@')).then(|| authority.host().to_owned())
}

/// Whether `host` is the address that is listened on, or a loopback name where
/// that is one.
fn is_own_address(host: &str, listening: IpAddr) -> bool {
    if host.eq_ignore_ascii_case("localhost") {
        return listening.is_loopback();
    }
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().is_ok_and(|ip| {
        (ip.is_loopback() && listening.is_loopback())
            || (ip == listening && !listening.is_unspecified())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses() {
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.0.0.2", "[::1]"] {
            assert!(is_own_address(host, loopback), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1", ""] {
            assert!(!is_own_address(host, loopback), "{host}");
        }
        let open: IpAddr = "0.0.0.0".parse().unwrap();
        for host in ["localhost", "127.0.0.1", "0.0.0.0"] {
            assert!(!is_own_address(host, open), "{host}");
        }
        assert!(is_own_address("10.0.0.1", "10.0.0.1".parse().unwrap()));
    }
}
