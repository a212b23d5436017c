//! What `make demo` shows once jwt_sso is installed: a temporary server with TLS, its
//! configuration as a user would type it, one login with a token, and a refusal for each way in
//! which a login can be wrong. Whatever is shown is also held to be so: the exit status is not 0
//! where a login ended otherwise than announced.
//!
//! `KEEP=1` leaves the server running, and says how to use and stop it.

mod keep;
mod refusals;
mod screen;

use std::fs;
use std::process::ExitCode;

use jwt_sso_e2e::token::Token;
use jwt_sso_e2e::{Algorithm, Cluster, Issuer, SigningKey};

use crate::screen::{Login, Superuser, title};

/// What the demo is about to show, or why it could not.
type Shown = Result<(), String>;

/// The throw-away issuer of all tokens.
const ISSUER: &str = "https://idp.example";

/// Doors for tokens.
const HBA: &str = "hostssl all all all trust\n\
                   # Without TLS a login is refused. The line is here to show that.\n\
                   host    all all all trust\n";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("\nThe demo failed: {what}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Shown {
    let key = SigningKey::generate("demo-1", Algorithm::Es256);
    let issuer = Issuer::with_key(ISSUER, key);
    // No time stamps: the screen has little room.
    let builder = Cluster::builder().token_hba(HBA).conf("log_line_prefix = ''");
    let cluster = builder.prepare();
    cluster.try_start().map_err(|log| format!("the server does not start:\n{log}"))?;

    server(&cluster)?;
    configuration(&cluster, &issuer)?;
    login(&cluster, &issuer)?;
    let refusals = refusals::all(&issuer);
    for refusal in &refusals {
        refusal.show(&cluster)?;
    }
    let server = if keep::wanted() {
        keep::explain(cluster, &issuer)?;
        "the server keeps running"
    } else {
        drop(cluster);
        "the server is stopped and removed"
    };
    let count = refusals.len();
    println!("\nShown: a login with a token, and {count} refusals with their reasons; {server}.");
    Ok(())
}

fn server(cluster: &Cluster) -> Shown {
    let version = cluster.sql("SHOW server_version");
    let place = cluster.data_dir().display();
    println!("jwt_sso on PostgreSQL {version}, a temporary server with TLS in {place}");
    let ours = ["shared_preload_libraries", "jwt_sso.", "ssl = "];
    show_file(cluster, "postgresql.conf", |line| ours.iter().any(|name| line.starts_with(name)))?;
    show_file(cluster, "jwt_sso_hba.conf", |_| true)
}

fn show_file(cluster: &Cluster, file: &str, wanted: impl Fn(&str) -> bool) -> Shown {
    let path = cluster.data_dir().join(file);
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    for line in text.lines().filter(|line| wanted(line)) {
        println!("  {:17} {line}", format!("{file}:"));
    }
    Ok(())
}

fn configuration(cluster: &Cluster, issuer: &Issuer) -> Shown {
    title("Configuration, by a superuser");
    let superuser = Superuser::new(cluster);
    superuser.run("CREATE EXTENSION jwt_sso")?;
    superuser.run("CREATE ROLE alice LOGIN")?;
    superuser.run("CREATE ROLE bob LOGIN")?;
    superuser.alter_system("issuers", ISSUER)?;
    superuser.alter_system("audience", &issuer.audience)?;
    superuser.alter_system("jwks", &issuer.jwks())?;
    superuser.alter_system("identity_map", &format!(r"{ISSUER} /^(.*)@corp\.example$ \1"))?;
    superuser.run("ALTER SYSTEM SET jwt_sso.enabled = on")?;
    superuser.reload();
    superuser.run("SELECT severity, finding FROM jwt_sso.check()")
}

fn login(cluster: &Cluster, issuer: &Issuer) -> Shown {
    title("A login: the token is the password");
    let token = corp(issuer, "alice");
    println!("token: {}", token.payload_text());
    screen::environment(cluster);
    let login = Login { role: "alice", token: token.sign(), more: &[] };
    let ended = login.show(cluster);
    if ended.accepted && ended.said.contains("\n alice\n") {
        ended.log("jwt_sso: accepted door=hook user=\"alice\" ").map(screen::log_line)
    } else {
        Err("a good token did not let alice in".to_owned())
    }
}

/// A token for somebody of the company.
fn corp(issuer: &Issuer, name: &str) -> Token {
    issuer.token(&format!("{name}@corp.example"))
}
