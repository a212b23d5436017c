//! The clocks: the core is given the time, and this is where it comes from.

use jwt_sso_core::schedule::Tick;
use jwt_sso_core::time::UnixTime;
use std::sync::LazyLock;
use std::time::{Instant, SystemTime};

/// The time of the server's clock; 1970 where it stands before that.
pub fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_seconds(since.as_secs()).unwrap_or(UnixTime::LAST)
}

/// Seconds since 1970 as PostgreSQL counts: in microseconds since 2000.
pub fn server_time(seconds: u64) -> Option<i64> {
    const EPOCH: i64 = 946_684_800;
    i64::try_from(seconds).ok()?.checked_sub(EPOCH)?.checked_mul(1_000_000)
}

/// A clock that nobody sets, for waiting and scheduling.
pub fn tick() -> Tick {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Tick(u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX))
}
