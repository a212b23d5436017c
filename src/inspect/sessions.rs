//! Who this session is and who the others are; renewing and ending them.

use crate::clock;
use crate::doors;
use crate::inspect::demand_preload;
use crate::pg::message::{self, Message};
use crate::pg::process;
use crate::pg::sql::{Column, JsonbText, Record, Text, TextBytes};
use crate::report;
use crate::session::{self, Row, Session};
use jwt_sso_core::claim_path::ClaimPath;
use jwt_sso_core::deny;
use jwt_sso_core::digest::Digest;
use jwt_sso_core::json::{self, Node};
use jwt_sso_core::time::UnixTime;
use pgrx::PgSqlErrorCode;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;

// Declared in sql/sessions.sql, since pgrx has no words for it: `session`,
// `claims`, `claim`, and `renew` by way of `pg::hidden`.

/// Who this session is by its token; every column NULL where none opened it.
#[pg_extern(sql = false)]
fn session() -> Record {
    let session = session::current();
    let text = |value: fn(&Session) -> Option<&str>| {
        Column::Text(session.as_ref().and_then(|own| value(own)).map(str::to_owned))
    };
    let expires = session.as_ref().and_then(|own| clock::server_time(own.grant.expires.seconds()));
    Record(vec![
        (c"issuer", text(|own| Some(&own.grant.issuer))),
        (c"principal", text(|own| Some(&own.grant.principal))),
        (c"kid", text(|own| own.grant.kid.as_deref())),
        (c"door", text(|own| Some(own.door.name()))),
        (c"since", Column::Time(session.as_ref().map(|own| own.since))),
        (c"expires", Column::Time(expires)),
    ])
}

/// Every claim of this session's token, numbers as the token has them.
#[pg_extern(sql = false)]
fn claims() -> Option<JsonbText> {
    session::current().map(|own| JsonbText(own.grant.claims.clone()))
}

/// One of them: a string as it is, another value as JSON.
#[pg_extern(sql = false)]
fn claim(path: Text) -> Option<Text> {
    let path = ClaimPath::named(&path.0).unwrap_or_else(|wrong| {
        message::error(&Message {
            sqlstate: PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            detail: format!("{}.", wrong.detail.trim_end_matches('.')),
            hint: wrong.hint.unwrap_or_default(),
            ..Message::plain("neither the name of a claim nor a JSON pointer")
        })
    });
    let session = session::current()?;
    // The token was read as JSON before it let anybody in.
    let claims = json::parse(session.grant.claims.as_bytes()).ok()?;
    match path.find(&claims)? {
        Node::Null => None,
        Node::String(text) => Some(Text(text.clone())),
        other => Some(Text(other.to_string())),
    }
}

/// Prolongs this session by a token of the same issuer and identity. Gives back
/// when its token expires now.
#[pg_extern(sql = false)]
fn renew_session(token: TextBytes) -> Option<TimestampWithTimeZone> {
    let Some(session) = session::current() else {
        message::error(&Message {
            sqlstate: PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            detail: "No token opened this session.".to_owned(),
            ..Message::plain("this session cannot be renewed")
        })
    };
    if let Err(refusal) = doors::renew::renew(&session, token.bytes()) {
        message::error(&refusal);
    }
    session::current().and_then(|own| time(own.grant.expires))
}

/// The rows of the view `sessions`, those included that are about to end.
#[pg_extern(volatile, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn session_rows() -> TableIterator<
    'static,
    (
        name!(pid, i32),
        name!(role, String),
        name!(issuer, String),
        name!(principal, String),
        name!(kid, Option<String>),
        name!(door, &'static str),
        name!(since, Option<TimestampWithTimeZone>),
        name!(expires, Option<TimestampWithTimeZone>),
    ),
> {
    let text = |text: String| process::presentable(&text);
    let row = move |row: Row| {
        (
            row.pid,
            text(row.role.to_string()),
            text(row.issuer.to_string()),
            text(row.principal.to_string()),
            row.subject.kid.map(|_| text(row.kid.to_string())),
            row.door.name(),
            TimestampWithTimeZone::try_from(row.since).ok(),
            time(row.expires),
        )
    };
    TableIterator::new(session::all().into_iter().map(row))
}

/// Ends the sessions of this issuer, this identity and this key, one's own left
/// out; NULL is any. How many were told to end.
#[pg_extern(volatile, parallel_unsafe)]
fn terminate(
    issuer: default!(Option<Text>, "NULL"),
    principal: default!(Option<Text>, "NULL"),
    kid: default!(Option<Text>, "NULL"),
) -> i32 {
    let digest = |text: Option<Text>| text.map(|text| deny::digest(&text.0));
    let (issuer, principal, kid) = (digest(issuer), digest(principal), digest(kid));
    if issuer.is_none() && principal.is_none() && kid.is_none() {
        message::error(&Message {
            sqlstate: PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            hint: "Name at least one of issuer, principal and kid.".to_owned(),
            ..Message::plain("terminate() without an argument would end every session")
        });
    }
    demand_preload();
    let is = |wanted: Option<Digest>, has: Option<Digest>| wanted.is_none() || wanted == has;
    let meets = |row: &Row| {
        is(issuer, Some(row.subject.issuer))
            && is(principal, Some(row.subject.principal))
            && is(kid, row.subject.kid)
    };
    let own = |row: &Row| row.pid == process::id();
    let told = session::end(|row| meets(row) && !own(row));
    for row in &told {
        message::log(&report::session_ended(row, "terminated"));
    }
    if session::all().iter().any(|row| meets(row) && own(row)) {
        message::notice(&Message::plain("your own session is left out"));
    }
    i32::try_from(told.len()).unwrap_or(i32::MAX)
}

fn time(time: UnixTime) -> Option<TimestampWithTimeZone> {
    TimestampWithTimeZone::try_from(clock::server_time(time.seconds())?).ok()
}
