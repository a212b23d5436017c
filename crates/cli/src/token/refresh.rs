//! A new token for a refresh token (RFC 6749 §6), without anybody at a browser.

use super::jwt::Jwt;
use super::provider::{Answer, Provider, no_nonce, refused, same_subject};
use super::question::Oidc;
use crate::failure::{Context, Failure};
use crate::http_client::HttpClient;
use openidconnect::core::CoreErrorResponseType;
use openidconnect::{RefreshToken, RequestTokenError};

/// `None` where the refresh token is good no more, or gives another token than
/// the one that is wanted: then somebody must sign in again.
pub fn ask(
    oidc: &Oidc,
    http: &HttpClient,
    refresh_token: &str,
    before: &str,
) -> Result<Option<Answer>, Failure> {
    let provider = Provider::discover(oidc, http)?;
    let refresh_token = RefreshToken::new(refresh_token.to_owned());
    let mut request = provider
        .client
        .exchange_refresh_token(&refresh_token)
        .context(format_args!("the provider {} gives no tokens", oidc.issuer))?;
    for (name, value) in &oidc.more {
        request = request.add_extra_param(*name, value);
    }
    let answer = match request.request(http) {
        Ok(answer) => answer,
        Err(RequestTokenError::ServerResponse(error))
            if *error.error() == CoreErrorResponseType::InvalidGrant =>
        {
            return Ok(None);
        }
        Err(error) => return Err(refused("cannot refresh the token", error)),
    };
    // Not every provider gives an ID token here.
    let Ok(mut taken) = provider.take(&answer, no_nonce) else { return Ok(None) };
    let is_same = Jwt::read(before).is_ok_and(|before| same_subject(&taken, &before));
    if !is_same {
        return Ok(None);
    }
    // One that is not replaced stays good.
    taken.refresh_token.get_or_insert_with(|| refresh_token.into_secret());
    Ok(Some(taken))
}
