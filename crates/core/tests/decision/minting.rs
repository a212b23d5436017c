//! Throw-away keys and the tokens that they sign.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self as aws, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_sso_core::algorithm::Algorithm;
use std::sync::LazyLock;

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A private key for one family of algorithms.
pub enum Signer {
    Rsa(Box<RsaKeyPair>),
    Ec { crv: &'static str, pair: EcdsaKeyPair },
    Ed25519(Ed25519KeyPair),
}

/// One key of each type and curve, and a second RSA key; made once, since making RSA keys is slow.
pub static RSA: LazyLock<Signer> = LazyLock::new(rsa);
pub static OTHER_RSA: LazyLock<Signer> = LazyLock::new(rsa);
pub static P256: LazyLock<Signer> =
    LazyLock::new(|| ec("P-256", EcdsaKeyPair::generate(&aws::ECDSA_P256_SHA256_FIXED_SIGNING)));
pub static P384: LazyLock<Signer> =
    LazyLock::new(|| ec("P-384", EcdsaKeyPair::generate(&aws::ECDSA_P384_SHA384_FIXED_SIGNING)));
pub static P521: LazyLock<Signer> =
    LazyLock::new(|| ec("P-521", EcdsaKeyPair::generate(&aws::ECDSA_P521_SHA512_FIXED_SIGNING)));
pub static ED25519: LazyLock<Signer> =
    LazyLock::new(|| Signer::Ed25519(Ed25519KeyPair::generate().expect("randomness")));

/// The key that can sign `alg`.
pub fn signer(alg: Algorithm) -> &'static Signer {
    match alg {
        Algorithm::Es256 => &P256,
        Algorithm::Es384 => &P384,
        Algorithm::Es512 => &P521,
        Algorithm::EdDsa => &ED25519,
        _ => &RSA,
    }
}

fn rsa() -> Signer {
    Signer::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).expect("randomness")))
}

fn ec<E: std::fmt::Debug>(crv: &'static str, pair: Result<EcdsaKeyPair, E>) -> Signer {
    Signer::Ec { crv, pair: pair.expect("randomness") }
}

impl Signer {
    /// The public half as a JWK; `extra` is further members, each with a comma before it.
    pub fn jwk(&self, extra: &str) -> String {
        let numbers = match self {
            Signer::Rsa(pair) => {
                // DER of RSAPublicKey (RFC 8017 A.1.1), always the same frame for 2048 bits:
                // 30 82 01 0a, 02 82 01 01 00 n, 02 03 e.
                let der = pair.public_key().as_ref();
                assert_eq!(der.len(), 270, "a modulus of 2048 bits and the exponent 65537");
                let (n, e) = (base64url(&der[9..265]), base64url(&der[267..]));
                format!(r#""kty":"RSA","n":"{n}","e":"{e}""#)
            }
            Signer::Ec { crv, pair } => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let (x, y) = (base64url(x), base64url(y));
                format!(r#""kty":"EC","crv":"{crv}","x":"{x}","y":"{y}""#)
            }
            Signer::Ed25519(pair) => {
                let x = base64url(pair.public_key());
                format!(r#""kty":"OKP","crv":"Ed25519","x":"{x}""#)
            }
        };
        format!("{{{numbers}{extra}}}")
    }

    fn sign(&self, alg: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Signer::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(rsa_encoding(alg), &random, message, &mut signature).expect("signs");
                signature
            }
            Signer::Ec { pair, .. } => {
                pair.sign(&random, message).expect("signs").as_ref().to_vec()
            }
            Signer::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token of these texts, signed by `alg` whatever the header says.
    pub fn token(&self, alg: Algorithm, header: &str, payload: impl AsRef<[u8]>) -> String {
        let input = format!("{}.{}", base64url(header), base64url(payload));
        let signature = self.sign(alg, input.as_bytes());
        format!("{input}.{}", base64url(signature))
    }
}

fn rsa_encoding(alg: Algorithm) -> &'static dyn RsaEncoding {
    match alg {
        Algorithm::Rs256 => &aws::RSA_PKCS1_SHA256,
        Algorithm::Rs384 => &aws::RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &aws::RSA_PKCS1_SHA512,
        Algorithm::Ps256 => &aws::RSA_PSS_SHA256,
        Algorithm::Ps384 => &aws::RSA_PSS_SHA384,
        Algorithm::Ps512 => &aws::RSA_PSS_SHA512,
        other => panic!("{other} is not of RSA"),
    }
}
