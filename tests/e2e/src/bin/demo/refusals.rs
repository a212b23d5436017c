//! The logins that must fail, each for its own reason.

use jwt_sso_e2e::token::{Token, now};
use jwt_sso_e2e::{Algorithm, Cluster, Issuer, SigningKey};

use crate::screen::{Login, log_line, title};
use crate::{Shown, corp};

/// One of them.
pub struct Refusal {
    what: &'static str,
    /// The code in the server's log.
    reason: &'static str,
    login: Login<'static>,
}

/// All, in the order of the show.
pub fn all(issuer: &Issuer) -> Vec<Refusal> {
    let alice = corp(issuer, "alice");
    let refusal = |what, reason, role, token| {
        let login = Login { role, token, more: &[] };
        Refusal { what, reason, login }
    };
    let expired = alice.clone().claim("iat", now() - 7200).claim("exp", now() - 3600);
    let audience = alice.clone().claim("aud", "another-application");
    let stranger = SigningKey::generate("demo-9", Algorithm::Es256);
    let slash = alice.clone().claim("iss", format!("{}/", issuer.iss));
    let plain = Login { role: "alice", token: alice.sign(), more: &[("PGSSLMODE", "disable")] };
    vec![
        refusal("the token expired an hour ago", "expired", "alice", expired.sign()),
        refusal(
            "the token is for another application",
            "audience_mismatch",
            "alice",
            audience.sign(),
        ),
        refusal(
            "the token is signed with a key that the issuer has not published",
            "unknown_key",
            "alice",
            alice.clone().key(&stranger).sign(),
        ),
        refusal(
            "in alice's token, somebody has changed the name to bob",
            "bad_signature",
            "bob",
            forged(&alice, &corp(issuer, "bob")),
        ),
        refusal("alice's token, but the role bob", "role_not_mapped", "bob", alice.sign()),
        refusal(
            "a token that maps to a superuser",
            "reserved_role",
            "postgres",
            corp(issuer, "postgres").sign(),
        ),
        refusal(
            "the issuer differs by a trailing slash, and the log says so",
            "unknown_issuer",
            "alice",
            slash.sign(),
        ),
        Refusal {
            what: "no TLS, so the server does not even ask for the token",
            reason: "insecure_transport",
            login: plain,
        },
    ]
}

/// The payload of one token under the header and signature of another.
fn forged(signed: &Token, wanted: &Token) -> String {
    let (signed, wanted) = (signed.sign(), wanted.sign());
    let payload = wanted.split('.').nth(1).unwrap_or_default();
    let mut parts: Vec<&str> = signed.split('.').collect();
    parts[1] = payload;
    parts.join(".")
}

impl Refusal {
    /// Shows it, and holds the client and the log to tell of the same refusal.
    pub fn show(&self, cluster: &Cluster) -> Shown {
        title(&format!("Refused: {}", self.what));
        let ended = self.login.show(cluster);
        if ended.accepted {
            return Err(format!("the server let {} in: {}", self.login.role, self.what));
        }
        let fatal = format!("FATAL:  JWT authentication failed for user \"{}\"", self.login.role);
        if !ended.said.contains(&fatal) {
            return Err(format!("psql was to say: {fatal}"));
        }
        let reference = ended.said.split_once("(reference ").and_then(|(_, rest)| rest.get(..8));
        let reference = reference.ok_or("the client got no reference")?;
        let reason = self.reason;
        let line = ended.log(&format!("jwt_sso: refused reason={reason} ref={reference} "))?;
        log_line(line);
        Ok(())
    }
}
