//! PAM services of the tests' own, beside the one that `make install` installs.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::installation::output_of;
use crate::token::now;

/// The service that `make install` installs.
pub const SERVICE: &str = "jwt_sso";

/// HBA lines that lead to a PAM service by every way. As with the token doors of the hook, the
/// plain `host` line is reached only without TLS.
pub fn lines(service: &str) -> String {
    let ways = ["hostssl all", "hostssl replication", "host all"];
    let line = |way| format!("{way} all all pam pamservice={service}\n");
    ways.map(line).concat() + &format!("local all all pam pamservice={service}\n")
}

/// A file of /etc/pam.d, removed when dropped. Needs root, or sudo without a password.
#[derive(Debug)]
pub struct Service {
    name: String,
}

impl Service {
    /// A new service of these lines.
    pub fn new(lines: &str) -> Service {
        let service = Service { name: unused_name() };
        let mut tee = as_root("tee");
        tee.arg(service.path()).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut tee = tee.spawn().expect("tee runs");
        tee.stdin.take().expect("piped").write_all(lines.as_bytes()).expect("tee reads");
        assert!(tee.wait().expect("tee ends").success(), "root or `sudo -n` writes /etc/pam.d");
        output_of(as_root("chmod").args(["0644", &service.path()]));
        service
    }

    /// The name for `pamservice=`.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn path(&self) -> String {
        format!("/etc/pam.d/{}", self.name)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        as_root("rm").args(["-f", &self.path()]).status().ok();
    }
}

/// The name of a service that has no file.
pub fn unused_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("jwt_sso_e2e_{:x}_{}_{count}", now(), std::process::id())
}

fn as_root(program: &str) -> Command {
    if output_of(Command::new("id").arg("-u")) == "0" {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["-n", program]);
    sudo
}
