//! The claims of a token: the types of the registered ones (part of check 2),
//! times (check 7), audience (8), required claims (9) and identity (10).

use crate::claim_path::ClaimPath;
use crate::json::Node;
use crate::refusal::{Malformed, Refusal};
use crate::required_claim::RequiredClaim;
use crate::time::UnixTime;
use crate::token::{object, string_member};

/// A claims set whose registered claims have the types of RFC 7519 §4.1.
#[derive(Clone, Debug)]
pub struct Claims<'d>(Node<'d>);

impl<'d> Claims<'d> {
    /// Reads a decoded payload. `exp`, `nbf` and `iat` are left to
    /// [`Claims::check_times`], whose refusals are other ones.
    pub fn parse(payload: &'d [u8]) -> Result<Claims<'d>, Malformed> {
        let node = object(payload, "payload")?;
        string_member(&node, "iss")?;
        string_member(&node, "sub")?;
        let found = match node.get("aud") {
            None | Some(Node::String(_)) => None,
            Some(Node::Array(items)) if items.iter().all(|item| item.as_str().is_some()) => None,
            Some(Node::Array(_)) => Some("an array with something else than strings"),
            Some(other) => Some(other.kind()),
        };
        match found {
            Some(found) => Err(Malformed::MemberType { member: "aud", found }),
            None => Ok(Claims(node)),
        }
    }

    /// `iss`.
    pub fn issuer(&self) -> Option<&str> {
        self.0.get("iss").and_then(Node::as_str)
    }

    /// `sub`.
    pub fn subject(&self) -> Option<&str> {
        self.0.get("sub").and_then(Node::as_str)
    }

    /// `jti`, where it is a string.
    pub fn jti(&self) -> Option<&str> {
        self.0.get("jti").and_then(Node::as_str)
    }

    /// Check 7: `exp`, `nbf`, `iat`, lifetime, in this order. Returns `exp`.
    pub fn check_times(&self, rules: TimeRules, now: UnixTime) -> Result<UnixTime, Refusal> {
        let exp = self.expiry()?;
        let latest = now.seconds().saturating_add(rules.skew);
        if now.seconds() >= exp.seconds().saturating_add(rules.skew) {
            return Err(Refusal::Expired { at: exp, now });
        }
        if let Some(from) = self.numeric_date("nbf")?.filter(|nbf| nbf.seconds() > latest) {
            return Err(Refusal::NotYetValid { from, now });
        }
        let iat = self.numeric_date("iat")?;
        if let Some(at) = iat.filter(|iat| iat.seconds() > latest) {
            return Err(Refusal::IssuedInFuture { at, now });
        }
        if let Some(longest) = rules.max_lifetime {
            let seconds = exp.seconds().saturating_sub(iat.unwrap_or(now).seconds());
            if seconds > longest {
                return Err(Refusal::LifetimeTooLong { seconds, longest });
            }
        }
        Ok(exp)
    }

    /// `exp`, which no token goes without.
    pub fn expiry(&self) -> Result<UnixTime, Refusal> {
        self.numeric_date("exp")?.ok_or(Refusal::MissingExpiry)
    }

    /// A claim that is a NumericDate: `exp`, `nbf`, `iat`, `auth_time`.
    ///
    /// # Errors
    /// [`Refusal::InvalidClaim`], where it is something else.
    pub fn numeric_date(&self, claim: &str) -> Result<Option<UnixTime>, Refusal> {
        let found = match self.0.get(claim) {
            None => return Ok(None),
            Some(Node::Number(text)) => match numeric_date(text) {
                Some(time) => return Ok(Some(time)),
                None => "a number out of range",
            },
            Some(other) => other.kind(),
        };
        Err(Refusal::InvalidClaim { claim: claim.to_owned(), found: found.to_owned() })
    }

    /// Whom the token is for: `aud`, one or several; none where it is absent.
    pub fn audience(&self) -> Vec<&str> {
        match self.0.get("aud") {
            Some(Node::Array(items)) => items.iter().filter_map(Node::as_str).collect(),
            single => single.and_then(Node::as_str).into_iter().collect(),
        }
    }

    /// Check 8: `aud` names one of `accepted`.
    pub fn check_audience(&self, accepted: &[String]) -> Result<(), Refusal> {
        let found = self.audience();
        if found.iter().any(|audience| accepted.iter().any(|own| own == audience)) {
            return Ok(());
        }
        Err(Refusal::AudienceMismatch {
            found: found.into_iter().map(str::to_owned).collect(),
            accepted: accepted.to_vec(),
        })
    }

    /// Check 9: each demand of the issuer's entry is met.
    pub fn check_required(&self, demands: &[RequiredClaim]) -> Result<(), Refusal> {
        match demands.iter().find(|demand| !demand.holds(&self.0)) {
            None => Ok(()),
            Some(missed) => Err(Refusal::RequiredClaim {
                claim: missed.claim.to_string(),
                found: missed.claim.find(&self.0).map(Node::to_string),
                required: missed.to_string(),
            }),
        }
    }

    /// Check 10: the identities that the claim at `path` names, at least one,
    /// none of them empty.
    pub fn identities(&self, path: &ClaimPath) -> Result<Vec<String>, Refusal> {
        let Some(node) = path.find(&self.0) else {
            return Err(Refusal::MissingClaim { claim: path.to_string() });
        };
        identities(node).map_err(|found| Refusal::InvalidClaim { claim: path.to_string(), found })
    }
}

/// What check 7 is held against, all in seconds.
#[derive(Clone, Copy, Debug)]
pub struct TimeRules {
    /// How far the issuer's clock and ours may be apart.
    pub skew: u64,
    /// The longest time from `iat` (from now, without one) to `exp`.
    pub max_lifetime: Option<u64>,
}

/// A NumericDate (RFC 7519 §2) from 0 to 253402300799, its fraction cut. Read
/// from the digits where there is no exponent: a float of today's size holds
/// no more than seven digits of fraction and would round up.
fn numeric_date(text: &str) -> Option<UnixTime> {
    if text.contains(['e', 'E', '-']) {
        let number: f64 = text.parse().ok()?;
        let in_range = (0.0..=UnixTime::LAST.seconds() as f64).contains(&number);
        return if in_range { UnixTime::from_seconds(number as u64) } else { None };
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let time = UnixTime::from_seconds(whole.parse().ok()?)?;
    let beyond = time == UnixTime::LAST && fraction.contains(|digit| digit != '0');
    (!beyond).then_some(time)
}

/// A non-empty string, an array of those, or an integer in plain decimal. An
/// integer in an array is none of these. The error is what was found instead.
fn identities(node: &Node<'_>) -> Result<Vec<String>, String> {
    match node {
        Node::Array(items) if items.is_empty() => Err("an empty array".to_owned()),
        Node::Array(items) => items
            .iter()
            .map(|item| match item {
                Node::String(text) if !text.is_empty() => Ok(text.clone()),
                Node::String(_) => Err("an array with an empty string".to_owned()),
                other => Err(format!("an array with {}", other.kind())),
            })
            .collect(),
        Node::String(text) if text.is_empty() => Err("an empty string".to_owned()),
        Node::String(text) => Ok(vec![text.clone()]),
        Node::Number(text) if text.contains(['.', 'e', 'E']) => {
            Err("a number that is not an integer in plain decimal".to_owned())
        }
        Node::Number(text) => Ok(vec![(*text).to_owned()]),
        other => Err(other.kind().to_owned()),
    }
}

#[cfg(test)]
mod tests;
