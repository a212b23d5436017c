//! Lengths of time on the command line.

use jiff::SignedDuration;
use std::time::Duration;

/// `15s`, `1h 30m`; a bare number is seconds, as in the settings.
///
/// # Errors
/// What it is instead.
pub fn parse(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return positive(Duration::from_secs(seconds));
    }
    let duration: SignedDuration = text
        .parse()
        .map_err(|_| "not a length of time: write 90, 90s, 15m, 1h or 1h 30m".to_owned())?;
    positive(duration.try_into().map_err(|_| "a length of time is not negative".to_owned())?)
}

fn positive(duration: Duration) -> Result<Duration, String> {
    if duration.is_zero() { Err("no time at all".to_owned()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds) in [("15", 15), ("15s", 15), ("2m", 120), ("1h 30m", 5400)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "0", "0s", "-1h", "soon", "1 fortnight", "99999999999999999999"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
