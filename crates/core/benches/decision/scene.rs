//! A server of a given size, and a token that it accepts: keys in the image as a login finds
//! them in shared memory, everything else as the settings are compiled.

use crate::minting::{RSA, base64url};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::decision::{
    Connection, Demands, Found, Keys, Surroundings, Transport, admit, decide,
};
use jwt_sso_core::identity_map::IdentityMap;
use jwt_sso_core::image::{self, KeySet, Lookup, Status};
use jwt_sso_core::issuers::{Issuer, Issuers};
use jwt_sso_core::jwk::{Material, PublicKey};
use jwt_sso_core::jwks::StaticJwks;
use jwt_sso_core::policy::{KeySource, Policy};
use jwt_sso_core::refusal::NoKeys;
use jwt_sso_core::time::UnixTime;
use std::sync::Arc;

/// 2027-01-15T08:00:00Z.
const NOW: u64 = 1_800_000_000;
const ROLE: &[u8] = b"alice";

/// How many there are of what a server can have many of.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    /// Issuers, each with a set of its own in the image.
    pub(crate) issuers: usize,
    /// Keys of the token's issuer; the others have one each.
    pub(crate) keys: usize,
    /// Map lines with a literal identity of the token's issuer; none is the token's.
    pub(crate) literal_lines: usize,
    /// Map lines with a regex. The last of the token's issuer is the one that maps.
    pub(crate) regex_lines: usize,
    /// Whether all regexes are of the token's issuer and might give its role, or each is of
    /// another issuer.
    pub(crate) regexes_of_one_issuer: bool,
    /// The length of the token, at least.
    pub(crate) token_bytes: usize,
}

/// The server and the token.
pub(crate) struct Scene {
    policy: Policy,
    image: Vec<u8>,
    token: String,
    /// The header and the payload as they were signed, and the signature.
    signed: (Vec<u8>, Vec<u8>),
    parsed_key: ParsedPublicKey,
    key: PublicKey,
}

fn iss(n: usize) -> String {
    format!("https://tenant{n}.idp.example")
}

fn kid(n: usize) -> String {
    format!("key-{n:08}")
}

impl Scene {
    pub(crate) fn new(sizes: Sizes) -> Scene {
        // In the middle of the issuers and of the keys.
        let (own, own_key) = (sizes.issuers / 2, sizes.keys / 2);
        let policy = Policy {
            enabled: true,
            issuers: Arc::new(Issuers::parse(&issuers(sizes.issuers)).expect("issuers")),
            audience: Arc::from(["postgres".to_owned()]),
            identity_map_file: Arc::new(
                IdentityMap::parse_file(&map_lines(sizes, own)).expect("a map"),
            ),
            ..Policy::default()
        };
        let keys_of = |n: usize| if n == own { sizes.keys } else { 1 };
        let set = |(n, issuer): (usize, &Issuer)| {
            let KeySource::Fetched(source) = policy.key_source(issuer) else {
                panic!("every issuer has its URL")
            };
            KeySet::of_settings(source, &issuer.iss, public_keys(keys_of(n)))
        };
        // The issuers of a JSON object come in the order of their names.
        let number = |issuer: &Issuer| {
            (0..sizes.issuers).find(|n| iss(*n) == issuer.iss).expect("one of ours")
        };
        let sets: Vec<KeySet> = policy.issuers.iter().map(|i| set((number(i), i))).collect();
        let image = image::encode(&Status::default(), &sets);
        let key = public_keys(1).remove(0);
        let Material::Rsa { n, e } = &key.material else { panic!("an RSA key") };
        let parsed_key = PublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .expect("a key");
        let token = token(&iss(own), &kid(own_key), sizes.token_bytes);
        let (message, signature) = token.rsplit_once('.').expect("three parts");
        let signed = (message.as_bytes().to_vec(), decoded(signature));
        Scene { policy, image, signed, parsed_key, key, token }
    }

    /// The whole decision, as a login makes it; whether it is granted.
    pub(crate) fn decide(&self) -> bool {
        let connection = Connection { transport: Transport::Tls, replication: false };
        let admitted = admit(Ok(&self.policy), connection).expect("enabled");
        let around = Surroundings {
            keys: self,
            is_superuser: &|_| false,
            now: &|| UnixTime::from_seconds(NOW).expect("in range"),
            begins: &|_| (),
        };
        decide(admitted, self.token.as_bytes(), ROLE, Demands::default(), around).is_ok()
    }

