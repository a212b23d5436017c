//! Whether the server would take a token, and as whom: the core's own
//! decision as a dry run, with the settings of the server and the keys of the
//! issuer.

use super::log;
use super::settings::Settings;
use super::source::RoleFacts;
use jwt_sso_core::decision::explain::{Check, Fact, Outcome, explain};
use jwt_sso_core::decision::{Connection, Found, Keys, Surroundings, Transport};
use jwt_sso_core::held_keys;
use jwt_sso_core::issuers::{Issuer, IssuerKeys};
use jwt_sso_core::jwk::PublicKey;
use jwt_sso_core::policy::{FetchPlace, KeySource};
use jwt_sso_core::refusal::{MapFor, NoKeys, Reason, Refusal, words};
use jwt_sso_core::time::UnixTime;
use jwt_sso_core::token::CompactJws;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

/// The most roles that a page shows.
const MAX_ROLES: usize = 100;
const FETCH_TIMEOUT: Duration = Duration::from_secs(15);

/// What there is to say of a token.
#[derive(Debug)]
pub struct Verdict {
    pub issuer: String,
    pub identities: Vec<String>,
    /// The roles to offer, none of them refused for its own sake; none at all
    /// where the map cannot be read here.
    pub roles: Vec<String>,
    pub expires: UnixTime,
    /// Why the server would refuse the token, or the server itself a role.
    pub warnings: Vec<String>,
}

/// There is nothing to offer.
#[derive(Debug)]
pub enum NoVerdict {
    /// It is no JWT, so no server can read it.
    Opaque,
    /// It names nobody who may log in; why.
    Nobody { why: Refusal, identities: Vec<String> },
    /// The settings of server and console do not fit together.
    Refused(Refusal),
}

/// The keys of one issuer, or that they are not to be had here.
pub struct IssuerKeySet(Option<Vec<PublicKey>>);

impl IssuerKeySet {
    /// As the server gets them. Blocking. Where it has them from a file that
    /// cannot be read here, or from a network that does not answer, there is
    /// nothing to say about keys.
    pub fn get(settings: &Settings, custom_ca: Option<&[u8]>) -> IssuerKeySet {
        let policy = &settings.policy;
        let Some(issuer) = policy.issuers.get(&settings.provider_url) else {
            return IssuerKeySet(None);
        };
        IssuerKeySet(match (policy.fetch_place(issuer), &issuer.keys) {
            (Some(place), _) => fetch(&issuer.iss, place, custom_ca),
            (None, IssuerKeys::Static(jwks)) => Some(jwks.keys()),
            _ if settings.unread_jwks_file => None,
            _ => Some([policy.jwks.keys(), policy.jwks_file.keys()].concat()),
        })
    }

    fn is_known(&self) -> bool {
        self.0.is_some()
    }
}

impl Keys for IssuerKeySet {
    fn find(&self, _: &Issuer, _: &KeySource, kid: Option<&str>) -> Found {
        let Some(keys) = &self.0 else { return Found::Unavailable(NoKeys::NotFetched) };
        let of_kid = keys.iter().filter(|key| kid.is_none() || key.kid.as_deref() == kid);
        Found::Keys { of_kid: of_kid.cloned().collect(), issuer_keys: keys.len() }
    }
}

fn fetch(iss: &str, place: FetchPlace, custom_ca: Option<&[u8]>) -> Option<Vec<PublicKey>> {
    let request = jwt_sso_fetch::Request {
        issuer: iss.to_owned(),
        place: match place {
            FetchPlace::Jwks(url) => jwt_sso_fetch::Place::Jwks { url },
            FetchPlace::Discovery { url, accepted_issuers } => {
                jwt_sso_fetch::Place::Discovery { url, accepted_issuers }
            }
        },
        custom_ca: custom_ca.map(Into::into),
        timeout: FETCH_TIMEOUT,
    };
    let keys = jwt_sso_fetch::fetch(&request)
        .map_err(|error| error.to_string())
        .and_then(|set| held_keys::seen_keys(&set.body).map_err(|error| error.to_string()));
    match keys {
        Ok(keys) => Some(keys.into_iter().filter_map(|key| key.public.ok()).collect()),
        Err(why) => {
            log::line(format_args!("the keys that the server would use are not to be had: {why}"));
            None
        }
    }
}

/// A token that waits for what the catalogue says of its roles.
pub struct Candidate<'a> {
    settings: &'a Settings,
    keys: &'a IssuerKeySet,
    token: &'a [u8],
    issuer: String,
    identities: Vec<String>,
    /// Whatever the map gives to its identities.
    pub roles: Vec<String>,
}

/// Reads who the token is for.
pub fn candidate<'a>(
    settings: &'a Settings,
    keys: &'a IssuerKeySet,
    token: &'a [u8],
) -> Result<Candidate<'a>, NoVerdict> {
    if CompactJws::decode(token).is_err() {
        return Err(NoVerdict::Opaque);
    }
    let rows = dry_run(settings, keys, token, "", &|_| false);
    let mut issuer = None;
    for (check, outcome) in rows {
        match (check, outcome) {
            (Check::Form | Check::Issuer, Outcome::Failed(why)) => {
                return Err(NoVerdict::Refused(why));
            }
            (_, Outcome::Passed(Fact::Issuer(iss))) => issuer = Some(iss),
            (Check::Identity, Outcome::Failed(why)) => {
                return Err(NoVerdict::Nobody { why, identities: Vec::new() });
            }
            (_, Outcome::Passed(Fact::Identity(identities))) => {
                let issuer = issuer.unwrap_or_default();
                let map = settings.policy.map_for(&issuer);
                let of = |identity: &String| settings.policy.roles_of(&issuer, identity);
                let roles: BTreeSet<String> = identities.iter().flat_map(of).collect();
                // A line of a file that cannot be read may give one all the same.
                if roles.is_empty() && settings.unread_map_file.is_none() {
                    let why = Refusal::RoleNotMapped { principals: identities.clone(), map };
                    return Err(NoVerdict::Nobody { why, identities });
                }
                let roles = roles.into_iter().take(MAX_ROLES).collect();
                return Ok(Candidate { settings, keys, token, issuer, identities, roles });
            }
            _ => {}
        }
    }
    Err(NoVerdict::Opaque)
}

