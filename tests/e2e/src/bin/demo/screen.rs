//! Commands: printed as a user would type them, then run, and what they said. A token is never
//! printed whole.

use std::process::Command;

use jwt_sso_e2e::Cluster;
use jwt_sso_e2e::installation::Installation;

use crate::Shown;

/// What each login runs.
const QUERY: &str = "SELECT current_user";

/// A heading.
pub fn title(text: &str) {
    println!("\n== {text} ==");
}

/// A line of the server's log.
pub fn log_line(line: &str) {
    println!("server's log: {line}");
}

/// A superuser's psql on the Unix socket.
pub struct Superuser<'a> {
    /// The server.
    pub cluster: &'a Cluster,
}

impl<'a> Superuser<'a> {
    /// Prints how psql is started.
    pub fn new(cluster: &'a Cluster) -> Self {
        println!("$ {}", superuser_command(cluster));
        Superuser { cluster }
    }

    /// Runs one statement; prints what it gives beyond its command tag.
    pub fn run(&self, sql: &str) -> Shown {
        println!("=# {sql};");
        let mut psql = psql(&[]);
        psql.args(["-q", "-U", "postgres", "-d", "postgres", "-c", sql]);
        psql.arg("-h").arg(self.cluster.socket_dir());
        let ended = end(psql.env("PGPORT", self.cluster.port().to_string()));
        if !ended.said.is_empty() {
            println!("{}", ended.said.trim_end());
        }
        if ended.accepted { Ok(()) } else { Err(format!("the server refuses: {sql}")) }
    }

    /// `ALTER SYSTEM SET jwt_sso.…`.
    pub fn alter_system(&self, name: &str, value: &str) -> Shown {
        self.run(&format!("ALTER SYSTEM SET jwt_sso.{name} = '{}'", value.replace('\'', "''")))
    }

    /// Reloads, and waits until the server has done so, as nobody who types needs to.
    pub fn reload(&self) {
        println!("=# SELECT pg_reload_conf();");
        self.cluster.reload();
    }
}

/// The command line of [`Superuser`].
pub fn superuser_command(cluster: &Cluster) -> String {
    let (socket, port) = (cluster.socket_dir().display(), cluster.port());
    format!("psql -h {socket} -p {port} -U postgres")
}

/// libpq's variables that all logins share.
fn variables(cluster: &Cluster) -> [(&'static str, String); 6] {
    [
        ("PGHOST", "localhost".to_owned()),
        // The server listens there only; `localhost` may have another address first.
        ("PGHOSTADDR", "127.0.0.1".to_owned()),
        ("PGPORT", cluster.port().to_string()),
        ("PGDATABASE", "postgres".to_owned()),
        ("PGSSLMODE", "verify-full".to_owned()),
        ("PGSSLROOTCERT", cluster.ca_path().display().to_string()),
    ]
}

/// Prints [`variables`] as a shell sets them.
pub fn environment(cluster: &Cluster) {
    let words = variables(cluster).map(|(name, value)| format!("{name}={value}"));
    println!("$ export {}", words.join(" "));
}

/// A login by psql.
pub struct Login<'a> {
    /// The requested role.
    pub role: &'a str,
    /// The password.
    pub token: String,
    /// More of libpq's variables, for this login only.
    pub more: &'a [(&'a str, &'a str)],
}

impl Login<'_> {
    /// Prints the command, runs it, prints what it said.
    pub fn show(&self, cluster: &Cluster) -> End {
        let more = self.more.iter().map(|(name, value)| format!("{name}={value} "));
        let begin = self.token.get(..10).unwrap_or_default();
        println!(
            "$ {}PGUSER={} PGPASSWORD={begin}… psql -c '{QUERY}'",
            more.collect::<String>(),
            self.role
        );
        let mark = cluster.log_mark();
        let mut psql = psql(&["-c", QUERY]);
        psql.envs(variables(cluster)).envs(self.more.iter().copied());
        psql.env("PGUSER", self.role).env("PGPASSWORD", &self.token);
        let ended = end(&mut psql);
        // The backend logs before it answers, and straight into the file.
        let ended = End { log: cluster.log_since(mark), ..ended };
        println!("{}", ended.said.trim_end());
        ended
    }
}

/// How a psql ended.
pub struct End {
    /// Whether its exit status is 0.
    pub accepted: bool,
    /// Its standard output and standard error.
    pub said: String,
    log: String,
}

impl End {
    /// The line of the server's log, during this psql, that contains `part`.
    pub fn log(&self, part: &str) -> Result<&str, String> {
        let line = self.log.lines().find(|line| line.contains(part));
        line.ok_or_else(|| format!("the log has no line with {part}:\n{}", self.log))
    }
}

fn psql(arguments: &[&str]) -> Command {
    let mut psql = Installation::get().client("psql");
    // The user's own ~/.psqlrc and pager are not part of the show.
    psql.args(["-X", "-w", "-P", "pager=off"]).args(arguments);
    psql
}

fn end(psql: &mut Command) -> End {
    let (accepted, said) = match psql.output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            (output.status.success(), String::from_utf8_lossy(&said).into_owned())
        }
        Err(error) => (false, format!("psql does not run: {error}")),
    };
    End { accepted, said, log: String::new() }
}
