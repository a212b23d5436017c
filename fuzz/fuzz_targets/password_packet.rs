//! The body of a password message, and what the hook door does with it.
//!
//! - It is a password where its one NUL is its last byte, and then all before it.
//! - An empty one is `no_token`. What begins as a token is never compared with a
//!   stored password, which could otherwise be guessed by tokens.
//! - What is longer than a token may be is refused.
//! - Nothing but a whole token of the issuer gets in.
#![no_main]

use jwt_sso_core::decision::{
    Connection, Demands, Surroundings, Transport, admit, decide, decide_password,
};
use jwt_sso_core::password_packet::password;
use jwt_sso_core::refusal::Reason;
use jwt_sso_core::time::UnixTime;
use jwt_sso_core::token::{CompactJws, Header, MAX_BYTES, begins_like_token};
use jwt_sso_fuzz::seeds;
use jwt_sso_fuzz::world::{NOW, WORLD};
use libfuzzer_sys::fuzz_target;

fn seed() {
    let mut all: Vec<Vec<u8>> =
        [&b""[..], b"\0", b"\0\0", b"secret\0", b"e30.e30.\0", b" eyJ9.\0", b"e30.\0x\0"]
            .map(<[u8]>::to_vec)
            .to_vec();
    all.extend(WORLD.minted.iter().map(|minted| [minted.token.as_bytes(), b"\0"].concat()));
    all.push(WORLD.minted[9].token.clone().into_bytes());
    // One byte more than fits.
    all.push([&b"e30.e30."[..], &vec![b'A'; MAX_BYTES - 7], b"\0"].concat());
    seeds::write(all);
}

fuzz_target!(init: seed(), |data: &[u8]| {
    let whole = data.split_last().filter(|(last, rest)| **last == 0 && !rest.contains(&0));
    let Some(password) = password(data) else { return assert!(whole.is_none()) };
    let bytes = password.to_bytes();
    assert_eq!(whole.map(|(_, rest)| rest), Some(bytes));
    assert_eq!([bytes, b"\0"].concat(), data);

    let connection = Connection { transport: Transport::Tls, replication: false };
    let admitted = admit(Ok(&WORLD.policy), connection).expect("admitted");
    if begins_like_token(bytes) {
        assert!(bytes.contains(&b'.'));
    } else {
        let form = CompactJws::decode(bytes).and_then(|jws| Header::parse(jws.header()));
        assert!(form.is_err(), "a token was taken for a password");
        let refused = decide_password(admitted, bytes, b"alice", &|| false, &|_| false)
            .expect_err("a wrong password");
        assert_eq!(refused.reason() == Reason::NoToken, bytes.is_empty());
    }
    let now = UnixTime::from_seconds(NOW).expect("in range");
    let around = Surroundings {
        keys: &*WORLD,
        is_superuser: &|_| false,
        now: &|| now,
        begins: &|_| (),
    };
    match decide(admitted, bytes, b"alice", Demands::default(), around) {
        Ok(grant) => {
            let known = WORLD.minted.iter().find(|minted| minted.token.as_bytes() == bytes);
            let known = known.expect("granted, and nobody signed it");
            assert_eq!((known.role, known.principal), ("alice", grant.principal.as_str()));
        }
        Err(refused) => {
            assert_eq!(refused.refusal.reason() == Reason::NoToken, bytes.is_empty());
        }
    }
    assert!(bytes.len() <= MAX_BYTES || CompactJws::decode(bytes).is_err());
});
