//! What is wrong or unwise about rules that ask for a token: findings of
//! `jwt_sso.check()`, the errors among them lines of the log at start.

use super::doors::{self, Site};
use super::{Kind, Place, reach};
use crate::door::Door;
use crate::issuers::issuer_of_line;
use crate::pam_service::{Modules, Service};
use std::fmt;
use std::path::PathBuf;

/// A rule that asks for a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenLine<'p> {
    /// The rule.
    pub place: &'p Place,
    /// Where it leads to.
    pub door: Door,
    /// What is wrong about it.
    pub faults: Vec<Fault<'p>>,
}

/// `token connections arrive by line 7 of …: hostssl all all all trust (hook door)`
impl fmt::Display for TokenLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token connections arrive by {} ({} door)", self.place, self.door.name())
    }
}

/// Something wrong about a rule; its `Display` is a sentence that ends in the rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault<'p> {
    /// The rule.
    pub place: &'p Place,
    /// What is wrong.
    pub what: What<'p>,
}

/// The kinds of faults.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum What<'p> {
    /// Connections without TLS reach the rule. They are refused before the
    /// token is asked for, or, with `require_tls` off, asked for it.
    ReachedWithoutTls {
        /// `jwt_sso.require_tls`.
        refused: bool,
    },
    /// No connection by this rule has TLS: each is refused.
    NeverTls,
    /// At the oauth door the client sends its token before any code of ours runs.
    BearerInClear,
    /// The rule's validator is not among `oauth_validator_libraries`.
    NoValidator(String),
    /// The rule names no validator, and there are several.
    WhichValidator,
    /// The rule's issuer is none of `jwt_sso.issuers`.
    IssuerNotConfigured(String),
    /// There is an identity map, and the rule leaves it out: pg_ident.conf maps.
    MapLeftOut,
    /// The PAM service has no file, or one that cannot be read.
    NoService(String, Option<(PathBuf, String)>),
    /// The service's file has no lines of these types with the module.
    ServiceLacks(PathBuf, &'static [&'static str]),
    /// The module that the service's file names is not there.
    NoModule(PathBuf),
    /// Rules before it take every connection; this one takes the last of them.
    Unreachable(&'p Place),
}

/// Every rule that asks for a token, in the server's order.
pub fn token_lines<'p>(places: &'p [Place], site: &Site) -> Vec<TokenLine<'p>> {
    let dead = reach::unreachable(places.iter().map(|place| &place.line));
    let token_line = |(index, place): (usize, &'p Place)| {
        let door = site.door(&place.line)?;
        let taker = dead.iter().find(|(dead, _)| *dead == index);
        let mut found = transport(place, door, site);
        found.extend(match door {
            // No line leads to renew().
            Door::Hook | Door::Renew => None,
            Door::Pam => service(place, site),
            Door::Oauth => validator(place, site),
        });
        if door == Door::Oauth {
            found.extend(issuer(place, site));
            found.extend(mapping(place, site));
        }
        found.extend(taker.map(|(_, taker)| What::Unreachable(&places[*taker])));
        let faults = found.into_iter().map(|what| Fault { place, what }).collect();
        Some(TokenLine { place, door, faults })
    };
    places.iter().enumerate().filter_map(token_line).collect()
}

fn transport<'p>(place: &Place, door: Door, site: &Site) -> Vec<What<'p>> {
    let what = match (place.line.kind, door) {
        (Kind::Local | Kind::HostSsl, _) => return Vec::new(),
        (Kind::HostGssEnc, _) if site.require_tls => What::NeverTls,
        // Encrypted, if not by TLS, and the administrator lets that do.
        (Kind::HostGssEnc, _) => return Vec::new(),
        (_, Door::Oauth) => What::BearerInClear,
        (Kind::HostNoSsl, _) if site.require_tls => What::NeverTls,
        _ => What::ReachedWithoutTls { refused: site.require_tls },
    };
    vec![what]
}

fn service<'p>(place: &Place, site: &Site) -> Option<What<'p>> {
    let name = doors::pam_service(&place.line)?;
    match site.pam.get(&name)? {
        Service::Unknown => None,
        Service::Missing => Some(What::NoService(name, None)),
        Service::Unreadable { file, why } => {
            Some(What::NoService(name, Some((file.clone(), why.clone()))))
        }
        Service::Read { file, modules: Modules { auth, account, missing } } => {
            let lacks: &[&str] = match (auth, account) {
                (Some(_), Some(_)) => return missing.clone().map(What::NoModule),
                (Some(_), None) => &["account"],
                (None, Some(_)) => &["auth"],
                (None, None) => &["auth", "account"],
            };
            Some(What::ServiceLacks(file.clone(), lacks))
        }
    }
}

