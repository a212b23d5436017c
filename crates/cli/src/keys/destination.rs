//! The file of a key set, replaced in one step: whoever reads it, the server
//! at a reload, finds the old set or the new one, whole.

use crate::failure::{Context, Failure};
use jwt_sso_core::published_set::PublishedSet;
use rustix::fs::{Gid, Uid, fchown};
use std::fs::{self, File, Metadata, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Public keys are for everybody to read, the server's user among them.
const NEW_FILE: u32 = 0o644;

/// What became of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// It had these keys already.
    None,
    /// It has them now.
    Replaced {
        /// Whether it belongs to whom it belonged.
        owner_kept: bool,
    },
}

/// Writes the set beside the file and renames it over, or leaves both alone
/// where the file has the same keys.
///
/// # Errors
/// What could not be done; the old file is as it was.
pub fn replace(path: &Path, set: &PublishedSet) -> Result<Change, Failure> {
    let path = target(path)?;
    let old = old_file(&path)?;
    if old.is_some() && has_same_keys(&path, set) {
        return Ok(Change::None);
    }
    let owner_kept = write(&path, &format!("{}\n", set.text()), old.as_ref()).map_err(|error| {
        let failure = Failure::new(format!("cannot write {}: {error}", path.display()));
        match error.kind() {
            ErrorKind::PermissionDenied => failure.with_hint(
                "the file is replaced, so its folder must be yours to write into, and not only \
                 the file",
            ),
            _ => failure,
        }
    })?;
    Ok(Change::Replaced { owner_kept })
}

/// A symbolic link stays, and what it leads to is replaced.
fn target(path: &Path) -> Result<PathBuf, Failure> {
    if !path.is_symlink() {
        return Ok(path.to_owned());
    }
    fs::canonicalize(path).context(format_args!("cannot follow {}", path.display()))
}

fn old_file(path: &Path) -> Result<Option<Metadata>, Failure> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
        Ok(_) => Err(Failure::usage(format!("{} is not a regular file", path.display()))
            .with_hint("without --output the keys go to standard output")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(format!("cannot look at {}: {error}", path.display()))),
    }
}

/// A file that cannot be read, or is no sound key set, is to be replaced.
fn has_same_keys(path: &Path, set: &PublishedSet) -> bool {
    let old = fs::read(path).ok().and_then(|text| PublishedSet::read(&text).ok());
    old.is_some_and(|old| old.left_out.is_empty() && old.has_keys_of(set))
}

/// Says whether the owner is the old one.
fn write(path: &Path, text: &str, old: Option<&Metadata>) -> std::io::Result<bool> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // In the same folder, since a rename does not lead to another file system.
    // Removed where anything below fails.
    let mut file = tempfile::Builder::new().prefix(".jwks.").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    let owner_kept = old.is_none_or(|old| keep_owner(&file, old));
    let mode = old.map_or(NEW_FILE, |old| old.permissions().mode() & 0o777);
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The rename itself is on the disk when the folder is.
    File::open(folder)?.sync_all()?;
    Ok(owner_kept)
}

fn keep_owner(file: &NamedTempFile, old: &Metadata) -> bool {
    let Ok(new) = file.as_file().metadata() else { return false };
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return true;
    }
    let (owner, group) = (Uid::from_raw(old.uid()), Gid::from_raw(old.gid()));
    fchown(file.as_file(), Some(owner), Some(group)).is_ok()
        // The group alone may be kept by whoever is a member of it.
        || fchown(file.as_file(), None, Some(group)).is_ok() && new.uid() == old.uid()
}
