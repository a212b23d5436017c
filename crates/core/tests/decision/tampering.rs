use crate::minting::base64url;
use crate::scene::{Scene, claims, scene_of, token};
use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::token::CompactJws;
use proptest::prelude::*;

/// Text that is base64url, nearly so, or not at all.
fn part() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Za-z0-9_-]{0,12}", "[A-Za-z0-9_+/-]{0,12}={0,2}", "[ -~]{0,8}"]
}

proptest! {
    /// One byte changed, anywhere, into anything.
    #[test]
    fn a_token_with_one_byte_changed_is_refused(
        alg in prop::sample::select(Algorithm::ALL.as_slice()),
        place: prop::sample::Index,
        byte: u8,
    ) {
        let (scene, token) = scene_of(alg);
        let mut changed = token.clone().into_bytes();
        let place = place.index(changed.len());
        prop_assume!(changed[place] != byte);
        changed[place] = byte;
        prop_assert!(scene.decide(&changed).is_err());
    }

    /// One byte put in or taken out.
    #[test]
    fn a_longer_or_shorter_token_is_refused(place: prop::sample::Index, byte: u8) {
        let token = token(&[]).into_bytes();
        let place = place.index(token.len());
        let mut longer = token.clone();
        longer.insert(place, byte);
        prop_assert!(Scene::new().decide(&longer).is_err());
        let mut shorter = token;
        shorter.remove(place);
        prop_assert!(Scene::new().decide(&shorter).is_err());
    }

    /// What decodes is the one text that encodes to it.
    #[test]
    fn no_two_texts_are_the_same_token(header in part(), payload in part(), signature in part()) {
        let text = format!("{header}.{payload}.{signature}");
        if let Ok(jws) = CompactJws::decode(text.as_bytes()) {
            let parts = [jws.header(), jws.payload(), jws.signature()].map(base64url);
            prop_assert_eq!(parts.join("."), text);
        }
    }

    /// Whatever comes, there is an answer, and it is no grant.
    #[test]
    fn arbitrary_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Scene::new().decide(&bytes).is_err());
    }

    /// Arbitrary JSON in the claims of a signed token never panics, and lets in
    /// nobody but the identity that it names.
    #[test]
    fn arbitrary_claims(name in "iss|sub|aud|exp|nbf|iat|jti", value in "[0-9eE.+-]{1,12}|\"[a-z]{0,3}\"|null|true|\\[\\]|\\{\\}") {
        let token = token(&[(name.as_str(), value.as_str())]);
        if let Ok(grant) = Scene::new().decide(token) {
            prop_assert_eq!(grant.principal, "alice");
        }
    }
}

/// Not a property but every case of one: each place, each character of the alphabet.
#[test]
fn every_single_character_counts() {
    let scene = Scene::new();
    let token = crate::scene::signed(r#"{"alg":"EdDSA","kid":"k1"}"#, claims(&[])).into_bytes();
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. ";
    let mut changed = token.clone();
    for place in 0..token.len() {
        for byte in alphabet.iter().filter(|byte| **byte != token[place]) {
            changed[place] = *byte;
            assert!(scene.decide(&changed).is_err(), "{}", String::from_utf8_lossy(&changed));
        }
        changed[place] = token[place];
    }
    assert!(scene.decide(&token).is_ok());
}
