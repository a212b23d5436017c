//! The providers: one that people's tokens come from, one that never answers, and one whose key
//! set grows beyond all bounds.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jwt_sso_e2e::authority::Authority;
use jwt_sso_e2e::faulty_issuer::{Answer, FaultyIssuer, Reception};
use jwt_sso_e2e::token::{Token, now, tampered};
use jwt_sso_e2e::{Algorithm, Issuer, SigningKey};
use serde_json::json;

const DISCOVERY: &str = "/.well-known/openid-configuration";
const DAY: u64 = 86_400;
/// Too many for a server's `jwt_sso.key_cache_size` of 256 kB, and allowed in one set.
const TOO_MANY_KEYS: usize = 900;

/// All three.
pub struct Idp {
    /// Signs its certificates.
    pub authority: Authority,
    main: FaultyIssuer,
    /// Takes questions and never answers.
    pub silent: FaultyIssuer,
    /// Has a key set that may not fit.
    pub large: FaultyIssuer,
    away: AtomicBool,
    /// What tokens are signed with.
    key: Mutex<SigningKey>,
    /// What is published, or will be once the provider is back.
    published: Mutex<SigningKey>,
    other_key: SigningKey,
    rsa_key: SigningKey,
    rotations: AtomicU32,
    round: AtomicU32,
}

impl Idp {
    /// Starts them.
    pub fn start() -> Idp {
        let authority = Authority::new();
        let server = || FaultyIssuer::https(authority.localhost());
        let (main, silent, large) = (server(), server(), server());
        silent.answer(DISCOVERY, Answer::Silence);
        let key = |kid, algorithm| SigningKey::generate(kid, algorithm);
        let first = key("key-0", Algorithm::Es256);
        let idp = Idp {
            main,
            silent,
            large,
            away: AtomicBool::new(false),
            key: Mutex::new(first.clone()),
            published: Mutex::new(first),
            other_key: key("large", Algorithm::Es256),
            rsa_key: key("large", Algorithm::Rs256),
            rotations: AtomicU32::new(0),
            round: AtomicU32::new(0),
            authority,
        };
        idp.up();
        idp.shrink();
        idp
    }

    /// The names of all, as `jwt_sso.issuers` wants them.
    ///
    /// A server for whose faults the first is enough asks the others nothing: who counts their
    /// requests would count its.
    pub fn names(&self, all: bool) -> String {
        if !all {
            return self.main.base.clone();
        }
        json!([self.main.base, self.silent.base, self.large.base]).to_string()
    }

    /// The one that people's tokens come from, with its present key.
    pub fn issuer(&self) -> Issuer {
        Issuer::with_key(&self.main.base, self.key())
    }

    fn key(&self) -> SigningKey {
        lock(&self.key).clone()
    }

    /// The `kid` of the present key.
    pub fn kid(&self) -> String {
        self.key().kid
    }

    /// Publishes another key instead, or once the provider is back. Tokens are signed with the old one until
    /// [`Idp::sign_with`].
    pub fn rotate(&self) -> SigningKey {
        let number = self.rotations.fetch_add(1, Ordering::Relaxed) + 1;
        let key = SigningKey::generate(&format!("key-{number}"), Algorithm::Es256);
        *lock(&self.published) = key.clone();
        if !self.away.load(Ordering::Relaxed) {
            self.up();
        }
        key
    }

    /// Tokens are signed with this key from now on.
    pub fn sign_with(&self, key: SigningKey) {
        *lock(&self.key) = key;
    }

    /// The number of the round, by which outages differ.
    pub fn set_round(&self, round: u32) {
        self.round.store(round, Ordering::Relaxed);
    }

    /// The provider is away: it refuses connections, or takes them and is silent, or has an
    /// error for everybody.
    pub fn down(&self) {
        self.away.store(true, Ordering::Relaxed);
        match self.round.load(Ordering::Relaxed) % 3 {
            0 => self.main.receive(Reception::Silent),
            1 => self.main.receive(Reception::Closed),
            _ => self.main.answer(DISCOVERY, Answer::status(500)),
        }
    }

    /// The provider is there again, with the key that it published last.
    pub fn up(&self) {
        self.away.store(false, Ordering::Relaxed);
        let key = lock(&self.published).clone();
        self.main.publish(Issuer::with_key(&self.main.base, key).jwks());
        self.main.receive(Reception::Open);
    }

    /// The third one publishes more keys than there is room for.
    pub fn grow(&self) {
        let key = |n: usize| self.rsa_key.clone().with("kid", json!(format!("large-{n}")));
        let keys = (0..TOO_MANY_KEYS).map(key).collect();
        self.large.publish(Issuer { keys, ..Issuer::new(&self.large.base) }.jwks());
    }

    /// The third one publishes one key.
    pub fn shrink(&self) {
        self.large.publish(self.large_issuer().jwks());
    }

    fn large_issuer(&self) -> Issuer {
        Issuer::with_key(&self.large.base, self.other_key.clone())
    }

    /// Good by any clock of these days.
    pub fn good(&self) -> String {
        self.good_by(self.key())
    }

    /// The same, signed with this key.
    pub fn good_by(&self, key: SigningKey) -> String {
        lasting(Issuer::with_key(&self.main.base, key).token("alice")).sign()
    }

    /// Good for five minutes by a clock that is so many seconds wrong.
    pub fn narrow(&self, offset: i64) -> String {
        let now = now().saturating_add_signed(offset);
        self.issuer().token("alice").claim("iat", now).claim("exp", now + 300).sign()
    }

    /// Of the provider that never answers.
    pub fn of_silent(&self) -> String {
        lasting(Issuer::with_key(&self.silent.base, self.key()).token("alice")).sign()
    }

    /// Of the provider whose key set grows.
    pub fn of_large(&self) -> String {
        lasting(self.large_issuer().token("alice")).sign()
    }

    /// Never to be accepted.
    pub fn forged(&self, number: u64) -> String {
        let issuer = self.issuer();
        let token = lasting(issuer.token("alice"));
        match number % 5 {
            0 => tampered(&token.sign()),
            1 => token.claim("iat", now() - 9 * DAY).claim("exp", now() - 5 * DAY).sign(),
            2 => {
                let kid = issuer.keys[0].kid.clone();
                token.key(&self.other_key.clone().with("kid", kid.into())).sign()
            }
            3 => token.claim("aud", "elsewhere").sign(),
            _ => token.claim("sub", "bob").sign(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lasting(token: Token) -> Token {
    token.claim("iat", now() - 3 * DAY).claim("exp", now() + 3 * DAY)
}
