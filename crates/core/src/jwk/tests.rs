use super::*;
use crate::json;

/// The P-256 key of RFC 7517 appendix A.1 without its `use`.
const P256: &str = r#""kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#;
/// The Ed25519 key of RFC 8037 appendix A.2.
const ED25519: &str =
    r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
/// The modulus of RFC 7517 appendix A.1.
const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

fn read(jwk: &str) -> Result<PublicKey, KeyFault> {
    PublicKey::from_jwk(&json::parse(jwk.as_bytes()).expect("test input is JSON"))
}

fn rsa_with(n: &str, e: &str) -> Result<PublicKey, KeyFault> {
    read(&format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#))
}

fn unusable(jwk: &str) -> Unusable {
    match read(jwk) {
        Err(KeyFault::Unusable(why)) => why,
        other => panic!("{jwk}: {other:?}"),
    }
}

fn malformed(jwk: &str) -> String {
    match read(jwk) {
        Err(KeyFault::Malformed(what)) => what,
        other => panic!("{jwk}: {other:?}"),
    }
}

#[test]
fn reads_each_type_of_key() {
    let rsa = rsa_with(N, "AQAB").unwrap();
    assert!(matches!(&rsa.material, Material::Rsa { n, e } if n.len() == 256 && e == &[1, 0, 1]));
    let ec = read(&format!("{{{P256}}}")).unwrap();
    assert!(
        matches!(&ec.material, Material::Ec { curve: Curve::P256, point } if point.len() == 65 && point[0] == 4)
    );
    let ed = read(&format!("{{{ED25519}}}")).unwrap();
    assert!(matches!(&ed.material, Material::Ed25519 { x } if x.len() == 32));
}

#[test]
fn a_key_without_alg_fits_its_whole_family_and_with_alg_only_that() {
    let fits = |key: &PublicKey| {
        Algorithm::ALL.into_iter().filter(|alg| key.fits(*alg)).map(Algorithm::name).collect()
    };
    let names: Vec<&str> = fits(&rsa_with(N, "AQAB").unwrap());
    assert_eq!(names, ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]);
    let names: Vec<&str> =
        fits(&read(&format!(r#"{{"kty":"RSA","alg":"PS384","n":"{N}","e":"AQAB"}}"#)).unwrap());
    assert_eq!(names, ["PS384"]);
    let names: Vec<&str> = fits(&read(&format!("{{{P256}}}")).unwrap());
    assert_eq!(names, ["ES256"]);
    let names: Vec<&str> = fits(&read(&format!("{{{ED25519}}}")).unwrap());
    assert_eq!(names, ["EdDSA"]);
}

#[test]
fn tolerates_what_real_issuers_send() {
    let plain = rsa_with(N, "AQAB").unwrap();
    let bytes = PADDING_TOLERATED.decode(N).unwrap();
    let with_zeros: Vec<u8> = [0, 0].into_iter().chain(bytes).collect();
    let with_zeros = base64::engine::general_purpose::URL_SAFE.encode(with_zeros);
    assert_eq!(rsa_with(&with_zeros, "AQAB").unwrap(), plain, "zeros before n");
    assert_eq!(rsa_with(&format!("{N}=="), "AAEAAQ==").unwrap(), plain, "padding");
    let padded = ED25519.replace("HURo\"", "HURo=\"");
    assert!(read(&format!("{{{padded}}}")).is_ok());
    let foreign = format!(r#"{{{ED25519},"x5c":["a"],"issuer":"i","acr":{{}}}}"#);
    assert!(read(&foreign).is_ok(), "unknown members");
}

#[test]
fn the_purpose_must_include_verifying() {
    for fine in [r#""use":"sig""#, r#""key_ops":["verify"]"#, r#""key_ops":["sign","verify"]"#] {
        assert!(read(&format!("{{{P256},{fine}}}")).is_ok(), "{fine}");
    }
    assert_eq!(unusable(&format!(r#"{{{P256},"use":"enc"}}"#)), Unusable::Use("enc".into()));
    for operations in ["[]", r#"["encrypt"]"#, r#"["Verify"]"#] {
        let jwk = format!(r#"{{{P256},"use":"sig","key_ops":{operations}}}"#);
        assert_eq!(unusable(&jwk), Unusable::Operations);
    }
}

#[test]
fn the_algorithm_must_be_one_of_the_family() {
    for alg in ["ES384", "RS256", "HS256", "none", "ES521", "ECDH-ES", "es256", ""] {
        let jwk = format!(r#"{{{P256},"alg":"{alg}"}}"#);
        assert_eq!(unusable(&jwk), Unusable::Algorithm(alg.into()));
    }
    assert_eq!(
        read(&format!(r#"{{{P256},"alg":"ES256"}}"#)).unwrap().algorithm,
        Some(Algorithm::Es256)
    );
}

#[test]
fn unknown_types_and_curves_cannot_verify() {
    assert_eq!(
        unusable(r#"{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}"#),
        Unusable::KeyType("AKP".into())
    );
    assert_eq!(unusable(r#"{"kty":"ec"}"#), Unusable::KeyType("ec".into()));
    assert_eq!(unusable(r#"{"kty":"EC","crv":"secp256k1"}"#), Unusable::Curve("secp256k1".into()));
    assert_eq!(
        unusable(r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#),
        Unusable::Curve("X25519".into())
    );
    let endless = format!(r#"{{"kty":"{}"}}"#, "é".repeat(500));
    assert!(unusable(&endless).to_string().len() < 150);
}

#[test]
fn weak_rsa_keys_cannot_verify() {
    let of = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    for (bits, n) in [
        (1024, of(&[0xff; 128])),
        (2047, of(&[[0x7f].as_slice(), &[0xff; 255]].concat())),
        (8200, of(&[0xff; 1025])),
    ] {
        let why = rsa_with(&n, "AQAB").unwrap_err();
        assert_eq!(why, Unusable::RsaBits(bits).into());
    }
    for e in [&[1][..], &[2], &[1, 0, 0], &[0, 1]] {
        assert_eq!(rsa_with(N, &of(e)).unwrap_err(), Unusable::RsaExponent.into());
    }
    assert!(rsa_with(N, &of(&[3])).is_ok());
}

#[test]
fn a_point_off_its_curve_cannot_verify() {
    let off = P256.replace("IFyM", "IFyI");
    assert_eq!(unusable(&format!("{{{off}}}")), Unusable::Unsound);
}

#[test]
fn malformed_keys_say_which_member() {
    for (jwk, what) in [
        ("[]".to_owned(), "a key is an object, not an array"),
        ("{}".to_owned(), "member \"kty\" is missing"),
        (r#"{"kty":null}"#.to_owned(), "member \"kty\" is null, not a string"),
        (format!(r#"{{{P256},"kid":7}}"#), "member \"kid\" is a number, not a string"),
        (format!(r#"{{{P256},"alg":[]}}"#), "member \"alg\" is an array, not a string"),
        (format!(r#"{{{P256},"use":{{}}}}"#), "member \"use\" is an object, not a string"),
        (
            format!(r#"{{{P256},"key_ops":"verify"}}"#),
            "member \"key_ops\" is a string, not an array of strings",
        ),
        (
            format!(r#"{{{P256},"key_ops":["verify",1]}}"#),
            "member \"key_ops\" is a number, not an array of strings",
        ),
        (r#"{"kty":"RSA","e":"AQAB"}"#.to_owned(), "member \"n\" is missing"),
        (format!(r#"{{"kty":"RSA","n":"{N}"}}"#), "member \"e\" is missing"),
        (format!(r#"{{"kty":"RSA","n":"{N}","e":"A+AB"}}"#), "member \"e\" is not base64url"),
        (format!(r#"{{"kty":"RSA","n":"{N}","e":"AQAC="}}"#), "member \"e\" is not base64url"),
        (format!(r#"{{"kty":"RSA","n":" {N}","e":"AQAB"}}"#), "member \"n\" is not base64url"),
        (r#"{"kty":"RSA","n":"AAAA","e":"AQAB"}"#.to_owned(), "member \"n\" is zero"),
        (r#"{"kty":"EC"}"#.to_owned(), "member \"crv\" is missing"),
        (format!("{{{}}}", P256.replace("P-256", "P-384")), "member \"x\" has 32 bytes, not 48"),
        (
            r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#.to_owned(),
            "member \"x\" has 1 bytes, not 32",
        ),
    ] {
        assert_eq!(malformed(&jwk), what, "{jwk}");
    }
}

#[test]
fn secret_members_come_before_every_other_fault() {
    for secret in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
        assert_eq!(read(&format!(r#"{{"kty":"RSA","{secret}":"hidden"}}"#)), Err(KeyFault::Secret));
    }
    assert_eq!(read(r#"{"kty":"oct"}"#), Err(KeyFault::Secret));
    assert_eq!(read(r#"{"k":"hidden"}"#), Err(KeyFault::Secret));
}
