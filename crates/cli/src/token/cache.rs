//! Tokens that are still good, each in a file of its own that only its owner
//! may read: `~/.cache/jwt-sso/<digest of what it was asked with>.json`.

use super::jwt::{Jwt, now};
use super::provider::Answer;
use crate::failure::{Context, Failure};
use crate::terminal::Waiting;
use anstream::eprintln;
use etcetera::BaseStrategy;
use jwt_sso_core::digest::Digest;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The longest that a token is thrown away before it expires, in seconds.
const MOST_AHEAD: u64 = 300;

/// The place of one answer.
pub struct Cache {
    file: PathBuf,
    lock: PathBuf,
}

/// What is kept.
#[derive(Deserialize, Serialize)]
pub struct Kept {
    token: String,
    /// When it came, in seconds since 1970.
    obtained: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl Kept {
    /// The token, unless it ends soon: within a tenth of its lifetime, or five
    /// minutes where that is less.
    pub fn fresh(&self) -> Option<Jwt> {
        let jwt = Jwt::read(&self.token).ok()?;
        let (now, end) = (now().seconds(), jwt.expires().seconds());
        let ahead = (end.saturating_sub(self.obtained) / 10).min(MOST_AHEAD);
        // A clock that went back does not make it last longer.
        (self.obtained <= now && now + ahead < end).then_some(jwt)
    }

    /// The token, good or not, and what it can be refreshed with.
    pub fn refresh(&self) -> Option<(&str, &str)> {
        Some((&self.token, self.refresh_token.as_deref()?))
    }
}

impl Cache {
    /// The place for what was asked with this; the folder is made where it is missing.
    ///
    /// # Errors
    /// Why nothing can be kept here.
    pub fn open(digest: Digest) -> Result<Cache, Failure> {
        let folder = folder()?;
        let named = || format!("{} cannot keep tokens", folder.display());
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).context(named())?;
        let metadata = fs::metadata(&folder).context(named())?;
        only_mine(&metadata).context(named())?;
        Ok(Cache {
            file: folder.join(format!("{digest}.json")),
            lock: folder.join(format!("{digest}.lock")),
        })
    }

    /// What is kept, if anything. A file that others may have read or written
    /// is passed over, with a warning.
    pub fn load(&self) -> Option<Kept> {
        match load(&self.file) {
            Ok(kept) => Some(kept),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                eprintln!("warning: {} is passed over: {error}", self.file.display());
                None
            }
        }
    }

    /// Puts an answer in the place of the one before, whole or not at all.
    pub fn store(&self, answer: &Answer) -> Result<(), Failure> {
        let kept = Kept {
            token: answer.token.clone(),
            obtained: now().seconds(),
            refresh_token: answer.refresh_token.clone(),
        };
        let named = || format!("the token is not kept in {}", self.file.display());
        let bytes = serde_json::to_vec(&kept).context(named())?;
        let folder = self.file.parent().unwrap_or(Path::new("."));
        // Made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder).context(named())?;
        file.write_all(&bytes).and_then(|()| file.flush()).context(named())?;
        file.persist(&self.file).context(named())?;
        Ok(())
    }

    /// Waits until nobody else asks for the same token. The lock is free again
    /// when it is dropped, or with the process.
    pub fn lock(&self) -> Result<File, Failure> {
        let named = || format!("cannot lock {}", self.lock.display());
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let file = options.open(&self.lock).context(named())?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => {
                eprintln!("Another jwt-sso asks for the same token.");
                let _waiting = Waiting::new("Waiting for it");
                flock(&file, FlockOperation::LockExclusive).context(named())?;
            }
            other => other.context(named())?,
        }
        Ok(file)
    }
}

/// Removes all that is kept; how much it was.
pub fn clear() -> Result<usize, Failure> {
    let folder = folder()?;
    let named = || format!("cannot clear {}", folder.display());
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error).context(named()),
    };
    let mut removed = 0;
    for entry in entries {
        let path = entry.context(named())?.path();
        // Locks stay: somebody may hold one.
        if path.extension().is_none_or(|extension| extension != "lock") {
            fs::remove_file(&path).context(named())?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn folder() -> Result<PathBuf, Failure> {
    let strategy = etcetera::choose_base_strategy().context("there is no folder for tokens")?;
    Ok(strategy.cache_dir().join("jwt-sso"))
}

fn load(path: &Path) -> io::Result<Kept> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    only_mine(&metadata)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(1 << 20).read_to_end(&mut bytes)?;
    // serde_json's own words may quote the token.
    serde_json::from_slice(&bytes).map_err(|_| io::Error::other("it is not what jwt-sso writes"))
}

fn only_mine(metadata: &Metadata) -> io::Result<()> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    if metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o777;
        return Err(io::Error::other(format!("others may use it (mode {mode:03o})")));
    }
    Ok(())
}
