//! The identity provider: authorization code with PKCE (OpenID Connect Core
//! 1.0 §3.1, RFC 7636), and the ID token held against the sign-in. Blocking.

use super::settings::Settings;
use super::sign_in::SignIn;
use crate::http_client::HttpClient;
use crate::provider_metadata::{self, ALGORITHMS, Client, Metadata};
use jwt_sso_core::console_settings::UseToken;
use openidconnect::core::{CoreErrorResponseType, CoreResponseType};
use openidconnect::{
    AuthType, AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    DiscoveryError, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, TokenResponse,
};
use std::error::Error;
use std::io;
use std::path::Path;
use url::Url;
use zeroize::Zeroizing;

/// Where the secret is without a file.
pub const SECRET_VARIABLE: &str = "JWT_SSO_OIDC_CLIENT_SECRET";

/// The longest secret, in bytes.
const MAX_SECRET: u64 = 4096;

/// Why a sign-in cannot begin or end.
#[derive(Debug)]
pub enum ProviderError {
    /// The client secret's file cannot be read.
    Secret(String),
    /// No answer, or none that can be used: what was asked for, and why.
    Unusable(String),
    /// The token endpoint refused the code: `error` and perhaps a description.
    Refused { error: String, description: Option<String> },
    /// The answer to the sign-in is of another issuer (RFC 9207 §2.4).
    OtherIssuer,
    /// The ID token is not what this sign-in was for.
    Unsound(String),
}

/// Where to send the browser, and what its answer will be held against.
pub fn begin(settings: &Settings, http: &HttpClient) -> Result<(Url, SignIn), ProviderError> {
    let client = client(settings, &discover(settings, http)?)?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let scopes = settings.scopes.iter().filter(|scope| *scope != "openid");
    let (url, state, nonce) = client
        .authorize_url(
            AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scopes(scopes.map(|scope| Scope::new(scope.clone())))
        .set_pkce_challenge(challenge)
        .url();
    let sign_in = SignIn {
        state: state.into_secret(),
        nonce: nonce.secret().clone(),
        verifier: verifier.into_secret(),
        began: jiff::Timestamp::now().as_second(),
    };
    Ok((url, sign_in))
}

/// Exchanges the code, verifies the ID token, and gives back the token that
/// the settings name. `issuer` is the answer's `iss`, where it has one.
pub fn finish(
    settings: &Settings,
    http: &HttpClient,
    sign_in: &SignIn,
    code: String,
    issuer: Option<&str>,
) -> Result<Zeroizing<String>, ProviderError> {
    let metadata = discover(settings, http)?;
    let must_have_iss =
        metadata.additional_metadata().authorization_response_iss_parameter_supported;
    match issuer {
        Some(issuer) if issuer == metadata.issuer().as_str() => {}
        None if !must_have_iss => {}
        _ => return Err(ProviderError::OtherIssuer),
    }
    let client = client(settings, &metadata)?;
    let tokens = client
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|_| unusable("the discovery document has no token_endpoint"))?
        .set_pkce_verifier(PkceCodeVerifier::new(sign_in.verifier.clone()))
        .request(http)
        .map_err(exchange_failed)?;
    let id_token = tokens
        .id_token()
        .ok_or_else(|| ProviderError::Unsound("the provider sent no ID token".to_owned()))?;
    let trusted = &settings.policy.audience;
    let verifier = client
        .id_token_verifier()
        .set_allowed_algs(ALGORITHMS)
        .set_other_audience_verifier_fn(|audience| trusted.iter().any(|own| **own == ***audience));
    id_token
        .claims(&verifier, &Nonce::new(sign_in.nonce.clone()))
        .map_err(|error| ProviderError::Unsound(chain(&error)))?;
    Ok(Zeroizing::new(match settings.use_token {
        UseToken::IdToken => id_token.to_string(),
        UseToken::AccessToken => tokens.access_token().secret().clone(),
    }))
}

fn discover(settings: &Settings, http: &HttpClient) -> Result<Metadata, ProviderError> {
    let url = IssuerUrl::new(settings.provider_url.clone())
        .map_err(|error| unusable(format!("jwt_sso.oidc_provider_url: {error}")))?;
    Metadata::discover(&url, http).map_err(|error| match error {
        // Its own text has the whole body of the answer in some cases.
        DiscoveryError::Response(status, _, why) => {
            unusable(format!("discovery at {}: {status}: {why}", settings.provider_url))
        }
        DiscoveryError::Request(error) => unusable(error),
        error => unusable(format!("discovery at {}: {}", settings.provider_url, chain(&error))),
    })
}

fn client(settings: &Settings, metadata: &Metadata) -> Result<Client, ProviderError> {
    let secret = client_secret(settings)?;
    let auth_type = match provider_metadata::auth_type(metadata) {
        Some(auth_type) => auth_type,
        None if secret.is_none() => AuthType::BasicAuth,
        None => {
            let neither = "it takes a secret neither by client_secret_basic nor client_secret_post";
            return Err(unusable(format!("{}: {neither}", settings.provider_url)));
        }
    };
    let id = ClientId::new(settings.client_id.clone());
    let client = Client::from_provider_metadata(metadata.clone(), id, secret)
        .set_redirect_uri(RedirectUrl::from_url(settings.redirect_url.clone()))
        .set_auth_type(auth_type);
    Ok(client)
}

/// A secret is one short line. What the setting names may be any file, and
/// what is in it is sent to the provider.
fn read_secret(path: &Path) -> io::Result<String> {
    let found = std::fs::metadata(path)?;
    if !found.is_file() || found.len() > MAX_SECRET {
        return Err(io::Error::other(format!("not a regular file of at most {MAX_SECRET} bytes")));
    }
    let text = std::fs::read_to_string(path)?;
    if text.trim().contains(char::is_control) {
        return Err(io::Error::other("more than one line, so no client secret"));
    }
    Ok(text)
}

/// From the file, from the environment, or none: a public client.
fn client_secret(settings: &Settings) -> Result<Option<ClientSecret>, ProviderError> {
    let text = match &settings.client_secret_file {
        Some(path) => Zeroizing::new(read_secret(path).map_err(|error| {
            ProviderError::Secret(format!("cannot read {}: {error}", path.display()))
        })?),
        None => Zeroizing::new(std::env::var(SECRET_VARIABLE).unwrap_or_default()),
    };
    let secret = text.trim();
    match (secret.is_empty(), &settings.client_secret_file) {
        (false, _) => Ok(Some(ClientSecret::new(secret.to_owned()))),
        (true, None) => Ok(None),
        (true, Some(path)) => Err(ProviderError::Secret(format!("{} is empty", path.display()))),
    }
}

type ExchangeError<E> =
    RequestTokenError<E, openidconnect::StandardErrorResponse<CoreErrorResponseType>>;

/// Of an answer that could not be read nothing is repeated: it may hold tokens.
fn exchange_failed<E: Error + 'static>(error: ExchangeError<E>) -> ProviderError {
    match error {
        RequestTokenError::ServerResponse(answer) => ProviderError::Refused {
            error: answer.error().as_ref().to_owned(),
            description: answer.error_description().cloned(),
        },
        RequestTokenError::Request(error) => unusable(error),
        RequestTokenError::Parse(..) => unusable("the token endpoint's answer cannot be read"),
        RequestTokenError::Other(why) => unusable(format!("the token endpoint: {why}")),
    }
}

fn unusable(why: impl std::fmt::Display) -> ProviderError {
    ProviderError::Unusable(why.to_string())
}

fn chain(error: &dyn Error) -> String {
    crate::database::chain(error)
}
