//! Who this backend is by its token, in its own memory, and the table of all
//! such sessions, in shared memory.

use crate::decide::Login;
use crate::pg::area::Table;
use crate::pg::{exit, proc, process};
use crate::report::Door;
use crate::short_text::ShortText;
use jwt_sso_core::decision::Grant;
use jwt_sso_core::deny::Subject;
use jwt_sso_core::digest::Digest;
use jwt_sso_core::time::UnixTime;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What this backend's token says, and when it was let in.
#[derive(Clone)]
pub struct Session {
    /// The terms of the login, or of the last renewal.
    pub grant: Grant,
    /// The door.
    pub door: Door,
    /// Microseconds since 2000.
    pub since: i64,
    /// The server's own map gave it the role, not an identity map of ours.
    pub mapped_by_server: bool,
}

/// How many identities of a token the table keeps; a token may carry more.
const IDENTITIES: usize = 16;

/// A row of the table of sessions.
#[derive(Clone, Copy)]
pub struct Row {
    /// Of the process, as [`proc::number`] has it.
    pub number: usize,
    /// 0 where the row is free.
    pub pid: i32,
    /// The role that was asked for.
    pub role: ShortText<64>,
    /// Cut, as `principal` and `kid`; [`Row::subject`] is not.
    pub issuer: ShortText<200>,
    /// The identity.
    pub principal: ShortText<200>,
    /// Empty where the token has none.
    pub kid: ShortText<100>,
    /// The door.
    pub door: Door,
    /// Microseconds since 2000.
    pub since: i64,
    /// The token's `exp`.
    pub expires: UnixTime,
    /// Who it is, for comparisons.
    pub subject: Subject<Digest>,
    /// The first identities that the token carries.
    identities: [Option<Digest>; IDENTITIES],
    /// Drawn once, so that sessions of one token do not end in one moment.
    pub draw: u8,
    /// It was told to end.
    pub ended: bool,
}

static TABLE: Table<Row> = Table::new(proc::most, Row::FREE);

/// Of this backend; `None` where no token let it in. The postmaster has none, so
/// that neither a parallel worker nor any other process inherits one.
static CURRENT: Mutex<Option<Arc<Session>>> = Mutex::new(None);

/// Asks for the table. Only while the library is preloaded.
pub fn init() {
    TABLE.register();
}

/// Notes who this backend is, once its token is proven.
///
/// The login may still fail: a later PAM module refuses, the role does not
/// exist, the server is full. All of these end the process, and nobody can ask
/// before, so it need not be taken back; the row goes as at every other end.
pub fn begin(login: &Login<'_>, grant: &Grant, mapped_by_server: bool) {
    let (grant, since) = (grant.clone(), process::now());
    let session = Session { grant, door: login.door, since, mapped_by_server };
    let row = Row::of(login, &session);
    *current_mut() = Some(Arc::new(session));
    exit::before_exit(leave);
    write_own(row);
}

/// Goes on with the terms of another token of the same identity, where that
/// one expires later.
pub fn renew(grant: &Grant) {
    let Some(session) = current().filter(|own| own.grant.expires < grant.expires) else {
        return;
    };
    *current_mut() = Some(Arc::new(Session { grant: grant.clone(), ..Session::clone(&session) }));
    TABLE.change(|rows| {
        if let Some(row) = rows.get_mut(proc::number()).filter(|row| row.pid == process::id()) {
            row.expires = grant.expires;
            row.kid = ShortText::of(grant.kid.as_deref().unwrap_or_default());
            row.subject = subject(grant);
            row.identities = identities(grant);
        }
    });
}

/// Who this backend is by its token.
pub fn current() -> Option<Arc<Session>> {
    current_mut().clone()
}

fn current_mut() -> MutexGuard<'static, Option<Arc<Session>>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every session that a token opened.
pub fn all() -> Vec<Row> {
    let taken = |rows: &[Row]| rows.iter().filter(|row| row.pid != 0).copied().collect();
    TABLE.read(taken).unwrap_or_default()
}

/// Tells those sessions to end for which `chosen` says so; gives them back.
///
/// Who is chosen is found out without the lock, which every login needs. The
/// signal is sent while the table is locked: a backend leaves the table before
/// it ends, so the process of a row is the one that wrote it.
pub fn end(chosen: impl Fn(&Row) -> bool) -> Vec<Row> {
    let mut told = all();
    told.retain(|row| !row.ended && chosen(row));
    if !told.is_empty() {
        TABLE.change(|rows| told.retain(|row| end_one(rows, row)));
    }
    told
}

/// Not where the row has another owner, or other terms, by now.
fn end_one(rows: &mut [Row], chosen: &Row) -> bool {
    let Some(row) = rows.get_mut(chosen.number).filter(|row| row.is(chosen) && !row.ended) else {
        return false;
    };
    row.ended = true;
    proc::terminate(row.pid);
    true
}

impl Row {
    const FREE: Row = Row {
        number: 0,
        pid: 0,
        role: ShortText::EMPTY,
        issuer: ShortText::EMPTY,
        principal: ShortText::EMPTY,
        kid: ShortText::EMPTY,
        door: Door::Hook,
        since: 0,
        expires: UnixTime::LAST,
        subject: Subject {
            issuer: Digest::from_bytes([0; 32]),
            principal: Digest::from_bytes([0; 32]),
            kid: None,
            jti: None,
        },
        identities: [None; IDENTITIES],
        draw: 0,
        ended: false,
    };

    /// Who it is by each identity of its token.
    pub fn subjects(&self) -> impl Iterator<Item = Subject<Digest>> {
        let others = self.identities.into_iter().flatten();
        let by = |principal: Digest| Subject { principal, ..self.subject };
        std::iter::once(self.subject).chain(others.map(by))
    }

    /// Whether it is still the row that `other` was copied from.
    fn is(&self, other: &Row) -> bool {
        self.pid == other.pid && self.since == other.since && self.expires == other.expires
    }

    fn of(login: &Login<'_>, session: &Session) -> Row {
        let grant = &session.grant;
        Row {
            number: proc::number(),
            pid: process::id(),
            role: ShortText::of(&login.role.to_string_lossy()),
            issuer: ShortText::of(&grant.issuer),
            principal: ShortText::of(&grant.principal),
            kid: ShortText::of(grant.kid.as_deref().unwrap_or_default()),
            door: session.door,
            since: session.since,
            expires: grant.expires,
            subject: subject(grant),
            identities: identities(grant),
            draw: (process::random_unit() * 256.0) as u8,
            ended: false,
        }
    }
}

fn identities(grant: &Grant) -> [Option<Digest>; IDENTITIES] {
    let mut digests = [None; IDENTITIES];
    for (place, identity) in digests.iter_mut().zip(&grant.identities) {
        *place = Some(Digest::of(&[identity.as_bytes()]));
    }
    digests
}

fn subject(grant: &Grant) -> Subject<Digest> {
    let subject = Subject {
        issuer: grant.issuer.as_str(),
        principal: grant.principal.as_str(),
        kid: grant.kid.as_deref(),
        jti: grant.jti.as_deref(),
    };
    subject.digests()
}

fn write_own(row: Row) {
    TABLE.change(|rows| {
        if let Some(own) = rows.get_mut(proc::number()) {
            *own = row;
        }
    });
}

fn leave() {
    write_own(Row::FREE);
}
