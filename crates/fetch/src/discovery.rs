//! The discovery document (OpenID Connect Discovery 1.0 §3, §4.3).

use crate::address::Address;
use jwt_sso_core::json::{self, Node};

/// The `jwks_uri` of a document whose `issuer` is one of `accepted`.
///
/// The error is one clause: `the discovery document has no "issuer"`.
///
/// A provider elsewhere does not get to send this server to an http service of
/// its own machine: only one that is itself on loopback may name http.
pub(crate) fn jwks_uri(
    document: &[u8],
    accepted: &[String],
    provider: &Address,
) -> Result<Address, String> {
    let document = json::parse(document)
        .map_err(|error| format!("the discovery document is not usable: {error}"))?;
    if !matches!(document, Node::Object(_)) {
        return Err(format!("the discovery document is {}, not an object", document.kind()));
    }
    let issuer = string(&document, "issuer")?;
    if !accepted.iter().any(|name| name == issuer) {
        let accepted: Vec<String> = accepted.iter().map(|name| format!("{name:?}")).collect();
        let wanted = accepted.join(" or ");
        return Err(format!("the discovery document is of issuer {issuer:?}, not of {wanted}"));
    }
    let uri = string(&document, "jwks_uri")?;
    let refused = |why: &str| format!("\"jwks_uri\" of the discovery document is {why}: {uri:?}");
    let address = Address::parse(uri).map_err(refused)?;
    if !address.is_https() && !provider.is_loopback() {
        return Err(refused("not https"));
    }
    Ok(address)
}

fn string<'n>(document: &'n Node<'_>, member: &str) -> Result<&'n str, String> {
    let Some(value) = document.get(member) else {
        return Err(format!("the discovery document has no {member:?}"));
    };
    value.as_str().ok_or_else(|| {
        format!("{member:?} of the discovery document is {}, not a string", value.kind())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_provider_on_loopback_may_name_http() {
        let document = br#"{"issuer":"i","jwks_uri":"http://127.0.0.1:2375/keys"}"#;
        let accepted = ["i".to_owned()];
        let from = |url: &str| jwks_uri(document, &accepted, &Address::parse(url).unwrap());
        assert!(from("http://localhost:8080/.well-known/openid-configuration").is_ok());
        let error = from("https://idp.example/.well-known/openid-configuration").err().unwrap();
        assert!(error.contains("is not https"), "{error}");
    }
}