    /// The signature alone, by the numbers of the key: what a process does that never saw the
    /// key before, as every login is one.
    pub(crate) fn bare_verify(&self) -> bool {
        let Material::Rsa { n, e } = &self.key.material else { return false };
        let (message, signature) = &self.signed;
        PublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
    }

    /// The signature alone, by a key that the library has loaded before.
    pub(crate) fn bare_verify_parsed_key(&self) -> bool {
        let (message, signature) = &self.signed;
        self.parsed_key.verify_sig(message, signature).is_ok()
    }

    /// How many keys the look-up in the image finds for the token.
    pub(crate) fn look_up(&self) -> usize {
        let iss = iss(self.policy.issuers.len() / 2);
        let issuer = self.policy.issuers.get(&iss).expect("one of ours");
        let source = self.policy.key_source(issuer);
        match self.find(issuer, &source, Some(&kid(0))) {
            Found::Keys { of_kid, .. } => of_kid.len(),
            Found::Unavailable(_) => 0,
        }
    }
}

/// The part of a login's look-up that does not wait.
impl Keys for Scene {
    fn find(&self, _issuer: &Issuer, source: &KeySource, kid: Option<&str>) -> Found {
        let KeySource::Fetched(source) = source else {
            return Found::Unavailable(NoKeys::NotConfigured);
        };
        match image::lookup(&self.image, source, kid, NOW) {
            Lookup::Found { of_kid, usable, .. } => Found::Keys { of_kid, issuer_keys: usable },
            _ => Found::Unavailable(NoKeys::NotFetched),
        }
    }
}

fn issuers(count: usize) -> String {
    let entry = |n| format!(r#""{0}":"{0}/keys""#, iss(n));
    let entries: Vec<String> = (0..count).map(entry).collect();
    format!(r#"{{"issuer_jwks_map":{{{}}}}}"#, entries.join(","))
}

fn map_lines(sizes: Sizes, own: usize) -> String {
    let literals =
        (0..sizes.literal_lines).map(|n| format!("{} user{n}@a.example alice", iss(own)));
    let regexes = (1..sizes.regex_lines).map(|n| {
        // Every issuer but the token's.
        let other = if n <= own { n - 1 } else { n };
        let issuer = if sizes.regexes_of_one_issuer { own } else { other };
        format!(r"{} /^(.*)@tenant{n}\.example$ \1", iss(issuer))
    });
    let maps = std::iter::once(format!(r"{} /^(.*)@example\.com$ \1", iss(own)));
    literals.chain(regexes).chain(maps).collect::<Vec<_>>().join("\n")
}

/// The same numbers under other names, since making RSA keys takes long.
fn public_keys(count: usize) -> Vec<PublicKey> {
    let set = StaticJwks::parse(&RSA.jwk(r#","use":"sig","alg":"RS256""#)).expect("a key");
    let key = set.keys().remove(0);
    (0..count).map(|n| PublicKey { kid: Some(kid(n)), ..key.clone() }).collect()
}

/// A token of a person, with the claims that providers write, at least so long.
fn token(iss: &str, kid: &str, length: usize) -> String {
    let header = format!(r#"{{"alg":"RS256","kid":"{kid}","typ":"JWT"}}"#);
    let (iat, exp) = (NOW - 60, NOW + 3_600);
    let build = |groups: usize| {
        let groups: Vec<String> =
            (0..groups).map(|n| format!(r#""0f3c{n:04}-9a51-4b0e-8c1d-2b7e6f40{n:04}""#)).collect();
        let claims = format!(
            r#"{{"iss":"{iss}","sub":"alice@example.com","aud":["postgres","other"],"iat":{iat},"nbf":{iat},"exp":{exp},"jti":"d2f1c8aa","auth_time":{iat},"azp":"app","scope":"openid email profile","email":"alice@example.com","email_verified":true,"name":"Alice Example","groups":[{}]}}"#,
            groups.join(",")
        );
        RSA.token(Algorithm::Rs256, &header, claims)
    };
    let bare = build(0).len();
    // One group is 39 characters with its comma, and base64 makes four of three.
    build(length.saturating_sub(bare).div_ceil(52))
}

fn decoded(base64: &str) -> Vec<u8> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(base64).expect("base64url");
    debug_assert_eq!(base64url(&bytes), base64);
    bytes
}
