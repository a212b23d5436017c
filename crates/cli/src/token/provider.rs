//! An OpenID provider: its metadata, our client at it, and what it answers.

use super::jwt::Jwt;
use super::options::UseToken;
use super::question::Oidc;
use crate::database::chain;
use crate::failure::Failure;
use crate::http_client::HttpClient;
use crate::provider_metadata::{self, ALGORITHMS, Client, Metadata, MoreMetadata};
use crate::terminal::printable;
use jwt_sso_core::https_url::is_loopback;
use jwt_sso_fetch::SendError;
use openidconnect::core::CoreTokenResponse;
use openidconnect::{
    AuthType, ClientId, DiscoveryError, ErrorResponse, IssuerUrl, Nonce, NonceVerifier,
    OAuth2TokenResponse, RequestTokenError, Scope, TokenResponse,
};
use url::Url;

/// A provider that has been asked for its metadata and keys.
pub struct Provider<'q> {
    pub oidc: &'q Oidc,
    pub more: MoreMetadata,
    pub client: Client,
}

/// What a source has answered with; nothing of it has been checked but by its provider's rules.
pub struct Answer {
    pub token: String,
    pub refresh_token: Option<String>,
    /// What the token is, for messages.
    pub origin: String,
}

impl Answer {
    /// From a source that gives nothing but the token.
    pub fn plain(token: &str, origin: &str) -> Answer {
        Answer { token: token.to_owned(), refresh_token: None, origin: origin.to_owned() }
    }
}

impl<'q> Provider<'q> {
    /// Asks for metadata and keys.
    pub fn discover(oidc: &'q Oidc, http: &HttpClient) -> Result<Provider<'q>, Failure> {
        let issuer = IssuerUrl::new(oidc.issuer.clone())
            .map_err(|error| Failure::usage(format!("the issuer is not a URL: {error}")))?;
        let metadata =
            Metadata::discover(&issuer, http).map_err(|error| undiscovered(oidc, error))?;
        let auth_type = auth_type(oidc, &metadata)?;
        let more = metadata.additional_metadata().clone();
        let id = ClientId::new(oidc.client_id.clone());
        let client = Client::from_provider_metadata(metadata, id, oidc.client_secret.clone())
            .set_auth_type(auth_type)
            // The scopes are complete as they are.
            .disable_openid_scope();
        Ok(Provider { oidc, more, client })
    }

    /// The scopes as the requests want them.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> + use<'_> {
        self.oidc.scopes.iter().cloned().map(Scope::new)
    }

    /// The token that was asked for. An ID token is verified whether or not it
    /// is the one: its nonce binds the answer to the question.
    pub fn take(
        &self,
        answer: &CoreTokenResponse,
        nonce: impl NonceVerifier,
    ) -> Result<Answer, Failure> {
        let kind = self.oidc.use_token;
        let verifier = self
            .client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            // What else it is for is the server's to judge; it is for us, too.
            .set_other_audience_verifier_fn(|_| true);
        if let Some(id_token) = answer.id_token() {
            id_token.claims(&verifier, nonce).map_err(|error| {
                let why = printable(&chain(&error));
                Failure::new(format!("the provider's ID token is not sound: {why}"))
            })?;
        }
        let token = match kind {
            UseToken::AccessToken => Some(answer.access_token().secret().clone()),
            UseToken::IdToken => answer.id_token().map(ToString::to_string),
        };
        let Some(token) = token else {
            let failure = Failure::new("the provider gave no ID token");
            return Err(failure.with_hint(
                "the scope openid asks for one; a service has none: --use-token access_token",
            ));
        };
        let refresh_token = answer.refresh_token().map(|token| token.secret().clone());
        Ok(Answer { token, refresh_token, origin: format!("the provider's {}", kind.name()) })
    }
}

/// For flows that send no nonce: there is none to compare with.
pub fn no_nonce(_: Option<&Nonce>) -> Result<(), String> {
    Ok(())
}

/// For a refreshed ID token: it is of whom the one before was (OpenID Connect Core §12.2).
pub fn same_subject(answer: &Answer, before: &Jwt) -> bool {
    Jwt::read(&answer.token)
        .is_ok_and(|jwt| jwt.subject().is_some() && jwt.subject() == before.subject())
}

/// Whether a provider's page may be shown to somebody's browser: https, or http
/// of this machine, and no other scheme that a desktop would open.
pub fn is_web_page(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    url.scheme() == "https" || (url.scheme() == "http" && url.host_str().is_some_and(is_loopback))
}

/// What is said where it may not.
pub fn no_web_page(oidc: &Oidc) -> Failure {
    Failure::new(format!(
        "the provider {} names a page for the sign-in that is not https",
        oidc.issuer
    ))
}

/// A client without a secret is asked for none.
fn auth_type(oidc: &Oidc, metadata: &Metadata) -> Result<AuthType, Failure> {
    match provider_metadata::auth_type(metadata) {
        Some(auth_type) => Ok(auth_type),
        None if oidc.client_secret.is_none() => Ok(AuthType::BasicAuth),
        None => Err(Failure::new(format!(
            "the provider {} takes a client's secret neither by client_secret_basic nor by \
             client_secret_post",
            oidc.issuer
        ))),
    }
}

fn undiscovered(oidc: &Oidc, error: DiscoveryError<SendError>) -> Failure {
    let asked = format!("cannot ask the provider {}", oidc.issuer);
    match error {
        DiscoveryError::Request(error) if error.cause.contains("certificate") => {
            Failure::new(format!("{asked}: {error}"))
                .with_hint("--ca names the certificates that the provider is verified by")
        }
        DiscoveryError::Request(error) => Failure::new(format!("{asked}: {error}")),
        DiscoveryError::Response(status, _, why) => {
            Failure::new(format!("{asked}: {}, HTTP status {}", printable(&why), status.as_u16()))
                .with_hint("--issuer is what stands in a token's iss, without the .well-known path")
        }
        DiscoveryError::Validation(why) => Failure::new(format!("{asked}: {}", printable(&why)))
            .with_hint("--issuer must be what the provider calls itself, to the last slash"),
        other => Failure::new(format!("{asked}: {}", printable(&chain(&other)))),
    }
}

/// Why an endpoint gave no token, with what may help. What the provider says
/// is shown, but never a body that was not understood: it may hold a token.
pub fn refused<T: ErrorResponse>(what: &str, error: RequestTokenError<SendError, T>) -> Failure {
    let why = match &error {
        RequestTokenError::ServerResponse(answer) => {
            format!("the provider says {}", printable(&answer.to_string()))
        }
        RequestTokenError::Request(error) => error.to_string(),
        RequestTokenError::Parse(error, _) => {
            format!(
                "the answer is not what OAuth wants, at {}",
                printable(&error.path().to_string())
            )
        }
        RequestTokenError::Other(why) => printable(why),
    };
    let failure = Failure::new(format!("{what}: {why}"));
    let RequestTokenError::ServerResponse(answer) = error else { return failure };
    let text = answer.to_string();
    match hint(text.split(':').next().unwrap_or_default()) {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// By the error codes of RFC 6749 §5.2, RFC 8628 §3.5 and RFC 8707 §2.
fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "invalid_client" => "is the client id right, and the client's secret?",
        "unauthorized_client" | "unsupported_grant_type" => {
            "the client's registration at the provider must allow this flow"
        }
        "invalid_scope" => "--scope names what the provider does not know, or not for this client",
        "invalid_target" => "--resource names what the provider does not know",
        "access_denied" => "whoever signed in declined, or may not use this client",
        "expired_token" => "nobody signed in in time; run the command again",
        _ => return None,
    })
}
