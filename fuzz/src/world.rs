//! A server with two issuers, its keys in an image as in shared memory, and
//! tokens that the issuers signed.

use crate::minting::{self, ED25519, OTHER_RSA, Signer};
use aws_lc_rs::signature::Ed25519KeyPair;
use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::decision::{Found, Keys};
use jwt_sso_core::digest::Digest;
use jwt_sso_core::image::{self, KeySet, Lookup, Status};
use jwt_sso_core::issuers::{Issuer, IssuerKeys};
use jwt_sso_core::policy::{KeySource, Policy};
use jwt_sso_core::refusal::NoKeys;
use jwt_sso_core::settings::{Id, compile};
use std::sync::LazyLock;

/// 2027-01-15T08:00:00Z.
pub const NOW: u64 = 1_800_000_000;

/// The names of the issuers.
pub const ISSUERS: [&str; 2] = ["https://idp.example", "https://two.example"];

/// Signs for the second issuer; the stranger signs for nobody.
static SECOND: LazyLock<Signer> = LazyLock::new(ed25519);
pub static STRANGER: LazyLock<Signer> = LazyLock::new(ed25519);

fn ed25519() -> Signer {
    Signer::Ed25519(Ed25519KeyPair::generate().expect("randomness"))
}

/// A token that one of the issuers signed, and all that it is good for.
pub struct Minted {
    pub token: String,
    pub issuer: usize,
    pub principal: &'static str,
    pub role: &'static str,
}

pub struct World {
    pub policy: Policy,
    pub minted: Vec<Minted>,
    image: Vec<u8>,
}

pub static WORLD: LazyLock<World> = LazyLock::new(World::new);

impl World {
    fn new() -> World {
        let policy = policy();
        let mut sets: Vec<KeySet> = policy
            .issuers
            .iter()
            .filter_map(|issuer| {
                let keys = match &issuer.keys {
                    IssuerKeys::Static(jwks) => jwks.keys(),
                    _ => policy.jwks.keys(),
                };
                let source = digest(&policy.key_source(issuer))?;
                Some(KeySet::of_settings(source, &issuer.iss, keys))
            })
            .collect();
        // One that nothing asks for, so that the search has something to pass by.
        sets.push(KeySet::of_settings(Digest::of(&[b"other"]), "", policy.jwks.keys()));
        let status = Status { policy: policy.fingerprint(), refused: 0 };
        World { image: image::encode(&status, &sets), minted: mint(), policy }
    }
}

fn digest(source: &KeySource) -> Option<Digest> {
    match source {
        KeySource::Global(digest) | KeySource::Entry(digest) | KeySource::Fetched(digest) => {
            Some(*digest)
        }
        KeySource::None => None,
    }
}

/// Found in the image, as a login finds them.
impl Keys for World {
    fn find(&self, _: &Issuer, source: &KeySource, kid: Option<&str>) -> Found {
        let source = digest(source).expect("both issuers have keys");
        match image::lookup(&self.image, &source, kid, NOW) {
            Lookup::Found { of_kid, usable, .. } => Found::Keys { of_kid, issuer_keys: usable },
            Lookup::NoSet | Lookup::LeftOut => Found::Unavailable(NoKeys::NotFetched),
        }
    }
}

/// The `kid` of the key that signs `alg` for the first issuer.
pub fn kid(alg: Algorithm) -> &'static str {
    match alg {
        Algorithm::Es256 => "p256",
        Algorithm::Es384 => "p384",
        Algorithm::Es512 => "p521",
        Algorithm::EdDsa => "ed",
        _ => "rsa",
    }
}

