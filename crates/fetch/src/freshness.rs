//! What an answer's headers say about time: how long it may be used (RFC 9111
//! §4.2), and what the clock is there.
//!
//! We are a private cache, so `s-maxage` and `private` mean nothing here (§5.2.2),
//! and nothing is guessed from `Last-Modified`.

use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderValue, PRAGMA, VARY};
use http::{HeaderMap, Request, Response};
use http_cache_semantics::{CacheOptions, CachePolicy};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

const OPTIONS: CacheOptions = CacheOptions {
    shared: false,
    cache_heuristic: 0.0,
    immutable_min_time_to_live: Duration::ZERO,
    ignore_cargo_cult: false,
};

/// How long an answer with these headers, which came at `now`, may be used; zero
/// where it is stale already or its freshness is not readable (§4.2.1, §5.3).
/// `None` where it states nothing, or must not be used again unasked.
pub(crate) fn lifetime(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let control = cache_control(headers);
    let has = |name: &str| directives(&control).any(|directive| directive == name);
    let pragma = || header(headers, PRAGMA.as_str()).is_some_and(|p| p.contains("no-cache"));
    let varies = header(headers, VARY.as_str()).is_some_and(|vary| vary.trim() == "*");
    let must_ask_again =
        has("no-cache") || has("no-store") || (control.is_empty() && pragma()) || varies;
    if must_ask_again || !(has("max-age") || headers.contains_key(EXPIRES)) {
        return None;
    }

    let mut response = Response::new(());
    for name in [AGE, DATE, EXPIRES] {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    if let Ok(value) = HeaderValue::from_str(&control)
        && !control.is_empty()
    {
        response.headers_mut().insert(CACHE_CONTROL, value);
    }
    let policy = CachePolicy::new_options(&Request::new(()), &response, now, OPTIONS);
    Some(policy.time_to_live(now))
}

/// The clock of the origin at `now`, minus `now`, in seconds. A cache on the way
/// answers with an old `Date` and says by `Age` how old it is.
pub(crate) fn clock_offset(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let date = OffsetDateTime::parse(header(headers, DATE.as_str())?, &Rfc2822).ok()?;
    let age = header(headers, AGE.as_str()).map_or(Some(0), |age| age.trim().parse().ok())?;
    let now = i64::try_from(now.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    date.unix_timestamp().checked_add(age)?.checked_sub(now)
}

/// All `Cache-Control` fields as one list (RFC 9110 §5.3). Directives are
/// case-insensitive (RFC 9111 §5.2), which the library leaves to us.
fn cache_control(headers: &HeaderMap) -> String {
    let fields = headers.get_all(CACHE_CONTROL);
    let fields: Vec<&str> = fields.iter().filter_map(|field| field.to_str().ok()).collect();
    fields.join(",").to_ascii_lowercase()
}

fn directives(control: &str) -> impl Iterator<Item = &str> {
    control.split(',').map(|part| part.split('=').next().unwrap_or_default().trim())
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests;
