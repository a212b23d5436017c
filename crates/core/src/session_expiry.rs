//! What happens to a session when its token expires: `jwt_sso.session_expiry`.

use crate::setting_error::SettingError;
use crate::time::UnixTime;

/// The setting. The default is `ignore`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SessionExpiry {
    /// Nothing: a token is for the login only.
    #[default]
    Ignore,
    /// The session ends as soon as it is in no transaction.
    TerminateIdle,
    /// The session ends, whatever it does.
    Terminate,
}

impl SessionExpiry {
    const ALL: [SessionExpiry; 3] =
        [SessionExpiry::Ignore, SessionExpiry::TerminateIdle, SessionExpiry::Terminate];

    /// The value of the setting.
    pub fn name(self) -> &'static str {
        match self {
            SessionExpiry::Ignore => "ignore",
            SessionExpiry::TerminateIdle => "terminate_idle",
            SessionExpiry::Terminate => "terminate",
        }
    }

    /// Reads the setting, without regard to case, as the server's own settings
    /// with a choice of words.
    ///
    /// # Errors
    /// Any other word, the empty one included.
    pub fn parse(text: &str) -> Result<SessionExpiry, SettingError> {
        let named = |expiry: &SessionExpiry| expiry.name().eq_ignore_ascii_case(text);
        SessionExpiry::ALL.into_iter().find(named).ok_or_else(|| {
            SettingError::new("none of the words that it may be")
                .with_hint("Available values: ignore, terminate_idle, terminate.")
        })
    }
}

/// When a session whose token expires at `expires` is to end: at `exp` and the
/// grace, less at most a tenth of the grace. `draw`, from 0 to 255 and drawn
/// once for a session, spreads those that were opened with the same token, as
/// a pool's are.
pub fn due(expires: UnixTime, grace: u64, draw: u8) -> UnixTime {
    let jitter = (grace / 10).saturating_mul(u64::from(draw)) / 255;
    expires.plus(grace - jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_any_case() {
        for expiry in SessionExpiry::ALL {
            assert_eq!(SessionExpiry::parse(expiry.name()), Ok(expiry));
            assert_eq!(SessionExpiry::parse(&expiry.name().to_uppercase()), Ok(expiry));
        }
        for text in ["", "terminate ", "on", "off", "idle", "[]"] {
            let error = SessionExpiry::parse(text).unwrap_err();
            assert!(error.hint.unwrap().contains("terminate_idle"), "{text}");
        }
    }

    #[test]
    fn never_after_the_grace_and_at_most_a_tenth_before() {
        let exp = UnixTime::from_seconds(1_000).unwrap();
        assert_eq!(due(exp, 0, 255), exp);
        assert_eq!(due(exp, 9, 255).seconds(), 1_009);
        assert_eq!(due(exp, 600, 0).seconds(), 1_600);
        assert_eq!(due(exp, 600, 255).seconds(), 1_540);
        let all: Vec<u64> = (0..=255).map(|draw| due(exp, 600, draw).seconds()).collect();
        assert!(all.windows(2).all(|pair| pair[0] >= pair[1]));
        assert_eq!(due(UnixTime::LAST, 600, 0), UnixTime::LAST);
    }
}
