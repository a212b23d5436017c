//! The HBA files, read for reports only: the server reads them itself.

use crate::file;
use crate::pam_service;
use crate::pg::guc;
use crate::pg::process;
use crate::settings;
use jwt_sso_core::hba::doors::{self, Site};
use jwt_sso_core::hba::{self, Entry, Include, IncludeKind, Place};
use std::path::{Path, PathBuf};

/// An HBA file with what it includes.
#[derive(Default)]
pub struct Rules {
    /// The file itself.
    pub file: PathBuf,
    /// Its rules, in the server's order.
    pub places: Vec<Place>,
    /// Why some are not among them.
    pub unread: Vec<String>,
}

/// The rules of the HBA file in force.
pub fn in_force() -> Rules {
    Rules::read(process::hba_file())
}

/// The rules that the server would obey without this library.
pub fn without_us() -> Rules {
    Rules::read(settings::hba_file_without_us())
}

/// What decides about these rules besides their text.
pub fn site(rules: &Rules) -> Site {
    let services = doors::pam_services(&rules.places).into_iter();
    let (issuers, has_map) = settings::in_force(|policy| {
        let Ok(policy) = policy else { return (None, false) };
        let issuers = policy.issuers.iter().map(|issuer| issuer.iss.clone()).collect();
        (Some(issuers), policy.has_map())
    });
    Site {
        issuers,
        has_map,
        challenge_local: settings::challenges_local(),
        require_tls: settings::requires_tls(),
        oauth_libraries: guc::value_of(c"oauth_validator_libraries").map(|list| names(&list)),
        pam: services.map(|name| (name.clone(), pam_service::look_up(&name))).collect(),
    }
}

/// The names of a list of libraries.
fn names(list: &str) -> Vec<String> {
    let names = list.split(',').map(|name| name.trim().trim_matches('"').to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

/// As deep as the server follows includes.
const MAX_DEPTH: usize = 10;

/// As many files as a report reads. Files that include each other twice would
/// otherwise be read a thousand times.
const MOST_FILES: usize = 200;

impl Rules {
    fn read(file: PathBuf) -> Rules {
        let mut rules = Rules::default();
        let mut files_left = MOST_FILES;
        rules.collect(&file, 0, &mut files_left);
        rules.file = file;
        rules
    }

    fn collect(&mut self, path: &Path, depth: usize, files_left: &mut usize) {
        if *files_left == 0 {
            return;
        }
        *files_left -= 1;
        if *files_left == 0 {
            self.unread.push(format!("no more than {MOST_FILES} files are read"));
        }
        let text = match file::read_lossy(path) {
            Ok(text) => text,
            Err(why) => return self.unread.push(why.to_string()),
        };
        for entry in hba::entries(&text) {
            match entry {
                Entry::Line(line) => self.places.push(Place { file: path.to_owned(), line }),
                Entry::Include(_) if depth == MAX_DEPTH => {}
                Entry::Include(include) => {
                    for file in included(path, &include) {
                        self.collect(&file, depth + 1, files_left);
                    }
                }
            }
        }
    }
}

/// The files that a file includes by this line.
fn included(path: &Path, include: &Include) -> Vec<PathBuf> {
    let target = path.parent().unwrap_or(Path::new("")).join(&include.path);
    match include.kind {
        IncludeKind::File => vec![target],
        IncludeKind::FileIfExists if !target.exists() => Vec::new(),
        IncludeKind::FileIfExists => vec![target],
        IncludeKind::Folder => configuration_files(&target),
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
