//! Tokens, well-formed and otherwise.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::issuer::{Algorithm, Issuer, SigningKey, encode};

/// A token in the making.
#[derive(Clone, Debug)]
pub struct Token {
    key: SigningKey,
    algorithm: Algorithm,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Token {
    pub(crate) fn new(issuer: &Issuer, subject: &str) -> Token {
        let key = issuer.keys[0].clone();
        let header = json!({"alg": key.algorithm().name(), "kid": key.kid, "typ": "JWT"});
        let claims = json!({
            "iss": issuer.iss,
            "aud": issuer.audience,
            "sub": subject,
            "iat": now(),
            "exp": now() + 300,
        });
        Token { algorithm: key.algorithm(), key, header: object(header), claims: object(claims) }
    }

    /// Sets a claim.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Token {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a claim out.
    pub fn without(mut self, name: &str) -> Token {
        self.claims.remove(name);
        self
    }

    /// Sets a header parameter, whatever the signature is made with.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Token {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a header parameter out.
    pub fn without_header(mut self, name: &str) -> Token {
        self.header.remove(name);
        self
    }

    /// Signs with another key; `alg` and `kid` of the header follow it.
    pub fn key(mut self, key: &SigningKey) -> Token {
        self.key = key.clone();
        let kid = key.kid.clone();
        self.algorithm(key.algorithm()).header("kid", kid)
    }

    /// Signs with another algorithm of the same key; `alg` of the header follows it.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Token {
        self.algorithm = algorithm;
        self.header("alg", algorithm.name())
    }

    /// The signed compact form.
    pub fn sign(&self) -> String {
        self.sign_raw(&text(&self.header), &text(&self.claims))
    }

    /// Signs these bytes as header and payload, as they are.
    pub fn sign_raw(&self, header: &str, payload: &str) -> String {
        let input = format!("{}.{}", encode(header), encode(payload));
        let signature = self.key.sign(self.algorithm, input.as_bytes());
        format!("{input}.{}", encode(signature))
    }

    /// The header's JSON text.
    pub fn header_text(&self) -> String {
        text(&self.header)
    }

    /// The payload's JSON text.
    pub fn payload_text(&self) -> String {
        text(&self.claims)
    }

    /// Signed, and exactly `length` bytes long by a claim (and header parameter) `pad`.
    pub fn padded(&self, length: usize) -> String {
        // Unpadded base64 has no length of 4n + 1, so the header takes up to 3 bytes of slack.
        for slack in 0..4 {
            let token = self.clone().header("pad", "h".repeat(slack)).claim("pad", "");
            let short = token.sign();
            let payload = short.split('.').nth(1).expect("three parts").len();
            let wanted = (payload + length).checked_sub(short.len()).expect("length is too small");
            if wanted % 4 == 1 {
                continue;
            }
            let bytes = wanted / 4 * 3 + (wanted % 4).saturating_sub(1);
            let Some(pad) = bytes.checked_sub(token.payload_text().len()) else { continue };
            let padded = token.claim("pad", "p".repeat(pad)).sign();
            assert_eq!(padded.len(), length, "arithmetic of base64");
            return padded;
        }
        panic!("no token of {length} bytes");
    }
}

/// The same token with one bit of its signature's first byte changed.
pub fn tampered(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').expect("three parts");
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{input}.{first}{}", &signature[1..])
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

fn text(map: &Map<String, Value>) -> String {
    Value::Object(map.clone()).to_string()
}
