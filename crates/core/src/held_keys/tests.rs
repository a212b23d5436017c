use super::*;
use crate::algorithm::Algorithm;
use crate::jwk::Material;

const LIFETIME: Duration = Duration::from_secs(600);
const MAX_STALE: Duration = Duration::from_secs(86_400);

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(1_000_000 + seconds).unwrap()
}

/// A key whose numbers are `byte`, whatever its name.
fn key(kid: &str, byte: u8) -> SeenKey {
    let material = Material::Ed25519 { x: vec![byte; 32] };
    let public = PublicKey { kid: Some(kid.to_owned()), algorithm: None, material };
    SeenKey {
        kid: Some(kid.to_owned()),
        kty: Some("OKP".to_owned()),
        alg: None,
        use_: None,
        bits: Some(256),
        public: Ok(public),
    }
}

fn with_alg(mut key: SeenKey) -> SeenKey {
    key.alg = Some("EdDSA".to_owned());
    key.public.as_mut().unwrap().algorithm = Some(Algorithm::EdDsa);
    key
}

fn bad(kid: &str) -> SeenKey {
    SeenKey { public: Err("its numbers are wrong".to_owned()), ..key(kid, 0) }
}

/// What is held after these sets were fetched at these times.
fn fetched(sets: &[(u64, &[SeenKey])]) -> HeldKeys {
    let mut held = HeldKeys::default();
    for (seconds, set) in sets {
        held.merge(set.to_vec(), at(*seconds), LIFETIME, MAX_STALE);
    }
    held
}

/// The usable keys, by name and number.
fn usable(held: &HeldKeys, seconds: u64) -> Vec<(String, u8)> {
    let name = |key: &PublicKey| match &key.material {
        Material::Ed25519 { x } => (key.kid.clone().unwrap(), x[0]),
        _ => panic!("{key:?}"),
    };
    held.usable(at(seconds), MAX_STALE).into_iter().map(|(key, _)| name(key)).collect()
}

fn names(keys: &[(&str, u8)]) -> Vec<(String, u8)> {
    keys.iter().map(|(kid, byte)| ((*kid).to_owned(), *byte)).collect()
}

#[test]
fn nothing_is_held_before_the_first_fetch() {
    let held = HeldKeys::default();
    assert_eq!(held.state(at(0), MAX_STALE), State::Never);
    assert!(held.usable(at(0), MAX_STALE).is_empty());
    assert_eq!((held.fresh_until(), held.serves_until(MAX_STALE)), (None, None));
}

#[test]
fn fresh_then_stale_then_expired() {
    let held = fetched(&[(0, &[key("a", 1)])]);
    let ends =
        [(0, "fresh"), (600, "fresh"), (601, "stale"), (86_400, "stale"), (86_401, "expired")];
    for (seconds, state) in ends {
        assert_eq!(held.state(at(seconds), MAX_STALE).name(), state, "{seconds}");
        assert_eq!(usable(&held, seconds).is_empty(), state == "expired", "{seconds}");
    }
    assert_eq!(held.usable(at(0), MAX_STALE)[0].1, at(86_401));
}

#[test]
fn without_a_stale_window_a_set_serves_for_its_lifetime() {
    let held = fetched(&[(0, &[key("a", 1)])]);
    assert_eq!(held.state(at(600), Duration::ZERO), State::Fresh);
    assert_eq!(held.usable(at(600), Duration::ZERO).len(), 1);
    assert_eq!(held.state(at(601), Duration::ZERO), State::Expired);
    assert!(held.usable(at(601), Duration::ZERO).is_empty());
}

#[test]
fn a_vanished_key_verifies_for_ten_minutes() {
    let mut held = fetched(&[(0, &[key("a", 1), key("b", 2)]), (500, &[key("b", 2)])]);
    assert_eq!(usable(&held, 500), names(&[("b", 2), ("a", 1)]));
    assert_eq!((held.keys[1].last_seen, held.keys[1].vanished), (at(0), Some(at(500))));
    assert_eq!(held.until(&held.keys[1], MAX_STALE), Some(at(1_100)));
    assert_eq!(usable(&held, 1_099).len(), 2);
    assert_eq!(usable(&held, 1_100), names(&[("b", 2)]));
    assert!(!held.drop_outlived(at(1_099)));
    assert!(held.drop_outlived(at(1_100)));
    assert_eq!(held.keys.len(), 1);
}

/// The grace counts from the first set that lacks it, not from each.
#[test]
fn more_sets_without_it_do_not_prolong_the_grace() {
    let sets: Vec<(u64, &[SeenKey])> = vec![(300, &[]), (600, &[]), (899, &[])];
    let a = [key("a", 1)];
    let held = fetched(&[&[(0, &a[..])], &sets[..]].concat());
    assert_eq!(usable(&held, 899), names(&[("a", 1)]));
    assert!(usable(&held, 900).is_empty());
}

