use super::*;

const START: Tick = Tick(1_000_000);

fn at(seconds: u64) -> Tick {
    Tick(START.0 + seconds * 1_000)
}

/// After the first fetch, at [`START`], gave a set that is fresh for an hour.
fn fetched() -> Schedule {
    let mut schedule = Schedule::new(START);
    schedule.started(START);
    schedule.succeeded(START, Duration::from_secs(3600), 0.0);
    schedule
}

/// A login asks that has seen whatever there was to see.
fn unknown_kid(schedule: &mut Schedule, now: Tick) -> Asked {
    schedule.unknown_kid(now, schedule.ended())
}

fn asked(schedule: &mut Schedule, now: Tick) -> Asked {
    schedule.asked(now, schedule.ended())
}

#[test]
fn the_first_fetch_is_due_at_once() {
    let mut schedule = Schedule::new(START);
    assert_eq!((schedule.due(), schedule.in_flight()), (Some(START), false));
    schedule.started(START);
    assert_eq!((schedule.due(), schedule.in_flight()), (None, true));
    assert_eq!(schedule.brake_until(), None);
}

#[test]
fn a_set_is_renewed_before_it_runs_out() {
    for (jitter, due) in [(0.0, 2_700), (0.5, 2_970), (1.0, 3_240), (-1.0, 2_700), (2.0, 2_700)] {
        let mut schedule = Schedule::new(START);
        schedule.started(START);
        schedule.succeeded(START, Duration::from_secs(3600), jitter);
        assert_eq!(schedule.due(), Some(at(due)), "{jitter}");
    }
}

#[test]
fn no_lifetime_makes_a_busy_loop() {
    for lifetime in [Duration::ZERO, Duration::from_millis(1), Duration::from_secs(1)] {
        let mut schedule = fetched();
        schedule.started(START);
        schedule.succeeded(START, lifetime, f64::NAN);
        assert_eq!(schedule.due(), Some(Tick(START.0 + 750)));
    }
}

#[test]
fn back_off_doubles_from_a_second_to_a_minute() {
    let mut schedule = Schedule::new(START);
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        schedule.started(START);
        schedule.failed(START, 0.0);
        assert_eq!(schedule.due(), Some(at(seconds)));
    }
    assert_eq!(schedule.failures(), 9);
    schedule.started(START);
    schedule.failed(START, 1.0);
    assert_eq!(schedule.due(), Some(at(45)), "jitter shortens");
    schedule.started(START);
    schedule.succeeded(START, Duration::from_secs(60), 0.0);
    schedule.started(START);
    schedule.failed(START, 0.0);
    assert_eq!(schedule.due(), Some(at(1)), "a success begins it anew");
}

#[test]
fn many_unknown_kids_force_one_fetch_in_30_seconds() {
    let mut schedule = fetched();
    assert_eq!(unknown_kid(&mut schedule, at(5)), Asked::FetchNow);
    for _ in 0..500 {
        assert_eq!(unknown_kid(&mut schedule, at(5)), Asked::Joined);
    }
    schedule.started(at(6));
    assert_eq!(unknown_kid(&mut schedule, at(6)), Asked::Joined);
    schedule.succeeded(at(7), Duration::from_secs(3600), 0.0);
    let until = at(36);
    assert_eq!(schedule.brake_until(), Some(until));
    assert_eq!(unknown_kid(&mut schedule, at(7)), Asked::NotBefore { until });
    assert_eq!(unknown_kid(&mut schedule, Tick(until.0 - 1)), Asked::NotBefore { until });
    assert_eq!(schedule.due(), Some(at(2_707)), "a login that is told to wait moves nothing");
    assert_eq!(unknown_kid(&mut schedule, until), Asked::FetchNow);
}

#[test]
fn a_failed_forced_fetch_is_braked_too() {
    let mut schedule = fetched();
    assert_eq!(unknown_kid(&mut schedule, at(5)), Asked::FetchNow);
    schedule.started(at(5));
    schedule.failed(at(6), 0.0);
    assert_eq!(unknown_kid(&mut schedule, at(6)), Asked::NotBefore { until: at(35) });
    assert_eq!(schedule.due(), Some(at(7)));
}

#[test]
fn scheduled_and_first_fetches_leave_the_brake_alone() {
    let mut schedule = fetched();
    schedule.started(schedule.due().unwrap());
    schedule.succeeded(at(2_701), Duration::from_secs(3600), 0.0);
    assert_eq!(schedule.brake_until(), None);
}

