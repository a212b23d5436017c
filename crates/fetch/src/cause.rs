//! Failures of the network, in one line for an administrator.

use jwt_sso_core::time::UnixTime;
use rustls::CertificateError;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

/// The longest cause, in bytes: parts of it are what a stranger sent.
const MAX_CAUSE: usize = 400;

/// `text` without control characters, cut at [`MAX_CAUSE`].
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(MAX_CAUSE + 4));
    for c in text.chars() {
        if line.len() >= MAX_CAUSE {
            line.push('…');
            break;
        }
        line.push(if c.is_control() { ' ' } else { c });
    }
    line
}

/// `no answer within 15 s`
pub(crate) fn no_answer(timeout: Duration) -> String {
    format!("no answer within {}", span(timeout))
}

/// `no complete answer within 15 s`
pub(crate) fn no_complete_answer(timeout: Duration) -> String {
    format!("no complete answer within {}", span(timeout))
}

fn span(timeout: Duration) -> String {
    match (timeout.as_secs(), timeout.subsec_millis()) {
        (seconds, 0) => format!("{seconds} s"),
        (0, millis) => format!("{millis} ms"),
        _ => format!("{} s", timeout.as_secs_f64()),
    }
}

/// What `error` means, where it is not that the time is over.
pub(crate) fn of(error: ureq::Error, roots: &str) -> String {
    match error {
        ureq::Error::Io(error) => of_io(&error, roots),
        ureq::Error::Rustls(error) => of_tls(&error, roots),
        ureq::Error::HostNotFound => "the host has no address".to_owned(),
        ureq::Error::Protocol(error) => format!("the answer is not HTTP: {error}"),
        ureq::Error::LargeResponseHeader(..) => "the headers of the answer are too long".to_owned(),
        ureq::Error::ConnectProxyFailed(reason) => format!("no tunnel: {reason}"),
        other => other.to_string(),
    }
}

fn of_io(error: &io::Error, roots: &str) -> String {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return of_tls(tls, roots);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::UnexpectedEof => {
            "the connection was closed before the answer was complete".to_owned()
        }
        _ => error.to_string(),
    }
}

fn of_tls(error: &rustls::Error, roots: &str) -> String {
    match error {
        rustls::Error::InvalidCertificate(why) => {
            format!("certificate of the server is not trusted: {}", of_certificate(why, roots))
        }
        other => format!("TLS failed: {other}"),
    }
}

fn of_certificate(error: &CertificateError, roots: &str) -> String {
    match error {
        // The latter where a CA has the name of the right one, and another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            format!("none of {roots} signed it")
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("it expired at {}", time(not_after.as_secs()))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("it is not valid before {}", time(not_before.as_secs()))
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let mut text = format!("it is not for {:?}", expected.to_str());
            for (i, name) in presented.iter().take(5).enumerate() {
                // Writing into a String cannot fail.
                let before = if i == 0 { ", but for " } else { ", " };
                let _ = write!(text, "{before}{:?}", presented_name(name));
            }
            text
        }
        other => other.to_string(),
    }
}

/// `idp.example`, where rustls says `DnsName("idp.example")`.
fn presented_name(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

fn time(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(seconds).unwrap_or(UnixTime::LAST)
}
