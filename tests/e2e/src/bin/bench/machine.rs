//! The machine and the server that were measured, in words.

use std::fs;
use std::process::Command;

use jwt_sso_e2e::installation::{Installation, output_of};

use crate::Effort;

/// A paragraph.
pub fn describe(effort: Effort) -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let of = |name: &str| {
        let mut lines = cpuinfo.lines().filter(|line| line.starts_with(name));
        lines.next().and_then(|line| line.split_once(": ")).map_or("unknown", |(_, value)| value)
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let server = output_of(Installation::get().client("postgres").arg("--version"));
    let date = output_of(Command::new("date").args(["-u", "+%Y-%m-%d"]));
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(", ");
    format!(
        "Measured on {date}: jwt_sso {}, {}, {cores} cores of {} (family {}, model {}), Linux {}; \
         {} rounds of {} logins of each kind; load of the machine at the end {load} (1, 5 and 15 \
         minutes).",
        env!("CARGO_PKG_VERSION"),
        server.replace("postgres (PostgreSQL)", "PostgreSQL"),
        of("model name"),
        of("cpu family"),
        of("model\t"),
        kernel.trim(),
        effort.rounds,
        effort.logins,
    )
}