fn validator<'p>(place: &Place, site: &Site) -> Option<What<'p>> {
    match (place.line.option("validator"), site.oauth_libraries()) {
        // The server compares the texts.
        (Some(named), libraries) if libraries.iter().any(|library| library == named) => None,
        (Some(named), _) => Some(What::NoValidator(named.to_owned())),
        (None, []) => Some(What::NoValidator("jwt_sso".to_owned())),
        (None, [_]) => None,
        (None, _) => Some(What::WhichValidator),
    }
}

fn issuer<'p>(place: &Place, site: &Site) -> Option<What<'p>> {
    let named = issuer_of_line(place.line.option("issuer")?);
    let known = site.issuers.as_ref()?.contains(&named);
    (!known).then_some(What::IssuerNotConfigured(named))
}

fn mapping<'p>(place: &Place, site: &Site) -> Option<What<'p>> {
    let delegates = place.line.option("delegate_ident_mapping") == Some("1");
    (site.has_map && !delegates).then_some(What::MapLeftOut)
}

impl Fault<'_> {
    /// Whether logins fail, or a token can be read by others, rather than
    /// something being unwise.
    pub fn is_error(&self) -> bool {
        use What::{MapLeftOut, NeverTls, ReachedWithoutTls, Unreachable};
        !matches!(self.what, ReachedWithoutTls { .. } | NeverTls | MapLeftOut | Unreachable(_))
    }

    /// What to do about it, to be pasted.
    pub fn hint(&self) -> String {
        let place = self.place;
        match &self.what {
            What::ReachedWithoutTls { .. } | What::NeverTls | What::BearerInClear => format!(
                "Write it as {} and then SELECT pg_reload_conf().",
                place.line.text_as("hostssl")
            ),
            What::NoValidator(name) => format!(
                "Write oauth_validator_libraries = '{name}' into postgresql.conf, beside what it \
                 has already, and then SELECT pg_reload_conf()."
            ),
            What::WhichValidator => format!(
                "Write it as {} validator=jwt_sso and then SELECT pg_reload_conf().",
                place.line.text
            ),
            What::NoService(name, None) => format!(
                "{}, or make install, which brings /etc/pam.d/jwt_sso.",
                append(&["auth", "account"], &format!("/etc/pam.d/{name}"))
            ),
            What::NoService(_, Some((file, _))) => format!("chmod a+r {}", file.display()),
            What::ServiceLacks(file, types) => append(types, &file.display().to_string()),
            What::NoModule(_) => "make install puts it there.".to_owned(),
            What::IssuerNotConfigured(_) => "Write the issuer as jwt_sso.issuers has it, the \
                 slash at its end included, and then SELECT pg_reload_conf()."
                .to_owned(),
            What::MapLeftOut => format!(
                "Write it as {} delegate_ident_mapping=1 and then SELECT pg_reload_conf().",
                place.line.text
            ),
            What::Unreachable(taker) => format!(
                "Move it above line {} of {}, or narrow that line's database, user or address; \
                 then SELECT pg_reload_conf().",
                taker.line.number,
                taker.file.display()
            ),
        }
    }
}

/// A command that gives a service's file lines with the module.
fn append(types: &[&str], file: &str) -> String {
    format!("printf '%s required pam_jwt_sso.so\\n' {} >> {file}", types.join(" "))
}

