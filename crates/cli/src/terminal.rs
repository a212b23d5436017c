//! Standard error of somebody who waits.

use indicatif::{ProgressBar, ProgressStyle};
use jwt_sso_core::visible;
use std::time::Duration;

/// A line that shows that something still goes on; nothing where standard
/// error is no terminal. It vanishes when it is dropped.
pub struct Waiting(ProgressBar);

impl Waiting {
    /// `⠙ Waiting for the sign-in (12 s)`
    pub fn new(what: &str) -> Waiting {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Waiting(bar)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What a stranger wrote, fit for a message: nothing that a terminal obeys or
/// that cannot be seen, and not endless.
pub fn printable(text: &str) -> String {
    visible::printable(&text.chars().take(500).collect::<String>())
}
