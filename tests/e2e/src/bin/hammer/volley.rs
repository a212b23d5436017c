//! One thread's part: it takes a number, sends a packet, and looks what becomes of it.

use std::io::IsTerminal;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jwt_sso_e2e::wire::Login;
use jwt_sso_e2e::{Client, End};

use crate::Size;
use crate::kinds::{Due, How, Kind};
use crate::ledger::{Ledger, Row};
use crate::scene::{GOOD, Scene, Way, with_pam};

/// So many hostile packets stand between two real logins of a thread.
const GOOD_EVERY: u64 = 20;
/// Of a hundred packets, how many go to the PAM door, where there is one.
const PAM_SHARE: u64 = 4;

/// Sends packets until so many were sent by all.
pub fn volley(scene: &Scene, size: Size, until: u64, ledger: &Ledger) {
    let clients: Vec<[Client<'_>; 3]> =
        scene.kinds.iter().map(|kind| Way::ALL.map(|way| scene.client(kind.name, way))).collect();
    let good = Way::ALL.map(|way| scene.client(GOOD, way));
    loop {
        // Only below the end is a number taken, so that the parts add up.
        let below = |next| (next < until).then_some(next + 1);
        let next = ledger.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, below);
        let Ok(number) = next else { return };
        let mut random = fastrand::Rng::with_seed(size.seed.wrapping_add(number));
        let index = random.usize(..scene.kinds.len());
        let kind = &scene.kinds[index];
        let way = way(&mut random, size.socket, kind.pam);
        let row = &ledger.rows[index];
        row.send(way);
        attack(kind, row, &clients[index][way as usize], &mut random, ledger);
        if number.is_multiple_of(GOOD_EVERY) {
            let token = &scene.good[random.usize(..scene.good.len())];
            enter(&good[way as usize], token, ledger);
        }
    }
}

fn way(random: &mut fastrand::Rng, socket: u64, pam: bool) -> Way {
    match random.u64(..100) {
        share if share < socket => Way::Socket,
        share if share >= 100 - PAM_SHARE && pam && with_pam() => Way::Pam,
        _ => Way::Tls,
    }
}

fn attack(
    kind: &Kind,
    row: &Row,
    client: &Client<'_>,
    random: &mut fastrand::Rng,
    ledger: &Ledger,
) {
    let wrong = |words: String| {
        ledger.complain(&ledger.wrong_answers, format!("{}: {words}", kind.name));
    };
    let mut wire = match client.try_open() {
        Ok(wire) => wire,
        Err(error) => return wrong(format!("no connection: {error}")),
    };
    let packet = &kind.packets[random.usize(..kind.packets.len())];
    let login = match kind.how {
        How::Whole => wire.finish(packet),
        How::FlipBit => wire.finish(&flipped(packet, random)),
        How::Cut => {
            wire.prompt();
            let part = &packet[..random.usize(..packet.len())];
            // Where the server went away first, the count of its decisions tells.
            wire.send(part).ok();
            // Nothing comes back to be counted: the verdict asks the log for decisions.
            return if random.bool() { wire.close() } else { wire.hang_up() };
        }
    };
    if let Err(words) = judge(kind, row, &login) {
        if matches!(login.end, End::Accepted(_)) {
            ledger.complain(&ledger.wrong_acceptances, format!("{}: {words}", kind.name));
        } else {
            wrong(words);
        }
    }
}

/// Holds the end of a login to be the one that was due.
fn judge(kind: &Kind, row: &Row, login: &Login) -> Result<(), String> {
    if !login.prompted {
        return Err("no prompt".to_owned());
    }
    match (&login.end, kind.due) {
        (End::Accepted(_), _) => Err("accepted".to_owned()),
        (End::Closed, Due::Undecided) => {
            row.undecided.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
        (End::Refused(error), Due::Undecided) if error.code == "08P01" => {
            row.undecided.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
        (End::Refused(error), Due::Refused(_))
            if error.code == "28000"
                && error.message
                    == format!("JWT authentication failed for user \"{}\"", kind.name) =>
        {
            let reference = reference(&error.detail)
                .ok_or_else(|| format!("no reference in {:?}", error.detail))?;
            row.refused.fetch_add(1, Ordering::Relaxed);
            row.references.fetch_add(reference, Ordering::Relaxed);
            Ok(())
        }
        (End::Refused(error), _) => Err(format!("{} {}", error.code, error.message)),
        (End::Closed, _) => Err("closed without a word".to_owned()),
    }
}

/// The eight hex digits at the end of a DETAIL.
fn reference(detail: &str) -> Option<u64> {
    let (_, digits) = detail.strip_suffix(')')?.rsplit_once("(reference ")?;
    (digits.len() == 8).then(|| u64::from_str_radix(digits, 16).ok())?
}

/// One bit of the token is another.
fn flipped(packet: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    // Type byte, length and the NUL at the end stay.
    let mut flipped = packet.to_vec();
    let place = random.usize(5..packet.len() - 1);
    flipped[place] ^= 1 << random.u8(..8);
    flipped
}

fn enter(client: &Client<'_>, token: &str, ledger: &Ledger) {
    let wrong = |words: String| ledger.complain(&ledger.wrong_refusals, format!("{GOOD}: {words}"));
    let login = match client.try_open() {
        Ok(wire) => wire.finish(&crate::kinds::password(token)),
        Err(error) => return wrong(format!("no connection: {error}")),
    };
    match login.end {
        End::Accepted(mut session) => match session.query("SELECT current_user") {
            Ok(rows) if rows == [[GOOD]] => {
                ledger.good.fetch_add(1, Ordering::Relaxed);
                session.close();
            }
            Ok(rows) => wrong(format!("current_user is {rows:?}")),
            Err(error) => wrong(format!("{} {}", error.code, error.message)),
        },
        End::Refused(error) => wrong(format!("{} {}", error.code, error.message)),
        End::Closed => wrong("closed without a word".to_owned()),
    }
}

/// How far it has come, every few seconds.
#[derive(Debug)]
pub struct Progress {
    all: u64,
    start: Instant,
    last: Instant,
    /// A terminal has one line that changes; a file gets fewer lines.
    terminal: bool,
}

impl Progress {
    /// At the beginning.
    pub fn new(all: u64) -> Progress {
        let now = Instant::now();
        Progress { all, start: now, last: now, terminal: std::io::stdout().is_terminal() }
    }

    /// Shows it, where it was not shown just now.
    pub fn show(&mut self, sent: u64) {
        let pause = Duration::from_secs(if self.terminal { 1 } else { 20 });
        if self.last.elapsed() < pause || sent == 0 {
            return;
        }
        self.last = Instant::now();
        let speed = sent as f64 / self.start.elapsed().as_secs_f64();
        let left = (self.all - sent) as f64 / speed;
        let line = format!(
            "  {sent} of {} packets, {speed:.0}/s, about {} left",
            self.all,
            if left < 90.0 { format!("{left:.0} s") } else { format!("{:.0} min", left / 60.0) }
        );
        if self.terminal { eprint!("\r{line}\x1b[K") } else { println!("{line}") }
    }

    /// Nothing more to show.
    pub fn end(&self) {
        if self.terminal {
            eprintln!();
        }
    }
}
