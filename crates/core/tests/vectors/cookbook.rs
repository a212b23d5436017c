use crate::folder::{find, json, say};
use crate::verdict::accepts;
use jwt_sso_core::jwks::StaticJwks;
use jwt_sso_core::refusal::Malformed;
use jwt_sso_core::token::CompactJws;
use serde_json::Value;

/// The examples give private keys; what a verifier is given lacks these members.
fn public_part(key: &Value) -> String {
    let mut key = key.clone();
    let members = key.as_object_mut().expect("a key");
    for secret in ["d", "p", "q", "dp", "dq", "qi"] {
        members.remove(secret);
    }
    key.to_string()
}

#[test]
fn signatures_verify() {
    let files = [
        "jws/4_1.rsa_v15_signature.json",
        "jws/4_2.rsa-pss_signature.json",
        "jws/4_3.ecdsa_signature.json",
        "curve25519/jws.json",
    ];
    for file in files {
        let Some(example) = json(&format!("jose-cookbook/{file}")) else { return };
        let jwks = public_part(&example["input"]["key"]);
        let token = example["output"]["compact"].as_str().expect("a token");
        assert!(accepts(&jwks, token), "{file}");
        let other = token.replacen("eyJ", "eyK", 1);
        assert!(!accepts(&jwks, &other), "{file}, header changed");
    }
    say(format_args!("jose-cookbook: {} of {} signatures verify", files.len(), files.len()));
}

/// The nested example: a JWS of real claims (RFC 7520 §6), inside of a JWE.
#[test]
fn the_inner_token_verifies_and_the_outer_one_is_malformed() {
    let Some(example) = json("jose-cookbook/6.nesting_signatures_and_encryption.json") else {
        return;
    };
    let inner = example["sign"]["output"]["compact"].as_str().expect("a token");
    assert!(accepts(&public_part(&example["sign"]["input"]["key"]), inner));
    let outer = example["encrypt"]["output"]["compact"].as_str().expect("a token");
    assert_eq!(CompactJws::decode(outer.as_bytes()).unwrap_err(), Malformed::Parts(5));
}

/// HMAC, detached payloads, JSON serialization and unencoded payloads: no
/// serialization of theirs is accepted, with or without the key.
#[test]
fn everything_else_is_refused() {
    let files = [
        "jws/4_4.hmac-sha2_integrity_protection.json",
        "jws/4_5.signature_with_detached_content.json",
        "jws/4_6.protecting_specific_header_fields.json",
        "jws/4_7.protecting_content_only.json",
        "jws/4_8.multiple_signatures.json",
        "rfc7797/4.2.hmac-sha2_b64_false.json",
        "rfc7797/hmac-sha2_b64_false.json",
    ];
    let mut count = 0;
    for file in files {
        let Some(example) = json(&format!("jose-cookbook/{file}")) else { return };
        let keys = match &example["input"]["key"] {
            Value::Array(keys) => keys.clone(),
            single => vec![single.clone()],
        };
        for output in example["output"].as_object().expect("outputs").values() {
            let token = output.as_str().map_or_else(|| output.to_string(), str::to_owned);
            for key in &keys {
                assert!(!accepts(&public_part(key), &token), "{file}: {token}");
                count += 1;
            }
        }
    }
    say(format_args!("jose-cookbook: {count} of {count} other serializations are refused"));
}

#[test]
fn public_keys_are_read_and_secret_ones_refused() {
    for (file, public) in [
        ("3_1.ec_public_key.json", true),
        ("3_2.ec_private_key.json", false),
        ("3_3.rsa_public_key.json", true),
        ("3_4.rsa_private_key.json", false),
        ("3_5.symmetric_key_mac_computation.json", false),
        ("3_6.symmetric_key_encryption.json", false),
    ] {
        let Some(path) = find(&format!("jose-cookbook/jwk/{file}")) else { return };
        let text = std::fs::read_to_string(path).expect("vectors are readable");
        match StaticJwks::parse(&text) {
            Ok(set) => assert_eq!((set.keys().len(), public), (1, true), "{file}"),
            Err(error) => {
                assert!(!public, "{file}: {error}");
                assert_eq!(error.detail, "key 1 (index 0) is a private or symmetric key");
            }
        }
    }
}
