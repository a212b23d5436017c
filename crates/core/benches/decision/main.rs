//! What a decision costs, and how that grows. `make bench` reads the results.
//!
//! - `budgets`: the pairs of which the budgets are ratios, by turns in many short rounds, so
//!   that a machine which slows down meanwhile slows all of them
//! - `issuers`, `keys`, `literal_lines`, `regex_lines`, `regexes_of_one_issuer`, `token_bytes`:
//!   one size grows, everything else is one
//!
//! Everything is measured in processor time of this thread, so that other programs on the
//! machine take no part. `JWT_SSO_BENCH_QUICK=1` only shows that all of it runs.

mod cpu_time;
#[path = "../../tests/decision/minting.rs"]
#[allow(dead_code, unreachable_pub, missing_docs)]
mod minting;
mod scene;

use cpu_time::CpuTime;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use scene::{Scene, Sizes};
use std::hint::black_box;
use std::time::Duration;

/// A usual token: an RS256 signature and a dozen claims.
const TOKEN_BYTES: usize = 1_500;
/// The limits that the settings have, or what the budget names.
const MANY: Sizes = Sizes {
    issuers: 1_000,
    keys: 1_000,
    literal_lines: 100_000,
    regex_lines: 1_000,
    regexes_of_one_issuer: false,
    token_bytes: TOKEN_BYTES,
};
const ONE: Sizes = Sizes {
    issuers: 1,
    keys: 1,
    literal_lines: 1,
    regex_lines: 1,
    regexes_of_one_issuer: false,
    token_bytes: TOKEN_BYTES,
};

fn main() {
    let quick = std::env::var_os("JWT_SSO_BENCH_QUICK").is_some_and(|value| value == "1");
    let (rounds, seconds) = if quick { (3, 0.05) } else { (9, 0.5) };
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(if quick { 10 } else { 40 })
        .warm_up_time(Duration::from_secs_f64(seconds / 3.0))
        .measurement_time(Duration::from_secs_f64(seconds))
        .without_plots()
        .configure_from_args();
    budgets(&mut criterion, rounds);
    growth(&mut criterion);
    criterion.final_summary();
}

fn budgets(criterion: &mut Criterion<CpuTime>, rounds: usize) {
    let (one, many) = (Scene::new(ONE), Scene::new(MANY));
    let mut group = criterion.benchmark_group("budgets");
    for round in 1..=rounds {
        let mut measure = |what: &str, run: &dyn Fn() -> bool| {
            group.bench_function(BenchmarkId::new(what, round), |b| b.iter(|| assert!(run())));
        };
        measure("bare_verify", &|| one.bare_verify());
        measure("bare_verify_parsed_key", &|| one.bare_verify_parsed_key());
        measure("decision", &|| one.decide());
        measure("decision_many", &|| many.decide());
    }
    group.finish();
}

fn growth(criterion: &mut Criterion<CpuTime>) {
    let powers = |most: usize| (0..).map(|n| 10_usize.pow(n)).take_while(move |n| *n <= most);
    series(criterion, "issuers", powers(1_000), |issuers| Sizes { issuers, ..ONE });
    series(criterion, "keys", powers(1_000), |keys| Sizes { keys, ..ONE });
    series(criterion, "literal_lines", powers(100_000), |literal_lines| Sizes {
        literal_lines,
        ..ONE
    });
    series(criterion, "regex_lines", powers(1_000), |regex_lines| Sizes { regex_lines, ..ONE });
    series(criterion, "regexes_of_one_issuer", powers(1_000), |regex_lines| Sizes {
        regex_lines,
        regexes_of_one_issuer: true,
        ..ONE
    });
    let lengths = [500, 1_500, 8_000, 60_000].into_iter();
    series(criterion, "token_bytes", lengths, |token_bytes| Sizes { token_bytes, ..ONE });
    image(criterion);
}

fn series(
    criterion: &mut Criterion<CpuTime>,
    name: &str,
    values: impl Iterator<Item = usize>,
    sizes: impl Fn(usize) -> Sizes,
) {
    let mut group = criterion.benchmark_group(name);
    for value in values {
        let scene = Scene::new(sizes(value));
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::from_parameter(value), |b| {
            b.iter(|| assert!(scene.decide()));
        });
    }
    group.finish();
}

/// The look-up of a key in the image of shared memory by itself, a part of every decision above.
fn image(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("image_lookup");
    for (name, sizes) in [("one", ONE), ("many", MANY)] {
        let scene = Scene::new(Sizes { literal_lines: 1, regex_lines: 1, ..sizes });
        group.bench_function(name, |b| {
            b.iter_batched(|| (), |()| black_box(scene.look_up()), BatchSize::SmallInput);
        });
    }
    group.finish();
}
