//! The HBA files, read for reports only: the server reads them itself.

use crate::file;
use crate::pg::process;
use crate::settings;
use jwt_sso_core::hba::{self, IncludeKind, TrustLine};
use std::path::{Path, PathBuf};

/// Where a trust-over-TCP line stands.
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line.
    pub line: TrustLine,
}

/// `line 7 of /etc/…/pg_hba.conf: hostssl all all all trust`
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} of {}: {}", self.line.number, self.file.display(), self.line.text)
    }
}

/// The trust-over-TCP lines of the HBA file in force and what it includes.
pub fn trust_lines_in_force() -> Vec<Place> {
    trust_lines(&process::hba_file())
}

/// The trust-over-TCP lines that the server would obey without this library.
pub fn trust_lines_without_us() -> Vec<Place> {
    trust_lines(&settings::hba_file_without_us())
}

fn trust_lines(path: &Path) -> Vec<Place> {
    let mut found = Vec::new();
    collect(path, 0, &mut found);
    found
}

/// As deep as the server follows includes.
const MAX_DEPTH: usize = 10;

fn collect(path: &Path, depth: usize, found: &mut Vec<Place>) {
    // An unreadable file is the server's to complain about.
    let Ok(text) = file::read(&path.to_string_lossy()) else { return };
    let place = |line| Place { file: path.to_owned(), line };
    found.extend(hba::trust_over_tcp(&text).into_iter().map(place));
    if depth == MAX_DEPTH {
        return;
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    for include in hba::includes(&text) {
        let target = folder.join(&include.path);
        if include.kind == IncludeKind::Folder {
            for file in configuration_files(&target) {
                collect(&file, depth + 1, found);
            }
        } else {
            collect(&target, depth + 1, found);
        }
    }
}

/// The files of an include_dir, as the server takes them: `*.conf`, not hidden, by name.
fn configuration_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".conf") && !name.starts_with('.')
    });
    files.sort();
    files
}
