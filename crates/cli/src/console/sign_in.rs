//! A sign-in in progress: what this browser began, in its cookie, and which
//! sign-ins have been used.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum_extra::extract::PrivateCookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a person may take at the provider.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// The most used sign-ins that are remembered.
const MAX_USED: usize = 100_000;

/// What the answer of the provider is held against.
#[derive(Deserialize, Serialize)]
pub struct SignIn {
    pub state: String,
    pub nonce: String,
    /// Of PKCE (RFC 7636).
    pub verifier: String,
    /// Seconds since 1970: a browser may keep a cookie for longer than it should.
    pub began: i64,
}

impl SignIn {
    /// The cookie that holds it. Over https its prefix keeps other hosts of the
    /// domain from setting one (RFC 6265bis §4.1.3.2).
    pub fn cookie(&self, https: bool) -> Result<Cookie<'static>, serde_json::Error> {
        let cookie = Cookie::build((name(https), serde_json::to_string(self)?))
            .path("/")
            .http_only(true)
            .secure(https)
            // Strict would keep it from the provider's redirect.
            .same_site(SameSite::Lax)
            .max_age(LIFETIME.try_into().unwrap_or_default());
        Ok(cookie.build())
    }

    /// The sign-in that this browser began less than ten minutes ago.
    pub fn of(jar: &PrivateCookieJar, https: bool) -> Option<SignIn> {
        let cookie = jar.get(name(https))?;
        let sign_in: SignIn = serde_json::from_str(cookie.value()).ok()?;
        let age = jiff::Timestamp::now().as_second().checked_sub(sign_in.began)?;
        (0..LIFETIME.as_secs() as i64).contains(&age).then_some(sign_in)
    }

    /// Whether `state` is this sign-in's, in a time that says nothing of it.
    pub fn is_of(&self, state: &str) -> bool {
        verify_slices_are_equal(self.state.as_bytes(), state.as_bytes()).is_ok()
    }
}

fn name(https: bool) -> &'static str {
    if https { "__Host-jwt_sso_sign_in" } else { "jwt_sso_sign_in" }
}

/// The sign-ins whose code was taken, until their cookie is worth nothing.
#[derive(Default)]
pub struct Used(Mutex<HashMap<String, Instant>>);

/// What [`Used::claim`] says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim {
    /// It is the first.
    First,
    /// It was used before.
    Again,
    /// There are too many to remember another.
    Full,
}

impl Used {
    /// Notes that a sign-in is being used.
    pub fn claim(&self, state: &str, now: Instant) -> Claim {
        let mut used = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if used.len() >= MAX_USED {
            used.retain(|_, until| *until > now);
        }
        match used.get(state) {
            Some(until) if *until > now => Claim::Again,
            _ if used.len() >= MAX_USED => Claim::Full,
            _ => {
                used.insert(state.to_owned(), now + LIFETIME);
                Claim::First
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum_extra::extract::cookie::Key;

    #[test]
    fn a_sign_in_lasts_ten_minutes_whatever_the_browser_keeps() {
        let now = jiff::Timestamp::now().as_second();
        for (age, lasts) in [(0, true), (590, true), (601, false), (86_400, false), (-60, false)] {
            let text = || "x".to_owned();
            let sign_in =
                SignIn { state: text(), nonce: text(), verifier: text(), began: now - age };
            let jar = PrivateCookieJar::new(Key::generate());
            let jar = jar.add(sign_in.cookie(true).unwrap());
            assert_eq!(SignIn::of(&jar, true).is_some(), lasts, "{age}");
            assert!(SignIn::of(&jar, false).is_none(), "another name");
        }
    }

    #[test]
    fn a_sign_in_is_used_once() {
        let (used, now) = (Used::default(), Instant::now());
        assert_eq!(used.claim("a", now), Claim::First);
        assert_eq!(used.claim("a", now), Claim::Again);
        assert_eq!(used.claim("b", now), Claim::First);
        assert_eq!(used.claim("a", now + LIFETIME - Duration::from_secs(1)), Claim::Again);
    }

    #[test]
    fn memory_is_bounded_and_freed() {
        let (used, now) = (Used::default(), Instant::now());
        for number in 0..MAX_USED {
            assert_eq!(used.claim(&number.to_string(), now), Claim::First);
        }
        assert_eq!(used.claim("more", now), Claim::Full);
        assert_eq!(used.claim("more", now + LIFETIME), Claim::First);
    }
}
