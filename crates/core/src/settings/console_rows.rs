//! The rows that only the token console reads.

use super::{Context, Id, Kind, Setting, Unit};

pub(super) const CLIENT_ID: Setting = Setting {
    id: Id::OidcClientId,
    name: "jwt_sso.oidc_client_id",
    kind: Kind::Text { default: "" },
    context: Context::Sighup,
    superuser_only: false,
    mirrors: "server.oidc_authentication.client_id",
    short: "Client id of the token console at the identity provider.",
    long: "The id that the provider gave to the console's registration. ID tokens carry it as \
        `aud`, so `jwt_sso.audience` must have it where the console gives out ID tokens.",
};

pub(super) const CLIENT_SECRET_FILE: Setting = Setting {
    id: Id::OidcClientSecretFile,
    name: "jwt_sso.oidc_client_secret_file",
    kind: Kind::Text { default: "" },
    context: Context::Sighup,
    superuser_only: false,
    mirrors: "",
    short: "File with the token console's client secret, on the console's machine.",
    long: "Only the console reads it; the server does not, and it need not be there. The path \
        is relative to the console's own working directory. The secret itself is never a \
        setting, since a reload logs changed values. Without this file the console takes the \
        secret from its environment (`JWT_SSO_OIDC_CLIENT_SECRET`), and without either it \
        signs in as a public client, by PKCE alone.",
};

pub(super) const PROVIDER_URL: Setting = Setting {
    id: Id::OidcProviderUrl,
    name: "jwt_sso.oidc_provider_url",
    kind: Kind::Text { default: "" },
    context: Context::Sighup,
    superuser_only: false,
    mirrors: "server.oidc_authentication.provider_url",
    short: "Issuer at which people sign in on the token console.",
    long: "An https URL, to which the console adds `/.well-known/openid-configuration`. It must \
        be one of `jwt_sso.issuers`, or nobody can log in with what the console gives out; \
        the console says so where it is not.",
};

pub(super) const REDIRECT_URL: Setting = Setting {
    id: Id::OidcRedirectUrl,
    name: "jwt_sso.oidc_redirect_url",
    kind: Kind::Text { default: "http://localhost:8081/callback" },
    context: Context::Sighup,
    superuser_only: false,
    mirrors: "server.oidc_authentication.redirect_url",
    short: "URL of the token console to which the provider sends people back.",
    long: "As it is registered at the provider, ending in `/callback`: https, or http of \
        `localhost`.",
};

pub(super) const SCOPES: Setting = Setting {
    id: Id::OidcScopes,
    name: "jwt_sso.oidc_scopes",
    kind: Kind::Text { default: "openid" },
    context: Context::Sighup,
    superuser_only: false,
    mirrors: "server.oidc_authentication.scopes",
    short: "Scopes that the token console asks for.",
    long: "Words with blanks between them; `openid` must be one of them. Where `jwt_sso.claim` \
        is `email`, most providers want `openid email`.",
};

pub(super) const ENABLED: Setting = Setting {
    id: Id::OidcGenerateClusterSsoTokenEnabled,
    name: "jwt_sso.oidc_generate_cluster_sso_token_enabled",
    kind: Kind::Bool { default: false },
    context: Context::Sighup,
    superuser_only: false,
    mirrors: "server.oidc_authentication.generate_cluster_sso_token.enabled",
    short: "Lets the token console hand out tokens.",
    long: "While it is off the console's page says so and has no button. The console looks at \
        every request, so a reload is enough.",
};

pub(super) const USE_TOKEN: Setting = Setting {
    id: Id::OidcGenerateClusterSsoTokenUseToken,
    name: "jwt_sso.oidc_generate_cluster_sso_token_use_token",
    kind: Kind::Text { default: "id_token" },
    context: Context::Sighup,
    superuser_only: false,
    mirrors: "server.oidc_authentication.generate_cluster_sso_token.use_token",
    short: "Which token of a sign-in the token console hands out.",
    long: "`id_token` or `access_token`. Access tokens of many providers are opaque or meant \
        for another audience, and then cannot be used.",
};

pub(super) const SQL_HOST: Setting = Setting {
    id: Id::SqlHost,
    name: "jwt_sso.sql_host",
    kind: Kind::Text { default: "localhost" },
    context: Context::Sighup,
    superuser_only: false,
    mirrors: "server.oidc_authentication.generate_cluster_sso_token.sql_host",
    short: "Host name that the token console shows for connections.",
    long: "The name that clients connect to, and that the server's certificate is for. It is \
        only shown.",
};

pub(super) const SQL_PORT: Setting = Setting {
    id: Id::SqlPort,
    name: "jwt_sso.sql_port",
    kind: Kind::Int { default: 5432, min: 1, max: 65_535, unit: Unit::None },
    context: Context::Sighup,
    superuser_only: false,
    mirrors: "server.oidc_authentication.generate_cluster_sso_token.sql_port",
    short: "Port that the token console shows for connections.",
    long: "It is only shown: a pooler's port, for example.",
};

pub(super) const BUTTON_TEXT: Setting = Setting {
    id: Id::OidcButtonText,
    name: "jwt_sso.oidc_button_text",
    kind: Kind::Text { default: "Log in with your OIDC provider" },
    context: Context::Sighup,
    superuser_only: false,
    mirrors: "server.oidc_authentication.button_text",
    short: "Text of the token console's button.",
    long: "Plain text; markup is shown as it is written.",
};