fn policy() -> Policy {
    let families = [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512];
    let of_alg = |alg| minting::signer(alg).jwk(&format!(r#","kid":"{}""#, kid(alg)));
    let mut keys: Vec<String> = families.into_iter().map(of_alg).collect();
    keys.push(OTHER_RSA.jwk(r#","kid":"ps","alg":"PS256""#));
    keys.push(ED25519.jwk(r#","kid":"ed","use":"sig""#));
    let second = SECOND.jwk(r#","alg":"EdDSA""#);
    let entry = format!(
        r#"{{"jwks":{second},"audience":["two","zwei"],"claim":"/ids/mail","algorithms":["EdDSA"],
            "required_claims":{{"groups":["dba","dev"]}}}}"#
    );
    let map = "https://idp.example alice alice\n\
        https://idp.example /^(.*)@example\\.com$ \\1\n\
        https://two.example /^([a-z]+)@two\\.example$ two_\\1\n";
    let mut policy = Policy { enabled: true, ..Policy::default() };
    for (id, text) in [
        (
            Id::Issuers,
            format!(r#"{{"issuers":{{"{}":{{}},"{}":{entry}}}}}"#, ISSUERS[0], ISSUERS[1]),
        ),
        (Id::Audience, "db".to_owned()),
        (Id::Jwks, format!(r#"{{"keys":[{}]}}"#, keys.join(","))),
        (Id::IdentityMap, map.to_owned()),
        (Id::Deny, r#"[{"jti":"revoked"},{"principal":"mallory@example.com"}]"#.to_owned()),
    ] {
        compile::text(id, &text).expect("a good setting")(&mut policy);
    }
    policy
}

/// Whether the identity maps to the role, said once more and without any map.
pub fn maps(issuer: usize, principal: &str, role: &[u8]) -> bool {
    let Ok(role) = std::str::from_utf8(role) else { return false };
    if role.is_empty() {
        return false;
    }
    if issuer == 0 {
        let of_mail = principal.strip_suffix("@example.com") == Some(role) && !role.contains('\n');
        return of_mail || (principal == "alice" && role == "alice");
    }
    let name = principal.strip_suffix("@two.example").unwrap_or_default();
    let letters = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
    letters && role.strip_prefix("two_") == Some(name)
}

/// Claims that every check accepts, of the first issuer.
pub fn claims(sub: &str) -> String {
    format!(
        r#"{{"iss":"{}","sub":"{sub}","aud":"db","exp":{},"iat":{},"jti":"1"}}"#,
        ISSUERS[0],
        NOW + 300,
        NOW - 10
    )
}

/// Claims that every check accepts, of the second issuer.
pub fn second_claims() -> String {
    format!(
        r#"{{"iss":"{}","aud":["x","two"],"exp":{}.5,"nbf":{},"groups":["all","dev"],"ids":{{"mail":["no","ann@two.example"]}}}}"#,
        ISSUERS[1],
        NOW + 60,
        NOW + 30
    )
}

/// A token by the key of this issuer, or by a stranger's.
pub fn sign(issuer: Option<usize>, header: &str, payload: &[u8]) -> String {
    let signer = match issuer {
        Some(0) => &*ED25519,
        Some(_) => &*SECOND,
        None => &*STRANGER,
    };
    signer.token(Algorithm::EdDsa, header, payload)
}

/// One token for each algorithm, one without `kid`, one of the second issuer.
fn mint() -> Vec<Minted> {
    let first = |token, principal, role| Minted { token, issuer: 0, principal, role };
    let mut minted: Vec<Minted> = Algorithm::ALL
        .into_iter()
        .map(|alg| {
            let header = format!(r#"{{"alg":"{alg}","kid":"{}","typ":"JWT"}}"#, kid(alg));
            first(minting::signer(alg).token(alg, &header, claims("alice")), "alice", "alice")
        })
        .collect();
    let bare = r#"{"alg":"EdDSA"}"#;
    let bob = "bob@example.com";
    minted.push(first(sign(Some(0), bare, claims(bob).as_bytes()), bob, "bob"));
    minted.push(Minted {
        token: sign(Some(1), bare, second_claims().as_bytes()),
        issuer: 1,
        principal: "ann@two.example",
        role: "two_ann",
    });
    minted
}
