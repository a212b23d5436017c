//! Many logins at once whose `kid` nobody knows.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use jwt_sso_e2e::faulty_issuer::Answer;
use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::token::{now, tampered};
use jwt_sso_e2e::wire::{End, Wire};
use jwt_sso_e2e::{Client, Cluster};

use crate::servers::{self, ONE, Provider};
use crate::table::{Budget, Table};
use crate::turns::Spread;

/// Below the server's `max_connections`.
const LOGINS: usize = 80;
/// Of ten logins in a burst one is an ordinary one.
const EVERY: usize = 10;
/// How long the provider takes to answer during the storm.
const ANSWER: Duration = Duration::from_secs(1);

/// Seconds from the token on, of those who were refused and of those who were let in.
struct Burst {
    refused: Vec<f64>,
    let_in: Vec<f64>,
}

/// Measures, and adds the rows.
pub fn measure(table: &mut Table) {
    println!("== key storm");
    let provider = Provider::new();
    let cluster = servers::with_library(&provider, ONE);
    let token = provider.issuer.token("hooks@example.com").claim("exp", now() + 36_000);
    let good = token.sign();
    let forged = burst(&cluster, &good, |_| tampered(&good));

    let body = provider.issuer.jwks().into_bytes();
    let pause = ANSWER / body.len() as u32;
    provider.server.answer("/keys", Answer::Drip(body, pause));
    let asked = provider.server.count("/keys");
    let unknown = |n: usize| token.clone().header("kid", format!("unknown{n}")).sign();
    let storm = burst(&cluster, &good, unknown);
    let fetches = provider.server.count("/keys") - asked;

    table.section(&format!(
        "{LOGINS} logins at once, nine of ten with an unknown `kid`, at a provider that takes {} s",
        ANSWER.as_secs()
    ));
    table.value("fetches", fetches as f64, &fetches.to_string(), Budget::Exactly(1));
    let median = |times: &[f64]| Spread::of(times.iter().copied()).median;
    let longest = storm.refused.iter().copied().fold(0.0, f64::max);
    let waited = storm.refused.iter().filter(|time| **time > ANSWER.as_secs_f64() / 2.0).count();
    table.note(
        "unknown `kid`: refused after",
        &format!(
            "{:.0} ms in the median; {waited} waited for the fetch, the longest {longest:.2} s",
            median(&storm.refused) * 1e3
        ),
    );
    let ratio = median(&storm.let_in) / median(&forged.let_in);
    table.note(
        "ordinary logins among them / among as many bad signatures",
        &format!("{ratio:.2} ({:.0} ms in the median)", median(&storm.let_in) * 1e3),
    );
}

/// Opens all connections, and then sends all tokens at once.
fn burst(cluster: &Cluster, good: &str, other: impl Fn(usize) -> String) -> Burst {
    let token = |n: usize| if n.is_multiple_of(EVERY) { good.to_owned() } else { other(n) };
    let client = Client::new(cluster, "hooks");
    let prompted = |n| {
        let mut wire = client.open();
        wire.prompt();
        (wire, token(n))
    };
    let wires: Vec<(Wire, String)> = (0..LOGINS).map(prompted).collect();
    let (sender, ends) = channel();
    for (mut wire, token) in wires {
        let sender = sender.clone();
        thread::spawn(move || {
            let start = Instant::now();
            wire.send(&frame(b'p', format!("{token}\0").as_bytes())).expect("it stands");
            let end = wire.finish(b"").end;
            sender.send((matches!(end, End::Accepted(_)), start.elapsed().as_secs_f64())).ok();
        });
    }
    drop(sender);
    let (accepted, refused): (Vec<_>, Vec<_>) = ends.iter().partition(|(accepted, _)| *accepted);
    assert_eq!((accepted.len(), refused.len()), (LOGINS / EVERY, LOGINS - LOGINS / EVERY));
    let times = |ends: Vec<(bool, f64)>| ends.into_iter().map(|(_, time)| time).collect();
    Burst { refused: times(refused), let_in: times(accepted) }
}