/// The set before can be an hour old when another front end answers.
#[test]
fn the_grace_does_not_depend_on_the_lifetime() {
    let held = fetched(&[(0, &[key("a", 1), key("b", 2)]), (3_000, &[key("b", 2)])]);
    assert_eq!(usable(&held, 3_599).len(), 2);
    assert_eq!(usable(&held, 3_600), names(&[("b", 2)]));
}

#[test]
fn a_key_that_comes_back_in_time_was_never_away() {
    let (a, b) = ([key("a", 1)], [key("b", 2)]);
    let held = fetched(&[(0, &a), (300, &b), (600, &a), (800, &b), (1_399, &a)]);
    assert_eq!(usable(&held, 1_399), names(&[("a", 1), ("b", 2)]));
    assert_eq!(held.keys.iter().map(|key| key.first_seen).collect::<Vec<_>>(), [at(0), at(300)]);
}

/// quack-oauth #15: a kid whose numbers change.
#[test]
fn one_kid_with_other_numbers_is_another_key() {
    let held = fetched(&[(0, &[key("a", 1)]), (10, &[key("a", 2)])]);
    assert_eq!(usable(&held, 609), names(&[("a", 2), ("a", 1)]));
    assert_eq!(usable(&held, 610), names(&[("a", 2)]));
    let both = fetched(&[(0, &[key("a", 1), key("a", 2)])]);
    assert_eq!(usable(&both, 0).len(), 2, "also within one set");
}

/// Or the key without `alg` would go on to verify what its issuer has just
/// said it is not for.
#[test]
fn other_words_about_the_same_key_count_at_once() {
    let held = fetched(&[(0, &[key("a", 1)]), (10, &[with_alg(key("a", 1))])]);
    assert_eq!(held.keys.len(), 1);
    assert_eq!(held.keys[0].key.alg.as_deref(), Some("EdDSA"));
}

#[test]
fn a_key_published_twice_is_held_once() {
    assert_eq!(fetched(&[(0, &[key("a", 1), key("a", 1)])]).keys.len(), 1);
}

/// An outage of days, then other keys: the old ones were refused already.
#[test]
fn expired_keys_get_no_grace() {
    let a = [key("a", 1)];
    let late = 86_400;
    let held = fetched(&[(0, &a), (late, &[key("b", 2)])]);
    assert_eq!(usable(&held, late).len(), 2, "still stale");
    let held = fetched(&[(0, &a), (late + 1, &[key("b", 2)])]);
    assert_eq!(usable(&held, late + 1), names(&[("b", 2)]));
}

#[test]
fn the_end_of_the_set_is_the_end_of_a_grace() {
    let mut held = HeldKeys::default();
    held.merge(vec![key("a", 1)], at(0), Duration::from_secs(60), Duration::ZERO);
    held.merge(vec![], at(50), Duration::from_secs(60), Duration::ZERO);
    assert_eq!(held.usable(at(110), Duration::ZERO)[0].1, at(111));
    assert!(held.usable(at(111), Duration::ZERO).is_empty());
}

#[test]
fn what_never_verified_is_shown_and_leaves_no_trace() {
    let mut held = fetched(&[(0, &[bad("x"), key("a", 1)])]);
    assert_eq!((held.keys.len(), usable(&held, 0)), (2, names(&[("a", 1)])));
    assert_eq!(held.until(&held.keys[0], MAX_STALE), None);
    held.merge(vec![key("a", 1)], at(1), LIFETIME, MAX_STALE);
    assert_eq!(held.keys.len(), 1);
}

#[test]
fn an_empty_set_is_a_set() {
    let held = fetched(&[(0, &[])]);
    assert_eq!(held.state(at(0), MAX_STALE), State::Fresh);
    assert!(held.usable(at(0), MAX_STALE).is_empty());
}

#[test]
fn an_administrator_drops_what_vanished() {
    let mut held = fetched(&[(0, &[key("a", 1)]), (1, &[key("b", 2)])]);
    held.drop_vanished();
    assert_eq!(usable(&held, 1), names(&[("b", 2)]));
}

#[test]
fn a_clock_set_back_prolongs_no_grace() {
    let b = [key("b", 2)];
    let mut held = fetched(&[(5_000, &[key("a", 1)]), (5_001, &b)]);
    held.merge(b.to_vec(), at(0), LIFETIME, MAX_STALE);
    assert_eq!(usable(&held, 599), names(&[("b", 2), ("a", 1)]));
    assert_eq!(usable(&held, 600), names(&[("b", 2)]));
    assert_eq!(held.keys[0].first_seen, at(0));
}

/// An issuer that invents keys at each fetch does not fill the memory.
#[test]
fn vanished_keys_are_bounded_and_the_latest_stay() {
    let mut held = HeldKeys::default();
    for fetch in 0..5 {
        let set = (0..400).map(|i| key(&format!("{fetch}-{i}"), 1)).collect();
        held.merge(set, at(fetch), LIFETIME, MAX_STALE);
    }
    assert_eq!(held.keys.len(), 400 + MAX_KEYS);
    assert_eq!(held.keys.iter().filter(|held| held.first_seen == at(3)).count(), 400);
    assert_eq!(held.keys.iter().filter(|held| held.first_seen == at(0)).count(), 0);
}
