//! What holds for every public key, wherever it came from.

use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::jwk::{Curve, Material, PublicKey};

/// Asserts that the numbers have a length that such keys have.
pub fn assert_possible(key: &PublicKey) {
    match &key.material {
        Material::Rsa { n, e } => {
            let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
            assert!((2048..=8192).contains(&bits), "a modulus of {bits} bits");
            assert!(n[0] != 0 && e.first().is_some_and(|byte| *byte != 0));
            assert!(e.last().is_some_and(|byte| byte & 1 == 1) && e.as_slice() != [1]);
        }
        Material::Ec { curve, point } => {
            let length = match curve {
                Curve::P256 => 65,
                Curve::P384 => 97,
                Curve::P521 => 133,
            };
            assert_eq!((point.len(), point[0]), (length, 4));
        }
        Material::Ed25519 { x } => assert_eq!(x.len(), 32),
    }
    let fitting = Algorithm::ALL.into_iter().filter(|alg| key.fits(*alg)).count();
    let family = if matches!(key.material, Material::Rsa { .. }) { 6 } else { 1 };
    match key.algorithm {
        Some(own) => assert!(fitting == usize::from(key.fits(own))),
        None => assert_eq!(fitting, family),
    }
}

/// The bytes that a key takes.
pub fn weight(key: &PublicKey) -> usize {
    let numbers = match &key.material {
        Material::Rsa { n, e } => n.len() + e.len(),
        Material::Ec { point, .. } => point.len(),
        Material::Ed25519 { x } => x.len(),
    };
    numbers + key.kid.as_ref().map_or(0, String::len)
}
