//! The four forms of `jwt_sso.issuers`.

use super::{Issuer, IssuerKeys, Issuers};
use crate::algorithm_list;
use crate::audience;
use crate::claim_path::ClaimPath;
use crate::https_url;
use crate::json::Node;
use crate::jwks::StaticJwks;
use crate::required_claim::RequiredClaim;
use crate::setting_error::SettingError;
use crate::setting_text::{self, SettingValue};
use std::collections::BTreeMap;
use std::sync::Arc;

type Members<'a> = BTreeMap<String, Node<'a>>;

const DISCOVERY: &str = "/.well-known/openid-configuration";

const FORMS: &str = "Write one issuer, a JSON array of issuers, \
     {\"issuer_jwks_map\": {\"<issuer>\": \"<jwks url>\"}} or \
     {\"issuers\": {\"<issuer>\": {\"audience\": \"...\", \"jwks_uri\": \"...\"}}}.";

/// Adds every issuer of the setting to `issuers`.
pub(super) fn read(text: &str, issuers: &mut Issuers) -> Result<(), SettingError> {
    match SettingValue::read(text)? {
        SettingValue::None => Ok(()),
        // Nobody's issuer, but what a list or a JSON string looks like.
        SettingValue::Text(text) if text.contains(['"', ',']) => {
            Err(SettingError::new("as text it is one issuer, without quotes and commas")
                .with_hint(FORMS))
        }
        SettingValue::Text(text) => issuers.add(Issuer::plain(name(text)?)),
        SettingValue::Json(Node::Array(items)) => array(&items, issuers),
        SettingValue::Json(Node::Object(members)) => object(&members, issuers),
        // Only arrays and objects are read as JSON.
        SettingValue::Json(other) => Err(SettingError::new(other.kind()).with_hint(FORMS)),
    }
}

/// The name of an issuer, compared with `iss` as it is: no blanks, not empty.
fn name(text: &str) -> Result<String, SettingError> {
    setting_text::check_string(text)?;
    if text.contains(char::is_whitespace) {
        return Err(SettingError::new("the name of an issuer holds a blank").with_hint(FORMS));
    }
    let name = text.strip_suffix(DISCOVERY).unwrap_or(text);
    if name.is_empty() {
        return Err(SettingError::new("the name of an issuer is empty"));
    }
    Ok(name.to_owned())
}

fn array(items: &[Node<'_>], issuers: &mut Issuers) -> Result<(), SettingError> {
    for (i, item) in items.iter().enumerate() {
        string(item)
            .and_then(name)
            .and_then(|iss| issuers.add(Issuer::plain(iss)))
            .map_err(|error| error.at(format_args!("element {}", i + 1)))?;
    }
    Ok(())
}

type ReadEntry = fn(String, &Node<'_>) -> Result<Issuer, SettingError>;

fn object(members: &Members<'_>, issuers: &mut Issuers) -> Result<(), SettingError> {
    for (form, content) in members {
        let read_entry: ReadEntry = match form.as_str() {
            "issuers" => entry,
            "issuer_jwks_map" => url,
            _ => return Err(unknown_member().with_hint(FORMS).within(form)),
        };
        if members.len() > 1 && members.contains_key("issuers") && form != "issuers" {
            let both = "both \"issuers\" and \"issuer_jwks_map\"";
            return Err(SettingError::new(both).with_hint(FORMS));
        }
        each(content, read_entry, issuers).map_err(|error| error.within(form))?;
    }
    if members.is_empty() {
        let neither = "an object without \"issuers\" and \"issuer_jwks_map\"";
        return Err(SettingError::new(neither).with_hint(FORMS));
    }
    Ok(())
}

fn each(
    content: &Node<'_>,
    read_entry: ReadEntry,
    issuers: &mut Issuers,
) -> Result<(), SettingError> {
    let Node::Object(entries) = content else {
        let found = format!("{}, not an object with a member for each issuer", content.kind());
        return Err(SettingError::new(found).with_hint(FORMS));
    };
    for (key, value) in entries {
        name(key)
            .and_then(|iss| read_entry(iss, value))
            .and_then(|issuer| issuers.add(issuer))
            .map_err(|error| error.within(key))?;
    }
    Ok(())
}

/// A member of `issuer_jwks_map`.
fn url(iss: String, value: &Node<'_>) -> Result<Issuer, SettingError> {
    let keys = IssuerKeys::Uri(https_url::parse(string(value)?)?);
    Ok(Issuer { keys, ..Issuer::plain(iss) })
}

/// A member of `issuers`.
fn entry(iss: String, value: &Node<'_>) -> Result<Issuer, SettingError> {
    let Node::Object(members) = value else {
        return Err(SettingError::new(format!("{}, not an object", value.kind())));
    };
    let mut issuer = Issuer::plain(iss);
    for (member, value) in members {
        set(&mut issuer, member, value).map_err(|error| error.within(member))?;
    }
    if members.contains_key("jwks") && members.contains_key("jwks_uri") {
        let both = "both \"jwks\" and \"jwks_uri\": one of them says where the keys come from";
        return Err(SettingError::new(both));
    }
    Ok(issuer)
}

fn set(issuer: &mut Issuer, member: &str, value: &Node<'_>) -> Result<(), SettingError> {
    match member {
        "jwks_uri" => issuer.keys = IssuerKeys::Uri(https_url::parse(string(value)?)?),
        "jwks" => issuer.keys = IssuerKeys::Static(Arc::new(jwks(value)?)),
        "audience" => issuer.audience = Some(audience::of_entry(value)?),
        "claim" => issuer.claim = Some(ClaimPath::parse(string(value)?)?),
        "algorithms" => issuer.algorithms = Some(algorithm_list::of_entry(value)?),
        "required_claims" => issuer.required_claims = RequiredClaim::all(value)?,
        _ => {
            return Err(unknown_member().with_hint(
                "An entry may have: jwks_uri, jwks, audience, claim, algorithms, required_claims.",
            ));
        }
    }
    Ok(())
}

fn unknown_member() -> SettingError {
    SettingError::new("unknown member")
}

fn jwks(value: &Node<'_>) -> Result<StaticJwks, SettingError> {
    match value {
        Node::Object(_) => StaticJwks::parse(&value.to_string()),
        _ => Err(SettingError::new(format!("{}, not a JWK set or a JWK", value.kind()))),
    }
}

fn string<'n>(value: &'n Node<'_>) -> Result<&'n str, SettingError> {
    value.as_str().ok_or_else(|| SettingError::new(format!("{}, not a string", value.kind())))
}
