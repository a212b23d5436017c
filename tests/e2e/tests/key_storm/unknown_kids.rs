//! 500 logins with 500 unknown `kid`s at once: the issuer sees one fetch, nobody waits longer
//! than `client_timeout`, all are refused as `unknown_key`. What ordinary logins among them take
//! is printed as a ratio to the same among 500 refusals of another kind, and so is what one takes
//! while the last of them wait for the fetch.

use std::sync::mpsc::TryRecvError;
use std::thread;
use std::time::{Duration, Instant};

use jwt_sso_e2e::faulty_issuer::Answer;
use jwt_sso_e2e::{Client, End, refused};

use crate::scene::{CLIENT_TIMEOUT, Ended, Scene, send_all};

const LOGINS: usize = 500;

/// One in so many of a burst is an ordinary login.
const EVERY: usize = 11;

/// What one ordinary login takes.
fn ordinary(scene: &Scene) -> Duration {
    let token = scene.token();
    let start = Instant::now();
    Client::new(&scene.cluster, "alice").login(&token).session().close();
    start.elapsed()
}

/// What came of a burst of logins.
struct Burst {
    /// Refused, in the order in which they ended.
    refused: Vec<Ended>,
    /// How long the ordinary ones among them took, from the token on.
    ordinary: Vec<Duration>,
    /// Whole ordinary logins while the last of the others waited.
    after: Vec<Duration>,
}

/// Sends [`LOGINS`] tokens at once, and some ordinary ones in the middle of them.
fn burst(scene: &Scene, token: impl Fn(usize) -> String) -> Burst {
    let mixed =
        |n: usize| if n.is_multiple_of(EVERY) { scene.token() } else { token(n - n / EVERY) };
    let logins = send_all(scene.prompted(LOGINS + LOGINS / (EVERY - 1)), mixed);
    let mut burst = Burst { refused: Vec::new(), ordinary: Vec::new(), after: Vec::new() };
    loop {
        match logins.try_recv() {
            Ok((login, time)) if matches!(login.end, End::Accepted(_)) => burst.ordinary.push(time),
            Ok(ended) => burst.refused.push(ended),
            Err(TryRecvError::Empty) if burst.refused.len() < LOGINS - 10 => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(TryRecvError::Empty) => burst.after.push(ordinary(scene)),
            Err(TryRecvError::Disconnected) => return burst,
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[test]
fn one_fetch_for_all() {
    let scene = Scene::with_keys();
    let fetches = || scene.server.count("/jwks");
    assert_eq!(fetches(), 1);
    let token = scene.issuer.token("alice");
    let quiet = median((0..40).map(|_| ordinary(&scene)).collect());
    let audience = |n: usize| token.clone().claim("aud", format!("other{n}")).sign();
    let unknown = |n: usize| token.clone().header("kid", format!("unknown{n}")).sign();

    let others: Vec<Duration> = (0..3).flat_map(|_| burst(&scene, audience).ordinary).collect();
    assert_eq!(fetches(), 1);

    // The fetch takes two seconds, so that logins meet it in flight.
    let body = scene.issuer.jwks().into_bytes();
    let pause = Duration::from_secs(2) / body.len() as u32;
    scene.server.answer("/jwks", Answer::Drip(body, pause));
    let storm = burst(&scene, unknown);
    assert_eq!(fetches(), 2, "one forced fetch");
    let ended = &storm.refused;
    assert_eq!(ended.len(), LOGINS);
    let mut waited: Vec<Duration> = ended.iter().map(|(_, time)| *time).collect();
    waited.sort();
    let longest = waited[LOGINS - 1];
    eprintln!(
        "{LOGINS} unknown kids: median {:?}, longest but ten {:?}, longest {longest:?}",
        waited[LOGINS / 2],
        waited[LOGINS - 11],
    );
    // Generous, since the machine may be busy; what hangs would take for ever.
    assert!(longest < CLIENT_TIMEOUT * 4, "{longest:?}");
    for (login, _) in ended.iter().take(3).chain(ended.iter().rev().take(3)) {
        refused(&scene.cluster, "alice", login, "unknown_key");
    }
    let log = scene.cluster.whole_log();
    assert_eq!(log.matches("refused reason=unknown_key ").count(), LOGINS);
    assert_eq!(log.matches("refused reason=keys_unavailable ").count(), 0);

    // The brake is on: nobody waits, nothing is fetched. A known kid is not held up by it.
    let start = Instant::now();
    for n in 0..10 {
        let login = Client::new(&scene.cluster, "alice").login(&unknown(n));
        refused(&scene.cluster, "alice", &login, "unknown_key");
    }
    eprintln!("ten more under the brake took {:?}", start.elapsed());
    assert_eq!(fetches(), 2);

    let again = median((0..40).map(|_| ordinary(&scene)).collect());
    let mut ordinary = storm.ordinary;
    ordinary.extend((0..2).flat_map(|_| burst(&scene, unknown).ordinary));
    let (others, ordinary, after) = (median(others), median(ordinary), median(storm.after));
    let ratio = |time: Duration, to: Duration| time.as_secs_f64() / to.as_secs_f64();
    eprintln!(
        "an ordinary login among {LOGINS} unknown kids {ordinary:?}, among {LOGINS} refusals of \
         another kind {others:?}: ratio {:.2}",
        ratio(ordinary, others)
    );
    eprintln!(
        "an ordinary login while the last unknown kids wait for the fetch {after:?}; alone before \
         {quiet:?}, and after {again:?}: ratio {:.2}",
        ratio(after, (quiet + again) / 2)
    );
}
