//! From a request to a page.

use super::assets::{ASSETS, Asset};
use super::guard;
use super::log;
use super::network::Transport;
use super::pages;
use super::problem::Problem;
use super::provider::{self, ProviderError};
use super::settings::Settings;
use super::sign_in::{Claim, SignIn, Used};
use super::source::Source;
use super::verdict::{self, IssuerKeySet, Verdict};
use super::warnings;
use crate::http_client::HttpClient;
use axum::Router;
use axum::extract::{FromRef, RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::PrivateCookieJar;
use axum_extra::extract::cookie::Key;
use jwt_sso_core::refusal::words;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// The most sign-ins that speak to the provider at one time.
const SIGN_INS: usize = 32;
/// How long a sign-in waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest query that is read.
const MAX_QUERY: usize = 16 * 1024;

/// What the pages share.
pub struct Console {
    pub source: Source,
    pub transport: Transport,
    http: HttpClient,
    /// Of the cookies; another one in each process.
    key: Key,
    used: Used,
    /// Of those who begin, which anybody may, and of those who come back.
    beginning: Arc<Semaphore>,
    finishing: Arc<Semaphore>,
}

#[derive(Clone)]
struct Shared(Arc<Console>);

impl FromRef<Shared> for Arc<Console> {
    fn from_ref(shared: &Shared) -> Arc<Console> {
        Arc::clone(&shared.0)
    }
}

impl FromRef<Shared> for Key {
    fn from_ref(shared: &Shared) -> Key {
        shared.0.key.clone()
    }
}

impl Console {
    pub fn new(source: Source, http: HttpClient, transport: Transport) -> Console {
        Console {
            source,
            transport,
            http,
            key: Key::generate(),
            used: Used::default(),
            beginning: Arc::new(Semaphore::new(SIGN_INS)),
            finishing: Arc::new(Semaphore::new(SIGN_INS)),
        }
    }

    /// Whether browsers are told to come by https only: not for loopback names,
    /// where other programs of the same machine may have none.
    pub async fn hsts(&self) -> Option<bool> {
        if !self.transport.is_tls() {
            return None;
        }
        let settings = self.source.settings().await.ok()?;
        let host = settings.redirect_url.host_str()?;
        let loopback = host == "localhost" || host.starts_with("127.") || host == "[::1]";
        Some(settings.is_https() && !loopback)
    }

    /// What is written at the start: where it is, and what is wrong.
    pub async fn introduce(&self, url: &str) {
        log::line(format_args!("listening on {url}"));
        match self.source.settings().await {
            Ok(settings) => {
                log::line(format_args!("people reach it as {}", settings.origin()));
                if !settings.enabled {
                    log::line(
                        "no tokens are handed out: \
                               jwt_sso.oidc_generate_cluster_sso_token_enabled is off",
                    );
                }
                for warning in warnings::of(&settings) {
                    log::line(format_args!("warning: {warning}"));
                }
            }
            Err(why) => {
                let problem = Problem::from(why);
                log::line(format_args!("warning: {}", written(&problem)));
            }
        }
    }
}

/// The pages and what surrounds them.
pub fn router(console: Arc<Console>) -> Router {
    let keep = "public, max-age=31536000, immutable";
    Router::new()
        .route("/", get(start))
        .route("/login", get(login))
        .route(&ASSETS.style.path, get(async move || asset(&ASSETS.style, keep)))
        .route(&ASSETS.script.path, get(async move || asset(&ASSETS.script, keep)))
        .route(&ASSETS.icon.path, get(async || asset(&ASSETS.icon, "public, max-age=3600")))
        .fallback(callback)
        .with_state(Shared(Arc::clone(&console)))
        .layer(middleware::from_fn_with_state(console, guard::guard))
}

fn asset(asset: &'static Asset, keep: &'static str) -> Response {
    ([(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, keep)], asset.content).into_response()
}

/// Logs what went wrong, and shows it.
fn failed(problem: Problem) -> Response {
    log::line(format_args!("failed {}", written(&problem)));
    problem.into_response()
}

fn written(problem: &Problem) -> String {
    let mut line = format!("reason={}", problem.reason);
    if !problem.detail.is_empty() {
        line = format!("{line} detail={}", words::quote(&problem.detail));
    }
    line
}

async fn start(State(console): State<Arc<Console>>, headers: HeaderMap) -> Response {
    match console.source.settings().await {
        Ok(settings) => {
            let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
            pages::start(&settings, host, &warnings::of(&settings))
        }
        Err(why) => failed(why.into()),
    }
}

/// The settings, where tokens are handed out.
async fn enabled(console: &Console) -> Result<Arc<Settings>, Problem> {
    let settings = console.source.settings().await?;
    if settings.enabled { Ok(settings) } else { Err(Problem::disabled()) }
}

async fn login(State(console): State<Arc<Console>>, jar: PrivateCookieJar) -> Response {
    match begin(&console, jar).await {
        Ok(response) => response,
        Err(problem) => failed(problem),
    }
}

async fn begin(console: &Arc<Console>, jar: PrivateCookieJar) -> Result<Response, Problem> {
    let settings = enabled(console).await?;
    let https = settings.is_https();
    let (url, sign_in) = in_turn(&console.beginning, console, move |console| {
        provider::begin(&settings, &console.http).map_err(Problem::from)
    })
    .await?;
    let cookie = sign_in.cookie(https).map_err(|_| Problem::busy())?;
    Ok((jar.add(cookie), Redirect::to(url.as_str())).into_response())
}

/// Runs what blocks, with not too many at a time. Whoever hangs up keeps the
/// place until the provider has answered.
async fn in_turn<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    console: &Arc<Console>,
    work: impl FnOnce(&Console) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let turn = timeout(PATIENCE, Arc::clone(turns).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(Problem::busy()) };
    let console = Arc::clone(console);
    let work = tokio::task::spawn_blocking(move || {
        let done = work(&console);
        drop(turn);
        done
    });
    work.await.unwrap_or_else(|_| Err(Problem::busy()))
}

