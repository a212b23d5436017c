//! Which server, port and role the token is for, as libpq will find them, and
//! the lines of its password file that say so.

use super::conninfo;
use super::psql_arguments::PsqlArguments;
use crate::failure::Failure;
use crate::profile::Profile;
use jwt_sso_core::https_url::is_loopback;
use std::env;
use std::ffi::OsString;
use std::fmt::Write;
use zeroize::Zeroizing;

/// libpq's, where nobody names one.
const DEFAULT_PORT: &str = "5432";

/// Where psql will connect to. Hosts and ports may be lists with commas.
pub struct Server {
    hosts: String,
    ports: String,
    user: Option<String>,
    sslmode: Option<String>,
    /// libpq's variables that would lead elsewhere.
    misleading: Vec<&'static str>,
}

impl Server {
    /// psql's arguments first, then the profile, then the environment: this is
    /// the order in which libpq lets them count.
    pub fn of(arguments: &[OsString], profile: Option<&Profile>) -> Result<Server, Failure> {
        let mut arguments = PsqlArguments::read(arguments);
        let string = arguments.dbname.take().unwrap_or_default();
        let string = conninfo::parse(&string)
            .map_err(|why| Failure::usage(format!("psql's connection string has {why}")))?
            .unwrap_or_default();
        let named = |name: &str| string.get(name).filter(|value| !value.is_empty()).cloned();
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let profile = profile.cloned().unwrap_or_default();
        // A connection string counts more than an option beside it.
        let own_host = named("host").or(arguments.host);
        let chosen = own_host.is_some() || named("hostaddr").is_some() || profile.host.is_some();
        let service = variable("PGSERVICE").filter(|_| !chosen).or(named("service"));
        if service.is_some() {
            return Err(service_hides_server());
        }
        let mut misleading = vec!["PGSERVICE"];
        if profile.host.is_some() {
            misleading.push("PGHOSTADDR");
        }
        let address = variable("PGHOSTADDR").filter(|_| profile.host.is_none());
        let host = own_host.or(profile.host).or_else(|| variable("PGHOST"));
        let port = named("port").or(arguments.port).or(profile.port.map(|port| port.to_string()));
        let user = named("user").or(arguments.user).or(profile.user);
        let sslmode = named("sslmode").or(profile.sslmode).or_else(|| variable("PGSSLMODE"));
        Ok(Server {
            // The address is what libpq looks for where there is no name.
            hosts: host.or(named("hostaddr")).or(address).unwrap_or_default(),
            ports: port.or_else(|| variable("PGPORT")).unwrap_or_default(),
            user: user.or_else(|| variable("PGUSER")),
            sslmode,
            misleading,
        })
    }

    /// Variables that psql must not see.
    pub fn misleading(&self) -> &[&'static str] {
        &self.misleading
    }

    /// Whether the token would go to whoever answers for another machine.
    pub fn is_exposed(&self) -> bool {
        let is_weak = self.sslmode.as_deref().is_some_and(|mode| !mode.starts_with("verify-"));
        is_weak && self.hosts.split(',').any(|host| !is_here(host))
    }

    /// libpq's password file (`.pgpass`): a line for each host. The database
    /// may be any; the role, where nobody names one, is the system's user.
    pub fn password_lines(&self, token: &str) -> Result<Zeroizing<String>, Failure> {
        let mut lines = Zeroizing::new(String::with_capacity(token.len() + 256));
        let ports: Vec<&str> = self.ports.split(',').collect();
        for (i, host) in self.hosts.split(',').enumerate() {
            // One port serves for all hosts.
            let port = ports.get(i).or(ports.first().filter(|_| ports.len() == 1));
            let port = match port {
                Some(port) if !port.is_empty() => port,
                _ => DEFAULT_PORT,
            };
            let user = self.user.as_deref().map_or(Ok("*".to_owned()), field)?;
            for name in names(host) {
                // Writing into a String cannot fail.
                let _ = writeln!(lines, "{}:{}:*:{user}:{token}", field(name)?, field(port)?);
            }
        }
        Ok(lines)
    }
}

/// What libpq looks for: `localhost` in the place of no host and of its own
/// socket's folder, whichever that is.
fn names(host: &str) -> Vec<&str> {
    match host {
        "" => vec!["localhost"],
        _ if is_socket(host) => vec![host, "localhost"],
        _ => vec![host],
    }
}

fn is_socket(host: &str) -> bool {
    host.starts_with(['/', '@'])
}

fn is_here(host: &str) -> bool {
    host.is_empty() || is_socket(host) || is_loopback(host)
}

/// Escaped so that libpq takes it as it is: no separator, no joker, no comment.
fn field(text: &str) -> Result<String, Failure> {
    if text.chars().any(char::is_control) {
        return Err(Failure::usage("a host, port or role with control characters"));
    }
    let mut escaped = String::new();
    for character in text.chars() {
        if matches!(character, '\\' | ':' | '*' | '#') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    Ok(escaped)
}

fn service_hides_server() -> Failure {
    Failure::usage("a connection service does not tell which server the token is for")
        .with_hint("name the host by the profile or by psql's -h, in the place of the service")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(hosts: &str, ports: &str, user: Option<&str>) -> String {
        let server = Server {
            hosts: hosts.into(),
            ports: ports.into(),
            user: user.map(str::to_owned),
            sslmode: None,
            misleading: Vec::new(),
        };
        server.password_lines("T").map(|lines| lines.to_string()).unwrap_or_default()
    }

    #[test]
    fn each_line_names_one_server() {
        assert_eq!(lines("", "", None), "localhost:5432:*:*:T\n");
        assert_eq!(lines("db", "6", Some("alice")), "db:6:*:alice:T\n");
        assert_eq!(lines("a,b", "6", None), "a:6:*:*:T\nb:6:*:*:T\n");
        assert_eq!(lines("a,b", "6,7", None), "a:6:*:*:T\nb:7:*:*:T\n");
        assert_eq!(lines("a,b", ",7", None), "a:5432:*:*:T\nb:7:*:*:T\n");
        assert_eq!(lines("/run/pg", "", None), "/run/pg:5432:*:*:T\nlocalhost:5432:*:*:T\n");
    }

    #[test]
    fn nothing_in_a_name_is_a_joker() {
        assert_eq!(lines("::1", "", Some("a:b\\c")), "\\:\\:1:5432:*:a\\:b\\\\c:T\n");
        assert_eq!(lines("*", "*", Some("*")), "\\*:\\*:*:\\*:T\n");
        assert_eq!(lines("#db", "", None), "\\#db:5432:*:*:T\n");
        assert_eq!(lines("a\nb", "", None), "");
    }
}
