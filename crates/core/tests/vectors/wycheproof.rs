use crate::folder::{json, say};
use crate::verdict::accepts;
use jwt_sso_core::jwks::StaticJwks;
use serde_json::Value;

/// Cases that a strict verifier cannot agree with.
///
/// 346 and 350: labelled valid, but the key says PS256 and the token PS384.
/// 347 and 351: labelled valid, but the key's `alg` is "ES521", a slip for ES512.
const JWS_EXCEPTIONS: [u64; 4] = [346, 347, 350, 351];

/// 7: a modulus made by a flawed card (ROCA). Telling those takes a test of
/// its own that no cryptographic library here makes.
const JWK_EXCEPTIONS: [u64; 1] = [7];

/// Runs every case of a group with public keys; the numbers of those that
/// differ from their label, and how many there were.
fn differing(file: &str) -> Option<(Vec<u64>, usize)> {
    let document = json(&format!("wycheproof/{file}"))?;
    let mut differing = Vec::new();
    let mut count = 0;
    for group in document["testGroups"].as_array().expect("groups") {
        let Some(public) = group.get("public").filter(|public| !public.is_null()) else {
            continue;
        };
        let jwks = public.to_string();
        for case in group["tests"].as_array().expect("tests") {
            count += 1;
            let valid = case["result"] == "valid";
            if accepts(&jwks, case["jws"].as_str().expect("a token")) != valid {
                differing.push(case["tcId"].as_u64().expect("a number"));
            }
        }
    }
    say(format_args!("wycheproof {file}: {} of {count} agree", count - differing.len()));
    Some((differing, count))
}

#[test]
fn json_web_signatures() {
    let Some((differing, count)) = differing("json_web_signature_test.json") else { return };
    assert_eq!((differing.as_slice(), count), (&JWS_EXCEPTIONS[..], 361));
}

#[test]
fn json_web_keys() {
    let Some((differing, count)) = differing("json_web_key_test.json") else { return };
    assert_eq!((differing.as_slice(), count), (&JWK_EXCEPTIONS[..], 11));
}

/// Where a group has private or symmetric keys, they are refused as settings
/// and no text of them is repeated.
#[test]
fn private_and_symmetric_keys_are_refused() {
    let mut count = 0;
    for file in ["json_web_signature_test.json", "json_web_key_test.json"] {
        let Some(document) = json(&format!("wycheproof/{file}")) else { return };
        for group in document["testGroups"].as_array().expect("groups") {
            let error = StaticJwks::parse(&group["private"].to_string()).expect_err("a secret");
            assert!(error.detail.ends_with("is a private or symmetric key"), "{error}");
            for secret in secrets(&group["private"]) {
                assert!(!format!("{error:?}").contains(&secret));
            }
            count += 1;
        }
    }
    say(format_args!("wycheproof: {count} of {count} sets with secret keys are refused"));
}

fn secrets(value: &Value) -> Vec<String> {
    let keys = value["keys"].as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let member = |key: &Value, name| key.get(name).and_then(Value::as_str).map(str::to_owned);
    let of_key = |key: &Value| ["d", "k", "p"].into_iter().filter_map(|n| member(key, n)).collect();
    let all: Vec<Vec<String>> = keys.iter().map(of_key).collect();
    all.into_iter().flatten().filter(|secret| !secret.is_empty()).collect()
}
