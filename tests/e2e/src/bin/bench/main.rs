//! What `make bench` runs after the benches of `crates/core`: whole logins on real servers, by
//! turns; then one table of all that was measured beside its budget.
//!
//! Variables of the environment: `QUICK=1` for a short turn, which shows that everything runs
//! and takes a miss of time or memory for one only where it is gross; `ROUNDS` and `LOGINS`, the
//! number of rounds and of logins of each kind in a round; `WRITE=0` leaves docs/performance.md
//! as it is. `CRITERION_HOME` is where the benches of the core have left their results.

mod decision;
mod document;
mod doors;
mod growth;
mod logins;
mod machine;
mod memory;
mod processor;
mod servers;
mod storm;
mod table;
mod turns;

use std::process::ExitCode;
use std::thread;

use crate::table::Table;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Effort {
    quick: bool,
    /// Each kind of login has its turn once in a round.
    rounds: usize,
    /// Of each kind, in its turn.
    logins: usize,
}

impl Effort {
    fn from_environment() -> Effort {
        let quick = flag("QUICK", false);
        let number = |name: &str, default: usize| match std::env::var(name).as_deref() {
            Err(_) | Ok("") => default,
            Ok(text) => match text.parse() {
                Ok(number) if number > 0 => number,
                _ => panic!("{name} is to be a number above 0"),
            },
        };
        // A ratio's quartiles are some 0.1 apart, which so many rounds make a median good to 0.01.
        let (rounds, logins) = if quick { (5, 12) } else { (120, 40) };
        Effort { quick, rounds: number("ROUNDS", rounds), logins: number("LOGINS", logins) }
    }
}

fn flag(name: &str, default: bool) -> bool {
    match std::env::var(name).as_deref() {
        Err(_) | Ok("") => default,
        Ok("1") => true,
        Ok("0") => false,
        Ok(other) => panic!("{name} is to be 0 or 1, not {other:?}"),
    }
}

fn main() -> ExitCode {
    // A panic of any part leaves budgets of which nothing is known, and is told by the last line,
    // too.
    let Ok(table) = thread::spawn(run).join() else {
        println!("\nbench: BROKEN: it panicked, see above");
        return ExitCode::FAILURE;
    };
    println!("{}", table.verdict());
    if table.held() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run() -> Table {
    let effort = Effort::from_environment();
    let mut table = Table::new(effort.quick);
    decision::report(&mut table);
    doors::measure(effort, &mut table);
    growth::measure(effort, &mut table);
    memory::measure(&mut table);
    storm::measure(&mut table);

    println!("\n{}\n\n{}", machine::describe(effort), table.markdown());
    if flag("WRITE", !effort.quick) {
        document::write(&format!("{}\n\n{}", machine::describe(effort), table.markdown()));
        println!("written into docs/performance.md");
    }
    table
}
