//! What `make demo` shows once jwt_sso is installed: a temporary server with TLS and a real OpenID
//! provider over HTTPS with a CA of its own; the configuration as a user would type it; a login
//! with a token from the provider; a login after the provider has changed its key; a refusal for
//! each way in which a login can be wrong; and a login while the provider is down and PostgreSQL
//! was restarted. Whatever is shown is also held to be so: the exit status is not 0 where a login
//! ended otherwise than announced.
//!
//! `KEEP=1` leaves the server running, and says how to use and stop it.

mod identity_provider;
mod keep;
mod refusals;
mod screen;

use std::fs;
use std::process::ExitCode;

use jwt_sso_e2e::token::Token;
use jwt_sso_e2e::{Cluster, Issuer};

use crate::identity_provider::IdentityProvider;
use crate::screen::{Login, Superuser, title};

/// What the demo is about to show, or why it could not.
type Shown = Result<(), String>;

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
    let mut provider = IdentityProvider::start();
    // No time stamps: the screen has little room.
    let builder = Cluster::builder().token_hba(HBA).conf("log_line_prefix = ''");
    let cluster = builder.prepare();
    cluster.try_start().map_err(|log| format!("the server does not start:\n{log}"))?;

    server(&cluster)?;
    provider.introduce(&cluster);
    configuration(&cluster, &provider)?;
    title("A login: the token is the password");
    let token = provider.token("alice");
    screen::environment(&cluster);
    login(&cluster, token, "demo-1")?;
    keys(&cluster)?;

    title("The provider signs with another key from now on");
    provider.rotate();
    let token = provider.token("alice");
    login(&cluster, token, "demo-2")?;
    keys(&cluster)?;

    let issuer = provider.issuer();
    let refusals = refusals::all(&issuer);
    for refusal in &refusals {
        refusal.show(&cluster)?;
    }
    outage(&cluster, &mut provider)?;
    let server = if keep::wanted() {
        keep::explain(cluster, &issuer)?;
        "the server keeps running"
    } else {
        drop(cluster);
        "the server is stopped and removed"
    };
    let count = refusals.len();
    println!(
        "\nShown: logins with a token, with a new key, and with no provider; {count} refusals \
         with their reasons; {server}."
    );
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

fn configuration(cluster: &Cluster, provider: &IdentityProvider) -> Shown {
    title("Configuration, by a superuser");
    let superuser = Superuser::new(cluster);
    superuser.run("CREATE EXTENSION jwt_sso")?;
    superuser.run("CREATE ROLE alice LOGIN")?;
    superuser.run("CREATE ROLE bob LOGIN")?;
    let issuer = provider.issuer();
    superuser.alter_system("issuers", &issuer.iss)?;
    superuser.alter_system("audience", &issuer.audience)?;
    superuser.alter_system("issuer_custom_ca", identity_provider::CA_FILE)?;
    superuser.run("ALTER SYSTEM SET jwt_sso.jwks_auto_fetch_enabled = on")?;
    let map = format!(r"{} /^(.*)@corp\.example$ \1", issuer.iss);
    superuser.alter_system("identity_map", &map)?;
    superuser.run("ALTER SYSTEM SET jwt_sso.enabled = on")?;
    superuser.reload();
    superuser.run("SELECT severity, finding FROM jwt_sso.check()")
}

/// A login of alice's that must succeed with the key of this `kid`.
fn login(cluster: &Cluster, token: String, kid: &str) -> Shown {
    let login = Login { role: "alice", token, more: &[] };
    let ended = login.show(cluster);
    if !(ended.accepted && ended.said.contains("\n alice\n")) {
        return Err(format!(
            "a good token did not let alice in\n{}",
            ended.log("jwt_sso: refused ")?
        ));
    }
    let line = ended.log("jwt_sso: accepted door=hook user=\"alice\" ")?;
    screen::log_line(line);
    let key = format!("kid=\"{kid}\"");
    if line.contains(&key) { Ok(()) } else { Err(format!("the log was to name {key}")) }
}

/// What the server knows of the provider and its keys.
fn keys(cluster: &Cluster) -> Shown {
    let superuser = Superuser { cluster };
    superuser.run("SELECT issuer, source, state, keys, last_error FROM jwt_sso.issuers")?;
    superuser.run("SELECT kid, kty, alg, usable, note FROM jwt_sso.keys")
}

fn outage(cluster: &Cluster, provider: &mut IdentityProvider) -> Shown {
    title("The provider is down, and PostgreSQL restarts: the last good keys serve");
    let token = provider.token("alice");
    provider.stop();
    let mark = cluster.log_mark();
    println!("$ pg_ctl -D {} restart", cluster.data_dir().display());
    cluster.restart();
    login(cluster, token, "demo-2")?;
    screen::log_line(&cluster.wait_log(mark, "jwt_sso: the keys of issuer .* not be fetched"));
    Superuser { cluster }.run("SELECT issuer, state, keys, last_success FROM jwt_sso.issuers")
}

/// A token for somebody of the company, such as the provider gives.
fn corp(issuer: &Issuer, name: &str) -> Token {
    issuer.token(&format!("{name}@corp.example"))
}
