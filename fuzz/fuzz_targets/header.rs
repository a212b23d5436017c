//! A header, and JSON itself: the strict reader against another reader.
//!
//! - An accepted algorithm is the very one that the header names, as a string,
//!   and one of the accepted ones; with none accepted none is.
//! - With `crit`, or a `typ` of another kind, nothing is accepted.
#![no_main]

use jwt_sso_core::algorithm::{Algorithm, AlgorithmSet};
use jwt_sso_core::json::Node;
use jwt_sso_core::refusal::Reason;
use jwt_sso_core::token::{CompactJws, Header};
use jwt_sso_fuzz::{json, seeds};
use libfuzzer_sys::fuzz_target;

fn seed() {
    let of_tokens = seeds::tokens()
        .into_iter()
        .filter_map(|token| Some(CompactJws::decode(token.as_bytes()).ok()?.header().to_vec()));
    let own = [
        r#"{"alg":"RS256","kid":"k1","typ":"JWT"}"#,
        r#"{"alg":"none"}"#,
        r#"{"alg":"ES512","typ":"application/AT+jwt","jku":"https://x","jwk":{"kty":"oct"}}"#,
        r#"{"alg":"EdDSA","crit":["b64"],"b64":false,"typ":"JOSE"}"#,
    ];
    let own = own.map(|text| text.as_bytes().to_vec());
    seeds::write(own.into_iter().chain(of_tokens).chain(seeds::json_texts()));
}

fuzz_target!(init: seed(), |data: &[u8]| {
    let node = json::read(data);
    let Ok(header) = Header::parse(data) else { return };
    let node = node.expect("a header is JSON");
    assert!(matches!(node, Node::Object(_)));
    assert_eq!(header.kid(), node.get("kid").and_then(Node::as_str));
    let none = header.check(AlgorithmSet::EMPTY).expect_err("no algorithm is accepted");
    assert_eq!(none.reason(), Reason::UnsupportedAlgorithm);

    let faults = header.faults().count();
    match header.check(AlgorithmSet::ALL) {
        Ok(algorithm) => {
            assert_eq!(node.get("alg"), Some(&Node::String(algorithm.name().to_owned())));
            assert!(node.get("crit").is_none() && faults == 0);
            if let Some(typ) = node.get("typ") {
                let typ = typ.as_str().expect("a string").to_ascii_lowercase();
                assert!(["jwt", "at+jwt", "application/at+jwt"].contains(&typ.as_str()));
            }
            for alg in Algorithm::ALL {
                let only = header.check(AlgorithmSet::EMPTY.with(alg));
                assert_eq!(only.is_ok(), alg == algorithm);
            }
        }
        Err(refusal) if refusal.reason() == Reason::UnsupportedAlgorithm => {
            let named = node.get("alg").and_then(Node::as_str).and_then(Algorithm::from_name);
            assert_eq!(named, None);
        }
        Err(_) => assert!(faults > 0),
    }
});
