//! The one request by which the browser comes back with a code, or with a no.

use crate::failure::{Context, Failure};
use crate::terminal::printable;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use openidconnect::CsrfToken;
use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Of the redirect URI.
pub const PATH: &str = "/callback";

/// What the answer is held against.
pub struct Expected {
    pub state: CsrfToken,
    pub issuer: String,
    /// Whether the provider promises to name itself (RFC 9207 §3).
    pub names_issuer: bool,
}

type Outcome = Result<String, Failure>;

struct Waiter {
    expected: Expected,
    /// Taken by the first answer to our question.
    told: Mutex<Option<oneshot::Sender<Outcome>>>,
}

/// The code of the one answer that bears our state. What comes without it is
/// not of this sign-in: it is turned away, and the wait goes on.
pub fn wait(listener: TcpListener, expected: Expected, patience: Duration) -> Outcome {
    listener.set_nonblocking(true).context("cannot listen for the browser")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot listen for the browser")?;
    runtime.block_on(serve(listener, expected, patience))
}

async fn serve(listener: TcpListener, expected: Expected, patience: Duration) -> Outcome {
    let listener =
        tokio::net::TcpListener::from_std(listener).context("cannot listen for the browser")?;
    let (told, outcome) = oneshot::channel();
    let waiter = Arc::new(Waiter { expected, told: Mutex::new(Some(told)) });
    let router = Router::new().route(PATH, get(answer)).with_state(waiter);
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async {
        stopped.await.ok();
    });
    let server = tokio::spawn(async { server.await });
    let outcome = tokio::time::timeout(patience, outcome).await;
    drop(stop);
    // The page must still reach the browser; a connection that it keeps must not keep us.
    tokio::time::timeout(Duration::from_secs(1), server).await.ok();
    match outcome {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Failure::new("the browser's way back is closed")),
        Err(_) => Err(Failure::new("nobody signed in in time")
            .with_hint("run the command again; --timeout gives more time")),
    }
}

async fn answer(
    State(waiter): State<Arc<Waiter>>,
    Query(fields): Query<HashMap<String, String>>,
) -> Response {
    let state = fields.get("state").map_or("", String::as_str);
    let own = waiter.expected.state.secret();
    if verify_slices_are_equal(state.as_bytes(), own.as_bytes()).is_err() {
        return page(
            StatusCode::BAD_REQUEST,
            "Not this sign-in",
            "This answer belongs to another sign-in than the one that jwt-sso waits for. \
             Use the address that jwt-sso shows in the terminal.",
        );
    }
    let told = waiter.told.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(told) = told else {
        return page(
            StatusCode::GONE,
            "Already used",
            "This answer was used already. Run jwt-sso again for another token.",
        );
    };
    let outcome = code(&waiter.expected, &fields);
    let page = match &outcome {
        Ok(_) => page(
            StatusCode::OK,
            "Back to the terminal",
            "The sign-in has been handed to jwt-sso. You can close this page.",
        ),
        Err(_) => page(
            StatusCode::BAD_REQUEST,
            "The sign-in failed",
            "The terminal in which jwt-sso runs says why. You can close this page.",
        ),
    };
    told.send(outcome).ok();
    page
}

fn code(expected: &Expected, fields: &HashMap<String, String>) -> Outcome {
    // RFC 9207 §2.4, also of an error: it may be another provider's.
    match fields.get("iss") {
        Some(issuer) if *issuer != expected.issuer => {
            return Err(Failure::new(format!(
                "the answer is from another provider: it names {}",
                printable(issuer)
            )));
        }
        None if expected.names_issuer => {
            return Err(Failure::new("the answer does not name its provider, as it should"));
        }
        _ => {}
    }
    if let Some(error) = fields.get("error") {
        let description = fields.get("error_description").map_or("", String::as_str);
        let why = printable(&format!("{error} {description}"));
        return Err(Failure::new(format!("the provider refused the sign-in: {}", why.trim_end())));
    }
    fields.get("code").cloned().ok_or_else(|| Failure::new("the answer holds no code"))
}

fn page(status: StatusCode, title: &str, text: &str) -> Response {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>:root{{color-scheme:light dark}}\
         body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1.5rem}}\
         </style><h1>{title}</h1><p>{text}</p></html>"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, Html(body)).into_response()
}
