//! A server, its settings, its clock and a client's login, all invented.

use crate::minting::{self, ED25519};
use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::claim_path::ClaimPath;
use jwt_sso_core::decision::explain::{Check, Outcome, explain};
use jwt_sso_core::decision::{
    Connection, Demands, Found, Grant, Keys, Phase, Refused, Surroundings, Transport, admit, decide,
};
use jwt_sso_core::deny::DenyList;
use jwt_sso_core::identity_map::IdentityMap;
use jwt_sso_core::issuers::{Issuer, IssuerKeys, Issuers};
use jwt_sso_core::jwk::PublicKey;
use jwt_sso_core::jwks::StaticJwks;
use jwt_sso_core::policy::{KeySource, Policy};
use jwt_sso_core::refusal::{NoKeys, Reason, Refusal};
use jwt_sso_core::time::UnixTime;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

pub const ISSUER: &str = "https://idp.example";
/// 2027-01-15T08:00:00Z.
pub const NOW: u64 = 1_800_000_000;
pub const HEADER: &str = r#"{"alg":"EdDSA","kid":"k1","typ":"JWT"}"#;

/// Takes a claim away in [`claims`].
pub const ABSENT: &str = "";

/// Claims that every check accepts, with these changes, as JSON text each.
pub fn claims(changes: &[(&str, &str)]) -> String {
    let exp = (NOW + 300).to_string();
    let iat = (NOW - 10).to_string();
    let mut members = vec![
        ("iss", "\"https://idp.example\""),
        ("sub", "\"alice\""),
        ("aud", "\"db\""),
        ("exp", exp.as_str()),
        ("iat", iat.as_str()),
    ];
    for (name, value) in changes {
        members.retain(|(known, _)| known != name);
        if *value != ABSENT {
            members.push((name, value));
        }
    }
    let members: Vec<String> = members.iter().map(|(n, v)| format!("\"{n}\":{v}")).collect();
    format!("{{{}}}", members.join(","))
}

/// A token of good form by the issuer's key, with these claims.
pub fn token(changes: &[(&str, &str)]) -> String {
    signed(HEADER, claims(changes))
}

/// A token by the issuer's key.
pub fn signed(header: &str, payload: impl AsRef<[u8]>) -> String {
    ED25519.token(Algorithm::EdDsa, header, payload)
}

/// Everything that a decision depends on, at first such that it is granted.
pub struct Scene {
    /// `Err`: the settings that were refused.
    pub policy: Result<Policy, Vec<String>>,
    pub connection: Connection,
    pub role: &'static [u8],
    pub superusers: &'static [&'static [u8]],
    pub now: u64,
    pub fetched: Found,
    /// How often keys were looked up.
    pub lookups: Cell<usize>,
    /// The phases that have begun.
    pub phases: RefCell<Vec<Phase>>,
}

