//! What the issuer answers: discovery, keys, and tokens for client credentials.

use super::claims::{self, Requested};
use super::folder::{Folder, State};
use super::signing_key::SigningKey;
use crate::failure::Failure;
use axum::Router;
use axum::extract::{Form, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jwt_sso_core::visible::quote;
use serde::Deserialize;
use serde_json::{Value, json};

/// Everything below `/`.
pub fn router(folder: &Folder) -> Router {
    Router::new()
        .route("/", get(front))
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/.well-known/oauth-authorization-server", get(discovery))
        .route("/jwks", get(jwks))
        .route("/token", post(token))
        .route("/authorize", get(authorize))
        .with_state(folder.clone())
}

/// An answer of RFC 6749 §5.2, or what went wrong with the folder.
enum Problem {
    Client(StatusCode, &'static str, &'static str),
    Ours(Failure),
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Problem::Ours(failure)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Problem::Client(status, error, description) => {
                let body = json!({"error": error, "error_description": description});
                (status, json_answer(&body)).into_response()
            }
            Problem::Ours(failure) => {
                anstream::eprintln!("{failure}");
                let body = json!({"error": "server_error"});
                (StatusCode::INTERNAL_SERVER_ERROR, json_answer(&body)).into_response()
            }
        }
    }
}

fn json_answer(body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, body.to_string()).into_response()
}

async fn front() -> &'static str {
    "jwt-sso dev-issuer, FOR DEVELOPMENT ONLY: it gives a token for any user to whoever asks.\n"
}

/// OpenID Connect Discovery 1.0 §3, RFC 8414 §2.
async fn discovery(Shared(folder): Shared<Folder>) -> Result<Response, Problem> {
    let state = folder.existing()?;
    let at = |path: &str| format!("{}{path}", state.issuer);
    let algorithms: Vec<&str> = state.signing().map(SigningKey::alg).collect();
    Ok(json_answer(&json!({
        "issuer": state.issuer,
        "jwks_uri": at("/jwks"),
        "token_endpoint": at("/token"),
        "authorization_endpoint": at("/authorize"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "token_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "none"],
        "scopes_supported": ["openid"],
        "for_development_only": true,
    })))
}

async fn jwks(Shared(folder): Shared<Folder>) -> Result<Response, Problem> {
    let state = folder.existing()?;
    let keys = state.keys.iter().map(SigningKey::jwk).collect::<Result<Vec<_>, _>>()?;
    let kind = [(header::CONTENT_TYPE, "application/jwk-set+json")];
    Ok((kind, json!({"keys": keys}).to_string()).into_response())
}

/// It is in the metadata because OpenID Connect demands it there.
async fn authorize() -> Problem {
    Problem::Client(
        StatusCode::BAD_REQUEST,
        "unsupported_response_type",
        "this issuer has no page to sign in at: ask the token endpoint with client_credentials",
    )
}

/// RFC 6749 §4.4.2, with the audience as RFC 8707 and others name it.
#[derive(Debug, Deserialize)]
struct TokenRequest {
    grant_type: String,
    client_id: Option<String>,
    audience: Option<String>,
    resource: Option<String>,
    scope: Option<String>,
}

async fn token(
    Shared(folder): Shared<Folder>,
    headers: HeaderMap,
    Form(request): Form<TokenRequest>,
) -> Result<Response, Problem> {
    if request.grant_type != "client_credentials" {
        let text = "this issuer knows client_credentials only";
        return Err(Problem::Client(StatusCode::BAD_REQUEST, "unsupported_grant_type", text));
    }
    let Some(client) = basic_user(&headers).or(request.client_id) else {
        let text = "name a client, any one, by client_id or HTTP Basic: it becomes the subject";
        return Err(Problem::Client(StatusCode::UNAUTHORIZED, "invalid_client", text));
    };
    let state: State = folder.existing()?;
    let audience: Vec<String> = request.audience.or(request.resource).into_iter().collect();
    let claims = claims::claims(
        &state,
        &Requested {
            subject: &client,
            audience: &audience,
            expires_in: state.expires_in,
            texts: &[],
            json: &[],
        },
    )?;
    let token = state.signer(None)?.token(&claims)?;
    anstream::eprintln!("a token for {}", quote(&client));
    let mut answer = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": state.expires_in,
    });
    // For whoever asks for an OpenID token, it is the same.
    if request.scope.is_some_and(|scope| scope.split(' ').any(|word| word == "openid")) {
        answer["id_token"] = json!(token);
    }
    Ok(json_answer(&answer))
}

/// RFC 6749 §2.3.1: the name is form-encoded within HTTP Basic.
fn basic_user(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (user, _) = decoded.split_once(':')?;
    url::form_urlencoded::parse(format!("u={user}").as_bytes())
        .next()
        .map(|(_, user)| user.into_owned())
        .filter(|user| !user.is_empty())
}
