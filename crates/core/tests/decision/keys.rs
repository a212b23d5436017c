use crate::minting::{ED25519, OTHER_RSA, P256, RSA, Signer, base64url};
use crate::scene::{HEADER, ISSUER, Scene, claims, jwks, scene_of, signed, token};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::decision::Found;
use jwt_sso_core::issuers::Issuers;
use jwt_sso_core::refusal::{IssuerMismatch, KeyMismatch, NoKeys, Reason, Refusal};
use std::sync::Arc;

const NO_KID: &str = r#"{"alg":"EdDSA"}"#;

fn scene_with_keys(keys: &[String]) -> Scene {
    Scene::with(|policy| policy.jwks = jwks(keys))
}

fn unknown_key(scene: &Scene, token: &str) -> (usize, KeyMismatch) {
    match scene.refusal(token) {
        Refusal::UnknownKey { issuer_keys, mismatch, .. } => (issuer_keys, mismatch),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_algorithm_verifies_and_no_other_does() {
    for alg in Algorithm::ALL {
        let (scene, token) = scene_of(alg);
        assert_eq!(scene.reason(&token), None, "{alg}");
        for other in Algorithm::ALL.into_iter().filter(|other| *other != alg) {
            let (_, signature) = token.rsplit_once('.').expect("a signature");
            let (_, relabelled) = scene_of(other);
            let (input, _) = relabelled.rsplit_once('.').expect("a signature");
            let reason = scene.reason(format!("{input}.{signature}"));
            let expected = [Some(Reason::BadSignature), Some(Reason::UnknownKey)];
            assert!(expected.contains(&reason), "{alg} as {other}: {reason:?}");
        }
    }
}

#[test]
fn the_issuer_is_compared_whole() {
    for iss in [
        "",
        "https://idp.example/",
        "http://idp.example",
        "idp.example",
        "https://IDP.example",
        "https://idp.example ",
        "https://idp.example.evil.example",
        "https://idp.exampl",
    ] {
        let token = token(&[("iss", &format!("\"{iss}\""))]);
        assert_eq!(Scene::new().reason(token), Some(Reason::UnknownIssuer), "{iss:?}");
    }
    let absent = Scene::new().refusal(token(&[("iss", "")]));
    let mismatch = IssuerMismatch::NotConfigured;
    assert_eq!(absent, Refusal::UnknownIssuer { issuer: None, mismatch });
}

#[test]
fn an_issuer_that_is_nearly_configured_is_named() {
    for iss in ["https://idp.example/", "http://idp.example", "idp.example"] {
        let refusal = Scene::new().refusal(token(&[("iss", &format!("\"{iss}\""))]));
        let mismatch = IssuerMismatch::Near(ISSUER.to_owned());
        assert_eq!(refusal, Refusal::UnknownIssuer { issuer: Some(iss.to_owned()), mismatch });
    }
}

#[test]
fn an_issuer_without_keys() {
    let unavailable = |scene: &Scene| match scene.refusal(token(&[])) {
        Refusal::KeysUnavailable(why) => why,
        other => panic!("{other:?}"),
    };
    let none = Scene::with(|policy| policy.jwks = Arc::default());
    assert_eq!((unavailable(&none), none.lookups.get()), (NoKeys::NotConfigured, 0));
    assert_eq!(unavailable(&Scene::with_entry(r#"{"jwks":{"keys":[]}}"#)), NoKeys::EmptySet);
    let unusable = scene_with_keys(&[ED25519.jwk(r#","kid":"k1","use":"enc""#)]);
    assert_eq!(unavailable(&unusable), NoKeys::EmptySet);
    let mut fetched = Scene::with_entry(r#"{"jwks_uri":"https://idp.example/keys"}"#);
    assert_eq!(unavailable(&fetched), NoKeys::NotFetched);
    fetched.fetched = Found::Unavailable(NoKeys::CacheFull);
    assert_eq!(unavailable(&fetched), NoKeys::CacheFull);
}

#[test]
fn the_kid_decides_and_nothing_else() {
    let scene = Scene::new();
    for kid in ["k2", "K1", "k", "k1 ", "", "../k1"] {
        let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#);
        let found = unknown_key(&scene, &signed(&header, claims(&[])));
        assert_eq!(found, (1, KeyMismatch::NoSuchKid), "{kid:?}");
    }
    let nameless = scene_with_keys(&[ED25519.jwk("")]);
    assert_eq!(unknown_key(&nameless, &token(&[])), (1, KeyMismatch::NoSuchKid));
}

#[test]
fn a_key_of_the_kid_that_does_not_fit() {
    let scene = scene_with_keys(&[P256.jwk(r#","kid":"k1""#), ED25519.jwk(r#","kid":"k2""#)]);
    assert_eq!(unknown_key(&scene, &token(&[])), (2, KeyMismatch::Unfit));
    let scene = scene_with_keys(&[RSA.jwk(r#","kid":"k1","alg":"PS256""#)]);
    let header = r#"{"alg":"RS256","kid":"k1"}"#;
    let token = RSA.token(Algorithm::Rs256, header, claims(&[]));
    assert_eq!(unknown_key(&scene, &token), (1, KeyMismatch::Unfit), "the key's alg is another");
}

#[test]
fn without_kid_exactly_one_key_must_fit() {
    let token = signed(NO_KID, claims(&[]));
    let one = scene_with_keys(&[ED25519.jwk(""), P256.jwk(""), RSA.jwk(r#","kid":"r""#)]);
    assert_eq!(one.reason(&token), None);
    let named = scene_with_keys(&[ED25519.jwk(r#","kid":"k1""#)]);
    assert_eq!(named.reason(&token), None, "the key may have a kid");
    let none = scene_with_keys(&[P256.jwk("")]);
    assert_eq!(unknown_key(&none, &token), (1, KeyMismatch::Ambiguous(0)));

    let two = scene_with_keys(&[RSA.jwk(r#","kid":"a""#), OTHER_RSA.jwk(r#","kid":"b""#)]);
    let by_rsa = RSA.token(Algorithm::Rs256, r#"{"alg":"RS256"}"#, claims(&[]));
    assert_eq!(unknown_key(&two, &by_rsa), (2, KeyMismatch::Ambiguous(2)));
    let told_apart =
        scene_with_keys(&[RSA.jwk(r#","alg":"RS256""#), OTHER_RSA.jwk(r#","alg":"PS256""#)]);
    assert_eq!(told_apart.reason(&by_rsa), None);
}

#[test]
fn one_key_in_both_settings_is_one_key() {
    let mut scene = scene_with_keys(&[ED25519.jwk("")]);
    scene.settings().jwks_file = jwks(&[ED25519.jwk(r#","kid":"k1""#)]);
    assert_eq!(scene.reason(signed(NO_KID, claims(&[]))), None);
}

#[test]
fn several_keys_with_the_kid_are_all_tried() {
    let header = r#"{"alg":"RS256","kid":"k1"}"#;
    let token = RSA.token(Algorithm::Rs256, header, claims(&[]));
    let same = |signer: &Signer| signer.jwk(r#","kid":"k1""#);
    let scene = scene_with_keys(&[same(&P256), same(&OTHER_RSA), same(&RSA)]);
    assert_eq!(scene.reason(&token), None);
    let scene = scene_with_keys(&[same(&P256), same(&OTHER_RSA), same(&OTHER_RSA)]);
    assert_eq!(scene.refusal(&token), Refusal::BadSignature { tried: 2 });
    let mut many = vec![same(&OTHER_RSA); 100];
    assert_eq!(scene_with_keys(&many).refusal(&token), Refusal::BadSignature { tried: 100 });
    many.push(same(&RSA));
    assert_eq!(scene_with_keys(&many).reason(&token), None);
}

/// Keys that the token itself brings or points to count for nothing.
#[test]
fn a_key_in_the_header_is_ignored() {
    let own = OTHER_RSA.jwk(r#","kid":"k1""#);
    for header in [
        format!(r#"{{"alg":"RS256","kid":"k1","jwk":{own}}}"#),
        r#"{"alg":"RS256","kid":"k1","jku":"https://evil.example/keys"}"#.to_owned(),
        r#"{"alg":"RS256","kid":"k1","x5u":"https://evil.example/cert","x5c":["AA"]}"#.to_owned(),
    ] {
        let scene = scene_with_keys(&[RSA.jwk(r#","kid":"k1""#)]);
        let forged = OTHER_RSA.token(Algorithm::Rs256, &header, claims(&[]));
        assert_eq!(scene.reason(forged), Some(Reason::BadSignature));
        assert_eq!(scene.reason(RSA.token(Algorithm::Rs256, &header, claims(&[]))), None);
    }
}

/// An entry's own keys take the place of the global ones, both ways.
#[test]
fn an_issuer_with_its_own_keys() {
    let own = format!(
        r#"{{"issuers":{{"{ISSUER}":{{"jwks":{}}},"https://b.example":{{}}}}}}"#,
        RSA.jwk(r#","kid":"k1""#)
    );
    let scene =
        Scene::with(|policy| policy.issuers = Arc::new(Issuers::parse(&own).expect("entries")));
    assert_eq!(scene.reason(token(&[])), Some(Reason::UnknownKey), "by the global key");
    let header = r#"{"alg":"RS256","kid":"k1"}"#;
    assert_eq!(scene.reason(RSA.token(Algorithm::Rs256, header, claims(&[]))), None);
    let as_b = claims(&[("iss", "\"https://b.example\"")]);
    let cross = scene.reason(RSA.token(Algorithm::Rs256, header, &as_b));
    assert_eq!(cross, Some(Reason::UnknownKey), "by the key of the other issuer");
    assert_eq!(scene.reason(signed(HEADER, &as_b)), None);
}

#[test]
fn signatures_of_another_form_are_bad() {
    let (scene, token) = scene_of(Algorithm::Es256);
    let (input, _) = token.rsplit_once('.').expect("a signature");
    for signature in [vec![], vec![0; 64], vec![0; 63], vec![0; 65], vec![0xff; 64], vec![0x30; 72]]
    {
        let token = format!("{input}.{}", base64url(signature));
        assert_eq!(scene.reason(token), Some(Reason::BadSignature));
    }
    // The right numbers in DER, as other protocols have them (RFC 3279 §2.2.3).
    let (_, signature) = token.rsplit_once('.').expect("a signature");
    let numbers = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let integer = |number: &[u8]| {
        let digits: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
        let sign = if digits[0] < 0x80 { vec![] } else { vec![0] };
        [vec![2, (sign.len() + digits.len()) as u8], sign, digits].concat()
    };
    let both = [integer(&numbers[..32]), integer(&numbers[32..])].concat();
    let der = [vec![0x30, both.len() as u8], both].concat();
    assert_eq!(scene.reason(format!("{input}.{}", base64url(der))), Some(Reason::BadSignature));
    assert_eq!(scene.reason(token), None);
}