impl Scene {
    pub fn new() -> Scene {
        let policy = Policy {
            enabled: true,
            issuers: Arc::new(Issuers::parse(ISSUER).expect("an issuer")),
            audience: Arc::from(["db".to_owned()]),
            jwks: jwks(&[ED25519.jwk(r#","kid":"k1""#)]),
            ..Policy::default()
        };
        Scene {
            policy: Ok(policy),
            connection: Connection { transport: Transport::Tls, replication: false },
            role: b"alice",
            superusers: &[b"postgres"],
            now: NOW,
            fetched: Found::Unavailable(NoKeys::NotFetched),
            lookups: Cell::new(0),
            phases: RefCell::default(),
        }
    }

    /// The scene with other settings.
    pub fn with(change: impl FnOnce(&mut Policy)) -> Scene {
        let mut scene = Scene::new();
        change(scene.settings());
        scene
    }

    /// The scene with these issuers, and `ISSUER`'s entry this one.
    pub fn with_entry(entry: &str) -> Scene {
        let text = format!(r#"{{"issuers":{{"{ISSUER}":{entry}}}}}"#);
        Scene::with(|policy| policy.issuers = Arc::new(Issuers::parse(&text).expect(entry)))
    }

    pub fn settings(&mut self) -> &mut Policy {
        self.policy.as_mut().expect("a sound policy")
    }

    pub fn wanting(self, role: &'static [u8]) -> Scene {
        Scene { role, ..self }
    }

    pub fn decide(&self, token: impl AsRef<[u8]>) -> Result<Grant, Refused> {
        self.decide_demanding(Demands::default(), token)
    }

    /// The decision behind a line that demands more than the policy.
    pub fn decide_demanding(
        &self,
        demands: Demands<'_>,
        token: impl AsRef<[u8]>,
    ) -> Result<Grant, Refused> {
        let policy = self.policy.as_ref().map_err(Clone::clone);
        let admitted = admit(policy, self.connection)
            .map_err(|refusal| Refused { refusal, facts: Box::default() })?;
        self.surrounded(|around| decide(admitted, token.as_ref(), self.role, demands, around))
    }

    /// The dry run.
    pub fn explain(&self, token: impl AsRef<[u8]>) -> Vec<(Check, Outcome)> {
        let policy = self.policy.as_ref().map_err(Clone::clone);
        self.surrounded(|around| {
            explain(policy, self.connection, token.as_ref(), self.role, around)
        })
    }

    fn surrounded<T>(&self, ask: impl FnOnce(Surroundings<'_>) -> T) -> T {
        let now = UnixTime::from_seconds(self.now).expect("in range");
        ask(Surroundings {
            keys: self,
            is_superuser: &|role: &[u8]| self.superusers.contains(&role),
            now: &|| now,
            begins: &|phase| self.phases.borrow_mut().push(phase),
        })
    }

    pub fn refusal(&self, token: impl AsRef<[u8]>) -> Refusal {
        self.decide(token).expect_err("a refusal").refusal
    }

    /// `None` is granted.
    pub fn reason(&self, token: impl AsRef<[u8]>) -> Option<Reason> {
        self.decide(token).err().map(|refused| refused.refusal.reason())
    }
}

/// A key ring as the server's: static sets by their source, and what a test put into `fetched`.
impl Keys for Scene {
    fn find(&self, issuer: &Issuer, source: &KeySource, kid: Option<&str>) -> Found {
        self.lookups.set(self.lookups.get() + 1);
        let policy = self.policy.as_ref().expect("keys are not looked up without a policy");
        let all: Vec<PublicKey> = match (source, &issuer.keys) {
            (KeySource::Global(_), _) => [policy.jwks.keys(), policy.jwks_file.keys()].concat(),
            (KeySource::Entry(_), IssuerKeys::Static(own)) => own.keys(),
            (KeySource::Fetched(_), _) => return self.fetched.clone(),
            other => panic!("asked for keys of {other:?}"),
        };
        let issuer_keys = all.len();
        let named = |key: &PublicKey| kid.is_none_or(|kid| key.kid.as_deref() == Some(kid));
        Found::Keys { of_kid: all.into_iter().filter(named).collect(), issuer_keys }
    }
}

pub fn jwks(keys: &[String]) -> Arc<StaticJwks> {
    let text = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
    Arc::new(StaticJwks::parse(&text).expect("a key set"))
}

pub fn claim(text: &str) -> Arc<ClaimPath> {
    Arc::new(ClaimPath::parse(text).expect(text))
}

pub fn deny(text: &str) -> Arc<DenyList> {
    Arc::new(DenyList::parse(text).expect(text))
}

pub fn map(text: &str) -> Arc<IdentityMap> {
    Arc::new(IdentityMap::parse(text).expect(text))
}

/// A token of `alg` by a key of that family, and a scene that knows the key without its `alg`.
pub fn scene_of(alg: Algorithm) -> (Scene, String) {
    let signer = minting::signer(alg);
    let scene = Scene::with(|policy| policy.jwks = jwks(&[signer.jwk(r#","kid":"k1""#)]));
    let token = signer.token(alg, &format!(r#"{{"alg":"{alg}","kid":"k1"}}"#), claims(&[]));
    (scene, token)
}
