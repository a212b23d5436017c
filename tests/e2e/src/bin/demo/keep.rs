//! `KEEP=1`: the server stays, with all that is needed to use it and to end it.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::token::now;
use jwt_sso_e2e::{Cluster, Issuer};

use crate::screen::{environment, superuser_command, title};
use crate::{Shown, corp};

/// Whether the server is to stay.
pub fn wanted() -> bool {
    env::var_os("KEEP").is_some_and(|value| !value.is_empty() && value != "0")
}

/// Seconds that the token for playing is good for.
const LIFETIME: u64 = 12 * 3600;

/// Says how to use and stop the server, and leaves it alone.
pub fn explain(cluster: Cluster, issuer: &Issuer) -> Shown {
    let root = cluster.socket_dir();
    let file = root.join("alice.jwt");
    let token = corp(issuer, "alice").claim("exp", now() + LIFETIME).sign();
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut opened| opened.write_all(token.as_bytes()))
        .map_err(|error| format!("{}: {error}", file.display()))?;

    title("KEEP is set: the server keeps running");
    println!("The provider is stopped; its keys are good for a day without it.");
    println!("alice, with a token that is good for 12 hours:");
    environment(&cluster);
    println!("$ PGUSER=alice PGPASSWORD=$(cat {}) psql", file.display());
    println!("The superuser, who may change each setting:\n$ {}", superuser_command(&cluster));
    println!("The log:\n$ tail -f {}", cluster.log_path().display());
    println!("To stop and remove the server:\n$ {}", stop_command(&cluster));
    cluster.keep();
    Ok(())
}

/// pg_ctl as the user that the server runs as, from a directory that this user may enter.
fn stop_command(cluster: &Cluster) -> String {
    let pg_ctl = Installation::get().server("pg_ctl", cluster.socket_dir());
    let words: Vec<_> = std::iter::once(pg_ctl.get_program())
        .chain(pg_ctl.get_args())
        .map(|word| word.to_string_lossy())
        .collect();
    let (data, root) = (cluster.data_dir().display(), cluster.socket_dir().display());
    format!("cd / && {} -D {data} -m fast stop && rm -r {root}", words.join(" "))
}
