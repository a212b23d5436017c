//! Proxies, as the environment names them: `HTTPS_PROXY`, `HTTP_PROXY` and
//! `NO_PROXY`, each in lower case first.

use crate::address::Address;
use std::net::IpAddr;
use ureq::{Proxy, ProxyProtocol};

/// Which requests go through a proxy. The default is none.
///
/// Requests of a loopback host, or of a cloud's metadata service, never do: it
/// would be the proxy's own, and what may be asked by http there would cross the
/// network in clear.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// The variable that named the proxy, and its value.
    proxy: Option<(&'static str, String)>,
    exceptions: Vec<Exception>,
}

/// An element of `NO_PROXY`.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Exception {
    Everything,
    /// A name with all names below it, or an address.
    Host(String, Option<u16>),
    /// An address and how many of its first bits count.
    Network(IpAddr, u32),
}

/// A proxy on the way to one address.
#[derive(Clone, Debug)]
pub(crate) struct Through {
    pub(crate) proxy: Proxy,
    /// `http://proxy.example:3128`, without user name and password.
    pub(crate) name: String,
}

impl Proxies {
    /// What this process's environment says.
    pub fn from_environment() -> Proxies {
        Proxies::read(|name| std::env::var(name).ok())
    }

    /// What an environment says, in which `variable` looks a name up.
    ///
    /// `HTTP_PROXY` serves where there is no `HTTPS_PROXY`: nothing else is
    /// asked than https and loopback hosts, and a proxy was wanted.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Proxies {
        let find = |names: &[&'static str]| {
            let mut named = names.iter().filter_map(|&name| Some((name, variable(name)?)));
            named.find(|(_, value)| !value.trim().is_empty())
        };
        let proxy = find(&["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"]);
        let (_, none) = find(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
        let exceptions = none.split([',', ' ', '\t']).filter_map(Exception::parse).collect();
        Proxies { proxy, exceptions }
    }

    /// The proxy on the way to `address`, if there is one.
    ///
    /// The error names the variable and leaves the value out, which may hold a
    /// password.
    pub(crate) fn on_the_way_to(&self, address: &Address) -> Result<Option<Through>, String> {
        let Some((variable, value)) = &self.proxy else { return Ok(None) };
        if address.is_local() || self.exceptions.iter().any(|e| e.covers(address)) {
            return Ok(None);
        }
        let proxy = Proxy::new(value.trim()).ok();
        let scheme = proxy.as_ref().and_then(|proxy| match proxy.protocol() {
            ProxyProtocol::Http => Some("http"),
            ProxyProtocol::Https => Some("https"),
            _ => None,
        });
        match (proxy, scheme) {
            (Some(proxy), Some(scheme)) => {
                let name = format!("{scheme}://{}:{}", proxy.host(), proxy.port());
                Ok(Some(Through { proxy, name }))
            }
            _ => Err(format!("{variable} is not the URL of an http or https proxy")),
        }
    }
}

impl Exception {
    fn parse(text: &str) -> Option<Exception> {
        if text == "*" {
            return Some(Exception::Everything);
        }
        if let Some((address, bits)) = text.split_once('/') {
            let address: IpAddr = address.parse().ok()?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.parse().ok().filter(|bits| *bits <= most)?;
            return Some(Exception::Network(address, bits));
        }
        // An address of version 6 has colons of its own, and brackets with a port.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, Some(port.parse().ok()?))
            }
            _ => (text, None),
        };
        let host = host.trim_start_matches('*').trim_start_matches('.');
        let host = host.trim_start_matches('[').trim_end_matches([']', '.']);
        (!host.is_empty()).then(|| Exception::Host(host.to_ascii_lowercase(), port))
    }

    fn covers(&self, address: &Address) -> bool {
        match self {
            Exception::Everything => true,
            Exception::Network(network, bits) => {
                address.ip().is_some_and(|ip| shares_bits(ip, *network, *bits))
            }
            Exception::Host(name, port) => {
                let host = address.host().to_ascii_lowercase();
                let host = host.trim_start_matches('[').trim_end_matches([']', '.']);
                let below = host.strip_suffix(name.as_str());
                port.is_none_or(|port| port == address.port())
                    && below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
        }
    }
}

fn shares_bits(one: IpAddr, other: IpAddr, bits: u32) -> bool {
    let differ = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        _ => return false,
    };
    differ >= bits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of the proxy to `url` where the environment is `variables`.
    fn way(variables: &[(&str, &str)], url: &str) -> Result<Option<String>, String> {
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string())
        };
        let through = Proxies::read(lookup).on_the_way_to(&Address::parse(url).unwrap())?;
        Ok(through.map(|through| through.name))
    }

    const IDP: &str = "https://login.idp.example/keys";

    #[test]
    fn reads_the_variables_in_their_order() {
        let all = [
            ("HTTP_PROXY", "http://d"),
            ("http_proxy", "http://c"),
            ("HTTPS_PROXY", "https://b:8443"),
            ("https_proxy", "http://user:secret@a:3128/"),
        ];
        for (last, name) in
            [(4, "http://a:3128"), (3, "https://b:8443"), (2, "http://c:80"), (1, "http://d:80")]
        {
            assert_eq!(way(&all[..last], IDP), Ok(Some(name.to_owned())));
        }
        assert_eq!(way(&[], IDP), Ok(None));
        assert_eq!(way(&[("https_proxy", " ")], IDP), Ok(None));
        assert_eq!(way(&[("https_proxy", "a:3128")], IDP), Ok(Some("http://a:3128".to_owned())));
    }

    #[test]
    fn refuses_what_is_no_proxy_without_repeating_it() {
        for value in ["socks5://user:secret@a", "http://", "a b:secret", "ftp://secret"] {
            let error = way(&[("HTTPS_PROXY", value)], IDP).unwrap_err();
            assert_eq!(error, "HTTPS_PROXY is not the URL of an http or https proxy");
        }
    }

    #[test]
    fn leaves_out_exceptions() {
        let direct = |no_proxy: &str, url: &str| {
            way(&[("HTTPS_PROXY", "http://a"), ("NO_PROXY", no_proxy)], url).unwrap().is_none()
        };
        for no_proxy in [
            "*",
            "idp.example",
            "a.example, login.idp.example",
            ".idp.example",
            "*.idp.example",
            "IDP.EXAMPLE:443",
            "x example",
        ] {
            assert!(direct(no_proxy, IDP), "{no_proxy}");
        }
        for no_proxy in
            ["", "dp.example", "login.idp.example:8443", "x.login.idp.example", "/", ":"]
        {
            assert!(!direct(no_proxy, IDP), "{no_proxy}");
        }
        assert!(direct("10.0.0.0/8", "https://10.96.0.1/keys"));
        assert!(!direct("10.0.0.0/8", "https://11.96.0.1/keys"));
        assert!(direct("0.0.0.0/0", "https://11.96.0.1/keys"));
        assert!(direct("fd00::/8", "https://[fd12::1]:6443/keys"));
        assert!(direct("fd12::1", "https://[fd12::1]:6443/keys"));
        assert!(direct("[fd12::1]:6443", "https://[fd12::1]:6443/keys"));
        assert!(!direct("[fd12::1]:443", "https://[fd12::1]:6443/keys"));
        assert!(direct("10.96.0.1", "https://10.96.0.1/keys"));
    }

    #[test]
    fn never_asks_a_proxy_for_this_host() {
        for url in ["https://localhost/", "http://127.0.0.1:8080/", "https://[::1]/"] {
            assert_eq!(way(&[("HTTPS_PROXY", "http://a")], url), Ok(None));
        }
    }
}
