//! The authorization code grant with PKCE, by a browser on this machine whose
//! way back is a loopback port (RFC 8252 §7.3).

mod callback;

use super::provider::{Answer, Provider, is_web_page, no_web_page, refused};
use super::question::{Browser, Oidc, Question};
use crate::failure::{Context, Failure};
use crate::terminal::Waiting;
use anstream::eprintln;
use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow};
use openidconnect::{AuthorizationCode, CsrfToken, Nonce, PkceCodeChallenge, RedirectUrl};
use std::net::{Ipv4Addr, TcpListener};

pub fn ask(oidc: &Oidc, browser: &Browser, question: &Question) -> Result<Answer, Failure> {
    let provider = Provider::discover(oidc, &question.http)?;
    let port = browser.redirect_port.unwrap_or(0);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .context(format_args!("cannot listen on 127.0.0.1:{port} for the browser"))?;
    let port = listener.local_addr().context("cannot listen for the browser")?.port();
    let host = browser.redirect_host.name();
    let way_back = RedirectUrl::new(format!("http://{host}:{port}{}", callback::PATH))
        .context("cannot listen for the browser")?;
    let client = provider.client.clone().set_redirect_uri(way_back);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut request = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scopes(provider.scopes())
        .set_pkce_challenge(challenge);
    if oidc.scopes.iter().any(|scope| scope == "offline_access") {
        // Without it the scope is to be ignored (OpenID Connect Core §11).
        request = request.add_prompt(CoreAuthPrompt::Consent);
    }
    for (name, value) in &oidc.more {
        request = request.add_extra_param(*name, value);
    }
    let (url, state, nonce) = request.url();
    if !is_web_page(url.as_str()) {
        return Err(no_web_page(oidc));
    }
    show(url.as_str(), browser.open);
    let waiting = Waiting::new("Waiting for the sign-in");
    let expected = callback::Expected {
        state,
        issuer: oidc.issuer.clone(),
        names_issuer: provider.more.authorization_response_iss_parameter_supported,
    };
    let code = callback::wait(listener, expected, question.remaining())?;
    let mut request = client
        .exchange_code(AuthorizationCode::new(code))
        .context(format_args!("the provider {} gives no tokens", oidc.issuer))?
        .set_pkce_verifier(verifier);
    for (name, value) in &oidc.more {
        request = request.add_extra_param(*name, value);
    }
    let answer = request
        .request(&question.http)
        .map_err(|error| refused("the sign-in gave no token", error))?;
    drop(waiting);
    provider.take(&answer, &nonce)
}

/// The URL is printed in any case: a browser that is started may show nothing.
fn show(url: &str, open: bool) {
    eprintln!("Sign in at {url}");
    if open && let Err(error) = open::that_detached(url) {
        eprintln!("No browser can be opened from here: {error}");
    }
}
