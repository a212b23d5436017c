//! How long a fetched key set is fresh.

use std::time::Duration;

/// The least that a response's own statement counts for: an issuer that says
/// `max-age=0` or one second is not asked all the time.
pub const SHORTEST: Duration = Duration::from_secs(60);
/// The most: a response that says a year does not hide a rotation for a year.
pub const LONGEST: Duration = Duration::from_secs(60 * 60);

/// The lifetime of a set whose response stated one (RFC 9111 §4.2), or none:
/// then the administrator's `jwks_refresh_interval` counts, as it is, but for
/// a floor of a second.
pub fn lifetime(stated: Option<Duration>, refresh_interval: Duration) -> Duration {
    match stated {
        Some(stated) => stated.clamp(SHORTEST, LONGEST),
        None => refresh_interval.max(Duration::from_secs(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stated_is_clamped() {
        let of = |seconds| lifetime(Some(Duration::from_secs(seconds)), Duration::from_secs(7));
        for (stated, counts) in [
            (0, 60),
            (59, 60),
            (60, 60),
            (300, 300),
            (3600, 3600),
            (86_400, 3600),
            (u64::MAX, 3600),
        ] {
            assert_eq!(of(stated), Duration::from_secs(counts), "{stated}");
        }
    }

    #[test]
    fn without_a_statement_the_setting_counts_as_it_is() {
        for (setting, counts) in [(0, 1_000), (999, 1_000), (1_000, 1_000), (7_200_000, 7_200_000)]
        {
            let interval = Duration::from_millis(setting);
            assert_eq!(lifetime(None, interval), Duration::from_millis(counts), "{setting}");
        }
    }
}
