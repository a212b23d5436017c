//! Check 6: is this the signature of that key over those bytes? (RFC 7518 §3.3
//! to §3.5, RFC 8037 §3.1.)
//!
//! The only file that hands keys and signatures to the cryptographic library.

use crate::algorithm::Algorithm;
use crate::jwk::{Curve, Material, PublicKey};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature as aws;
use aws_lc_rs::signature::{
    EcdsaVerificationAlgorithm, ParsedPublicKey, RsaParameters, UnparsedPublicKey,
};

/// Whether `signature` is `key`'s over `message` by `alg`. A key that does not
/// fit `alg` has signed nothing.
#[must_use]
pub fn verify(key: &PublicKey, alg: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    if !key.fits(alg) {
        return false;
    }
    let verdict = match (&key.material, scheme(alg)) {
        (Material::Rsa { n, e }, Scheme::Rsa(parameters)) => {
            PublicKeyComponents { n, e }.verify(parameters, message, signature)
        }
        (Material::Ec { point, .. }, Scheme::Ecdsa(parameters)) => {
            UnparsedPublicKey::new(parameters, point).verify(message, signature)
        }
        (Material::Ed25519 { x }, Scheme::Ed25519) => {
            UnparsedPublicKey::new(&aws::ED25519, x).verify(message, signature)
        }
        _ => return false,
    };
    verdict.is_ok()
}

/// Whether the library can load the key at all: a point lies on its curve, an
/// RSA exponent is not absurdly long.
#[must_use]
pub fn is_sound(material: &Material) -> bool {
    match material {
        Material::Rsa { n, e } => PublicKeyComponents { n, e }
            .to_parsed_public_key(&aws::RSA_PKCS1_2048_8192_SHA256)
            .is_ok(),
        Material::Ec { curve, point } => {
            let parameters = match curve {
                Curve::P256 => &aws::ECDSA_P256_SHA256_FIXED,
                Curve::P384 => &aws::ECDSA_P384_SHA384_FIXED,
                Curve::P521 => &aws::ECDSA_P521_SHA512_FIXED,
            };
            ParsedPublicKey::new(parameters, point).is_ok()
        }
        Material::Ed25519 { x } => ParsedPublicKey::new(&aws::ED25519, x).is_ok(),
    }
}

enum Scheme {
    Rsa(&'static RsaParameters),
    Ecdsa(&'static EcdsaVerificationAlgorithm),
    Ed25519,
}

/// The FIXED forms take `r || s` of exact length, as RFC 7518 §3.4 has it, and no DER.
fn scheme(alg: Algorithm) -> Scheme {
    match alg {
        Algorithm::Rs256 => Scheme::Rsa(&aws::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Scheme::Rsa(&aws::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Scheme::Rsa(&aws::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Scheme::Rsa(&aws::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Scheme::Rsa(&aws::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Scheme::Rsa(&aws::RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 => Scheme::Ecdsa(&aws::ECDSA_P256_SHA256_FIXED),
        Algorithm::Es384 => Scheme::Ecdsa(&aws::ECDSA_P384_SHA384_FIXED),
        Algorithm::Es512 => Scheme::Ecdsa(&aws::ECDSA_P521_SHA512_FIXED),
        Algorithm::EdDsa => Scheme::Ed25519,
    }
}
