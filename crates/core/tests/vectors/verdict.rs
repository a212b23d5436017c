//! The decision's own steps from a text to a proven signature (checks 2, 5 and
//! 6), for vectors whose payload is no claims set and whose issuer is nobody.

use jwt_sso_core::algorithm::AlgorithmSet;
use jwt_sso_core::decision::checks::select_keys;
use jwt_sso_core::jwk::PublicKey;
use jwt_sso_core::jwks::StaticJwks;
use jwt_sso_core::signature;
use jwt_sso_core::token::{CompactJws, Header};

/// Whether `token` is accepted with the keys of `jwks`, a set or a single key.
pub fn accepts(jwks: &str, token: &str) -> bool {
    StaticJwks::parse(jwks).is_ok_and(|set| accepts_with(set.keys(), token))
}

fn accepts_with(keys: Vec<PublicKey>, token: &str) -> bool {
    let Ok(jws) = CompactJws::decode(token.as_bytes()) else { return false };
    let Ok(header) = Header::parse(jws.header()) else { return false };
    let Ok(algorithm) = header.check(AlgorithmSet::ALL) else { return false };
    let named = |key: &PublicKey| header.kid().is_none_or(|kid| key.kid.as_deref() == Some(kid));
    let candidates = keys.into_iter().filter(named).collect();
    let Ok(keys) = select_keys(candidates, header.kid(), algorithm) else { return false };
    keys.iter().any(|key| signature::verify(key, algorithm, jws.signing_input(), jws.signature()))
}
