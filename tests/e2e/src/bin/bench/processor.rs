//! How much processor time a server has used.

use std::fs;

/// Milliseconds of the postmaster and of its children that have ended, in user and kernel mode.
pub fn time(postmaster: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{postmaster}/stat")).expect("it runs");
    // The second field is a name in parentheses, which may hold blanks; proc(5) counts from 1.
    let (_, fields) = stat.rsplit_once(") ").expect("the form of proc(5)");
    let ticks: Vec<u64> = fields.split(' ').skip(14 - 3).take(4).flat_map(str::parse).collect();
    assert_eq!(ticks.len(), 4, "utime, stime, cutime, cstime");
    // USER_HZ is 100 on every platform that Linux runs PostgreSQL on.
    ticks.iter().sum::<u64>() as f64 * 10.0
}
