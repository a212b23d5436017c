//! Memory and file descriptors of the postmaster and the worker, while nobody is connected.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jwt_sso_e2e::Cluster;

/// What one process has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// kB of its own, and its share of what it shares (`Pss`).
    pub proportional: u64,
    /// kB that no other process has (`Private_Clean` and `Private_Dirty`).
    pub private: u64,
    /// kB that come from no file (`Anonymous`): what a leak makes grow.
    pub anonymous: u64,
    /// Open file descriptors.
    pub files: usize,
}

/// One process over time.
#[derive(Debug)]
pub struct Process {
    /// What it is.
    pub name: &'static str,
    /// Its number.
    pub pid: u32,
    /// After each part.
    pub readings: Vec<Reading>,
}

/// Both processes.
pub struct Gauge<'a> {
    cluster: &'a Cluster,
    /// Children of the postmaster while nobody is connected.
    idle: usize,
    /// The postmaster and the worker.
    pub processes: [Process; 2],
    /// The most backends that were still there 20 seconds after their clients had gone.
    pub left: usize,
}

impl<'a> Gauge<'a> {
    /// Of a server that nobody is connected to. Fails where it could not see a backend.
    pub fn new(cluster: &'a Cluster) -> Result<Gauge<'a>, String> {
        let process = |name, pid| Process { name, pid, readings: Vec::new() };
        let postmaster = cluster.postmaster_pid();
        // The last backend of the set-up may still be ending.
        sleep(Duration::from_secs(1));
        let idle = children(postmaster)?;
        // A postmaster always has some, so none means that they are not to be seen.
        if idle == 0 {
            return Err(format!("/proc shows no child of the postmaster {postmaster}"));
        }
        let worker = cluster.worker_pid().ok_or("no worker")?;
        let processes = [process("postmaster", postmaster), process("worker", worker)];
        Ok(Gauge { cluster, idle, processes, left: 0 })
    }

    /// Waits until all backends are gone, and measures.
    pub fn measure(&mut self) -> Result<(), String> {
        let end = Instant::now() + Duration::from_secs(20);
        let postmaster = self.processes[0].pid;
        while children(postmaster)? > self.idle && Instant::now() < end {
            sleep(Duration::from_millis(50));
        }
        let still = children(postmaster)?.saturating_sub(self.idle);
        self.left = self.left.max(still);
        for process in &mut self.processes {
            let mut reading = Reading::of(process.pid);
            // The worker may be in the middle of a fetch.
            let before = process.readings.first().map_or(usize::MAX, |first| first.files);
            while reading.files > before && Instant::now() < end {
                sleep(Duration::from_millis(200));
                reading = Reading::of(process.pid);
            }
            process.readings.push(reading);
        }
        Ok(())
    }

    /// Whether both are still the processes that they were.
    pub fn same_processes(&self) -> bool {
        let [postmaster, worker] = &self.processes;
        self.cluster.postmaster_pid() == postmaster.pid
            && self.cluster.worker_pid() == Some(worker.pid)
    }
}

impl Reading {
    fn of(pid: u32) -> Reading {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let kilobytes = |name: &str| {
            let line = rollup.lines().find(|line| line.starts_with(name));
            let number = line.and_then(|line| line.split_whitespace().nth(1));
            number.and_then(|number| number.parse().ok()).unwrap_or(0)
        };
        Reading {
            proportional: kilobytes("Pss:"),
            private: kilobytes("Private_Clean:") + kilobytes("Private_Dirty:"),
            anonymous: kilobytes("Anonymous:"),
            files: fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count),
        }
    }
}

/// Not every kernel has this file (CONFIG_PROC_CHILDREN).
fn children(pid: u32) -> Result<usize, String> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let list = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    Ok(list.split_whitespace().count())
}
