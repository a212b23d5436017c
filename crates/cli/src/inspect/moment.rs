//! Times in words, as seen from now.

use jiff::fmt::friendly::{Designator, Direction, Spacing, SpanPrinter};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Unit};
use jwt_sso_core::claims::Claims;
use jwt_sso_core::time::UnixTime;

/// A claim that is a time.
#[derive(Debug)]
pub struct Moment {
    /// Its name.
    pub claim: &'static str,
    /// Its value.
    pub time: UnixTime,
    /// `expired 3 minutes ago`.
    pub words: String,
}

/// Those that the token has, as seen at `now`.
pub fn all(claims: &Claims<'_>, now: UnixTime) -> Vec<Moment> {
    let moment = |claim| {
        let time = claims.numeric_date(claim).ok().flatten()?;
        Some(Moment { claim, time, words: words(claim, time, now) })
    };
    ["exp", "nbf", "iat", "auth_time"].into_iter().filter_map(moment).collect()
}

/// This machine's clock.
pub fn now() -> UnixTime {
    let seconds = Timestamp::now().as_second();
    u64::try_from(seconds).ok().and_then(UnixTime::from_seconds).unwrap_or(UnixTime::LAST)
}

/// `58 minutes`, whichever of the two comes first.
pub fn distance(from: UnixTime, to: UnixTime) -> String {
    let span = span(from, to).unwrap_or_default();
    let printer = SpanPrinter::new()
        .designator(Designator::Verbose)
        .spacing(Spacing::BetweenUnitsAndDesignators)
        .direction(Direction::Sign);
    printer.span_to_string(&span.abs())
}

fn words(claim: &str, time: UnixTime, now: UnixTime) -> String {
    let distance = distance(now, time);
    match (claim, time > now) {
        ("exp", true) => format!("expires in {distance}"),
        ("exp", false) => format!("expired {distance} ago"),
        ("nbf", true) => format!("not valid for another {distance}"),
        ("nbf", false) => format!("valid since {distance} ago"),
        ("iat", true) => format!("issued in {distance}, which is in the future"),
        ("iat", false) => format!("issued {distance} ago"),
        (_, true) => format!("in {distance}"),
        (_, false) => format!("{distance} ago"),
    }
}

/// The two largest units of the distance, the smaller one cut; seconds stand
/// alone, and beside minutes they do not matter.
fn span(from: UnixTime, to: UnixTime) -> Option<Span> {
    let zoned = |time: UnixTime| {
        // The last hours of the year 9999 are beyond what jiff has.
        let seconds = i64::try_from(time.seconds()).ok()?.min(Timestamp::MAX.as_second());
        let timestamp = Timestamp::from_second(seconds).ok()?;
        Some(timestamp.to_zoned_datetime(TimeZone::UTC))
    };
    let whole = zoned(from)?.until((Unit::Year, &zoned(to)?)).ok()?.abs();
    let (years, months, days) = (whole.get_years(), whole.get_months(), whole.get_days());
    let (hours, minutes) = (whole.get_hours(), whole.get_minutes());
    let seconds = whole.get_seconds();
    let cut = Span::new();
    Some(if years > 0 {
        cut.years(years).months(months)
    } else if months > 0 {
        cut.months(months).days(days)
    } else if days > 0 {
        cut.days(days).hours(hours)
    } else if hours > 0 {
        cut.hours(hours).minutes(minutes)
    } else if minutes > 0 {
        cut.minutes(minutes)
    } else {
        cut.seconds(seconds)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::from_seconds(seconds).unwrap()
    }

    #[test]
    fn words_for_every_claim_before_and_after() {
        let now = at(1_800_000_000);
        for (claim, offset, wanted) in [
            ("exp", 3480, "expires in 58 minutes"),
            ("exp", -200, "expired 3 minutes ago"),
            ("exp", 0, "expired 0 seconds ago"),
            ("exp", 7260, "expires in 2 hours 1 minute"),
            ("iat", -120, "issued 2 minutes ago"),
            ("iat", 45, "issued in 45 seconds, which is in the future"),
            ("nbf", -86_400, "valid since 1 day ago"),
            ("nbf", 90_000, "not valid for another 1 day 1 hour"),
            ("auth_time", -1, "1 second ago"),
        ] {
            let time = at(now.seconds().saturating_add_signed(offset));
            assert_eq!(words(claim, time, now), wanted);
        }
    }

    #[test]
    fn the_last_second_of_all_does_no_harm() {
        assert_eq!(words("exp", UnixTime::LAST, at(0)), "expires in 8029 years 11 months");
        assert_eq!(distance(at(0), at(1_800_000_000)), "57 years");
    }
}
