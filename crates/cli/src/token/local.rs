//! Tokens that are on this machine already: in a file, or by another program.

use super::provider::Answer;
use super::question::Question;
use crate::failure::{Context, Failure};
use jwt_sso_core::token::MAX_BYTES;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Output, Stdio};

/// What a file holds, but for blanks around it. Never more than any token is
/// long: the file may be a device.
pub fn read(path: &Path) -> Result<Answer, Failure> {
    let mut bytes = Vec::new();
    let most = MAX_BYTES as u64 + 1024;
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .context(format_args!("cannot read the token in {}", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(Answer::plain(text.trim(), &format!("the token in {}", path.display())))
}

/// What a command prints, but for blanks around it. Its standard error is ours.
pub fn run(question: &Question, command: &str) -> Result<Answer, Failure> {
    let Output { status, stdout, .. } = output(question, command)?;
    if !status.success() {
        return Err(Failure::new(format!("the command for the token failed: {status}"))
            .with_hint(format!("it was run by sh -c: {command}")));
    }
    let text = String::from_utf8_lossy(&stdout);
    Ok(Answer::plain(text.trim(), "what the command printed"))
}

fn output(question: &Question, command: &str) -> Result<Output, Failure> {
    const FAILED: &str = "cannot run the command for the token";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context(FAILED)?.block_on(async {
        let child = tokio::process::Command::new("sh")
            .args(["-c", command])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context(FAILED)?;
        match tokio::time::timeout(question.remaining(), child.wait_with_output()).await {
            Ok(output) => output.context(FAILED),
            Err(_) => Err(Failure::new("the command for the token did not end in time")
                .with_hint("--timeout gives more time")),
        }
    })
}
