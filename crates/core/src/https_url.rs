//! URLs that settings name: https, or http of this very host.

use crate::setting_error::SettingError;
use http::Uri;
use std::net::{Ipv4Addr, Ipv6Addr};

const HINT: &str = "Write it whole, as https://host/path. http is accepted for \
     localhost, 127.0.0.0/8 and [::1] only: whoever can change what passes \
     there, keys for one, can get in.";

/// Checks that `text` is an absolute https URL with a host and without user
/// name, password or fragment. http is accepted for loopback hosts.
pub(crate) fn parse(text: &str) -> Result<String, SettingError> {
    let refused = |why: &str| SettingError::new(why).with_hint(HINT);
    let uri: Uri = text.parse().map_err(|_| refused("not a URL"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(refused("not an absolute URL"));
    };
    // The parser drops a fragment without a word.
    if text.contains('#') {
        return Err(refused("a URL with a fragment"));
    }
    if authority.as_str().contains('@') {
        return Err(refused("a URL with a user name"));
    }
    let host = authority.host();
    if host.is_empty() {
        return Err(refused("a URL without a host"));
    }
    let port_is_sound = authority.as_str().len() == host.len() || authority.port_u16().is_some();
    match scheme {
        _ if !port_is_sound => Err(refused("a URL with a port that is no port")),
        "https" => Ok(text.to_owned()),
        "http" if is_loopback(host) => Ok(text.to_owned()),
        "http" => Err(refused("an http URL of a host that is not this one")),
        _ => Err(refused("a URL that is not https")),
    }
}

/// Whether a host is this very machine, and http to it therefore as good as
/// https: `localhost`, 127.0.0.0/8 and ::1, in a URL's brackets or without. No
/// other name counts, whatever it resolves to.
pub fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || address.unwrap_or(host).parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_https_and_http_on_loopback() {
        for url in [
            "https://login.microsoftonline.com/common/discovery/keys",
            "https://idp.example:8443/keys?version=2",
            "HTTPS://idp.example/keys",
            "https://[2001:db8::1]/keys",
            "http://localhost:8080/keys",
            "http://LOCALHOST/keys",
            "http://127.0.0.1/keys",
            "http://127.9.9.9:1/keys",
            "http://[::1]:8080/keys",
        ] {
            assert_eq!(parse(url).as_deref(), Ok(url), "{url}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for url in [
            "",
            "keys",
            "/keys",
            "idp.example",
            "idp.example/keys",
            "//idp.example/keys",
            "https:",
            "https://",
            "https:///keys",
            "https:/idp.example/keys",
            "https://:443/keys",
            "https://idp.example:99999/keys",
            "https://idp.example:x/keys",
            "https://user@idp.example/keys",
            "https://user:pw@idp.example/keys",
            "https://idp.example/keys#1",
            "https://idp example/keys",
            "http://idp.example/keys",
            "http://localhost.example/keys",
            "http://127.0.0.1.example/keys",
            "http://[::2]/keys",
            "ftp://idp.example/keys",
            "file:///etc/keys",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
