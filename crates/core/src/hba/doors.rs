//! Which rules ask for a token, and at which door.

use super::{Kind, Line, Place, reach};
use crate::door::Door;
use crate::pam_service::Service;
use std::collections::{BTreeMap, BTreeSet};

/// What decides about a rule besides its text.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// `jwt_sso.challenge_local`.
    pub challenge_local: bool,
    /// `jwt_sso.require_tls`.
    pub require_tls: bool,
    /// `oauth_validator_libraries`, where the server has that setting.
    pub oauth_libraries: Option<Vec<String>>,
    /// The PAM services that the rules name; see [`pam_services`].
    pub pam: BTreeMap<String, Service>,
    /// `jwt_sso.issuers`; `None` where they are not known.
    pub issuers: Option<BTreeSet<String>>,
    /// Whether there is an identity map.
    pub has_map: bool,
}

/// The service file that `make install` brings.
pub const PAM_SERVICE: &str = "jwt_sso";

/// What the server takes where a pam rule names no service (auth.c, PGSQL_PAM_SERVICE).
const DEFAULT_PAM_SERVICE: &str = "postgresql";

/// The service of a pam rule, as libpam looks for it; `None` for other rules.
pub fn pam_service(line: &Line) -> Option<String> {
    let named = line.option("pamservice").unwrap_or(DEFAULT_PAM_SERVICE);
    (line.method == "pam").then(|| file_name(named))
}

/// libpam takes what follows the last slash, in lower case.
fn file_name(service: &str) -> String {
    service.rsplit('/').next().unwrap_or_default().to_ascii_lowercase()
}

/// Whether a service of that name is there to ask us, and nobody gets in by it
/// whom we were not asked about.
pub fn is_our_pam_service(service: &str) -> bool {
    is_meant_for_us(&file_name(service))
}

/// The services of all pam rules.
pub fn pam_services(places: &[Place]) -> BTreeSet<String> {
    places.iter().filter_map(|place| pam_service(&place.line)).collect()
}

impl Site {
    /// The door that the rule leads to; `None` where it asks for no token.
    pub fn door(&self, line: &Line) -> Option<Door> {
        match line.method.as_str() {
            "trust" if line.kind != Kind::Local || self.challenge_local => Some(Door::Hook),
            "pam" => {
                let service = pam_service(line)?;
                let names_module = self.pam.get(&service).is_some_and(Service::names_module);
                let missing = self.pam.get(&service) == Some(&Service::Missing);
                let ours = is_meant_for_us(&service) || (missing && resembles_us(&service));
                (ours || names_module).then_some(Door::Pam)
            }
            "oauth" => {
                let libraries = self.oauth_libraries.as_ref()?;
                let ours = match line.option("validator") {
                    Some(validator) => is_this_library(validator),
                    // The only one is meant; none, or several, is a mistake to be found.
                    None => {
                        let mut names = libraries.iter().map(|name| is_this_library(name));
                        libraries.is_empty() || names.any(|is_ours| is_ours)
                    }
                };
                ours.then_some(Door::Oauth)
            }
            _ => None,
        }
    }

    /// The libraries that the server may load as validators.
    pub(super) fn oauth_libraries(&self) -> &[String] {
        self.oauth_libraries.as_deref().unwrap_or_default()
    }
}

/// `jwt_sso`, or a service of one's own beside it such as `jwt_sso_apps`: also
/// where its file is missing, which is to be found.
fn is_meant_for_us(service: &str) -> bool {
    service
        .strip_prefix(PAM_SERVICE)
        .is_some_and(|rest| rest.chars().next().is_none_or(|next| !next.is_alphanumeric()))
}

/// `jwt-sso`, `jwtsso`, `jwt_auth`: where there is no such file, a slip.
fn resembles_us(service: &str) -> bool {
    service.contains("jwt") || service.contains("sso")
}

/// `jwt_sso`, with a folder or an ending or without.
fn is_this_library(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    file.strip_suffix(".so").unwrap_or(file) == "jwt_sso"
}

