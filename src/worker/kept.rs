//! The file of the last good fetched sets, `jwt_sso/keys.json` in the data
//! directory: it lets people in after a restart while the issuer is down.

use crate::clock;
use crate::file;
use crate::pg::message;
use jwt_sso_core::digest::Digest;
use jwt_sso_core::kept_file::{self, KeptSet};
use jwt_sso_core::setting_text::MAX_FILE_BYTES;
use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

const FOLDER: &str = "jwt_sso";
const FILE: &str = "jwt_sso/keys.json";
const TEMPORARY: &str = "jwt_sso/keys.json.tmp";

/// Reads the sets that were kept. A damaged file counts for nothing, and the
/// log says what is wrong with it.
pub fn read() -> HashMap<Digest, KeptSet> {
    match fs::symlink_metadata(file::in_data_directory(FILE)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return HashMap::new(),
        _ => {}
    }
    let text = match file::read(FILE) {
        Ok(text) => text,
        Err(error) => {
            message::log(&format!("jwt_sso: {FILE} cannot be read and is ignored: {error}"));
            return HashMap::new();
        }
    };
    match kept_file::read(text.as_bytes(), clock::now()) {
        Ok(kept) => {
            for note in kept.dropped {
                message::log(&format!("jwt_sso: {FILE}: {note}"));
            }
            kept.sets.into_iter().map(|set| (set.source, set)).collect()
        }
        Err(damage) => {
            message::log(&format!("jwt_sso: {FILE} is damaged and is ignored: {damage}"));
            HashMap::new()
        }
    }
}

/// Replaces the file: who reads it, be it after a crash, sees the old one or
/// the new one.
///
/// # Errors
/// What the file system says, a full disk for one; the old file stays.
pub fn write(sets: &[KeptSet]) -> io::Result<()> {
    let text = kept_file::write(sets);
    if text.len() > MAX_FILE_BYTES {
        // It would be refused when it is read.
        return Err(io::Error::other(format!("{} bytes are too many for the file", text.len())));
    }
    let folder = file::in_data_directory(FOLDER);
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let temporary = file::in_data_directory(TEMPORARY);
    // A left-over may have other permissions, or be a link to somewhere.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_new(&temporary, text.as_bytes());
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    fs::rename(&temporary, file::in_data_directory(FILE))?;
    // Without this the new name may not outlive a power failure.
    File::open(&folder)?.sync_all()
}

fn write_new(path: &PathBuf, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
