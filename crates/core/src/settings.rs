//! The one table of settings: what registers them, documents them and lists
//! them all reads it.

pub mod compile;
mod console_rows;
mod markdown;
mod table;

pub use markdown::markdown;
pub use table::TABLE;

/// A setting; the order is that of [`TABLE`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(missing_docs)] // each is the setting of that name
pub enum Id {
    Enabled,
    Issuers,
    Audience,
    Claim,
    Jwks,
    JwksFile,
    JwksAutoFetchEnabled,
    IssuerCustomCa,
    ClientTimeout,
    JwksRefreshInterval,
    JwksMaxStale,
    KeyCacheSize,
    IdentityMap,
    IdentityMapFile,
    Algorithms,
    ClockSkew,
    MaxTokenLifetime,
    RequireTls,
    ChallengeLocal,
    AllowSuperuser,
    AllowReplication,
    HbaFile,
    AllowPassword,
    SessionExpiry,
    SessionExpiryGrace,
    Deny,
    OidcClientId,
    OidcClientSecretFile,
    OidcProviderUrl,
    OidcRedirectUrl,
    OidcScopes,
    OidcGenerateClusterSsoTokenEnabled,
    OidcGenerateClusterSsoTokenUseToken,
    SqlHost,
    SqlPort,
    OidcButtonText,
}

impl Id {
    /// The row of the table.
    pub fn setting(self) -> &'static Setting {
        &TABLE[self as usize]
    }

    /// The full name: `jwt_sso.issuers`.
    pub fn name(self) -> &'static str {
        self.setting().name
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Setting {
    /// Which one it is.
    pub id: Id,
    /// The full name, with the prefix `jwt_sso.`.
    pub name: &'static str,
    /// Type, default and range.
    pub kind: Kind,
    /// When a change takes effect.
    pub context: Context,
    /// Whether only superusers see it.
    pub superuser_only: bool,
    /// The full name of CockroachDB's setting, or empty.
    pub mirrors: &'static str,
    /// One line, as `pg_settings.short_desc` shows it.
    pub short: &'static str,
    /// Some paragraphs of Markdown for docs/settings.md.
    pub long: &'static str,
}

/// Type, default and range of a setting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs)] // the fields say it
pub enum Kind {
    Bool { default: bool },
    Int { default: i32, min: i32, max: i32, unit: Unit },
    Text { default: &'static str },
}

/// The unit of a bare number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs)]
pub enum Unit {
    None,
    Seconds,
    Kilobytes,
}

/// When a change takes effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Context {
    /// At a reload of the configuration.
    Sighup,
    /// At a restart.
    Postmaster,
}
