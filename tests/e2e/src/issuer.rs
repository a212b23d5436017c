//! An identity provider reduced to its name and its keys. Signs by aws-lc-rs directly.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::token::Token;

/// The ten JWS algorithms.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs)]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    EdDsa,
}

impl Algorithm {
    /// All ten.
    pub const ALL: [Algorithm; 10] = [
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::EdDsa,
    ];

    /// The name in a header's `alg` (RFC 7518 section 3.1, RFC 8037 section 3.1).
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Rs384 => "RS384",
            Algorithm::Rs512 => "RS512",
            Algorithm::Ps256 => "PS256",
            Algorithm::Ps384 => "PS384",
            Algorithm::Ps512 => "PS512",
            Algorithm::Es256 => "ES256",
            Algorithm::Es384 => "ES384",
            Algorithm::Es512 => "ES512",
            Algorithm::EdDsa => "EdDSA",
        }
    }
}

#[derive(Debug)]
enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair, &'static str),
    Ed25519(Ed25519KeyPair),
}

/// A private key, with the name that its JWK bears.
#[derive(Clone, Debug)]
pub struct SigningKey {
    pair: Arc<Pair>,
    algorithm: Algorithm,
    /// `kid` of the JWK and of tokens signed with it.
    pub kid: String,
    /// More members of the JWK, such as `use` and `alg`; none by default (as with Entra).
    pub members: Map<String, Value>,
}

impl SigningKey {
    /// A new key that fits `algorithm`; RSA keys have 2048 bits.
    pub fn generate(kid: &str, algorithm: Algorithm) -> SigningKey {
        use Algorithm::{EdDsa, Es256, Es384, Es512};
        let ecdsa = |alg: &'static EcdsaSigningAlgorithm, curve| {
            Pair::Ecdsa(EcdsaKeyPair::generate(alg).expect("an EC key"), curve)
        };
        let pair = match algorithm {
            Es256 => ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
            Es384 => ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
            Es512 => ecdsa(&signature::ECDSA_P521_SHA512_FIXED_SIGNING, "P-521"),
            EdDsa => Pair::Ed25519(Ed25519KeyPair::generate().expect("an Ed25519 key")),
            _ => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key")),
        };
        SigningKey { pair: Arc::new(pair), algorithm, kid: kid.to_owned(), members: Map::new() }
    }

    /// The same key under another `kid`, or with more members in its JWK.
    pub fn with(mut self, member: &str, value: Value) -> SigningKey {
        match (member, value) {
            ("kid", Value::String(kid)) => self.kid = kid,
            (member, value) => drop(self.members.insert(member.to_owned(), value)),
        }
        self
    }

    /// What the key was made for.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public JWK.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &*self.pair {
            Pair::Rsa(pair) => {
                let (n, e) = modulus_and_exponent(pair.public_key().as_ref());
                json!({"kty": "RSA", "n": encode(n), "e": encode(e)})
            }
            Pair::Ecdsa(pair, curve) => {
                // SEC 1, 2.3.3: 0x04, then both coordinates at full length.
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())})
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk.as_object_mut().expect("an object").extend(self.members.clone());
        jwk
    }

    /// The private key as a PKCS#8 document, DER.
    pub fn pkcs8(&self) -> Vec<u8> {
        let document: Result<Pkcs8V1Der<'_>, _> = match &*self.pair {
            Pair::Rsa(pair) => pair.as_der(),
            Pair::Ed25519(pair) => pair.as_der(),
            Pair::Ecdsa(pair, _) => return pair.to_pkcs8v1().expect("encoding").as_ref().to_vec(),
        };
        document.expect("encoding").as_ref().to_vec()
    }

    /// A signature as JWS wants it: ECDSA as r and s at fixed length (RFC 7518 section 3.4).
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &*self.pair {
            Pair::Rsa(pair) => {
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(rsa_encoding(algorithm), &random, message, &mut out).expect("signing");
                out
            }
            Pair::Ecdsa(pair, _) => pair.sign(&random, message).expect("signing").as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

fn rsa_encoding(algorithm: Algorithm) -> &'static dyn RsaEncoding {
    match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_SHA512,
        other => panic!("an RSA key does not sign {}", other.name()),
    }
}

/// The two integers of an RSAPublicKey (RFC 8017 A.1.1), without leading zeros.
fn modulus_and_exponent(der: &[u8]) -> (&[u8], &[u8]) {
    let (sequence, _) = der_value(der);
    let (modulus, rest) = der_value(sequence);
    let (exponent, _) = der_value(rest);
    (without_leading_zero(modulus), without_leading_zero(exponent))
}

fn without_leading_zero(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}

/// Contents of the first DER value, and what follows it.
fn der_value(der: &[u8]) -> (&[u8], &[u8]) {
    let (start, length) = match der[1] {
        short @ 0..0x80 => (2, usize::from(short)),
        long => {
            let end = 2 + usize::from(long & 0x7f);
            (end, der[2..end].iter().fold(0, |n, byte| n << 8 | usize::from(*byte)))
        }
    };
    der[start..].split_at(length)
}

/// An issuer: what stands in `iss`, and the keys that it publishes.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// The `iss` of its tokens.
    pub iss: String,
    /// The `aud` of its tokens.
    pub audience: String,
    /// The first signs; all are published.
    pub keys: Vec<SigningKey>,
}

impl Issuer {
    /// An issuer with one ES256 key, `kid` "k1", and audience `postgres`.
    pub fn new(iss: &str) -> Issuer {
        Issuer::with_key(iss, SigningKey::generate("k1", Algorithm::Es256))
    }

    /// An issuer with one given key.
    pub fn with_key(iss: &str, key: SigningKey) -> Issuer {
        Issuer { iss: iss.to_owned(), audience: "postgres".to_owned(), keys: vec![key] }
    }

    /// The issuer that most tests share: `https://issuer.example`.
    pub fn example() -> &'static Issuer {
        static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new("https://issuer.example"));
        &ISSUER
    }

    /// The published JWK set, on one line.
    pub fn jwks(&self) -> String {
        json!({"keys": self.keys.iter().map(SigningKey::jwk).collect::<Vec<_>>()}).to_string()
    }

    /// A token for `subject` that a server with [`Issuer::settings`] accepts: now to +5 min.
    pub fn token(&self, subject: &str) -> Token {
        Token::new(self, subject)
    }

    /// The settings of a server that takes this issuer's tokens; no map, so `sub` = role.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("jwt_sso.enabled", "on".to_owned()),
            ("jwt_sso.issuers", self.iss.clone()),
            ("jwt_sso.audience", self.audience.clone()),
            ("jwt_sso.jwks", self.jwks()),
        ]
    }

    /// [`Issuer::settings`] as lines of postgresql.conf.
    pub fn conf(&self) -> String {
        let settings = self.settings();
        settings.iter().map(|(name, value)| format!("{name} = '{value}'\n")).collect()
    }

    /// Sets a running cluster up with [`Issuer::settings`], and makes the roles.
    pub fn install(&self, cluster: &crate::Cluster, roles: &[&str]) {
        for role in roles {
            cluster.sql(&format!("CREATE ROLE \"{role}\" LOGIN"));
        }
        let settings = self.settings();
        let settings: Vec<_> = settings.iter().map(|(n, v)| (*n, v.as_str())).collect();
        cluster.configure(&settings);
    }
}

/// base64url without padding (RFC 7515 section 2).
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
