//! The whole decision, with two issuers, real keys in an image, real tokens.
//!
//! An input is `how`, `which`, `role`, one byte each, and the rest:
//!
//! | how | the token | may be granted |
//! |---|---|---|
//! | 0 | the rest, as it is | where it is one that an issuer signed |
//! | 1 | a good one (`which`), edited | likewise |
//! | 2 | the parts of three good ones | likewise |
//! | 3 | the rest as claims, signed by issuer `which` | where its own word allows it |
//! | 4 | the rest as header, signed with algorithm `which` | where it names that |
//! | 5 | the rest as claims, signed by a stranger | never |
//! | 6 | the rest as header, signed by a stranger | never |
//!
//! Whatever is granted is held against what is known of the token; nobody is
//! granted a superuser's or a predefined role, or replication. The dry run says
//! the same as the decision. Each good token, unedited, is granted.
#![no_main]

use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::decision::explain::{Check, Outcome, explain};
use jwt_sso_core::decision::{
    Connection, Demands, Grant, Refused, Surroundings, Transport, admit, decide,
};
use jwt_sso_core::json::{self, Node};
use jwt_sso_core::refusal::{Reason, words};
use jwt_sso_core::time::UnixTime;
use jwt_sso_fuzz::world::{
    ISSUERS, Minted, NOW, STRANGER, WORLD, claims, kid, maps, second_claims, sign,
};
use jwt_sso_fuzz::{minting, seeds, text};
use libfuzzer_sys::fuzz_target;

const ROLES: [&[u8]; 12] = [
    b"alice",
    b"bob",
    b"two_ann",
    b"postgres",
    b"pg_monitor",
    b"",
    b"alice@example.com",
    b"mallory",
    b"two_",
    b"Alice",
    b"alice\xff",
    b"\\1",
];

