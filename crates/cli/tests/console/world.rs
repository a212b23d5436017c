//! A provider, a server that takes its tokens, and the console between them.

use jwt_sso_e2e::provider::keys;
use jwt_sso_e2e::{Cluster, Provider};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub const DEADLINE: Duration = Duration::from_secs(60);

/// The role that the console connects as.
const ROLE: &str = "console";

/// Everything that a person and an administrator have.
pub struct World {
    pub provider: Provider,
    pub cluster: Cluster,
    pub console: Console,
}

impl World {
    /// `console` is the public client of the provider, and alice a role.
    pub fn start() -> World {
        World::start_with(&[], &[])
    }

    /// With more settings, or others, and options of the console.
    pub fn start_with(settings: &[(&str, &str)], options: &[&str]) -> World {
        let mut provider = Provider::start(&keys("first"));
        let cluster = cluster(&provider, "console");
        cluster.configure(settings);
        let mut arguments = database_options(&cluster);
        arguments.extend(["--ca".to_owned(), provider.ca_path().display().to_string()]);
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        let console = Console::start(&arguments);
        let callback = format!("{}/callback", console.origin());
        cluster.configure(&[("jwt_sso.oidc_redirect_url", &callback)]);
        provider.allow_redirects(&[&callback]);
        let world = World { provider, cluster, console };
        world.settled();
        world
    }

    /// Other settings, and the time in which the console takes them.
    pub fn configure(&self, settings: &[(&str, &str)]) {
        self.cluster.configure(settings);
        self.settled();
    }

    /// The console keeps what it read for a second.
    pub fn settled(&self) {
        sleep(Duration::from_millis(1100));
    }

    pub fn issuer(&self) -> String {
        self.provider.url()
    }

    /// Logs in with a token, and says as whom.
    #[track_caller]
    pub fn logs_in(&self, role: &str, token: &str) {
        let run = self.cluster.psql().user(role).token(token).run("SELECT current_user");
        assert!(run.success, "{}\n{}", run.stderr, self.cluster.log_tail());
        assert_eq!(run.stdout, role);
    }
}

/// A server that takes the tokens of this client of the provider.
pub fn cluster(provider: &Provider, client: &str) -> Cluster {
    let cluster = Cluster::builder().token_hba(HBA).start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    cluster.sql("CREATE ROLE alice LOGIN; CREATE ROLE app LOGIN");
    cluster.sql(&format!("CREATE ROLE {ROLE} LOGIN PASSWORD 'console'"));
    cluster.sql(&format!("GRANT pg_read_all_settings TO {ROLE}"));
    let port = cluster.port().to_string();
    let ca = provider.ca_path().display().to_string();
    for (name, value) in [
        ("jwt_sso.enabled", "on"),
        ("jwt_sso.issuers", provider.url().as_str()),
        ("jwt_sso.audience", client),
        ("jwt_sso.jwks_auto_fetch_enabled", "on"),
        ("jwt_sso.issuer_custom_ca", &ca),
        ("jwt_sso.oidc_client_id", client),
        ("jwt_sso.oidc_provider_url", &provider.url()),
        ("jwt_sso.oidc_generate_cluster_sso_token_enabled", "on"),
        ("jwt_sso.sql_host", "localhost"),
        ("jwt_sso.sql_port", &port),
        ("jwt_sso.oidc_button_text", "Sign in with <Example>"),
    ] {
        cluster.alter_system(name, value);
    }
    cluster.reload();
    cluster
}

/// The console's role has a password; everybody else a token.
const HBA: &str = "hostssl all console all scram-sha-256\nhostssl all all all trust\n";

/// How the console reaches the server.
pub fn database_options(cluster: &Cluster) -> Vec<String> {
    let uri = format!(
        "postgresql://{ROLE}@localhost:{}/postgres?sslrootcert={}",
        cluster.port(),
        cluster.ca_path().display()
    );
    vec!["--database".to_owned(), uri]
}

/// A console that runs.
pub struct Console {
    child: Child,
    log: Arc<Mutex<String>>,
    origin: String,
}

impl Console {
    /// Starts it on a free port of loopback.
    pub fn start(options: &[String]) -> Console {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jwt-sso"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("PG") || name.starts_with("JWT_SSO_") {
                command.env_remove(&*name);
            }
        }
        command.args(["console", "--listen", "127.0.0.1:0"]).args(options);
        command.env("PGPASSWORD", "console").stderr(Stdio::piped());
        Console::run(command)
    }

    /// Waits until it says where it listens.
    pub fn run(mut command: Command) -> Console {
        let mut child = command.spawn().expect("jwt-sso runs");
        let log = Arc::new(Mutex::new(String::new()));
        let (mut lines, copy) = (BufReader::new(child.stderr.take().expect("piped")), log.clone());
        std::thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                copy.lock().expect("no panic while held").push_str(&line);
                line.clear();
            }
        });
        let mut console = Console { child, log, origin: String::new() };
        let line = console.wait_log("listening on ");
        let url = line.split("listening on ").nth(1).expect("a URL").trim();
        console.origin = url.replace("127.0.0.1", "localhost");
        console
    }

    /// Where a browser finds it: `http://localhost:1234`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub fn log(&self) -> String {
        self.log.lock().expect("no panic while held").clone()
    }

    /// Waits for a line with this in it.
    #[track_caller]
    pub fn wait_log(&self, text: &str) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            let log = self.log();
            if let Some(line) = log.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            assert!(Instant::now() < end, "no {text:?} in:\n{log}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal: `TERM`, `HUP`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for its end, and says whether its exit code was 0.
    pub fn ends_well(&mut self) -> bool {
        self.child.wait().expect("it ends").success()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
