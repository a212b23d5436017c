//! Whole logins: by each door, by `trust`, by SCRAM.

use jwt_sso_e2e::installation::Installation;

use crate::Effort;
use crate::logins::{by_bearer, by_password, by_pgbench, by_wire};
use crate::servers::{self, NO_DOOR, ONE, PASSWORD, Provider};
use crate::table::{Budget, Table};
use crate::turns::{Kind, Results, take};

/// The kinds of logins that carry a token. Of the others no request could come anyway.
const WITH_TOKEN: [&str; 4] = ["hook", "pam", "hook, own client", "oauth"];

/// Measures, and adds the rows.
pub fn measure(effort: Effort, table: &mut Table) {
    println!("== whole logins, {} rounds of {} of each kind", effort.rounds, effort.logins);
    let provider = Provider::new();
    let (plain, library) = (servers::plain(), servers::with_library(&provider, ONE));
    let token = |role| provider.token(role);
    let (hooks, pluga, oauth) = (token("hooks"), token("pluga"), token("oauth"));
    let asked = provider.server.requests().len();

    let count = effort.logins;
    let pgbench = |cluster, role, password| {
        Box::new(move || by_pgbench(cluster, role, password, count)) as Box<dyn Fn() -> _>
    };
    let mut kinds: Vec<Kind<'_>> = vec![
        ("trust", pgbench(&plain, "trust", "")),
        ("SCRAM", pgbench(&plain, "scram", PASSWORD)),
        ("password", pgbench(&plain, "clear", PASSWORD)),
        ("hook", pgbench(&library, "hooks", &hooks)),
        ("SCRAM beside us", pgbench(&library, "scram", PASSWORD)),
    ];
    let with_pam = Installation::get().with_pam;
    if with_pam {
        kinds.push(("pam", pgbench(&library, "pluga", &pluga)));
    }
    // libpq has no way to hand it a bearer token, so both sides are by the tests' own client.
    if servers::has_oauth() {
        let trust = || by_wire(&plain, count, || by_password(&plain, "trust", ""));
        let hook = || by_wire(&library, count, || by_password(&library, "hooks", &hooks));
        let bearer = || by_wire(&library, count, || by_bearer(&library, "oauth", &oauth));
        kinds.push(("trust, own client", Box::new(trust)));
        kinds.push(("hook, own client", Box::new(hook)));
        kinds.push(("oauth", Box::new(bearer)));
    }
    let with_token = kinds.iter().filter(|(kind, _)| WITH_TOKEN.contains(kind)).count();
    let logins = (effort.rounds + 1) * count * with_token;
    let results = take(&kinds, effort.rounds);

    table.section("Logins over TLS");
    rows(&results, table);
    let calls = provider.server.requests().len() - asked;
    let what = "requests to the provider in all of these logins";
    let words = format!("{calls} in {logins} logins with a token");
    table.value(what, calls as f64, &words, Budget::Exactly(0));
}

fn rows(results: &Results, table: &mut Table) {
    let mut row = |kind: &str, base: &str, what: &str, most: Option<f64>| {
        let budget = most.map_or(Budget::None, Budget::AtMost);
        if !results.has(kind) {
            return table.unmeasured(what, NO_DOOR, budget);
        }
        let spread = results.ratio(kind, base);
        let processor = results.processor_ratio(kind, base);
        let words = format!("{spread}; server's processor time {processor:.2}");
        table.value(what, spread.median, &words, budget);
    };
    row("hook", "trust", "hook door / `trust`", Some(1.10));
    row("pam", "trust", "pam door / `trust`", Some(1.6));
    row("oauth", "trust, own client", "oauth door / `trust`", Some(1.2));
    row("hook", "SCRAM", "hook door / SCRAM", Some(0.60));
    row("password", "trust", "PostgreSQL's own prompt, `password` with md5 / `trust`", None);
    row("hook", "password", "hook door / PostgreSQL's own prompt", None);
    row("SCRAM beside us", "SCRAM", "SCRAM with the library loaded / without", None);
    row(
        "hook, own client",
        "trust, own client",
        "hook door / `trust`, the oauth row's client",
        None,
    );
    for kind in ["trust", "hook", "pam", "SCRAM", "oauth"] {
        if results.has(kind) {
            table.note(&format!("{kind}, milliseconds"), &results.wall(kind).to_string());
        }
    }
}