/// Such a question once forced a fetch, and the brake then refused the next key.
#[test]
fn a_question_that_crosses_the_end_of_a_fetch_forces_none() {
    for failing in [false, true] {
        let mut schedule = Schedule::new(START);
        let seen = schedule.ended();
        schedule.started(START);
        if failing {
            schedule.failed(START, 0.0);
        } else {
            schedule.succeeded(START, Duration::from_secs(3600), 0.0);
        }
        let due = schedule.due();
        assert_eq!(schedule.asked(START, seen), Asked::LookAgain);
        assert_eq!(schedule.unknown_kid(START, seen), Asked::LookAgain);
        assert_eq!((schedule.due(), schedule.brake_until()), (due, None));
        assert_eq!(unknown_kid(&mut schedule, START), Asked::FetchNow);
    }
}

/// An earlier worker published the count, which begins anew with each.
#[test]
fn a_count_of_before_a_restart_is_no_answer() {
    let mut schedule = Schedule::new(START);
    schedule.started(START);
    assert_eq!(schedule.asked(START, 7), Asked::Joined);
}

/// The fetch in flight can have read the set before the key was published.
#[test]
fn a_login_that_joined_a_scheduled_fetch_in_vain_gets_its_own() {
    let mut schedule = fetched();
    schedule.started(at(2_700));
    assert_eq!(unknown_kid(&mut schedule, at(2_701)), Asked::Joined);
    schedule.succeeded(at(2_702), Duration::from_secs(3600), 0.0);
    assert_eq!(unknown_kid(&mut schedule, at(2_702)), Asked::FetchNow);
    schedule.started(at(2_702));
    assert_eq!(schedule.brake_until(), Some(at(2_732)));
}

#[test]
fn an_unknown_kid_does_not_wait_for_the_back_off() {
    let mut schedule = fetched();
    schedule.started(at(2_700));
    schedule.failed(at(2_700), 0.0);
    assert_eq!(unknown_kid(&mut schedule, at(2_700)), Asked::FetchNow);
    assert_eq!(schedule.due(), Some(at(2_700)));
}

#[test]
fn without_any_keys_the_back_off_runs_its_course() {
    let mut schedule = Schedule::new(START);
    assert_eq!(asked(&mut schedule, START), Asked::Joined);
    schedule.started(START);
    assert_eq!(asked(&mut schedule, START), Asked::Joined);
    schedule.failed(START, 0.0);
    assert_eq!(asked(&mut schedule, START), Asked::NotBefore { until: at(1) });
    assert_eq!(asked(&mut schedule, at(1)), Asked::Joined);
    assert_eq!(schedule.due(), Some(at(1)));
}

/// An issuer whose set is empty is not asked once for each login.
#[test]
fn without_any_keys_after_a_success_the_brake_decides() {
    let mut schedule = fetched();
    assert_eq!(asked(&mut schedule, at(5)), Asked::FetchNow);
    schedule.started(at(5));
    schedule.succeeded(at(5), Duration::from_secs(3600), 0.0);
    assert_eq!(asked(&mut schedule, at(6)), Asked::NotBefore { until: at(35) });
}

#[test]
fn an_administrator_waits_for_nothing() {
    let mut schedule = fetched();
    assert_eq!(unknown_kid(&mut schedule, at(5)), Asked::FetchNow);
    schedule.started(at(5));
    schedule.failed(at(5), 0.0);
    assert_eq!(schedule.refresh(at(5)), Refresh::FetchNow);
    assert_eq!(schedule.due(), Some(at(5)));
    schedule.started(at(5));
    assert_eq!(schedule.brake_until(), Some(at(35)), "neither armed nor released");
}

#[test]
fn an_administrator_gets_a_fetch_that_began_after_the_question() {
    for failing in [false, true] {
        let mut schedule = fetched();
        schedule.started(at(5));
        assert_eq!(schedule.refresh(at(6)), Refresh::AfterThis);
        if failing {
            schedule.failed(at(9), 0.0);
        } else {
            schedule.succeeded(at(9), Duration::from_secs(3600), 0.0);
        }
        assert_eq!(schedule.due(), Some(at(9)));
        schedule.started(at(9));
        schedule.succeeded(at(9), Duration::from_secs(3600), 0.0);
        assert_eq!(schedule.due(), Some(at(2_709)), "once is enough");
    }
}

/// An overdue fetch stays as overdue as it is, or the shell could starve it.
#[test]
fn an_administrator_never_puts_a_fetch_off() {
    let mut schedule = Schedule::new(START);
    assert_eq!(schedule.refresh(at(9)), Refresh::FetchNow);
    assert_eq!(schedule.due(), Some(START));
}

#[test]
fn far_ends_of_time() {
    let mut schedule = Schedule::new(Tick(u64::MAX - 1));
    schedule.started(Tick(u64::MAX - 1));
    schedule.succeeded(Tick(u64::MAX - 1), Duration::MAX, 1.0);
    assert_eq!(schedule.due(), Some(Tick(u64::MAX)));
    assert_eq!(Tick(7).until(Tick(1_007)), Duration::from_secs(1));
    assert_eq!(Tick(7).until(Tick(0)), Duration::ZERO);
}