/// The parts of the provider's answer (RFC 6749 §4.1.2, RFC 9207).
#[derive(Default)]
struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    description: Option<String>,
    iss: Option<String>,
}

impl Answer {
    /// `None` where a part comes twice (RFC 6749 §3.1) or the query is too long.
    fn read(query: &str) -> Option<Answer> {
        if query.len() > MAX_QUERY {
            return None;
        }
        let mut answer = Answer::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let part = match &*name {
                "state" => &mut answer.state,
                "code" => &mut answer.code,
                "error" => &mut answer.error,
                "error_description" => &mut answer.description,
                "iss" => &mut answer.iss,
                _ => continue,
            };
            if part.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        Some(answer)
    }

    fn is_empty(&self) -> bool {
        self.state.is_none() && self.code.is_none() && self.error.is_none()
    }
}

/// The path of the redirect URL; every other one has no page.
async fn callback(
    State(console): State<Arc<Console>>,
    method: Method,
    uri: Uri,
    RawQuery(query): RawQuery,
    jar: PrivateCookieJar,
) -> Response {
    let settings = match console.source.settings().await {
        Ok(settings) if settings.redirect_url.path() == uri.path() => settings,
        Ok(_) => return Problem::not_found().into_response(),
        Err(why) => return failed(why.into()),
    };
    // A HEAD, as previews of links send it, must not use the code up.
    if method != Method::GET {
        return failed(Problem::method_not_allowed());
    }
    match answered(&console, &settings, &query.unwrap_or_default(), &jar).await {
        Ok(response) => response,
        Err(problem) => failed(problem),
    }
}

async fn answered(
    console: &Arc<Console>,
    settings: &Arc<Settings>,
    query: &str,
    jar: &PrivateCookieJar,
) -> Result<Response, Problem> {
    if !settings.enabled {
        return Err(Problem::disabled());
    }
    let answer = Answer::read(query).ok_or_else(Problem::malformed_answer)?;
    if answer.is_empty() {
        return Err(Problem::nothing_to_do());
    }
    let sign_in = SignIn::of(jar, settings.is_https());
    let sign_in = sign_in.ok_or_else(|| Problem::no_cookie(&settings.origin()))?;
    let state = answer.state.as_deref().ok_or_else(Problem::malformed_answer)?;
    if !sign_in.is_of(state) {
        return Err(Problem::wrong_state());
    }
    match console.used.claim(state, Instant::now()) {
        Claim::First => {}
        Claim::Again => return Err(Problem::replayed()),
        Claim::Full => return Err(Problem::busy()),
    }
    if answer.iss.as_deref().is_some_and(|iss| iss != settings.provider_url) {
        return Err(Problem::other_issuer());
    }
    if let Some(error) = &answer.error {
        return Err(Problem::provider_said(error, answer.description.as_deref()));
    }
    let code = answer.code.ok_or_else(Problem::malformed_answer)?;
    hand_out(console, settings, sign_in, code, answer.iss).await
}

async fn hand_out(
    console: &Arc<Console>,
    settings: &Arc<Settings>,
    sign_in: SignIn,
    code: String,
    iss: Option<String>,
) -> Result<Response, Problem> {
    let own = Arc::clone(settings);
    let (token, keys) = in_turn(&console.finishing, console, move |console| {
        let token = provider::finish(&own, &console.http, &sign_in, code, iss.as_deref())
            .map_err(|error: ProviderError| Problem::from(error))?;
        let keys = IssuerKeySet::get(&own, console.http.custom_ca());
        Ok((token, keys))
    })
    .await?;
    let verdict = judge(console, settings, &token, &keys).await?;
    report(&verdict);
    Ok(pages::token(settings, &token, &verdict))
}

async fn judge(
    console: &Console,
    settings: &Settings,
    token: &Zeroizing<String>,
    keys: &IssuerKeySet,
) -> Result<Verdict, Problem> {
    let candidate = verdict::candidate(settings, keys, token.as_bytes())?;
    let catalogue = console.source.roles(&candidate.roles).await;
    Ok(candidate.judge(catalogue.as_ref())?)
}

fn report(verdict: &Verdict) {
    log::line(format_args!(
        "token handed out principal={} issuer={} roles={} expires=\"{}\"",
        words::list(&verdict.identities),
        log::quoted(&verdict.issuer),
        words::list(&verdict.roles),
        verdict.expires
    ));
    for warning in &verdict.warnings {
        log::line(format_args!("warning: the server would refuse it: {warning}"));
    }
}