impl Candidate<'_> {
    /// The whole decision for each role. `catalogue` is what the server's
    /// catalogue says of them, where there is one to ask.
    pub fn judge(
        self,
        catalogue: Option<&BTreeMap<String, RoleFacts>>,
    ) -> Result<Verdict, NoVerdict> {
        let facts = |role: &str| catalogue.and_then(|roles| roles.get(role));
        let is_superuser = |role: &[u8]| {
            let name = std::str::from_utf8(role).unwrap_or_default();
            facts(name).is_some_and(|facts| facts.superuser)
        };
        let (mut offered, mut warnings, mut reserved) = (Vec::new(), Vec::new(), Vec::new());
        let mut expires = None;
        let unknown = [String::new()];
        let roles = if self.roles.is_empty() { &unknown[..] } else { &self.roles };
        for role in roles {
            let mut own = None;
            let rows = dry_run(self.settings, self.keys, self.token, role, &is_superuser);
            for (check, outcome) in rows {
                match outcome {
                    Outcome::Passed(Fact::Time { expires: at, .. }) => expires = Some(at),
                    Outcome::Failed(why) if check == Check::Role => own = Some(why),
                    Outcome::Failed(why) if self.counts(check) => note(&mut warnings, said(&why)),
                    _ => {}
                }
            }
            match own {
                Some(why) => reserved.push((role, why)),
                None => offered.push(role.clone()),
            }
        }
        offered.retain(|role| !role.is_empty());
        if offered.is_empty() && !self.roles.is_empty() {
            return Err(match reserved.into_iter().next() {
                Some((_, why)) => NoVerdict::Nobody { why, identities: self.identities },
                None => NoVerdict::Opaque,
            });
        }
        for (role, why) in &reserved {
            note(&mut warnings, format!("As {}: {}", words::quote(role), said(why)));
        }
        if let Some(problem) = catalogue.map(|roles| missing(&offered, roles)) {
            warnings.extend(problem);
        }
        let Some(expires) = expires.or_else(|| self.stated_expiry()) else {
            return Err(NoVerdict::Refused(Refusal::MissingExpiry));
        };
        let Candidate { issuer, identities, .. } = self;
        Ok(Verdict { issuer, identities, roles: offered, expires, warnings })
    }

    /// Whether a failure of this check says something about the server.
    fn counts(&self, check: Check) -> bool {
        let of_keys = matches!(check, Check::Keys | Check::Key | Check::Signature);
        let of_unknown_role = check == Check::IdentityMap && self.roles.is_empty();
        (self.keys.is_known() || !of_keys) && !of_unknown_role
    }

    /// `exp` of a token that the server would refuse for its times.
    fn stated_expiry(&self) -> Option<UnixTime> {
        let jws = CompactJws::decode(self.token).ok()?;
        let claims: serde_json::Value = serde_json::from_slice(jws.payload()).ok()?;
        UnixTime::from_seconds(claims.get("exp")?.as_u64()?)
    }
}

fn missing(offered: &[String], catalogue: &BTreeMap<String, RoleFacts>) -> Vec<String> {
    let problem = |role: &String| match catalogue.get(role) {
        None => Some(format!("The server has no role {}.", words::quote(role))),
        Some(facts) if !facts.login => {
            Some(format!("The role {} may not log in (NOLOGIN).", words::quote(role)))
        }
        Some(_) => None,
    };
    offered.iter().filter_map(problem).collect()
}

fn note(warnings: &mut Vec<String>, text: String) {
    if !warnings.contains(&text) {
        warnings.push(text);
    }
}

/// The reason and its words, as the server's log has them.
pub fn said(why: &Refusal) -> String {
    format!("{}: {}", why.reason(), words::log_detail(why))
}

/// What an administrator can do about a refusal that is no person's fault.
pub fn remedy(why: &Refusal) -> Option<&'static str> {
    Some(match (why.reason(), why) {
        (Reason::UnknownIssuer, _) => {
            "jwt_sso.issuers must have the provider's issuer exactly as its tokens have it."
        }
        (Reason::MissingClaim, _) => {
            "Ask for the scope that brings the claim (jwt_sso.oidc_scopes), or name another one \
             in jwt_sso.claim."
        }
        (_, Refusal::RoleNotMapped { map: MapFor::NoLine | MapFor::Lines, .. }) => {
            "A line of jwt_sso.identity_map must give this identity a role."
        }
        _ => return None,
    })
}

fn dry_run(
    settings: &Settings,
    keys: &IssuerKeySet,
    token: &[u8],
    role: &str,
    is_superuser: &dyn Fn(&[u8]) -> bool,
) -> Vec<(Check, Outcome)> {
    let connection = Connection { transport: Transport::Tls, replication: false };
    let around = Surroundings { keys, is_superuser, now: &now, begins: &|_| () };
    explain(Ok(&settings.policy), connection, token, role.as_bytes(), around)
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_seconds(since.as_secs()).unwrap_or(UnixTime::LAST)
}
