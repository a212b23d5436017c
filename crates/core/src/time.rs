//! Times as tokens carry them: whole seconds since 1970 (RFC 7519 §2, NumericDate).

use std::fmt;
use std::time::{Duration, SystemTime};

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds; 0 to [`UnixTime::LAST`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnixTime(u64);

impl UnixTime {
    /// 9999-12-31T23:59:59Z, the last second that RFC 3339 can write.
    pub const LAST: UnixTime = UnixTime(253_402_300_799);

    /// That many seconds since 1970, or `None` past [`UnixTime::LAST`].
    pub fn from_seconds(seconds: u64) -> Option<UnixTime> {
        (seconds <= UnixTime::LAST.0).then_some(UnixTime(seconds))
    }

    /// The seconds since 1970.
    pub fn seconds(self) -> u64 {
        self.0
    }

    /// This time and `seconds` more; beyond [`UnixTime::LAST`] stays there.
    #[must_use]
    pub fn plus(self, seconds: u64) -> UnixTime {
        UnixTime(self.0.saturating_add(seconds).min(UnixTime::LAST.0))
    }
}

/// RFC 3339 in UTC: `2026-11-21T19:00:00Z`.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(self.0);
        write!(f, "{}", humantime::format_rfc3339_seconds(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_rfc_3339() {
        assert_eq!(UnixTime(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(UnixTime(1_300_819_380).to_string(), "2011-03-22T18:43:00Z");
        assert_eq!(UnixTime::LAST.to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn stays_in_range() {
        assert_eq!(UnixTime::from_seconds(253_402_300_800), None);
        assert_eq!(UnixTime(1).plus(u64::MAX), UnixTime::LAST);
    }
}
