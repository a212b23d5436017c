//! The rows.

use super::console_rows as console;
use super::{Context, Id, Kind, Setting, Unit};

/// Every setting, in the order in which docs/settings.md has them.
pub static TABLE: [Setting; 36] = [
    Setting {
        id: Id::Enabled,
        name: "jwt_sso.enabled",
        kind: Kind::Bool { default: false },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "server.jwt_authentication.enabled",
        short: "Lets clients log in with a JWT.",
        long: "While it is off, every connection that arrives by a token line is refused before \
            the server asks for anything (`disabled`). Other lines of the HBA file are left alone.",
    },
    Setting {
        id: Id::Issuers,
        name: "jwt_sso.issuers",
        kind: Kind::Text { default: "" },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "server.jwt_authentication.issuers.configuration",
        short: "Issuers whose tokens are accepted, with what differs between them.",
        long: r#"A token's `iss` must be exactly one of these names, the trailing slash included. There are four forms:

- one issuer as text: `https://accounts.google.com`
- a JSON array of issuers: `["https://accounts.google.com","https://idp.example"]`
- `{"issuer_jwks_map":{"https://idp.example":"https://idp.example/keys"}}`: each issuer with the URL of its key set
- `{"issuers":{"https://idp.example":{…}}}`: each issuer with an entry

An entry may have these members; each one that is there replaces the global setting for that issuer:

| member | value |
|---|---|
| `jwks` | a JWK set or one JWK, as an object |
| `jwks_uri` | the URL of the key set; not together with `jwks` |
| `audience` | a string or an array of strings |
| `claim` | a claim's name or a JSON pointer |
| `algorithms` | an array of algorithms |
| `required_claims` | an object, claim's name or JSON pointer to the value that the token must have there |

A required value is compared as JSON, type included. Where the token has an array, one element must be equal; where the entry has an array, any of its elements will do. The strings `scope` and `scp` are read as words.

URLs are https, and http only for `localhost`, `127.0.0.0/8` and `[::1]`. A trailing `/.well-known/openid-configuration` of an issuer is dropped, and an issuer without scheme is compared as it is. An issuer with its own `jwks` has static keys and one with a `jwks_uri` fetched keys, whatever `jwt_sso.jwks_auto_fetch_enabled` says; discovery asks `https://` and the name where the issuer has no scheme.

```sql
ALTER SYSTEM SET jwt_sso.issuers =
  '{"issuers":{"https://accounts.google.com":{"claim":"email","required_claims":{"email_verified":true}}}}';
```"#,
    },
    Setting {
        id: Id::Audience,
        name: "jwt_sso.audience",
        kind: Kind::Text { default: "" },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "server.jwt_authentication.audience",
        short: "Audiences that a token may be for; without any, every token is refused.",
        long: "One audience as text, or a JSON array of audiences. One of them must be among the \
            token's `aud`, exactly as written; it is usually the client id that the identity \
            provider gave to this database. Without an audience, here or in the issuer's entry, \
            every token is refused (`audience_mismatch`).\n\n\
            ```sql\nALTER SYSTEM SET jwt_sso.audience = '[\"postgres\",\"postgres-standby\"]';\n```",
    },
    Setting {
        id: Id::Claim,
        name: "jwt_sso.claim",
        kind: Kind::Text { default: "sub" },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "server.jwt_authentication.claim",
        short: "Claim that names whom the token is for.",
        long: "The name of a top-level claim, or a JSON pointer (RFC 6901) of at most 10 segments \
            when it begins with a slash; the empty text means `sub`. The claim holds a string, an \
            array of strings of which any may serve, or an integer. Claims such as `email`, \
            `preferred_username`, `upn` and `unique_name` can change hands: a WARNING says so \
            unless the issuer's entry requires `email_verified`.\n\n\
            ```sql\nALTER SYSTEM SET jwt_sso.claim = '/kubernetes.io/serviceaccount/name';\n```",
    },
    Setting {
        id: Id::Jwks,
        name: "jwt_sso.jwks",
        kind: Kind::Text { default: "{\"keys\":[]}" },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "server.jwt_authentication.jwks",
        short: "Public keys for all issuers without their own, as a JWK set or one JWK.",
        long: "The keys serve every issuer whose entry has no `jwks` and no `jwks_uri`. With more \
            than one such issuer each could sign for the others, which a WARNING says. A malformed \
            key refuses the whole value and is named by its place; a key that can verify nothing \
            (`use` of `enc`, an unknown `kty`, RSA under 2048 bits) gets a WARNING and is left \
            out; a private or symmetric key is refused.\n\n\
            ALTER SYSTEM takes no line breaks, and most providers print some: `jq -c` takes them \
            out, or use `jwt_sso.jwks_file`.\n\n\
            ```sh\npsql -c \"ALTER SYSTEM SET jwt_sso.jwks = '$(curl -s https://www.googleapis.com/oauth2/v3/certs | jq -c .)'\"\n```",
    },
    Setting {
        id: Id::JwksFile,
        name: "jwt_sso.jwks_file",
        kind: Kind::Text { default: "" },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "File with public keys, united with jwt_sso.jwks.",
        long: "A JWK set or one JWK as the provider prints it, with line breaks if it likes. The \
            path is relative to the data directory; the file is regular, has at most 16 MB, and \
            is read again at every reload, also when the path has not changed. A file that is \
            missing or wrong is refused like a wrong value.",
    },
    Setting {
        id: Id::JwksAutoFetchEnabled,
        name: "jwt_sso.jwks_auto_fetch_enabled",
        kind: Kind::Bool { default: false },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "server.jwt_authentication.jwks_auto_fetch.enabled",
        short: "Fetches the issuers' keys by discovery, instead of jwt_sso.jwks.",
        long: "When it is on, `jwt_sso.jwks` and `jwt_sso.jwks_file` are ignored, and the keys of \
            each issuer without its own come from its `jwks_uri`, found by OpenID Connect Discovery: \
            the issuer and `/.well-known/openid-configuration`. The worker fetches them, renews them \
            before they run out, and keeps the last good ones in `jwt_sso/keys.json` in the data \
            directory. No login makes a network call.",
    },
    Setting {
        id: Id::IssuerCustomCa,
        name: "jwt_sso.issuer_custom_ca",
        kind: Kind::Text { default: "" },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "server.jwt_authentication.issuer_custom_ca",
        short: "File with the certificates that issuers are verified by.",
        long: "A PEM file with one certificate or more; it replaces the system's roots when keys \
            are fetched. The path is relative to the data directory; the file is read again at \
            every reload. Keys that were fetched under other certificates are not used any more.",
    },
    Setting {
        id: Id::ClientTimeout,
        name: "jwt_sso.client_timeout",
        kind: Kind::Int { default: 15, min: 1, max: 300, unit: Unit::Seconds },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "server.jwt_authentication.client.timeout",
        short: "The longest that fetching one issuer's keys may take.",
        long: "It bounds discovery and key set together, and how long a login waits for keys that \
            are being fetched: that is only one whose issuer has no keys yet, or whose `kid` is \
            unknown.",
    },
    Setting {
        id: Id::JwksRefreshInterval,
        name: "jwt_sso.jwks_refresh_interval",
        kind: Kind::Int { default: 600, min: 1, max: 86400, unit: Unit::Seconds },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "Lifetime of fetched keys whose response states none.",
        long: "A response that states its lifetime (Cache-Control, Expires, Age) is believed \
            between 60 s and 1 h. One that states none, or `no-cache` or `no-store`, has this \
            lifetime. Keys are renewed before it is over.",
    },
    Setting {
        id: Id::JwksMaxStale,
        name: "jwt_sso.jwks_max_stale",
        kind: Kind::Int { default: 86400, min: 0, max: 31_536_000, unit: Unit::Seconds },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "How long the last good keys serve while the issuer does not answer.",
        long: "Counted from the last time that they were fetched. After it, tokens of that issuer \
            are refused as `keys_unavailable` until it answers again. The keys survive a restart, \
            and so does their age.",
    },
    Setting {
        id: Id::KeyCacheSize,
        name: "jwt_sso.key_cache_size",
        kind: Kind::Int { default: 4096, min: 256, max: 1024 * 1024, unit: Unit::Kilobytes },
        context: Context::Postmaster,
        superuser_only: false,
        mirrors: "",
        short: "Shared memory for the public keys of all issuers.",
        long: "The default holds some thousands of RSA keys. Key sets that do not fit are left \
            out, and the tokens of their issuers are refused as `keys_unavailable`; the log says so.",
    },
    Setting {
        id: Id::IdentityMap,
        name: "jwt_sso.identity_map",
        kind: Kind::Text { default: "" },
        context: Context::Sighup,
        superuser_only: true,
        mirrors: "server.identity_map.configuration",
        short: "Which identity of which issuer may log in as which role.",
        long: r#"Lines `issuer identity role`, separated by blanks, with `#` comments and double quotes as in pg_ident.conf (a comma is an ordinary character). As text the lines are separated by line breaks; ALTER SYSTEM takes none, so there it is a JSON array of lines, in which each backslash is doubled.

- The identity is literal: whole, exact, case-sensitive. Or it is `/` and a regex ([syntax](https://docs.rs/regex/latest/regex/#syntax)) that must match the whole identity. In a regex, write `\.` for a dot.
- `\1` in the role is what the first group of the regex matched, wherever and as often as it stands. No other backslash has a meaning there.
- All lines are tried; the login is allowed when any of them gives the requested role.

With no map at all (neither this setting nor `jwt_sso.identity_map_file`), an identity has the role of the same name. As soon as there is a map, be it without a single line, an issuer without a line maps to nothing.

```sql
ALTER SYSTEM SET jwt_sso.identity_map =
  '["https://accounts.google.com /^(.*)@example\\.com$ \\1","https://accounts.google.com 1232316645658094244789 app"]';
```"#,
    },
    Setting {
        id: Id::IdentityMapFile,
        name: "jwt_sso.identity_map_file",
        kind: Kind::Text { default: "" },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "File with identity map lines, united with jwt_sso.identity_map.",
        long: "The lines of `jwt_sso.identity_map`, one on each line of the file, backslashes as \
            they are. The path is relative to the data directory; the file is regular, has at most \
            16 MB and 200,000 lines, and is read again at every reload, also when the path has not \
            changed. Lines are indexed: a hundred thousand of them cost a login nothing.\n\n\
            ```\n# issuer                     identity                  role\n\
            https://accounts.google.com  /^(.*)@example\\.com$      \\1\n\
            https://accounts.google.com  1232316645658094244789    app\n```",
    },
    Setting {
        id: Id::Algorithms,
        name: "jwt_sso.algorithms",
        kind: Kind::Text { default: "RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA" },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "Signature algorithms that a token may use.",
        long: "Names separated by commas, or a JSON array of names, out of the default. `EdDSA` \
            means Ed25519. `none` and the HMAC algorithms are never accepted. The empty text \
            accepts none, which leaves those that the issuers' entries name.",
    },
    Setting {
        id: Id::ClockSkew,
        name: "jwt_sso.clock_skew",
        kind: Kind::Int { default: 30, min: 0, max: 300, unit: Unit::Seconds },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "How far this server's clock and an issuer's may be apart.",
        long: "The leeway for `exp`, `nbf` and `iat`: a token is refused as expired when the time \
            is `exp` plus this, or later.",
    },
    Setting {
        id: Id::MaxTokenLifetime,
        name: "jwt_sso.max_token_lifetime",
        kind: Kind::Int { default: 0, min: 0, max: i32::MAX, unit: Unit::Seconds },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "Longest lifetime of a token; 0 means any.",
        long: "Bounds `exp` minus `iat`, and for a token without `iat` the time from now to \
            `exp`. A longer one is refused (`lifetime_too_long`), however long it still has.\n\n\
            ```sql\nALTER SYSTEM SET jwt_sso.max_token_lifetime = '1h';\n```",
    },
    Setting {
        id: Id::RequireTls,
        name: "jwt_sso.require_tls",
        kind: Kind::Bool { default: true },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "Asks for a token only over TLS or a Unix socket.",
        long: "On a plain TCP connection the login is refused before the server asks for the \
            token (`insecure_transport`). Off is for a loopback or a mesh that encrypts by itself: \
            a token is a password to whoever reads it on its way.",
    },
    Setting {
        id: Id::ChallengeLocal,
        name: "jwt_sso.challenge_local",
        kind: Kind::Bool { default: false },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "Also treats trust lines for Unix sockets as token lines.",
        long: "Off leaves `local … trust` lines what they are. On, a connection that arrives by \
            one must bring a token too; keep another `local` line for maintenance.",
    },
    Setting {
        id: Id::AllowSuperuser,
        name: "jwt_sso.allow_superuser",
        kind: Kind::Bool { default: false },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "Lets a token open a session of a superuser.",
        long: "Off refuses every login as a superuser (`reserved_role`), whatever the identity \
            map says. Roles whose names begin with `pg_` are refused in any case.",
    },
    Setting {
        id: Id::AllowReplication,
        name: "jwt_sso.allow_replication",
        kind: Kind::Bool { default: false },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "Lets a token open a replication connection.",
        long: "Off refuses every replication connection that arrives by a token line \
            (`reserved_role`).",
    },
    Setting {
        id: Id::HbaFile,
        name: "jwt_sso.hba_file",
        kind: Kind::Text { default: "" },
        context: Context::Postmaster,
        superuser_only: false,
        mirrors: "",
        short: "HBA file to use while this library is loaded.",
        long: "A token line has the method `trust`, which would be an open door for a server that \
            was started without this library. It therefore stands in a file of its own: while the \
            library is preloaded, the server uses this file in the place of its `hba_file`, and \
            without the library it uses its ordinary one, which has no such line. The path is \
            relative to the data directory, and the file is a whole HBA file (from PostgreSQL 16 \
            on it may `include` pg_hba.conf). Where the file is missing, the server does not \
            start. Where postgresql.conf sets `hba_file` itself, as on Debian, each reload logs \
            that it cannot be changed; that is harmless.",
    },
    Setting {
        id: Id::AllowPassword,
        name: "jwt_sso.allow_password",
        kind: Kind::Bool { default: false },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "Whether a token line also takes the role's stored password.",
        long: "For moving to tokens role by role. When on, what a client sends at the hook door or \
            the PAM door is held against the role's stored password (SCRAM or MD5) where it does \
            not look like a token, that is, does not begin with a JSON object in base64url and a \
            dot. `VALID UNTIL` counts as it does everywhere. A password that does not match, and \
            a role without one, are refused as `malformed_token`, which a password is where this \
            is off. `allow_superuser` and `allow_replication` hold for passwords too. The \
            password travels as a token does, readable to the server: over TLS.",
    },
    Setting {
        id: Id::SessionExpiry,
        name: "jwt_sso.session_expiry",
        kind: Kind::Text { default: "ignore" },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "What happens to a session when its token expires.",
        long: "`ignore`: nothing, a token is for the login only. `terminate`: the session ends, \
            whatever it does. `terminate_idle`: it ends as soon as it is in no transaction; a \
            replication connection that streams is never idle. A session ends at `exp` and \
            `session_expiry_grace`, at most 2 seconds late, as `pg_terminate_backend` ends it, \
            and the log says why. `clock_skew` does not count: a token that it lets in after its \
            `exp` opens a session that ends at once, unless the grace is as long. `jwt_sso.renew(token)` prolongs \
            one's own session. A change holds for open sessions too.",
    },
    Setting {
        id: Id::SessionExpiryGrace,
        name: "jwt_sso.session_expiry_grace",
        kind: Kind::Int { default: 0, min: 0, max: 86_400, unit: Unit::Seconds },
        context: Context::Sighup,
        superuser_only: false,
        mirrors: "",
        short: "How long a session lives on after its token has expired.",
        long: "Added to the token's `exp` where `session_expiry` is not `ignore`. Up to a tenth of \
            it is taken off again, at random for each session, so that a pool whose connections \
            were all opened with one token does not lose them in one moment.",
    },
    Setting {
        id: Id::Deny,
        name: "jwt_sso.deny",
        kind: Kind::Text { default: "[]" },
        context: Context::Sighup,
        superuser_only: true,
        mirrors: "",
        short: "Whom, and which tokens, to refuse whatever the token says.",
        long: "A JSON array of objects with at least one of the members `issuer`, `principal`, \
            `kid` and `jti`, all exact, and perhaps `until`, a time in UTC as in \
            `2026-12-31T00:00:00Z`, from which on the object means nothing. The members of one \
            object must all be met. A login that meets one is refused as `denied`, and sessions \
            that meet one are ended within 2 seconds of the reload. `principal` is any identity \
            that the token carries, the one that maps to the role or another (of an open session \
            the first 16 are known). A stored \
            password (`allow_password`) opens the role all the same. For example \
            `[{\"issuer\": \"https://idp.example\", \"principal\": \"alice\"}]`, or \
            `[{\"kid\": \"…\"}]` for a key that was stolen.",
    },
    console::CLIENT_ID,
    console::CLIENT_SECRET_FILE,
    console::PROVIDER_URL,
    console::REDIRECT_URL,
    console::SCOPES,
    console::ENABLED,
    console::USE_TOKEN,
    console::SQL_HOST,
    console::SQL_PORT,
    console::BUTTON_TEXT,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_row_is_where_its_id_says() {
        for (i, setting) in TABLE.iter().enumerate() {
            assert_eq!(setting.id as usize, i, "{}", setting.name);
            assert_eq!(setting.id.name(), setting.name);
        }
    }

    #[test]
    fn names_are_distinct_and_prefixed() {
        let names: HashSet<&str> = TABLE.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), TABLE.len());
        assert!(names.iter().all(|name| name.starts_with("jwt_sso.")));
    }

    #[test]
    fn texts_fit_their_places() {
        for setting in &TABLE {
            assert!(setting.short.ends_with('.') && setting.short.len() < 90, "{}", setting.name);
            assert!(!setting.short.contains('\n'), "{}", setting.name);
            assert!(!setting.long.contains('\t'), "{}", setting.name);
        }
    }

    #[test]
    fn defaults_are_in_range() {
        for setting in &TABLE {
            if let Kind::Int { default, min, max, .. } = setting.kind {
                assert!((min..=max).contains(&default), "{}", setting.name);
            }
        }
    }
}
