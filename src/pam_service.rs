//! The files of PAM services, read for reports only: libpam reads them itself.

use crate::file;
use jwt_sso_core::pam_service::{self, MOST_FILES, Modules, Rule, Service, Type};
use std::path::{Path, PathBuf};

/// Where libpam looks for a service, in this order.
const SERVICE_FOLDERS: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];

/// Where libpam's modules may be; which of these it was built for, it tells
/// nobody. `{}` stands for the machine.
const MODULE_FOLDERS: [&str; 6] = [
    "/lib/{}-linux-gnu/security",
    "/usr/lib/{}-linux-gnu/security",
    "/lib64/security",
    "/usr/lib64/security",
    "/lib/security",
    "/usr/lib/security",
];

/// A module of libpam itself, by which its folder is known.
const NEIGHBOUR: &str = "pam_deny.so";

/// What the service of that name comes to.
pub fn look_up(name: &str) -> Service {
    if !SERVICE_FOLDERS.iter().any(|folder| Path::new(folder).is_dir()) {
        return Service::Unknown;
    }
    let Some(file) = file_of(name) else { return Service::Missing };
    match file::read_lossy(&file) {
        Ok(text) => {
            let mut modules = Modules::default();
            let mut files_left = MOST_FILES;
            collect(&text, None, &mut modules, &mut files_left);
            let named = modules.auth.iter().chain(&modules.account);
            modules.missing = named.filter_map(|module| missing(module)).next();
            Service::Read { file, modules }
        }
        Err(why) => Service::Unreadable { file, why: why.to_string() },
    }
}

fn file_of(name: &str) -> Option<PathBuf> {
    let paths = SERVICE_FOLDERS.iter().map(|folder| Path::new(folder).join(name));
    // A path of its own, as an include may have, stays what it is.
    paths.into_iter().find(|path| path.symlink_metadata().is_ok())
}

/// Notes where our module stands in this text and what it includes, for lines
/// of this type or of every one.
fn collect(text: &str, only: Option<Type>, modules: &mut Modules, files_left: &mut usize) {
    let wanted = |kind: Type| only.is_none_or(|only| only == kind);
    for rule in pam_service::rules(text) {
        match rule {
            Rule::Ours(Type::Auth, module) if wanted(Type::Auth) => modules.auth = Some(module),
            Rule::Ours(Type::Account, module) if wanted(Type::Account) => {
                modules.account = Some(module);
            }
            Rule::Include(kind, name) if kind.is_none_or(wanted) => {
                let included = file_of(&name).and_then(|file| file::read_lossy(&file).ok());
                if *files_left > 0
                    && let Some(text) = included
                {
                    *files_left -= 1;
                    collect(&text, only.or(kind), modules, files_left);
                }
            }
            Rule::Ours(..) | Rule::Include(..) => {}
        }
    }
}

/// The path of this module, where it is certain that libpam does not find it.
fn missing(module: &str) -> Option<PathBuf> {
    if module.starts_with('/') {
        // `$ISA` stands for a folder that libpam alone knows.
        let path = PathBuf::from(module);
        return (!module.contains('$') && !path.exists()).then_some(path);
    }
    let folder = |form: &&'static str| PathBuf::from(form.replace("{}", std::env::consts::ARCH));
    let folders = MODULE_FOLDERS.iter().map(folder);
    let known: Vec<PathBuf> = folders.filter(|folder| folder.join(NEIGHBOUR).exists()).collect();
    let found = known.iter().any(|folder| folder.join(module).exists());
    (!found).then(|| known.first().map(|folder| folder.join(module))).flatten()
}
