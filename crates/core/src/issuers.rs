//! The issuers whose tokens are believed, and what each entry overrides.

mod forms;
mod well_known;

use crate::algorithm::AlgorithmSet;
use crate::claim_path::ClaimPath;
use crate::digest::Digest;
use crate::jwks::StaticJwks;
use crate::required_claim::RequiredClaim;
use crate::setting_error::SettingError;
use std::collections::HashMap;
use std::sync::Arc;
pub use well_known::issuer_of_line;

/// The most issuers that the setting may name.
pub const MAX_ISSUERS: usize = 1_000;

/// The setting `jwt_sso.issuers`. The default is none.
#[derive(Clone, Debug, Default)]
pub struct Issuers {
    entries: Vec<Issuer>,
    by_iss: HashMap<String, usize>,
    /// By [`bare`] name, to tell an administrator what the token's issuer is near to.
    by_bare: HashMap<String, usize>,
}

/// One issuer; `None` and empty mean that the global setting applies.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// Exactly what the token's `iss` must be.
    pub iss: String,
    /// Where its keys come from.
    pub keys: IssuerKeys,
    /// Accepted audiences; present but empty accepts none.
    pub audience: Option<Vec<String>>,
    /// The identity claim.
    pub claim: Option<ClaimPath>,
    /// Accepted algorithms; present but empty accepts none.
    pub algorithms: Option<AlgorithmSet>,
    /// Every one of them must hold.
    pub required_claims: Vec<RequiredClaim>,
}

/// Where the keys of an issuer come from.
#[derive(Clone, Debug)]
pub enum IssuerKeys {
    /// `jwt_sso.jwks` and `jwt_sso.jwks_file`, or discovery.
    Global,
    /// The entry's own `jwks`.
    Static(Arc<StaticJwks>),
    /// The entry's own `jwks_uri`, an absolute URL.
    Uri(String),
}

impl Issuer {
    /// An issuer for which every global setting applies.
    pub fn plain(iss: String) -> Issuer {
        Issuer {
            iss,
            keys: IssuerKeys::Global,
            audience: None,
            claim: None,
            algorithms: None,
            required_claims: Vec::new(),
        }
    }

    fn digest(&self) -> Digest {
        let (kind, keys) = match &self.keys {
            IssuerKeys::Global => ("global", &[][..]),
            IssuerKeys::Static(jwks) => ("static", &jwks.digest.as_bytes()[..]),
            IssuerKeys::Uri(uri) => ("uri", uri.as_bytes()),
        };
        let audience = self.audience.as_ref().map(|list| audience_digest(list));
        let claim = self.claim.as_ref().map(ClaimPath::to_string);
        let algorithms = self.algorithms.as_ref().map(AlgorithmSet::to_string);
        let mut required: Vec<String> =
            self.required_claims.iter().map(|r| format!("{}\n{r}", r.claim)).collect();
        required.sort();
        // An absent part and an empty one differ by the text before it.
        let or_global =
            |part: Option<&[u8]>| part.map_or(b"global".to_vec(), |p| [b"own:", p].concat());
        Digest::of(&[
            self.iss.as_bytes(),
            kind.as_bytes(),
            keys,
            &or_global(audience.as_ref().map(|d| &d.as_bytes()[..])),
            &or_global(claim.as_ref().map(String::as_bytes)),
            &or_global(algorithms.as_ref().map(String::as_bytes)),
            required.join("\n\n").as_bytes(),
        ])
    }
}

impl Issuers {
    /// Reads the setting, in any of its forms: one issuer as text; a JSON array
    /// of issuers; `{"issuer_jwks_map": {"iss": "url"}}`;
    /// `{"issuers": {"iss": {…}}}`.
    pub fn parse(text: &str) -> Result<Issuers, SettingError> {
        let mut issuers = Issuers::default();
        forms::read(text, &mut issuers)?;
        Ok(issuers)
    }

    fn add(&mut self, issuer: Issuer) -> Result<(), SettingError> {
        if self.by_iss.contains_key(&issuer.iss) {
            return Err(SettingError::new("this issuer is named twice").with_hint(
                "A trailing \"/.well-known/openid-configuration\" is no part of the name.",
            ));
        }
        if self.entries.len() == MAX_ISSUERS {
            return Err(SettingError::new(format!("more than {MAX_ISSUERS} issuers")));
        }
        let index = self.entries.len();
        self.by_bare.entry(bare(&issuer.iss).to_owned()).or_insert(index);
        self.by_iss.insert(issuer.iss.clone(), index);
        self.entries.push(issuer);
        Ok(())
    }

    /// The issuer of exactly that name.
    pub fn get(&self, iss: &str) -> Option<&Issuer> {
        self.by_iss.get(iss).map(|&index| &self.entries[index])
    }

    /// A configured issuer that differs from `iss` by `http:`, `https:` or no
    /// scheme, or by a trailing slash, and by nothing else.
    pub fn near(&self, iss: &str) -> Option<&str> {
        let near = &self.entries[*self.by_bare.get(bare(iss))?].iss;
        (near != iss).then_some(near)
    }

    /// Every issuer, in the order of the setting; those of a JSON object in the
    /// order of their names.
    pub fn iter(&self) -> std::slice::Iter<'_, Issuer> {
        self.entries.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every algorithm that some entry's own list names.
    pub fn own_algorithms(&self) -> AlgorithmSet {
        let own = self.entries.iter().filter_map(|issuer| issuer.algorithms);
        own.fold(AlgorithmSet::EMPTY, AlgorithmSet::union)
    }

    /// The fingerprint of everything above; the order of the issuers has no part in it.
    pub fn digest(&self) -> Digest {
        let mut digests: Vec<Digest> = self.entries.iter().map(Issuer::digest).collect();
        digests.sort_by_key(|digest| *digest.as_bytes());
        let parts: Vec<&[u8]> = digests.iter().map(|digest| &digest.as_bytes()[..]).collect();
        Digest::of(&parts)
    }
}

/// The fingerprint of a list of audiences, whatever their order.
pub(crate) fn audience_digest(audience: &[String]) -> Digest {
    let mut parts: Vec<&[u8]> = audience.iter().map(String::as_bytes).collect();
    parts.sort();
    Digest::of(&parts)
}

/// The name without scheme and without one trailing slash.
fn bare(iss: &str) -> &str {
    let rest = iss.strip_prefix("https://").or_else(|| iss.strip_prefix("http://")).unwrap_or(iss);
    rest.strip_suffix('/').unwrap_or(rest)
}

#[cfg(test)]
mod tests;
