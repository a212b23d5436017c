//! What a report needs to know of a PAM service's file: whether it asks our
//! module for authentication and for account management.
//!
//! Read as Linux-PAM reads it: `type control module arguments`, comments from a
//! `#` on, lines continued by a backslash, `@include` and the controls `include`
//! and `substack`.

use std::path::PathBuf;

/// The file name of our module.
pub const MODULE: &str = "pam_jwt_sso.so";

/// How many files one service may include, before the rest is left unread.
pub const MOST_FILES: usize = 32;

/// What a service of PAM comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Service {
    /// This machine has none of the folders where services stand.
    Unknown,
    /// It has no file, and PAM falls back to `other`.
    Missing,
    /// Its file is there and this server cannot read it, so nor can PAM in it.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// Its file was read.
    Read {
        /// The file.
        file: PathBuf,
        /// What it asks for, with what it includes.
        modules: Modules,
    },
}

impl Service {
    /// Whether our module is among the service's.
    pub fn names_module(&self) -> bool {
        match self {
            Service::Read { modules, .. } => modules.auth.is_some() || modules.account.is_some(),
            _ => false,
        }
    }
}

/// Our module in a service, as named there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Modules {
    /// In an `auth` line.
    pub auth: Option<String>,
    /// In an `account` line.
    pub account: Option<String>,
    /// The one of these that is no file, where that could be told.
    pub missing: Option<PathBuf>,
}

/// What a module is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Type {
    /// Who the client is.
    Auth,
    /// Whether it may come in.
    Account,
}

/// What stands in a service's file, as far as it matters here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Rule {
    /// A line that calls our module.
    Ours(Type, String),
    /// Another file stands here: for that type, or for all of them.
    Include(Option<Type>, String),
}

/// The rules of a file, in its order.
pub fn rules(text: &str) -> Vec<Rule> {
    let joined = text.replace("\\\n", " ");
    joined.lines().filter_map(|line| rule(line.split('#').next().unwrap_or_default())).collect()
}

fn rule(line: &str) -> Option<Rule> {
    let (first, rest) = word(line)?;
    if first == "@include" {
        return Some(Rule::Include(None, word(rest)?.0.to_owned()));
    }
    // A dash means that a missing module is not logged.
    let kind = match first.strip_prefix('-').unwrap_or(first).to_ascii_lowercase().as_str() {
        "auth" => Type::Auth,
        "account" => Type::Account,
        _ => return None,
    };
    let (control, rest) = match rest.trim_start().strip_prefix('[') {
        Some(list) => list.split_once(']')?,
        None => word(rest)?,
    };
    let (target, _) = word(rest)?;
    if control.eq_ignore_ascii_case("include") || control.eq_ignore_ascii_case("substack") {
        return Some(Rule::Include(Some(kind), target.to_owned()));
    }
    let file = target.rsplit('/').next().unwrap_or_default();
    (file == MODULE).then(|| Rule::Ours(kind, target.to_owned()))
}

/// The first word and what follows it.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A service whose file has this text.
    pub(crate) fn service(text: &str) -> Service {
        let mut modules = Modules::default();
        for rule in rules(text) {
            match rule {
                Rule::Ours(Type::Auth, module) => modules.auth = Some(module),
                Rule::Ours(Type::Account, module) => modules.account = Some(module),
                Rule::Include(..) => {}
            }
        }
        Service::Read { file: PathBuf::from("/etc/pam.d/x"), modules }
    }

    #[test]
    fn lines_with_our_module() {
        for (line, kind, module) in [
            ("auth required pam_jwt_sso.so", Type::Auth, MODULE),
            ("  AUTH\tsufficient   pam_jwt_sso.so debug # why", Type::Auth, MODULE),
            ("-account required pam_jwt_sso.so", Type::Account, MODULE),
            (
                "auth [success=ok default=die] /opt/pam_jwt_sso.so",
                Type::Auth,
                "/opt/pam_jwt_sso.so",
            ),
            ("auth \\\n required \\\n pam_jwt_sso.so", Type::Auth, MODULE),
        ] {
            assert_eq!(rules(line), [Rule::Ours(kind, module.to_owned())], "{line}");
        }
    }

    #[test]
    fn lines_without_it() {
        for line in [
            "",
            "# auth required pam_jwt_sso.so",
            "auth required pam_unix.so pam_jwt_sso.so",
            "auth required # pam_jwt_sso.so",
            "session required pam_jwt_sso.so",
            "password required pam_jwt_sso.so",
            "auth",
            "auth [default=die",
            "auth required xpam_jwt_sso.so",
        ] {
            assert_eq!(rules(line), [], "{line}");
        }
    }

    #[test]
    fn includes() {
        let text = "@include common-auth\nauth include a # b\naccount substack /etc/pam.d/b\n";
        let include = |kind, name: &str| Rule::Include(kind, name.to_owned());
        let expected = [
            include(None, "common-auth"),
            include(Some(Type::Auth), "a"),
            include(Some(Type::Account), "/etc/pam.d/b"),
        ];
        assert_eq!(rules(text), expected);
    }
}
