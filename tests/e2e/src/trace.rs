//! What one connection left in the server's log.

use std::path::Path;

use regex::Regex;

use crate::cluster::{Cluster, LogMark};
use crate::wire::Wire;

/// A connection's address, to be kept while the [`Wire`] itself is used up.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    client_port: u16,
    mark: LogMark,
}

impl Trace {
    /// Takes note of a TCP connection. The server needs `log_connections = on`.
    pub fn of(wire: &Wire) -> Trace {
        Trace { client_port: wire.local_port(), mark: LogMark::start() }
    }

    /// Waits until the connection's backend has ended; returns all that it logged.
    pub fn lines(&self, cluster: &Cluster) -> Vec<String> {
        let received = format!(r"connection received: host=\S+ port={}$", self.client_port);
        let line = cluster.wait_log(self.mark, &received);
        let tag = Regex::new(r"\[\d+\]").expect("a valid pattern");
        let tag = tag.find(&line).expect("log_line_prefix has the pid").as_str();
        let process = Path::new("/proc").join(tag.trim_matches(['[', ']']));
        cluster.until("the backend's end", || !process.exists());
        let log = cluster.log_since(self.mark);
        log.lines().filter(|line| line.contains(tag)).map(str::to_owned).collect()
    }

    /// [`Trace::lines`], holding that jwt_sso has decided nothing and nothing was refused.
    #[track_caller]
    pub fn undecided(&self, cluster: &Cluster) -> Vec<String> {
        let lines = self.lines(cluster);
        for line in &lines {
            let decision = line.contains("jwt_sso: ") || line.contains("JWT authentication");
            assert!(!decision, "a decision on {lines:#?}");
        }
        lines
    }
}
