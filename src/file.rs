//! Files that settings name: read whole, and never so that the postmaster waits.

use crate::pg::process;
use jwt_sso_core::setting_error::SettingError;
use jwt_sso_core::setting_text::MAX_FILE_BYTES;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

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
    let bytes = read_bytes(&full)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count() + 1;
        failed(&full, format!("line {line}: not UTF-8"))
    })
}

/// As [`read`], of a file that others read in any encoding: for reports.
///
/// # Errors
/// What cannot be opened or read, is no regular file or is too long.
pub fn read_lossy(path: &Path) -> Result<String, SettingError> {
    read_bytes(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, SettingError> {
    let failed_by = |error: std::io::Error| failed(path, error.to_string());
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY)
        .open(path)
        .map_err(failed_by)?;
    if !file.metadata().map_err(failed_by)?.is_file() {
        return Err(failed(path, "not a regular file".to_owned()));
    }
    let limit = MAX_FILE_BYTES as u64;
    let mut bytes = Vec::new();
    // The file may grow while it is read: the limit holds for what arrives.
    let length = file.take(limit + 1).read_to_end(&mut bytes).map_err(failed_by)?;
    if length as u64 > limit {
        return Err(failed(path, format!("longer than {} MB", limit >> 20)));
    }
    Ok(bytes)
}

fn failed(path: &Path, what: String) -> SettingError {
    SettingError::new(format!("file {:?}: {what}", path.display().to_string()))
}
