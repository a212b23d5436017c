//! What was tried, how often, and what came of it.

use std::time::Duration;

use crate::Result;
use crate::faults::Fault;
use crate::traffic::Count;

/// Of one fault.
#[derive(Debug, Default)]
pub struct Tally {
    /// How often it was tried.
    pub times: u32,
    /// Logins meanwhile.
    pub count: Count,
    /// Sessions that were open before it.
    pub sessions: u32,
    /// Those that were not open after it.
    pub sessions_lost: u32,
    /// How often a key that was known before let nobody in.
    pub kept_keys_lost: u32,
    /// What else did not go as it must.
    pub failures: Vec<String>,
}

impl Tally {
    /// Takes in what became of logins.
    pub fn add(&mut self, count: &Count) {
        self.count.add(count);
    }

    /// What did not hold.
    fn broken(&self, fault: &Fault) -> Vec<String> {
        let mut broken = Vec::new();
        let mut none = |count: usize, what: &str| {
            if count > 0 {
                broken.push(format!("{}: {count} {what}", fault.name));
            }
        };
        none(self.count.wrong_acceptances.len(), "wrong acceptances");
        none(self.count.wrong_refusals.len(), "wrong refusals");
        none(self.kept_keys_lost as usize, "kept keys lost");
        none(self.failures.len(), "failures");
        none(usize::from(self.count.entered == 0), "tries without a single good login");
        none(usize::from(self.count.kept_out == 0), "tries without a single forged login");
        if !fault.restarts {
            none(self.sessions_lost as usize, "sessions lost");
            none(self.count.interrupted as usize, "logins interrupted");
        }
        broken
    }
}

/// Prints the table. Says what held, or what did not.
pub fn judge(faults: &[Fault], tallies: &[Tally], took: Duration) -> Result<String> {
    println!(
        "\n{:42} times  let in kept out  cut off  wrongly in  wrongly out  sessions lost  keys \
         lost  longest gap",
        "fault (* PostgreSQL restarts its backends)"
    );
    for (fault, tally) in faults.iter().zip(tallies) {
        let count = &tally.count;
        println!(
            "{:42} {:5} {:7} {:8} {:8} {:11} {:12} {:>14} {:10} {:11.1}s",
            format!("{}{}", fault.name, if fault.restarts { " *" } else { "" }),
            tally.times,
            count.entered,
            count.kept_out,
            count.interrupted,
            count.wrong_acceptances.len(),
            count.wrong_refusals.len(),
            format!("{} of {}", tally.sessions_lost, tally.sessions),
            tally.kept_keys_lost,
            count.gap.as_secs_f64()
        );
    }
    for (fault, tally) in faults.iter().zip(tallies) {
        let words = tally.count.wrong_acceptances.iter().chain(&tally.count.wrong_refusals);
        for word in words.chain(&tally.failures).take(5) {
            println!("  ! {}: {word}", fault.name);
        }
    }
    let broken: Vec<String> =
        faults.iter().zip(tallies).flat_map(|(fault, tally)| tally.broken(fault)).collect();
    if !broken.is_empty() {
        return Err(broken.join("; "));
    }
    let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>();
    Ok(format!(
        "{} faults of {} kinds in {:.1} min, {} good logins let in and {} forged kept out \
         meanwhile: wrong acceptances 0, wrong refusals 0, kept keys lost 0, sessions lost only \
         where PostgreSQL restarts its backends",
        sum(|tally| tally.times.into()),
        faults.len(),
        took.as_secs_f64() / 60.0,
        sum(|tally| tally.count.entered),
        sum(|tally| tally.count.kept_out)
    ))
}
