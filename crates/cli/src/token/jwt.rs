//! What a source yields, held to be a token that a server can judge at all.

use crate::failure::Failure;
use crate::terminal::printable;
use jwt_sso_core::algorithm::AlgorithmSet;
use jwt_sso_core::claims::Claims;
use jwt_sso_core::refusal::{Malformed, Refusal};
use jwt_sso_core::time::UnixTime;
use jwt_sso_core::token::{CompactJws, Header};
use std::time::{SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// A JWT that has not expired. Its signature is the server's to verify.
pub struct Jwt {
    text: Zeroizing<String>,
    expires: UnixTime,
    subject: Option<String>,
}

/// Of the system's clock.
pub fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_seconds(since.as_secs()).unwrap_or(UnixTime::LAST)
}

impl Jwt {
    /// Checks what came from `origin`, such as `the provider's access_token`.
    ///
    /// # Errors
    /// It is none, or is of no use any more; the text itself is not repeated.
    pub fn check(text: &str, origin: &str) -> Result<Jwt, Failure> {
        let jwt = Jwt::read(text).map_err(|refusal| refused(&refusal, text, origin))?;
        let now = now();
        if jwt.expires <= now {
            let refusal = Refusal::Expired { at: jwt.expires, now };
            return Err(refused(&refusal, text, origin));
        }
        Ok(jwt)
    }

    /// One that may have expired.
    pub fn read(text: &str) -> Result<Jwt, Refusal> {
        let malformed = Refusal::MalformedToken;
        let parts = CompactJws::decode(text.as_bytes()).map_err(malformed)?;
        Header::parse(parts.header()).map_err(malformed)?.check(AlgorithmSet::ALL)?;
        let claims = Claims::parse(parts.payload()).map_err(malformed)?;
        Ok(Jwt {
            text: Zeroizing::new(text.to_owned()),
            expires: claims.expiry()?,
            subject: claims.subject().map(str::to_owned),
        })
    }

    /// The token itself.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// `exp`.
    pub fn expires(&self) -> UnixTime {
        self.expires
    }

    /// `sub`.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }
}

fn refused(refusal: &Refusal, text: &str, origin: &str) -> Failure {
    let failed = |why: &str| Failure::new(format!("{origin} is of no use: {why}"));
    match refusal {
        _ if text.is_empty() => Failure::new(format!("{origin} is empty")),
        _ if text.contains(char::is_whitespace) => failed("it is more than one word"),
        Refusal::Expired { at, .. } => failed(&format!("it expired at {at}")).with_hint(
            "where the time looks right, compare this machine's clock with the issuer's",
        ),
        Refusal::MissingExpiry => failed("it has no exp")
            .with_hint("PostgreSQL with jwt_sso takes no token that never ends"),
        Refusal::UnsupportedAlgorithm { alg, .. } => {
            let alg = alg.as_deref().unwrap_or("no algorithm");
            failed(&format!("it is signed with {}", printable(alg))).with_hint(
                "jwt_sso takes RS, PS and ES with 256, 384 and 512, and EdDSA: \
                 have the provider sign with one of these",
            )
        }
        Refusal::MalformedToken(Malformed::Parts(5)) => failed("it is encrypted (a JWE)")
            .with_hint("have the provider sign its tokens, and not encrypt them"),
        Refusal::MalformedToken(Malformed::Parts(_)) => {
            failed("it is opaque, not a JWT of three parts with dots between").with_hint(
                "ask for the ID token (--use-token id_token), or have the provider make its access \
                 tokens JWTs: most do for an API of one's own, named by --resource or --audience",
            )
        }
        Refusal::MalformedToken(fault) => failed(&format!("it is no JWT: {}", words(fault))),
        other => failed(&format!("a server would refuse it as {}", other.reason())),
    }
}

fn words(fault: &Malformed) -> String {
    match fault {
        Malformed::TooLong(length) => format!("{length} bytes are too long for a password"),
        Malformed::Base64(part) => format!("the {part} is not base64url"),
        Malformed::Json(part, _) => format!("the {part} is not strict JSON"),
        Malformed::NotAnObject(part) => format!("the {part} is not a JSON object"),
        Malformed::MemberType { member, found } => format!("{member} is {found}"),
        Malformed::Critical => "its header has crit".to_owned(),
        Malformed::Type(typ) => format!("its typ is {}, not JWT or at+jwt", printable(typ)),
        Malformed::Parts(_) | Malformed::WrongPassword => "it is not of three parts".to_owned(),
    }
}
