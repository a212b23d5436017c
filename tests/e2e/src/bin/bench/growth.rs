//! Whole logins on servers with more issuers and more lines of the map.

use jwt_sso_e2e::Cluster;

use crate::Effort;
use crate::logins::by_pgbench;
use crate::servers::{self, ONE, Provider, Sizes};
use crate::table::{Budget, Table};
use crate::turns::{Kind, take};

/// What grows, beside the server with one of each.
const GROWN: [(&str, Sizes); 5] = [
    ("100 issuers", Sizes { issuers: 100, ..ONE }),
    ("1,000 issuers", Sizes { issuers: 1_000, ..ONE }),
    ("1,000 map lines", Sizes { lines: 1_000, ..ONE }),
    ("100,000 map lines", Sizes { lines: 100_000, ..ONE }),
    ("1,000 issuers and 100,000 map lines", Sizes { issuers: 1_000, lines: 100_000 }),
];

/// Measures, and adds the rows.
pub fn measure(effort: Effort, table: &mut Table) {
    println!("== growth, {} rounds of {} on each server", effort.rounds, effort.logins);
    let provider = Provider::new();
    let token = provider.token("hooks");
    let sizes = std::iter::once(("one", ONE)).chain(GROWN);
    let clusters: Vec<(&str, Cluster)> =
        sizes.map(|(name, sizes)| (name, servers::with_library(&provider, sizes))).collect();
    let kinds: Vec<Kind<'_>> = clusters
        .iter()
        .map(|(name, cluster)| {
            let (token, count) = (&token, effort.logins);
            let measure = move || by_pgbench(cluster, "hooks", token, count);
            (*name, Box::new(measure) as Box<dyn Fn() -> _>)
        })
        .collect();
    let results = take(&kinds, effort.rounds);
    table.section(
        "Logins by the hook door over TLS, against a server with one issuer and one map line",
    );
    for (name, _) in GROWN {
        let spread = results.ratio(name, "one");
        let processor = results.processor_ratio(name, "one");
        let words = format!("{spread}; server's processor time {processor:.2}");
        table.value(name, spread.median, &words, Budget::None);
    }
}