/// Whether some rule lets a superuser in by the Unix socket without a token:
/// the way in when something is wrong with tokens. Groups, regexes and files of
/// names count, since only the server knows who is meant.
pub fn has_break_glass(places: &[Place], site: &Site, is_superuser: impl Fn(&str) -> bool) -> bool {
    let dead = reach::unreachable(places.iter().map(|place| &place.line));
    let lets_in = |(index, place): (usize, &Place)| {
        let line = &place.line;
        line.kind == Kind::Local
            && line.method != "reject"
            && site.door(line).is_none()
            && line.databases.iter().any(|word| !word.is("replication"))
            && line
                .users
                .iter()
                .any(|user| user.is("all") || user.is_pattern() || is_superuser(&user.text))
            && !dead.iter().any(|(dead, _)| *dead == index)
    };
    places.iter().enumerate().any(lets_in)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{line, places};
    use super::*;
    use crate::pam_service::tests::service;

    fn site() -> Site {
        let ours = service("auth required pam_jwt_sso.so\naccount required pam_jwt_sso.so");
        let other = service("auth required pam_unix.so\naccount required pam_unix.so");
        Site {
            pam: BTreeMap::from([
                ("corp".to_owned(), ours.clone()),
                ("postgresql".to_owned(), other.clone()),
                ("unix".to_owned(), other),
                ("jwt-sso".to_owned(), Service::Missing),
                ("login".to_owned(), Service::Missing),
            ]),
            oauth_libraries: Some(vec!["jwt_sso".to_owned()]),
            require_tls: true,
            ..Site::default()
        }
    }

    #[test]
    fn rules_that_ask_for_a_token() {
        let site = site();
        for (text, door) in [
            ("host all all all trust", Some(Door::Hook)),
            ("local all all trust", None),
            ("local all all peer", None),
            ("hostssl all all all pam pamservice=jwt_sso", Some(Door::Pam)),
            ("local all all pam pamservice=jwt_sso", Some(Door::Pam)),
            ("hostssl all all all pam pamservice=\"/etc/pam.d/JWT_SSO\"", Some(Door::Pam)),
            ("hostssl all all all pam pamservice=corp", Some(Door::Pam)),
            ("hostssl all all all pam pamservice=jwt_sso_apps", Some(Door::Pam)),
            ("hostssl all all all pam pamservice=jwt_ssonic", None),
            ("hostssl all all all pam pamservice=jwt-sso", Some(Door::Pam)),
            ("hostssl all all all pam pamservice=login", None),
            ("hostssl all all all pam pamservice=unix", None),
            ("hostssl all all all pam", None),
            ("hostssl all all all ldap pamservice=jwt_sso", None),
            ("hostssl all all all oauth issuer=x scope=y", Some(Door::Oauth)),
            ("hostssl all all all oauth validator=jwt_sso", Some(Door::Oauth)),
            ("hostssl all all all oauth validator=$libdir/jwt_sso.so", Some(Door::Oauth)),
            ("hostssl all all all oauth validator=other", None),
            ("hostssl all all all scram-sha-256", None),
        ] {
            assert_eq!(site.door(&line(text)), door, "{text}");
        }
        let local = Site { challenge_local: true, ..site };
        assert_eq!(local.door(&line("local all all trust")), Some(Door::Hook));
        let postgresql = service("auth required pam_jwt_sso.so");
        let pam = BTreeMap::from([("postgresql".to_owned(), postgresql)]);
        let default = Site { pam, ..Site::default() };
        assert_eq!(default.door(&line("host all all all pam")), Some(Door::Pam));
    }

    #[test]
    fn oauth_without_a_validator() {
        let line = line("hostssl all all all oauth issuer=x scope=y");
        for (libraries, door) in [
            (Some(vec!["jwt_sso"]), Some(Door::Oauth)),
            (Some(vec!["jwt_sso", "other"]), Some(Door::Oauth)),
            (Some(vec![]), Some(Door::Oauth)),
            (Some(vec!["other"]), None),
            (None, None),
        ] {
            let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
            let site = Site { oauth_libraries: libraries.map(owned), ..Site::default() };
            assert_eq!(site.door(&line), door, "{:?}", site.oauth_libraries);
        }
    }

    #[test]
    fn ways_in_without_a_token() {
        for (text, challenge_local, expected) in [
            ("local all postgres peer", false, true),
            ("local postgres postgres,alice scram-sha-256", false, true),
            ("local all all peer map=x", false, true),
            ("local all +admins peer", false, true),
            ("local all /^p peer", false, true),
            ("local all \"all\" peer", false, false),
            ("local all alice peer", false, false),
            ("local all alice peer\nhostssl all all all trust", false, false),
            ("local all all reject", false, false),
            ("local replication all peer", false, false),
            ("local all all trust", false, true),
            ("local all all trust", true, false),
            ("local all all trust\nlocal all postgres peer", true, false),
            ("local all alice trust\nlocal all postgres peer", true, true),
            ("local all all pam pamservice=jwt_sso", false, false),
            ("local all all pam pamservice=unix", false, true),
            ("host all postgres 127.0.0.1/32 scram-sha-256", false, false),
            ("", false, false),
        ] {
            let site = Site { challenge_local, ..site() };
            let found = has_break_glass(&places(text), &site, |role| role == "postgres");
            assert_eq!(found, expected, "{text} {challenge_local}");
        }
    }
}
