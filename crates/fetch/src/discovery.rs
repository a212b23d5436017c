//! The discovery document (OpenID Connect Discovery 1.0 §3, §4.3).

use crate::address::Address;
use jwt_sso_core::json::{self, Node};

/// The `jwks_uri` of a document whose `issuer` is one of `accepted`.
///
/// The error is one clause: `the discovery document has no "issuer"`.
pub(crate) fn jwks_uri(document: &[u8], accepted: &[String]) -> Result<Address, String> {
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
    Address::parse(uri)
        .map_err(|why| format!("\"jwks_uri\" of the discovery document is {why}: {uri:?}"))
}

fn string<'n>(document: &'n Node<'_>, member: &str) -> Result<&'n str, String> {
    let Some(value) = document.get(member) else {
        return Err(format!("the discovery document has no {member:?}"));
    };
    value.as_str().ok_or_else(|| {
        format!("{member:?} of the discovery document is {}, not a string", value.kind())
    })
}
