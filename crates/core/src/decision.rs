//! The decision: token, requested role, policy, keys and time go in, a grant or
//! a refusal comes out. The order of the checks is fixed, the first failure
//! decides.
//!
//! [`decide`] runs all of it after [`admit`]. The checks are in [`checks`], the
//! order in [`stages`]: each stage takes the evidence of the one before and is
//! the only way to the next, so that no unproven claim can reach the identity
//! map. [`explain`] asks the same checks and grants nothing.

pub mod checks;
pub mod explain;
pub mod stages;

use crate::issuers::Issuer;
use crate::json::Node;
use crate::jwk::PublicKey;
use crate::policy::{KeySource, Policy};
use crate::refusal::{Malformed, NoKeys, Refusal};
use crate::time::UnixTime;
pub use stages::Admitted;

/// How a connection reached the server, and what for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Connection {
    /// What carries its bytes.
    pub transport: Transport,
    /// Whether it asks for replication, physical or logical.
    pub replication: bool,
}

/// What carries the bytes of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// TCP with TLS.
    Tls,
    /// A Unix socket.
    UnixSocket,
    /// TCP that anyone on the way can read.
    Plain,
}

/// What the line of the server's own configuration that led to a door demands
/// beyond the policy. By default nothing.
#[derive(Clone, Copy, Default)]
pub struct Demands<'a> {
    /// The only issuer that is believed there; `None` for every configured one.
    pub issuer: Option<&'a str>,
    /// Who says which identity may have the role.
    pub mapping: Mapping<'a>,
}

/// Who says whether an identity may have the requested role (check 11).
#[derive(Clone, Copy, Default)]
pub enum Mapping<'a> {
    /// Our identity maps.
    #[default]
    IdentityMaps,
    /// The server's own map, asked about one identity after the other until one
    /// may have the role. Our identity maps have no part in it.
    Server(&'a dyn Fn(&str) -> bool),
    /// An open session that is to go on with another token: asked likewise.
    Session(&'a dyn Fn(&str) -> bool),
}

/// What a decision asks of the world around it.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Where keys are looked up. May wait.
    pub keys: &'a dyn Keys,
    /// Whether a role of this name exists and is a superuser.
    pub is_superuser: &'a dyn Fn(&[u8]) -> bool,
    /// The time at which a token is judged, asked for after a wait for keys.
    pub now: &'a dyn Fn() -> UnixTime,
    /// Told of each phase when it begins, for whoever measures them.
    pub begins: &'a dyn Fn(Phase),
}

/// The parts of a decision that take time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Looking for keys, and perhaps waiting for them.
    Keys,
    /// Verifying the signature.
    Signature,
    /// The claims: times, audience, required claims, identity.
    Claims,
    /// Asking the identity map.
    Mapping,
    /// The role, the deny list.
    Role,
}

/// Where the keys of an issuer are looked up.
pub trait Keys {
    /// The usable keys of `issuer` that were made of `source`. May wait for
    /// keys to arrive, as long as the settings allow.
    fn find(&self, issuer: &Issuer, source: &KeySource, kid: Option<&str>) -> Found;
}

/// What [`Keys::find`] found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// The issuer has no keys.
    Unavailable(NoKeys),
    /// It has keys, of which some may be the right ones.
    Keys {
        /// The keys that carry the `kid`; all of them where none was asked for.
        of_kid: Vec<PublicKey>,
        /// How many usable keys the issuer has.
        issuer_keys: usize,
    },
}

/// The terms on which a login is granted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct Grant {
    /// The token's `iss`.
    pub issuer: String,
    /// The identity that maps to the role.
    pub principal: String,
    /// Every identity that the token carries, that one among them.
    pub identities: Vec<String>,
    /// The header's `kid`.
    pub kid: Option<String>,
    /// The token's `jti`, where it is a string.
    pub jti: Option<String>,
    /// The token's `exp`.
    pub expires: UnixTime,
    /// The role that was asked for, as the client sent it.
    pub role: Vec<u8>,
    /// All claims of the token as one JSON object.
    pub claims: String,
}

/// A refusal and what was known by then.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// For the log line.
    pub facts: Box<Facts>,
}

/// What was known when a check failed. Until the signature is proven, issuer
/// and `kid` are what anyone may have written.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Facts {
    /// The token's `iss`, once its form was good enough to read it.
    pub issuer: Option<String>,
    /// The header's `kid`, likewise.
    pub kid: Option<String>,
    /// After check 6 the identity, where the token has a sound one, several as
    /// a JSON array; after check 11 the one that maps to the role.
    pub principal: Option<String>,
}

/// Checks 0 and 1 as far as they can be made before the client is asked for a
/// token. `policy` is the sound policy, or the settings that were refused.
///
/// # Errors
/// `misconfigured`, `disabled`, `insecure_transport`.
pub fn admit(
    policy: Result<&Policy, Vec<String>>,
    connection: Connection,
) -> Result<Admitted<'_>, Refusal> {
    Admitted::new(policy, connection)
}

/// The rest of the decision. `password` is what the client sent, without its
/// NUL; `role` the role that it asked for.
///
/// # Errors
/// The first check that failed, with the facts known by then.
pub fn decide(
    admitted: Admitted<'_>,
    password: &[u8],
    role: &[u8],
    demands: Demands<'_>,
    surroundings: Surroundings<'_>,
) -> Result<Grant, Refused> {
    let Surroundings { keys, is_superuser, now, begins } = surroundings;
    let mut facts = Facts::default();
    let mut run = || {
        let decoded = admitted.decode(password)?;
        let parsed = decoded.parse()?;
        facts.issuer = parsed.claimed_issuer().map(str::to_owned);
        facts.kid = parsed.kid().map(str::to_owned);
        let algorithm = parsed.check_header()?;
        let addressed = parsed.known_issuer(algorithm, demands.issuer)?;
        begins(Phase::Keys);
        let keyed = addressed.find_key(keys)?;
        begins(Phase::Signature);
        let signed = keyed.verify()?;
        begins(Phase::Claims);
        facts.principal = signed.stated_principals().as_deref().map(principal);
        let timely = signed.check_times(now())?;
        let identified = timely.check_audience()?.check_required_claims()?.identify()?;
        begins(Phase::Mapping);
        let mapped = identified.map_to(role, demands.mapping)?;
        facts.principal = Some(mapped.principal().to_owned());
        begins(Phase::Role);
        mapped.grant(is_superuser)
    };
    run().map_err(|refusal| Refused { refusal, facts: Box::new(facts) })
}

/// The decision where a password came that does not begin as a token does, and
/// `jwt_sso.allow_password` is on. `matches` says whether it is the role's
/// stored password.
///
/// # Errors
/// `no_token`, `malformed_token`, and `reserved_role` for a proven password only.
pub fn decide_password(
    admitted: Admitted<'_>,
    password: &[u8],
    role: &[u8],
    matches: &dyn Fn() -> bool,
    is_superuser: &dyn Fn(&[u8]) -> bool,
) -> Result<(), Refusal> {
    if password.is_empty() {
        return Err(Refusal::NoToken);
    }
    if !matches() {
        return Err(Refusal::MalformedToken(Malformed::WrongPassword));
    }
    admitted.check_role(role, is_superuser)
}

/// One identity as it is, several as a JSON array.
fn principal(identities: &[String]) -> String {
    match identities {
        [single] => single.clone(),
        several => {
            let nodes = several.iter().map(|one| Node::String(one.clone())).collect();
            Node::Array(nodes).to_string()
        }
    }
}
