//! What `make hammer` does once jwt_sso is installed: hostile password packets of every kind, over
//! TLS, the Unix socket and the PAM door, from several connections at once, against a real server
//! that fetches its keys; with real logins between them. At the end each packet is accounted for:
//! what the client heard, the line of the log, the server's own statistics.
//!
//! `PACKETS` (1000000), `CONNECTIONS` (8), `SOCKET` (50, the percentage that goes by the Unix
//! socket) and `SEED` (of the time) are variables of the environment.

mod gauge;
mod kinds;
mod ledger;
mod log;
mod scene;
mod verdict;
mod volley;

use std::env;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use crate::gauge::Gauge;
use crate::ledger::Ledger;
use crate::log::LogReader;
use crate::scene::Scene;
use crate::verdict::Verdict;
use crate::volley::{Progress, volley};

/// Parts that the packets are sent in; memory is measured after each. The first warms up.
const PARTS: u64 = 10;

/// How much, and how.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Hostile packets.
    pub packets: u64,
    /// Threads, each with one connection at a time.
    pub connections: u64,
    /// Of a hundred packets, how many go by the Unix socket.
    pub socket: u64,
    /// Of the random numbers.
    pub seed: u64,
}

fn main() -> ExitCode {
    // A panic of any part is a promise that did not hold, and is told by the last line, too.
    let verdict = match thread::spawn(run).join() {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(what)) => Verdict::broken(what),
        Err(_) => Verdict::broken("it panicked, see above".to_owned()),
    };
    println!("\n{}", verdict.line());
    if verdict.held() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn number(name: &str, default: u64) -> Result<u64, String> {
    match env::var(name) {
        Err(_) => Ok(default),
        Ok(text) => text.parse().map_err(|_| format!("{name}={text} is not a number")),
    }
}

fn size() -> Result<Size, String> {
    let size = Size {
        packets: number("PACKETS", 1_000_000)?,
        connections: number("CONNECTIONS", 8)?,
        socket: number("SOCKET", 50)?,
        seed: number("SEED", jwt_sso_e2e::token::now())?,
    };
    if size.packets < PARTS || size.connections == 0 || size.socket > 100 {
        return Err(format!("PACKETS is at least {PARTS}, CONNECTIONS 1, SOCKET at most 100"));
    }
    Ok(size)
}

fn run() -> Result<Verdict, String> {
    let size = size()?;
    fastrand::seed(size.seed);
    let scene = Scene::start(size.connections);
    println!(
        "jwt_sso on PostgreSQL {}: {} hostile packets of {} kinds from {} connections, SEED={}",
        scene.cluster.sql("SHOW server_version"),
        size.packets,
        scene.kinds.len(),
        size.connections,
        size.seed
    );
    let mut log = LogReader::new(scene.cluster.log_path(), &scene.secrets())?;
    let mut gauge = Gauge::new(&scene.cluster)?;
    let ledger = Ledger::new(scene.kinds.len());
    let mut progress = Progress::new(size.packets);
    let start = Instant::now();
    for part in 1..=PARTS {
        // The sum of all parts is what was asked for.
        let until = size.packets * part / PARTS;
        thread::scope(|scope| {
            let threads: Vec<_> = (0..size.connections)
                .map(|_| scope.spawn(|| volley(&scene, size, until, &ledger)))
                .collect();
            while !threads.iter().all(|thread| thread.is_finished()) {
                thread::sleep(Duration::from_millis(200));
                log.advance();
                progress.show(ledger.sent());
            }
        });
        gauge.measure()?;
    }
    let took = start.elapsed();
    progress.end();
    log.catch_up(ledger.decisions());
    Ok(verdict::judge(&scene, &ledger, &log, &gauge, took))
}
