//! Real clients over TLS with `sslmode=verify-full` and the test CA, at the hook door and at the
//! PAM door. The programs are in ../../clients/, and docs/clients.md shows them.
//!
//! one_token.rs: a token of 3 KB as the password, and an expired one (SQLSTATE 28000)
//! 1. psql   2. psycopg 3   3. node-postgres   4. pgjdbc
//! 5. with another CA none of them gets as far as a login
//!
//! fresh.rs, rust_drivers.rs: each connection brings a token of its own, got by the driver's own
//! means; an expired one is refused
//! 6. psql   7. psycopg 3   8. psycopg_pool   9. SQLAlchemy   10. asyncpg   11. node-postgres
//! 12. postgres.js   13. pgjdbc   14. tokio-postgres   15. sqlx
//!
//! 16. with another CA none of them gets as far as a login
//!
//! pgbouncer.rs: through Debian's PgBouncer
//! 17. a token of 2047 bytes logs in to the server; one of 2048 is the pooler's to refuse
//! 18. where its PAM service proves nothing, an open connection goes to whoever names the role
//! 19. …and where no connection is used twice, the next token of that role opens one for him
//! 20. the pooler has a token of its own, and takes the next at a reload
//! 21. its own token has expired: what the application is told
//!
//! document.rs: docs/clients.md
//! 22. each piece of code in it is what these tests run
//! 23. each row says whether it is tested
//!
//! scripts/client-deps.sh installs the clients.

mod document;
mod fresh;
mod handout;
mod one_token;
mod pgbouncer;
mod rust_drivers;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use jwt_sso_e2e::builder::TOKEN_LINES;
use jwt_sso_e2e::cluster::LogMark;
use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::pam;
use jwt_sso_e2e::{Algorithm, Cluster, Issuer, SigningKey, Token};

struct World {
    cluster: Cluster,
    issuer: Issuer,
}

/// The doors of the server under test, and the roles that come there.
fn doors() -> &'static [(&'static str, &'static str)] {
    let doors = &[("hook", "alice"), ("pam", "paula")];
    if Installation::get().with_pam { doors } else { &doors[..1] }
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut lines = TOKEN_LINES.to_owned();
    if Installation::get().with_pam {
        lines.insert_str(0, &format!("hostssl all paula all pam pamservice={}\n", pam::SERVICE));
    }
    // %e: the SQLSTATE that goes with each message.
    let cluster =
        Cluster::builder().token_hba(&lines).conf("log_line_prefix = '%m [%p] %e '").start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    let key = SigningKey::generate("rsa-1", Algorithm::Rs256);
    let issuer = Issuer::with_key("https://clients.example", key);
    issuer.install(&cluster, &["alice", "bob", "paula", "pool"]);
    World { cluster, issuer }
});

impl World {
    /// A token of which a session can tell that it brought this one.
    fn token(&self, role: &str, jti: &str) -> Token {
        self.issuer.token(role).claim("jti", jti)
    }
}

/// How an application learns the SQLSTATE of a refused login.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sqlstate {
    /// The driver tells it.
    Told,
    /// libpq keeps it until the connection stands: only the server's log has it.
    Withheld,
}

impl Sqlstate {
    /// How a program of clients/ begins to tell of a refusal.
    fn line(self) -> &'static str {
        if self == Sqlstate::Told { "refused 28000" } else { "refused -" }
    }
}

/// Completes a client's command with libpq's variables, but for the password.
fn toward<'a>(client: &'a mut Command, role: &str, ca: &Path) -> &'a mut Command {
    client
        .envs([("PGHOST", "localhost"), ("PGHOSTADDR", "127.0.0.1"), ("PGDATABASE", "postgres")])
        .envs([("PGUSER", role), ("PGSSLMODE", "verify-full")])
        .env("PGPORT", WORLD.cluster.port().to_string())
        .env("PGSSLROOTCERT", ca)
}

/// Holds a client to have been told of an expired token, and the server to have logged it with
/// SQLSTATE 28000.
#[track_caller]
fn refused_as_expired(told: &str, door: &str, role: &str) {
    let message = format!("JWT authentication failed for user \"{role}\"");
    assert!(told.contains(&message), "{told}");
    assert!(told.contains("The token expired at "), "{told}");
    let cluster = &WORLD.cluster;
    let (_, reference) = told.split_once("(reference ").expect("a reference");
    let ours = format!("jwt_sso: refused reason=expired ref={} door={door} ", &reference[..8]);
    let line = cluster.wait_log(LogMark::start(), &ours);
    let process = line.split_whitespace().find(|word| word.starts_with('[')).expect("a pid");
    let fatal = format!("{} 28000 FATAL:  JWT authentication failed", regex::escape(process));
    cluster.wait_log(LogMark::start(), &fatal);
}

/// A program of clients/.
fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

/// Fails the test with what to do, unless this command succeeds.
#[track_caller]
fn require(what: &str, probe: &mut Command) {
    let found = probe.output().is_ok_and(|output| output.status.success());
    assert!(found, "{what} is missing: run scripts/client-deps.sh, as `make test` does");
}
