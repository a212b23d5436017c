//! The device authorization grant (RFC 8628): somebody signs in elsewhere.

use super::provider::{Answer, Provider, is_web_page, no_nonce, no_web_page, refused};
use super::question::{Oidc, Question};
use crate::failure::{Context, Failure};
use crate::terminal::{Waiting, printable};
use anstream::eprintln;
use anstyle::Style;
use openidconnect::core::CoreDeviceAuthorizationResponse;
use std::thread;

pub fn ask(oidc: &Oidc, question: &Question) -> Result<Answer, Failure> {
    let provider = Provider::discover(oidc, &question.http)?;
    let Some(endpoint) = provider.more.device_authorization_endpoint.clone() else {
        return Err(Failure::new(format!("the provider {} has no device flow", oidc.issuer))
            .with_hint("--browser signs in with the browser of this machine"));
    };
    let client = provider.client.clone().set_device_authorization_url(endpoint);
    let mut request = client.exchange_device_code().add_scopes(provider.scopes());
    for (name, value) in &oidc.more {
        request = request.add_extra_param(*name, value);
    }
    let codes: CoreDeviceAuthorizationResponse = request
        .request(&question.http)
        .map_err(|error| refused("cannot begin to sign in", error))?;
    if !is_web_page(codes.verification_uri()) {
        return Err(no_web_page(oidc));
    }
    show(&codes);
    let patience = question.remaining().min(codes.expires_in());
    let waiting = Waiting::new("Waiting for the sign-in");
    let mut request = client
        .exchange_device_access_token(&codes)
        .context(format_args!("the provider {} gives no tokens", oidc.issuer))?;
    for (name, value) in &oidc.more {
        request = request.add_extra_param(*name, value);
    }
    let answer = request
        .request(&question.http, thread::sleep, Some(patience))
        .map_err(|error| refused("nobody signed in", error))?;
    drop(waiting);
    provider.take(&answer, no_nonce)
}

fn show(codes: &CoreDeviceAuthorizationResponse) {
    let strong = Style::new().bold();
    let page = printable(codes.verification_uri());
    let code = printable(codes.user_code().secret());
    eprintln!("Sign in at {strong}{page}{strong:#} with the code {strong}{code}{strong:#}");
    if let Some(page) = codes.verification_uri_complete() {
        eprintln!("or at {strong}{}{strong:#}", printable(page.secret()));
    }
}
