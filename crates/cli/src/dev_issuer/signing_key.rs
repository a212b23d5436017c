//! A private key of the issuer: made, kept, published, and signed with.

use crate::failure::{Context, Failure};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jwt_sso_core::algorithm::Algorithm;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt;

/// As it is kept: the private key is PKCS#8 in base64.
#[derive(Clone, Deserialize, Serialize)]
pub struct SigningKey {
    kid: String,
    alg: String,
    pkcs8: String,
    /// Whether it is published only, since a newer one signs.
    #[serde(default)]
    pub retired: bool,
}

/// Without the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.alg, self.kid)
    }
}

enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair, &'static str),
    Ed25519(Ed25519KeyPair),
}

enum Kind {
    Rsa(&'static dyn RsaEncoding),
    Ecdsa(&'static EcdsaSigningAlgorithm, &'static str),
    Ed25519,
}

fn kind(algorithm: Algorithm) -> Kind {
    match algorithm {
        Algorithm::Rs256 => Kind::Rsa(&signature::RSA_PKCS1_SHA256),
        Algorithm::Rs384 => Kind::Rsa(&signature::RSA_PKCS1_SHA384),
        Algorithm::Rs512 => Kind::Rsa(&signature::RSA_PKCS1_SHA512),
        Algorithm::Ps256 => Kind::Rsa(&signature::RSA_PSS_SHA256),
        Algorithm::Ps384 => Kind::Rsa(&signature::RSA_PSS_SHA384),
        Algorithm::Ps512 => Kind::Rsa(&signature::RSA_PSS_SHA512),
        Algorithm::Es256 => Kind::Ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
        Algorithm::Es384 => Kind::Ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
        Algorithm::Es512 => Kind::Ecdsa(&signature::ECDSA_P521_SHA512_FIXED_SIGNING, "P-521"),
        Algorithm::EdDsa => Kind::Ed25519,
    }
}

impl SigningKey {
    /// A new one; RSA keys have 2048 bits.
    pub fn generate(algorithm: Algorithm) -> Result<SigningKey, Failure> {
        const MAKING: &str = "a key could not be made";
        let der = match kind(algorithm) {
            Kind::Rsa(_) => pkcs8(&RsaKeyPair::generate(KeySize::Rsa2048).context(MAKING)?),
            Kind::Ed25519 => pkcs8(&Ed25519KeyPair::generate().context(MAKING)?),
            Kind::Ecdsa(curve, _) => EcdsaKeyPair::generate(curve)
                .and_then(|pair| pair.to_pkcs8v1())
                .map(|der| der.as_ref().to_vec()),
        };
        let mut random = [0; 6];
        aws_lc_rs::rand::fill(&mut random).context(MAKING)?;
        Ok(SigningKey {
            kid: format!("dev-{}-{}", algorithm.name().to_lowercase(), encode(random)),
            alg: algorithm.name().to_owned(),
            pkcs8: STANDARD.encode(der.context(MAKING)?),
            retired: false,
        })
    }

    /// The name by which tokens ask for it.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The name of what it signs with.
    pub fn alg(&self) -> &str {
        &self.alg
    }

    fn pair(&self) -> Result<Pair, Failure> {
        let what = format!("the key {} cannot be read", self.kid);
        let algorithm = Algorithm::from_name(&self.alg).ok_or(&self.alg).context(&what)?;
        let der = STANDARD.decode(&self.pkcs8).context(&what)?;
        Ok(match kind(algorithm) {
            Kind::Rsa(encoding) => {
                Pair::Rsa(RsaKeyPair::from_pkcs8(&der).context(&what)?, encoding)
            }
            Kind::Ecdsa(curve, name) => {
                Pair::Ecdsa(EcdsaKeyPair::from_pkcs8(curve, &der).context(&what)?, name)
            }
            Kind::Ed25519 => Pair::Ed25519(Ed25519KeyPair::from_pkcs8(&der).context(&what)?),
        })
    }

    /// The public JWK (RFC 7517).
    pub fn jwk(&self) -> Result<Value, Failure> {
        let mut jwk = match self.pair()? {
            Pair::Rsa(pair, _) => {
                let (n, e) = modulus_and_exponent(pair.public_key().as_ref())
                    .ok_or("no RSA key")
                    .context(&self.kid)?;
                json!({"kty": "RSA", "n": encode(n), "e": encode(e)})
            }
            Pair::Ecdsa(pair, curve) => {
                // SEC 1 §2.3.3: 0x04, then both coordinates at full length.
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key())})
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.alg);
        jwk["use"] = json!("sig");
        Ok(jwk)
    }

    /// A token of these claims.
    pub fn token(&self, claims: &Map<String, Value>) -> Result<String, Failure> {
        let header = json!({"alg": self.alg, "kid": self.kid, "typ": "JWT"});
        let claims = serde_json::to_string(claims).context("the claims")?;
        let input = format!("{}.{}", encode(header.to_string()), encode(claims));
        let signature = self.sign(input.as_bytes())?;
        Ok(format!("{input}.{}", encode(signature)))
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        const SIGNING: &str = "the token could not be signed";
        let random = SystemRandom::new();
        Ok(match self.pair()? {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).context(SIGNING)?;
                signature
            }
            Pair::Ecdsa(pair, _) => pair.sign(&random, message).context(SIGNING)?.as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        })
    }
}

fn pkcs8(pair: &impl AsDer<Pkcs8V1Der<'static>>) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
    pair.as_der().map(|der| der.as_ref().to_vec())
}

/// The two integers of an RSAPublicKey (RFC 8017 A.1.1), without leading zeros.
fn modulus_and_exponent(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = der_value(der)?;
    let (modulus, rest) = der_value(sequence)?;
    let (exponent, _) = der_value(rest)?;
    let bare = |integer: &'_ [u8]| integer.iter().take_while(|byte| **byte == 0).count();
    Some((&modulus[bare(modulus)..], &exponent[bare(exponent)..]))
}

/// The content of the first DER value, and what follows it.
fn der_value(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (start, length) = match *der.get(1)? {
        short @ 0..0x80 => (2, usize::from(short)),
        long => {
            let end = 2 + usize::from(long & 0x7f);
            let digits = der.get(2..end)?;
            (end, digits.iter().fold(0, |n, byte| n << 8 | usize::from(*byte)))
        }
    };
    der.get(start..)?.split_at_checked(length)
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jwt_sso_core::algorithm::AlgorithmSet;
    use jwt_sso_core::json;
    use jwt_sso_core::jwk::PublicKey;
    use jwt_sso_core::signature::verify;
    use jwt_sso_core::token::{CompactJws, Header};

    #[test]
    fn every_algorithm_verifies_by_the_published_key() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let text = key.jwk().unwrap().to_string();
            let public = PublicKey::from_jwk(&json::parse(text.as_bytes()).unwrap()).unwrap();
            let token = key.token(&Map::new()).unwrap();
            let jws = CompactJws::decode(token.as_bytes()).unwrap();
            let header = Header::parse(jws.header()).unwrap();
            assert_eq!(header.check(AlgorithmSet::ALL), Ok(algorithm));
            assert_eq!(header.kid(), public.kid.as_deref());
            assert!(
                verify(&public, algorithm, jws.signing_input(), jws.signature()),
                "{algorithm}"
            );
            assert!(!format!("{key:?}").contains(&key.pkcs8));
        }
    }
}
