//! The ways a token comes in.

/// One of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Door {
    /// The ClientAuthentication hook, behind HBA lines with method `trust`.
    Hook,
    /// The PAM module.
    Pam,
    /// The OAuth validator (PostgreSQL 18).
    Oauth,
    /// `jwt_sso.renew()`, in an open session.
    Renew,
}

impl Door {
    /// Every door; each is at the index of its number.
    pub const ALL: [Door; 4] = [Door::Hook, Door::Pam, Door::Oauth, Door::Renew];

    /// As log lines and `check()` name it.
    pub fn name(self) -> &'static str {
        match self {
            Door::Hook => "hook",
            Door::Pam => "pam",
            Door::Oauth => "oauth",
            Door::Renew => "renew",
        }
    }
}