impl fmt::Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place;
        match &self.what {
            What::ReachedWithoutTls { refused: true } => write!(
                f,
                "connections without TLS reach a token line, and are refused before they are \
                 asked for the token: {place}"
            ),
            What::ReachedWithoutTls { refused: false } => {
                write!(f, "tokens can be asked for without TLS by {place}")
            }
            What::NeverTls => {
                write!(f, "no connection by this token line has TLS, so each is refused: {place}")
            }
            What::BearerInClear => write!(
                f,
                "a client without TLS sends its token in clear before it can be refused, by {place}"
            ),
            What::NoValidator(name) => write!(
                f,
                "the validator {name} is not among oauth_validator_libraries, so the server \
                 refuses its HBA file at the next start or reload: {place}"
            ),
            What::WhichValidator => write!(
                f,
                "oauth_validator_libraries names several and a line none of them, so the server \
                 refuses its HBA file at the next start or reload: {place}"
            ),
            What::IssuerNotConfigured(issuer) => write!(
                f,
                "the issuer {issuer:?} is none of jwt_sso.issuers, so every token is refused as \
                 unknown_issuer by {place}"
            ),
            What::MapLeftOut => write!(
                f,
                "jwt_sso's identity map has no say, pg_ident.conf maps instead, or an identity is \
                 the role of its own name, at {place}"
            ),
            What::NoService(name, unreadable) => {
                write!(f, "the PAM service {name:?} has no file")?;
                if let Some((_, why)) = unreadable {
                    write!(f, " that this server can read ({why})")?;
                }
                write!(f, ", so PAM asks its service \"other\" and no token opens {place}")
            }
            What::ServiceLacks(file, lacks) => write!(
                f,
                "{} has no {} line with pam_jwt_sso.so, so another module decides at {place}",
                file.display(),
                lacks.join(" and no ")
            ),
            What::NoModule(module) => write!(
                f,
                "the PAM module {} is missing, so every login is refused by {place}",
                module.display()
            ),
            What::Unreachable(taker) => write!(
                f,
                "no connection reaches a token line, since line {} of {} (method {}) takes all \
                 that are left for it: {place}",
                taker.line.number,
                taker.file.display(),
                taker.line.method
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::places;
    use super::*;
    use crate::pam_service::tests::service;
    use std::collections::{BTreeMap, BTreeSet};

    const OURS: &str = "auth required pam_jwt_sso.so\naccount required pam_jwt_sso.so";

    fn site(pam: Service) -> Site {
        Site {
            require_tls: true,
            oauth_libraries: Some(vec!["jwt_sso".to_owned()]),
            pam: BTreeMap::from([("jwt_sso".to_owned(), pam)]),
            ..Site::default()
        }
    }

    /// `error|finding|hint` or `warning|finding|hint`, of every fault.
    fn faults(text: &str, site: &Site) -> Vec<String> {
        let places = places(text);
        let lines = token_lines(&places, site);
        let row = |fault: &Fault<'_>| {
            let severity = if fault.is_error() { "error" } else { "warning" };
            format!("{severity}|{fault}|{}", fault.hint())
        };
        lines.iter().flat_map(|line| &line.faults).map(row).collect()
    }

    #[track_caller]
    fn has_one(text: &str, site: &Site, beginning: &str, hint: &str) {
        let found = faults(text, site);
        let matches = |row: &String| row.starts_with(beginning) && row.contains(hint);
        assert!(found.len() == 1 && matches(&found[0]), "{text}: {found:#?}");
    }

    #[test]
    fn issuers_and_maps_of_oauth_lines() {
        let known = BTreeSet::from(["https://idp.example".to_owned()]);
        let site = Site { issuers: Some(known), ..site(service(OURS)) };
        let line = |issuer: &str, more: &str| {
            format!("hostssl all all all oauth issuer=\"{issuer}\" scope=x validator=jwt_sso{more}")
        };
        let own = line("https://idp.example", "");
        assert_eq!(faults(&own, &site), [""; 0]);
        let document = "https://idp.example/.well-known/openid-configuration";
        assert_eq!(faults(&line(document, ""), &site), [""; 0]);
        let beginning = "error|the issuer \"https://idp.example/\" is none of jwt_sso.issuers";
        has_one(&line("https://idp.example/", ""), &site, beginning, "as jwt_sso.issuers has it");
        let mapped = Site { has_map: true, ..site };
        let beginning = "warning|jwt_sso's identity map has no say";
        has_one(&own, &mapped, beginning, "validator=jwt_sso delegate_ident_mapping=1 and");
        let delegates = line("https://idp.example", " delegate_ident_mapping=1");
        assert_eq!(faults(&delegates, &mapped), [""; 0]);
        // Settings that are not sound say nothing of issuers.
        let unsound = Site { issuers: None, ..mapped };
        assert_eq!(
            faults(&line("https://other.example", " delegate_ident_mapping=1"), &unsound),
            [""; 0]
        );
    }

    #[test]
    fn transports() {
        let tight = site(service(OURS));
        let lax = Site { require_tls: false, ..tight.clone() };
        for method in ["trust", "pam pamservice=jwt_sso"] {
            let line = |kind: &str| format!("{kind} all all all {method}");
            let hint = format!("|Write it as {} and", line("hostssl"));
            assert_eq!(faults(&line("hostssl"), &tight), [""; 0]);
            for kind in ["host", "hostnogssenc"] {
                let refused = "warning|connections without TLS reach a token line";
                has_one(&line(kind), &tight, refused, &hint);
                has_one(&line(kind), &lax, "warning|tokens can be asked for without TLS", &hint);
            }
            for kind in ["hostnossl", "hostgssenc"] {
                has_one(&line(kind), &tight, "warning|no connection by this token line", &hint);
            }
            has_one(&line("hostnossl"), &lax, "warning|tokens can be asked for", &hint);
            assert_eq!(faults(&line("hostgssenc"), &lax), [""; 0]);
        }
        let oauth = "all all all oauth issuer=\"https://i\" scope=\"a b\" validator=jwt_sso";
        assert_eq!(faults(&format!("hostssl {oauth}"), &tight), [""; 0]);
        let hint = format!("|Write it as hostssl {oauth} and");
        for kind in ["host", "hostnossl", "hostnogssenc"] {
            let clear = "error|a client without TLS sends its token in clear";
            has_one(&format!("{kind} {oauth}"), &tight, clear, &hint);
            has_one(&format!("{kind} {oauth}"), &lax, clear, &hint);
        }
    }

    #[test]
    fn services() {
        let line = "hostssl all all all pam pamservice=jwt_sso";
        assert_eq!(faults(line, &site(service(OURS))), [""; 0]);
        assert_eq!(faults(line, &site(Service::Unknown)), [""; 0]);
        let missing = "error|the PAM service \"jwt_sso\" has no file, so PAM";
        has_one(line, &site(Service::Missing), missing, "auth account >> /etc/pam.d/jwt_sso");
        let file = PathBuf::from("/etc/pam.d/jwt_sso");
        let unreadable = Service::Unreadable { file: file.clone(), why: "no right".to_owned() };
        let finding =
            "error|the PAM service \"jwt_sso\" has no file that this server can read (no r";
        has_one(line, &site(unreadable), finding, "|chmod a+r /etc/pam.d/jwt_sso");
        for (text, lacks, types) in [
            ("auth required pam_jwt_sso.so", "account line", "account"),
            ("account required pam_jwt_sso.so", "auth line", "auth"),
            ("auth required pam_permit.so", "auth and no account line", "auth account"),
        ] {
            let finding = format!("error|/etc/pam.d/x has no {lacks}");
            let hint = format!("\\n' {types} >> /etc/pam.d/x");
            has_one(line, &site(service(text)), &finding, &hint);
        }
        let missing = Some(PathBuf::from("/opt/pam_jwt_sso.so"));
        let module = Some("/opt/pam_jwt_sso.so".to_owned());
        let modules = Modules { auth: module.clone(), account: module, missing };
        let finding = "error|the PAM module /opt/pam_jwt_sso.so is missing";
        has_one(line, &site(Service::Read { file, modules }), finding, "make install");
    }

    #[test]
    fn validators() {
        let line = "hostssl all all all oauth issuer=x scope=y validator=jwt_sso";
        for libraries in [&[][..], &["other"], &["$libdir/jwt_sso"]] {
            let names = libraries.iter().map(|name| (*name).to_owned()).collect();
            let site = Site { oauth_libraries: Some(names), ..site(Service::Unknown) };
            let finding = "error|the validator jwt_sso is not among oauth_validator_libraries";
            has_one(line, &site, finding, "oauth_validator_libraries = 'jwt_sso'");
        }
        let line = "hostssl all all all oauth issuer=x scope=y";
        let found = |libraries: &[&str]| {
            let names = libraries.iter().map(|name| (*name).to_owned()).collect();
            faults(line, &Site { oauth_libraries: Some(names), ..site(Service::Unknown) })
        };
        assert_eq!(found(&["jwt_sso"]), [""; 0]);
        assert_eq!(found(&["other"]), [""; 0]);
        assert!(found(&[])[0].starts_with("error|the validator jwt_sso is not among"));
        let several = &found(&["jwt_sso", "other"])[0];
        assert!(several.contains(&format!("|Write it as {line} validator=jwt_sso and")));
    }

    #[test]
    fn unreachable_lines() {
        let text = "hostssl all all all ldap ldapbindpasswd=hunter2\nhostssl all all all trust";
        let finding =
            "warning|no connection reaches a token line, since line 1 of hba (method ldap)";
        has_one(text, &site(Service::Unknown), finding, "|Move it above line 1 of hba");
    }

    #[test]
    fn no_secret_is_repeated() {
        let text = "host all all all ldap ldapbindpasswd=hunter2\n\
                    host all all all trust ldapbindpasswd=hunter2 map=a # hunter2";
        let found = faults(text, &site(Service::Unknown)).join("\n");
        assert!(found.contains("host all all all trust ldapbindpasswd=... map=a"), "{found}");
        assert!(!found.contains("hunter2"), "{found}");
    }
}
