//! A password file that is in memory only, for the program that this process becomes.

use crate::failure::{Context, Failure};
use rustix::fs::{MemfdFlags, Mode, SealFlags, fchmod, fcntl_add_seals, memfd_create};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;

/// Open until the process ends, over exec as well.
pub struct PasswordFile(File);

impl PasswordFile {
    /// For `PGPASSFILE`. libpq opens it anew each time it connects.
    pub fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.0.as_raw_fd())
    }
}

/// Holds these lines and cannot be changed. libpq wants a regular file that
/// nobody but its owner may read; this is one, which no folder has.
pub fn create(lines: &str) -> Result<PasswordFile, Failure> {
    const FAILED: &str = "cannot hand the token to psql";
    // Not closed on exec: psql is to find it.
    let file = memfd_create("jwt-sso", MemfdFlags::ALLOW_SEALING).context(FAILED)?;
    fchmod(&file, Mode::RUSR | Mode::WUSR).context(FAILED)?;
    let mut file = File::from(file);
    file.write_all(lines.as_bytes()).context(FAILED)?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(&file, seals).context(FAILED)?;
    Ok(PasswordFile(file))
}
