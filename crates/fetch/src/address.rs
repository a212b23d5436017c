//! The URLs that may be asked: https, or http of this very host.

use http::Uri;
use jwt_sso_core::https_url::is_loopback;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// The longest URL that is accepted, in bytes.
const MAX_LENGTH: usize = 2048;

/// An absolute https URL without user name and fragment; http for loopback hosts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Address {
    uri: Uri,
    text: String,
}

impl Address {
    /// Reads a URL. The error says what it is instead: `not an https URL`.
    pub(crate) fn parse(text: &str) -> Result<Address, &'static str> {
        Address::parse_where(text, is_loopback)
    }

    /// The same, of a cloud's metadata service too, which speaks http over a
    /// link that ends at the machine's own host. Never for a URL that came by
    /// the network.
    pub(crate) fn parse_trusted(text: &str) -> Result<Address, &'static str> {
        Address::parse_where(text, |host| is_loopback(host) || is_metadata_service(host))
    }

    fn parse_where(text: &str, may_be_http: fn(&str) -> bool) -> Result<Address, &'static str> {
        if text.len() > MAX_LENGTH {
            return Err("a URL of more than 2048 bytes");
        }
        // The parser drops a fragment without a word.
        if text.contains('#') {
            return Err("a URL with a fragment");
        }
        let uri: Uri = text.parse().map_err(|_| "not a URL")?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("not an absolute URL");
        };
        if authority.as_str().contains('@') {
            return Err("a URL with a user name");
        }
        let host = authority.host();
        let port_is_sound =
            authority.as_str().len() == host.len() || authority.port_u16().is_some();
        if host.is_empty() || !port_is_sound {
            return Err("a URL without a host or with a port that is no port");
        }
        match scheme {
            "https" => {}
            "http" if may_be_http(host) => {}
            "http" => return Err("an http URL of a host that is not this one"),
            _ => return Err("not an https URL"),
        }
        Ok(Address { text: text.to_owned(), uri })
    }

    /// What `Location: reference` in an answer from here means (RFC 3986 §5.2).
    /// The fragment is left out, since it is not sent.
    pub(crate) fn resolve(&self, reference: &str) -> Result<Address, &'static str> {
        let reference = reference.split('#').next().unwrap_or_default();
        let origin = format!("{}://{}", self.scheme(), self.authority());
        let path = self.uri.path();
        Address::parse(&match reference {
            "" => self.text.clone(),
            _ if has_scheme(reference) => reference.to_owned(),
            _ if reference.starts_with("//") => format!("{}:{reference}", self.scheme()),
            _ if reference.starts_with('/') => format!("{origin}{}", without_dots(reference)),
            _ if reference.starts_with('?') => format!("{origin}{path}{reference}"),
            _ => {
                let folder = path.rfind('/').map_or("/", |slash| &path[..=slash]);
                format!("{origin}{}", without_dots(&format!("{folder}{reference}")))
            }
        })
    }

    /// What differs, where `other` is not of the same scheme, host and port.
    pub(crate) fn elsewhere(&self, other: &Address) -> Option<&'static str> {
        if !self.host().eq_ignore_ascii_case(other.host()) {
            Some("another host")
        } else if self.scheme() != other.scheme() {
            Some("another scheme")
        } else {
            (self.port() != other.port()).then_some("another port")
        }
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    fn scheme(&self) -> &str {
        self.uri.scheme_str().unwrap_or_default()
    }

    fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    /// As in the URL; an IPv6 address in its brackets.
    pub(crate) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    pub(crate) fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(if self.scheme() == "http" { 80 } else { 443 })
    }

    pub(crate) fn is_https(&self) -> bool {
        self.scheme().eq_ignore_ascii_case("https")
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }

    /// Whether it is this machine's own, which no proxy could reach for us.
    pub(crate) fn is_local(&self) -> bool {
        is_loopback(self.host()) || is_metadata_service(self.host())
    }

    /// The host, where it is an address and not a name.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        bare(self.host()).parse().ok()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