fn seed() {
    let mut all = Vec::new();
    let mut add = |how: u8, which: u8, role: u8, rest: &[u8]| {
        all.push([&[how, which, role], rest].concat());
    };
    for (which, minted) in WORLD.minted.iter().enumerate() {
        let which = which as u8;
        add(0, 0, role_of(minted), minted.token.as_bytes());
        add(1, which, role_of(minted), &[]);
        add(1, which, role_of(minted), &[0x40, 0, b'A', 0x80, 9, 0, 0xc0, 60, b'.']);
        add(2, which, 0, &[which, which.wrapping_add(1), which]);
    }
    // What is granted, and what is only just not.
    for (sub, role) in [
        ("alice", 0),
        ("alice@example.com", 0),
        ("alice@example.com.evil", 0),
        ("x alice@example.com", 0),
        ("bob@example.com", 1),
        ("mallory@example.com", 7),
        ("postgres@example.com", 3),
        ("pg_monitor@example.com", 4),
    ] {
        add(3, 0, role, claims(sub).as_bytes());
        add(3, 1, role, claims(sub).as_bytes());
        add(5, 0, role, claims(sub).as_bytes());
    }
    for (from, to) in [(r#""db""#, r#"["dbx"]"#), ("\"exp\"", "\"nbf\""), ("\"1\"", "\"revoked\"")]
    {
        add(3, 0, 0, claims("alice").replace(from, to).as_bytes());
    }
    add(3, 1, 2, second_claims().as_bytes());
    for (which, alg) in Algorithm::ALL.into_iter().enumerate() {
        let header = format!(r#"{{"alg":"{alg}","kid":"{}","typ":"at+jwt"}}"#, kid(alg));
        add(4, which as u8, 0, header.as_bytes());
        add(4, which as u8, 0, header.replace("typ", "crit").as_bytes());
        add(4, which as u8, 0, header.replace("at+jwt", "JWE").as_bytes());
    }
    let jwk = STRANGER.jwk("");
    add(6, 0, 0, format!(r#"{{"alg":"EdDSA","jwk":{jwk}}}"#).as_bytes());
    add(6, 0, 0, br#"{"alg":"none"}"#);
    add(6, 0, 0, br#"{"alg":"EdDSA","kid":"ed","crit":["exp"]}"#);
    for token in seeds::tokens() {
        add(0, 0, 0, token.as_bytes());
    }
    seeds::write(all);
}

fn role_of(minted: &Minted) -> u8 {
    let same = |role: &&[u8]| *role == minted.role.as_bytes();
    ROLES.iter().position(same).expect("a role") as u8
}

fuzz_target!(init: seed(), |data: &[u8]| {
    let [how, which, role, rest @ ..] = data else { return };
    let connection = Connection { transport: Transport::Tls, replication: role & 0x80 != 0 };
    let role = ROLES[usize::from(role & 0x7f) % ROLES.len()];
    let minted = &WORLD.minted[usize::from(*which) % WORLD.minted.len()];
    let issuer = usize::from(*which) % ISSUERS.len();
    let good = r#"{"alg":"EdDSA"}"#;
    let ask = |token: &[u8]| asked(token, role, connection);
    match (how % 7, text(rest)) {
        (0, _) => known(rest, role, ask(rest).as_ref()),
        (1, _) => {
            let token = edited(minted.token.as_bytes(), rest);
            let grant = ask(&token);
            known(&token, role, grant.as_ref());
            if token == minted.token.as_bytes() {
                let its_own = role == minted.role.as_bytes() && !connection.replication;
                assert_eq!(grant.is_some(), its_own, "a good token and {role:?}");
            }
        }
        (2, _) => {
            let part = |place: usize| {
                let other = rest.get(place).copied().unwrap_or_default();
                let token = &WORLD.minted[usize::from(other) % WORLD.minted.len()].token;
                token.split('.').nth(place).expect("three parts")
            };
            let token = [part(0), part(1), part(2)].join(".");
            known(token.as_bytes(), role, ask(token.as_bytes()).as_ref());
        }
        (3, _) => {
            if let Some(grant) = ask(sign(Some(issuer), good, rest).as_bytes()) {
                word(issuer, rest, &grant);
            }
        }
        (4, Some(header)) => {
            let alg = Algorithm::ALL[usize::from(*which) % Algorithm::ALL.len()];
            let token = minting::signer(alg).token(alg, header, claims("alice"));
            if ask(token.as_bytes()).is_some() {
                named(alg, header.as_bytes());
            }
        }
        (5, _) => assert_eq!(ask(sign(None, good, rest).as_bytes()), None),
        (6, Some(header)) => {
            assert_eq!(ask(sign(None, header, claims("alice").as_bytes()).as_bytes()), None);
        }
        _ => {}
    }
});

/// What an edited token is: each three bytes replace, insert, remove or cut.
fn edited(token: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut token = token.to_vec();
    for edit in edits.chunks_exact(3).take(8) {
        let place = usize::from(u16::from_be_bytes([edit[0] & 0x3f, edit[1]]));
        match edit[0] >> 6 {
            0 if place < token.len() => token[place] = edit[2],
            1 => token.insert(place % (token.len() + 1), edit[2]),
            2 if place < token.len() => drop(token.remove(place)),
            3 => token.truncate(place),
            _ => {}
        }
    }
    token
}

/// The decision, after what holds for every one.
fn asked(token: &[u8], role: &[u8], connection: Connection) -> Option<Grant> {
    let policy = &WORLD.policy;
    let now = UnixTime::from_seconds(NOW).expect("in range");
    let around = Surroundings {
        keys: &*WORLD,
        is_superuser: &|role| role == b"postgres",
        now: &|| now,
        begins: &|_| (),
    };
    let admitted = admit(Ok(policy), connection).expect("admitted");
    let decided = decide(admitted, token, role, Demands::default(), around);
    let rows = explain(Ok(policy), connection, token, role, around);
    dry_run(token, &decided, &rows);
    match decided {
        Ok(grant) => {
            assert!(!connection.replication && role != b"postgres" && !role.starts_with(b"pg_"));
            assert_eq!(grant.role, role);
            assert!(grant.identities.contains(&grant.principal));
            assert!(grant.expires.seconds() + policy.clock_skew > NOW);
            assert!(grant.jti.as_deref() != Some("revoked"));
            Some(grant)
        }
        Err(refused) => {
            let detail = words::log_detail(&refused.refusal);
            let text = String::from_utf8_lossy(token);
            assert!(token.len() < 64 || !detail.contains(text.as_ref()), "a token in the log");
            None
        }
    }
}

fn dry_run(token: &[u8], decided: &Result<Grant, Refused>, rows: &[(Check, Outcome)]) {
    let failed = rows.iter().find_map(|(_, outcome)| match outcome {
        Outcome::Failed(refusal) => Some(refusal),
        _ => None,
    });
    match decided {
        Ok(_) => {
            assert!(rows.iter().all(|(_, outcome)| matches!(outcome, Outcome::Passed(_))));
        }
        // The dry run takes a token without its signature, and goes on.
        Err(_) if token.iter().filter(|byte| **byte == b'.').count() == 1 => {}
        Err(refused) if refused.refusal.reason() == Reason::BadSignature => {
            let unchecked = rows.contains(&(Check::Signature, Outcome::NotChecked));
            assert!(unchecked || failed == Some(&refused.refusal));
        }
        Err(refused) => assert_eq!(failed, Some(&refused.refusal), "{rows:?}"),
    }
}

/// A token that no issuer signed is not granted; another one as it was signed.
fn known(token: &[u8], role: &[u8], grant: Option<&Grant>) {
    let Some(grant) = grant else { return };
    let known = WORLD.minted.iter().find(|minted| minted.token.as_bytes() == token);
    let known = known.expect("GRANTED, and no issuer signed it");
    assert_eq!(grant.issuer, ISSUERS[known.issuer]);
    assert_eq!((grant.principal.as_str(), role), (known.principal, known.role.as_bytes()));
    assert!(maps(known.issuer, &grant.principal, role));
}

/// The claims of an issuer are such that this grant follows.
fn word(issuer: usize, payload: &[u8], grant: &Grant) {
    let node = json::parse(payload).expect("claims are JSON");
    assert_eq!(node.get("iss").and_then(Node::as_str), Some(ISSUERS[issuer]));
    assert_eq!(grant.issuer, ISSUERS[issuer]);
    let date = |name: &str| match node.get(name) {
        None => None,
        Some(Node::Number(digits)) => Some(digits.parse::<f64>().expect("a number")),
        Some(other) => panic!("{name} is {}", other.kind()),
    };
    let now = NOW as f64;
    assert!(date("exp").expect("an expiry") + 30.0 > now);
    assert!(date("nbf").is_none_or(|nbf| nbf <= now + 31.0));
    assert!(date("iat").is_none_or(|iat| iat <= now + 31.0));
    let accepted: &[&str] = if issuer == 0 { &["db"] } else { &["two", "zwei"] };
    let one_of = |node: Option<&Node<'_>>, wanted: &[&str]| match node {
        Some(Node::String(text)) => wanted.contains(&text.as_str()),
        Some(Node::Array(items)) => {
            items.iter().filter_map(Node::as_str).any(|text| wanted.contains(&text))
        }
        _ => false,
    };
    assert!(one_of(node.get("aud"), accepted), "not for this server");
    if issuer == 1 {
        assert!(one_of(node.get("groups"), &["dba", "dev"]), "a required claim");
    }
    let claim = match issuer {
        0 => node.get("sub"),
        _ => node.get("ids").and_then(|ids| ids.get("mail")),
    };
    assert!(one_of(claim, &[&grant.principal]), "another identity");
    assert!(grant.identities.iter().all(|identity| identity != "mallory@example.com"));
    assert!(maps(issuer, &grant.principal, &grant.role), "another role");
}

/// A header with which a token of this algorithm may be granted.
fn named(alg: Algorithm, header: &[u8]) {
    let node = json::parse(header).expect("a header is JSON");
    assert_eq!(node.get("alg").and_then(Node::as_str), Some(alg.name()));
    assert!(node.get("crit").is_none());
    match node.get("kid") {
        // There are two keys that may have signed that one.
        None => assert_ne!(alg, Algorithm::Ps256, "which key?"),
        Some(named) => assert_eq!(named.as_str(), Some(kid(alg))),
    }
}
