//! What the views of counters and recent refusals show, and `stats_reset()`.

use super::demand_preload;
use crate::counters::{self, Outcome};
use crate::pg::process;
use crate::recent::{self, Refused};
use crate::short_text::ShortText;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;

/// The rows of the view `stats`.
#[pg_extern(volatile, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn stats_rows() -> TableIterator<
    'static,
    (
        name!(outcome, &'static str),
        name!(reason, Option<&'static str>),
        name!(door, &'static str),
        name!(issuer, Option<String>),
        name!(count, i64),
        name!(since, Option<TimestampWithTimeZone>),
    ),
> {
    let since = counters::since();
    let row = move |count: counters::Count| {
        let accepted = count.outcome == Outcome::Accepted;
        (
            if accepted { "accepted" } else { "refused" },
            count.outcome.reason(),
            count.door.name(),
            count.issuer.as_deref().map(process::presentable),
            bigint(count.count),
            since.and_then(time),
        )
    };
    TableIterator::new(counters::counts().into_iter().map(row))
}

/// The rows of the view `stats_latency`.
#[pg_extern(volatile, parallel_restricted)]
fn stats_latency_rows()
-> TableIterator<'static, (name!(phase, &'static str), name!(le_ms, f64), name!(count, i64))> {
    let row = |(phase, bound, count)| (phase, bound, bigint(count));
    TableIterator::new(counters::latencies().into_iter().map(row))
}

/// Sets every counter of the views `stats` and `stats_latency` to 0.
#[pg_extern(volatile, parallel_unsafe)]
fn stats_reset() {
    demand_preload();
    counters::reset();
}

/// The rows of the view `recent_refusals`, the newest first. The view names the
/// reference `ref`, as the log does; in Rust that is no name.
#[pg_extern(volatile, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn recent_refusal_rows() -> TableIterator<
    'static,
    (
        name!(at, Option<TimestampWithTimeZone>),
        name!(reference, String),
        name!(reason, String),
        name!(door, &'static str),
        name!(role, String),
        name!(issuer, Option<String>),
        name!(kid, Option<String>),
        name!(address, Option<String>),
    ),
> {
    let row = |refused: Refused| {
        (
            time(refused.at),
            refused.reference.to_string(),
            refused.reason.to_string(),
            refused.door.name(),
            process::presentable(&refused.role.to_string()),
            text(&refused.issuer),
            text(&refused.kid),
            text(&refused.address),
        )
    };
    TableIterator::new(recent::all().into_iter().map(row))
}

/// NULL where there is none.
fn text<const N: usize>(text: &ShortText<N>) -> Option<String> {
    let text = text.to_string();
    (!text.is_empty()).then(|| process::presentable(&text))
}

fn bigint(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Microseconds since 2000.
fn time(at: i64) -> Option<TimestampWithTimeZone> {
    TimestampWithTimeZone::try_from(at).ok()
}
