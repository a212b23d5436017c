//! The reckoning: the table, the promises, and whether they held.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::gauge::{Gauge, Process, Reading};
use crate::kinds::{Due, How, Kind};
use crate::ledger::{Ledger, Row};
use crate::log::{Count, LogReader};
use crate::scene::{FORBIDDEN, GOOD, Scene, Way};

/// kB that a process may have grown by between the first tenth and the end, however many packets
/// that were. The allocator and the kernel's rounding need some; a leak of one byte for each of a
/// million packets needs more.
const TOLERANCE: u64 = 768;

/// Whether each promise held.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What was done.
    done: String,
    /// What held.
    held: Vec<String>,
    /// What did not.
    broken: Vec<String>,
    /// Ways that no packet went, of which nothing was shown.
    untried: Vec<&'static str>,
}

impl Verdict {
    /// Nothing was shown.
    pub fn broken(what: String) -> Verdict {
        Verdict { broken: vec![what], ..Verdict::default() }
    }

    /// Whether every promise held.
    pub fn held(&self) -> bool {
        self.broken.is_empty()
    }

    /// The last line of output.
    pub fn line(&self) -> String {
        let untried = match self.untried[..] {
            [] => String::new(),
            _ => format!("; not tried: {}", self.untried.join(", ")),
        };
        if self.held() {
            let (count, done) = (self.held.len(), &self.done);
            format!("hammer: held: all {count} promises, after {done}{untried}")
        } else {
            format!("hammer: BROKEN: {}{untried}", self.broken.join("; "))
        }
    }

    fn promise(&mut self, held: bool, what: String) {
        println!("{} {what}", if held { "held  " } else { "BROKEN" });
        if held { self.held.push(what) } else { self.broken.push(what) }
    }

    /// A count that must be zero.
    fn none(&mut self, count: usize, what: &str) {
        self.promise(count == 0, format!("{what} {count}"));
    }
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// Prints the table, and holds everything to be as promised.
pub fn judge(
    scene: &Scene,
    ledger: &Ledger,
    log: &LogReader,
    gauge: &Gauge<'_>,
    took: Duration,
) -> Verdict {
    let (sent, good) = (ledger.sent(), get(&ledger.good));
    let speed = (sent + good) as f64 / took.as_secs_f64();
    let done = format!(
        "{sent} hostile packets and {good} real logins in {:.1} min, {speed:.0}/s",
        took.as_secs_f64() / 60.0
    );
    let mut verdict = Verdict { done, untried: untried(ledger), ..Verdict::default() };
    let strays = table(scene, ledger, log);
    for complaint in ledger.complaints().iter().chain(&strays).chain(&log.alarms).take(40) {
        println!("  ! {complaint}");
    }
    readings(gauge);
    println!(
        "\n{} pieces of 16 characters of all tokens were looked for in {} MB of log\n",
        log.pieces().len(),
        log.megabytes()
    );
    verdict.none(log.alarms.len(), "log lines of server restarts and faults:");
    verdict.promise(gauge.same_processes(), "postmaster and worker the same processes".to_owned());
    verdict.none(gauge.left, "backends that did not end:");
    let idle = ledger.rows.iter().filter(|row| row.sent_in_all() == 0).count();
    verdict.none(idle + usize::from(good == 0), "kinds that were not tried:");
    verdict.none(get(&ledger.wrong_acceptances) as usize, "wrong acceptances:");
    verdict.none(get(&ledger.wrong_refusals) as usize, "wrong refusals:");
    verdict.none(get(&ledger.wrong_answers) as usize, "other answers than were due:");
    verdict.none(strays.len(), "kinds of packets whose log lines do not agree:");
    statistics(scene, log, &mut verdict);
    gauge.processes.iter().for_each(|process| grown(process, &mut verdict));
    secrecy(scene, log, &mut verdict);
    verdict.none(scene.server.count(FORBIDDEN), "fetches of a URL that a token named:");
    verdict
}

/// SOCKET decides on the ways, and what the server was built with.
fn untried(ledger: &Ledger) -> Vec<&'static str> {
    let tried = |way| ledger.rows.iter().any(|row| row.sent(way) > 0);
    Way::ALL.into_iter().filter(|way| !tried(*way)).map(Way::name).collect()
}

