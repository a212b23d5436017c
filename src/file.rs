//! Files that settings name: read whole, and never so that the postmaster waits.

use crate::pg::process;
use jwt_sso_core::setting_error::SettingError;
use jwt_sso_core::setting_text::MAX_FILE_BYTES;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// The path, relative ones in the data directory.
pub fn in_data_directory(path: &str) -> PathBuf {
    process::data_directory().join(path)
}

/// The text of a regular file of at most [`MAX_FILE_BYTES`].
///
/// # Errors
/// What cannot be opened or read, is no regular file, is too long or not UTF-8.
pub fn read(path: &str) -> Result<String, SettingError> {
    let full = in_data_directory(path);
    let failed =
        |what: String| SettingError::new(format!("file {:?}: {what}", full.display().to_string()));
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY)
        .open(&full)
        .map_err(|error| failed(error.to_string()))?;
    let metadata = file.metadata().map_err(|error| failed(error.to_string()))?;
    if !metadata.is_file() {
        return Err(failed("not a regular file".to_owned()));
    }
    let limit = MAX_FILE_BYTES as u64;
    let mut bytes = Vec::new();
    // The file may grow while it is read: the limit holds for what arrives.
    let length =
        file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
    if length as u64 > limit {
        return Err(failed(format!("longer than {} MB", limit >> 20)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count() + 1;
        failed(format!("line {line}: not UTF-8"))
    })
}
