//! Standard output, where a full disk or a closed pipe is a failure like others.

use crate::failure::Failure;
use std::io::Write;

/// Writes the text, and sees that it has arrived. Colours in it are kept on a
/// terminal only.
///
/// # Errors
/// What became of standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::new(format!("cannot write to standard output: {error}")))
}