/// A line for each kind. Returns what does not agree between clients and log.
fn table(scene: &Scene, ledger: &Ledger, log: &LogReader) -> Vec<String> {
    println!("\nkind                  tls  socket    pam  refused undecided  log lines by reason");
    let mut strays = Vec::new();
    for (kind, row) in scene.kinds.iter().zip(&ledger.rows) {
        let of_kind = log.counts.iter().filter(|((user, _), _)| user == kind.name);
        let counts: Vec<(&str, Count)> =
            of_kind.map(|((_, reason), count)| (reason.as_str(), *count)).collect();
        let [tls, socket, pam] = Way::ALL.map(|way| row.sent(way));
        let by_reason: Vec<_> =
            counts.iter().map(|(reason, count)| format!("{reason} {}", count.lines)).collect();
        println!(
            "{:16} {tls:8} {socket:7} {pam:6} {:8} {:9}  {}",
            kind.name,
            get(&row.refused),
            get(&row.undecided),
            by_reason.join(", ")
        );
        if let Err(stray) = agree(kind, row, &counts) {
            strays.push(format!("{}: {stray}", kind.name));
        }
    }
    let accepted = log.counts.get(&(GOOD.to_owned(), "accepted".to_owned()));
    let (lines, good) = (accepted.map_or(0, |count| count.lines), get(&ledger.good));
    println!("{GOOD:16} {good} real logins, {lines} lines in the log");
    if lines != good || log.counts.keys().any(|(user, reason)| user == GOOD && reason != "accepted")
    {
        strays.push(format!("{GOOD}: {good} logins, {lines} lines"));
    }
    let known = |user: &str| user == GOOD || scene.kinds.iter().any(|kind| kind.name == user);
    for (user, reason) in log.counts.keys().filter(|(user, _)| !known(user)) {
        strays.push(format!("{user}: {reason}, and nobody asked for that role"));
    }
    strays
}

/// Each refusal has its line with its reference, and no other packet has one.
fn agree(kind: &Kind, row: &Row, counts: &[(&str, Count)]) -> Result<(), String> {
    let lines: u64 = counts.iter().map(|(_, count)| count.lines).sum();
    let references =
        counts.iter().fold(0_u64, |sum, (_, count)| sum.wrapping_add(count.references));
    let (sent, refused) = (row.sent_in_all(), get(&row.refused));
    match kind.due {
        Due::Refused(_) if refused != sent => Err(format!("{sent} sent, {refused} refused")),
        Due::Refused(_) if lines != sent => Err(format!("{sent} refused, {lines} lines")),
        Due::Refused(_) if references != get(&row.references) => {
            Err("the references of clients and log are not the same".to_owned())
        }
        Due::Refused(reasons) => {
            let other = counts.iter().find(|(reason, _)| !reasons.contains(reason));
            other.map_or(Ok(()), |(reason, _)| Err(format!("reason {reason}")))
        }
        // Who hangs up himself hears nothing. What the server made of that the log alone tells.
        Due::Undecided if kind.how != How::Cut && get(&row.undecided) != sent => {
            Err(format!("{sent} sent, not all ended"))
        }
        Due::Undecided if lines > 0 => Err(format!("{lines} decisions, where none was due")),
        Due::Undecided => Ok(()),
    }
}

/// The server's own statistics say what the log says.
fn statistics(scene: &Scene, log: &LogReader, verdict: &mut Verdict) {
    let sql = "SELECT coalesce(reason, 'accepted'), sum(count) FROM jwt_sso.stats
               GROUP BY 1 HAVING sum(count) > 0 ORDER BY 1";
    let stats = scene.cluster.sql(sql);
    let mut by_reason = std::collections::BTreeMap::<&str, u64>::new();
    for ((_, reason), count) in &log.counts {
        *by_reason.entry(reason).or_default() += count.lines;
    }
    let mut logged: Vec<_> = by_reason.iter().map(|(r, count)| format!("{r}|{count}")).collect();
    logged.sort();
    let mut counted: Vec<&str> = stats.lines().collect();
    counted.sort();
    if logged != counted {
        println!("  ! the log has {logged:?}\n  ! jwt_sso.stats has {counted:?}");
    }
    verdict.promise(logged == counted, "jwt_sso.stats counts what the log has".to_owned());
}

fn readings(gauge: &Gauge<'_>) {
    println!("\nmemory in kB and file descriptors after each tenth, nobody connected:");
    for process in &gauge.processes {
        let line = |name: &str, of: fn(&Reading) -> u64| {
            let readings: Vec<_> = process.readings.iter().map(|r| of(r).to_string()).collect();
            println!("  {:10} {name:9} {}", process.name, readings.join(" "));
        };
        line("Pss", |reading| reading.proportional);
        line("private", |reading| reading.private);
        line("anonymous", |reading| reading.anonymous);
        line("files", |reading| reading.files as u64);
    }
}

fn grown(process: &Process, verdict: &mut Verdict) {
    let (Some(first), Some(last)) = (process.readings.first(), process.readings.last()) else {
        return verdict.promise(false, "no reading of memory".to_owned());
    };
    let grown = |of: fn(&Reading) -> u64| of(last).saturating_sub(of(first));
    let private = grown(|r| r.private).max(grown(|r| r.anonymous));
    let flat = last.anonymous > 0 && private <= TOLERANCE;
    verdict.promise(flat, format!("{} grew by {private} kB", process.name));
    let files = format!("{} has {} files, had {}", process.name, last.files, first.files);
    verdict.promise(last.files > 0 && last.files <= first.files, files);
}

fn secrecy(scene: &Scene, log: &LogReader, verdict: &mut Verdict) {
    let views = ["recent_refusals", "stats", "issuers", "keys", "sessions"];
    let shown = views.iter().filter(|view| {
        let rows = scene.cluster.sql(&format!("SELECT * FROM jwt_sso.{view}"));
        log.pieces().are_in(rows.as_bytes())
    });
    verdict.none(log.leaks.len(), "log lines with parts of tokens:");
    verdict.none(shown.count(), "views with parts of tokens:");
}