/// Of Azure and Google Cloud. Azure's App Service has its endpoint at other
/// link-local addresses, which no router passes on (RFC 3927 §7).
fn is_metadata_service(host: &str) -> bool {
    host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_link_local())
        || host.eq_ignore_ascii_case("metadata.google.internal")
}

fn has_scheme(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

/// RFC 3986 §5.2.4, for a path that begins with a slash; the query stays as it is.
fn without_dots(path_and_query: &str) -> String {
    let (path, query) = match path_and_query.find('?') {
        Some(start) => path_and_query.split_at(start),
        None => (path_and_query, ""),
    };
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
        if segments.peek().is_none() && matches!(segment, "." | "..") {
            kept.push("");
        }
    }
    format!("/{}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_https_and_http_of_this_host() {
        for url in [
            "https://idp.example/keys",
            "HTTPS://idp.example:8443/keys?v=2",
            "https://[2001:db8::1]/keys",
            "http://localhost:8080/keys",
            "http://127.9.9.9/keys",
            "http://[::1]:8080/keys",
        ] {
            assert_eq!(Address::parse(url).map(|a| a.to_string()).as_deref(), Ok(url));
        }
    }

    #[test]
    fn refuses_the_rest() {
        for (url, why) in [
            ("", "not a URL"),
            ("/keys", "not an absolute URL"),
            ("idp.example", "not an absolute URL"),
            ("ftp://idp.example/keys", "not an https URL"),
            ("http://idp.example/keys", "an http URL of a host that is not this one"),
            ("http://localhost.example/", "an http URL of a host that is not this one"),
            ("http://127.0.0.1.example/", "an http URL of a host that is not this one"),
            ("https://u:p@idp.example/keys", "a URL with a user name"),
            ("https://idp.example/keys#1", "a URL with a fragment"),
            ("https://idp.example:x/", "a URL without a host or with a port that is no port"),
            ("https://idp example/keys", "not a URL"),
        ] {
            assert_eq!(Address::parse(url), Err(why), "{url}");
        }
        assert!(Address::parse(&format!("https://idp.example/{}", "a".repeat(2048))).is_err());
    }

    #[test]
    fn takes_http_of_metadata_services_where_they_are_trusted() {
        for url in [
            "http://169.254.169.254/metadata",
            "http://169.254.129.2:8081/msi/token",
            "http://Metadata.google.internal/x",
        ] {
            assert!(Address::parse_trusted(url).is_ok(), "{url}");
            assert!(Address::parse(url).is_err(), "{url}");
        }
        for url in ["http://169.255.0.1/", "http://metadata.google.internal.example/"] {
            assert!(Address::parse_trusted(url).is_err(), "{url}");
        }
    }

    #[test]
    fn resolves_references() {
        let base = Address::parse("https://idp.example/a/b?c").unwrap();
        for (reference, meant) in [
            ("https://other.example/x", "https://other.example/x"),
            ("//other.example/x", "https://other.example/x"),
            ("/x?y", "https://idp.example/x?y"),
            ("x", "https://idp.example/a/x"),
            ("../x", "https://idp.example/x"),
            ("../../../x/.", "https://idp.example/x/"),
            ("?y", "https://idp.example/a/b?y"),
            ("/x?u=../y", "https://idp.example/x?u=../y"),
            ("#z", "https://idp.example/a/b?c"),
            ("", "https://idp.example/a/b?c"),
        ] {
            assert_eq!(base.resolve(reference).map(|a| a.to_string()).as_deref(), Ok(meant));
        }
        assert!(base.resolve("http://idp.example/").is_err());
        assert!(base.resolve("javascript:1").is_err());
    }

    #[test]
    fn knows_what_is_elsewhere() {
        let elsewhere = |one: &str, other: &str| {
            Address::parse(one).unwrap().elsewhere(&Address::parse(other).unwrap())
        };
        assert_eq!(elsewhere("https://a.example/x", "https://A.example:443/y"), None);
        assert_eq!(elsewhere("https://a.example", "https://b.example"), Some("another host"));
        assert_eq!(elsewhere("https://a.example", "https://a.example:1"), Some("another port"));
        assert_eq!(elsewhere("https://localhost:1", "http://localhost:1"), Some("another scheme"));
    }
}
