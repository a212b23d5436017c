//! The pages, as templates that escape whatever is put into them.

use super::assets::{ASSETS, Assets};
use super::lines::{self, Line, Part, Role, UNKNOWN_ROLE};
use super::problem::Problem;
use super::settings::Settings;
use super::verdict::Verdict;
use askama::Template;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use zeroize::Zeroizing;

/// What a driver's URI from CockroachDB may have, and need not.
const COCKROACH_OPTION: &str = "?options=--crdb:jwt_auth_enabled%3Dtrue";

#[derive(Template)]
#[template(path = "console/start.html")]
struct StartPage<'a> {
    assets: &'static Assets,
    enabled: bool,
    button_text: &'a str,
    /// Where the button leads: on another host than the console's own its
    /// cookie would be lost.
    login: String,
    sql_host: &'a str,
    provider: &'a str,
    warnings: &'a [String],
}

#[derive(Template)]
#[template(path = "console/problem.html")]
struct ProblemPage<'a> {
    assets: &'static Assets,
    problem: &'a Problem,
}

#[derive(Template)]
#[template(path = "console/token.html")]
struct TokenPage<'a> {
    assets: &'static Assets,
    settings: &'a Settings,
    token: &'a str,
    roles: Vec<Role>,
    /// Whether the only role is a placeholder.
    unknown_role: bool,
    lines: Vec<Line>,
    cockroach_option: &'static str,
    verdict: &'a Verdict,
    expires: u64,
    expires_text: String,
    now: i64,
}

/// The page with the button. `host` is the request's.
pub fn start(settings: &Settings, host: &str, warnings: &[String]) -> Response {
    let origin = settings.origin();
    let same = origin.split_once("://").is_some_and(|(_, own)| own.eq_ignore_ascii_case(host));
    let page = StartPage {
        assets: &ASSETS,
        enabled: settings.enabled,
        button_text: &settings.button_text,
        login: if same { "/login".to_owned() } else { format!("{origin}/login") },
        sql_host: &settings.sql_host,
        provider: &settings.provider_url,
        warnings,
    };
    html(StatusCode::OK, page.render())
}

/// The page with the token, whose bytes are wiped once they are sent.
pub fn token(settings: &Settings, token: &str, verdict: &Verdict) -> Response {
    let mut roles: Vec<Role> = verdict.roles.iter().map(|role| Role::new(role)).collect();
    let unknown_role = roles.is_empty();
    if unknown_role {
        roles.push(Role::new(UNKNOWN_ROLE));
    }
    let lines = roles.first().map(|role| lines::all(settings, role)).unwrap_or_default();
    let page = TokenPage {
        assets: &ASSETS,
        settings,
        token,
        roles,
        unknown_role,
        lines,
        cockroach_option: COCKROACH_OPTION,
        verdict,
        expires: verdict.expires.seconds(),
        expires_text: words_of(verdict.expires.seconds()),
        now: jiff::Timestamp::now().as_second(),
    };
    html(StatusCode::OK, page.render())
}

/// `21 November 2026, 19:00:00 UTC`
fn words_of(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    time.map_or_else(String::new, |time| time.strftime("%-d %B %Y, %H:%M:%S UTC").to_string())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let page = ProblemPage { assets: &ASSETS, problem: &self };
        let mut response = html(self.status, page.render());
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("30"));
        }
        response
    }
}

fn html(status: StatusCode, page: askama::Result<String>) -> Response {
    let Ok(text) = page else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let body = Body::from(Bytes::from_owner(Zeroizing::new(text.into_bytes())));
    let mut response = (status, body).into_response();
    let value = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}
