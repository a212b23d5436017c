//! The bound on a compiled regex held for the first of several automata only.

use jwt_sso_e2e::{Client, Cluster, Issuer};
use serde_json::json;

use super::{memory, wide_regexes};

/// Of the postmaster, for 2,000 regexes: above all that was seen, and below a third of the
/// 1.5 GB that they took before.
const MOST_GROWTH: u64 = 400 * 1024;

#[test]
fn a_regex_takes_no_more_than_its_bound() {
    let cluster = Cluster::builder().start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.write_file("map", wide_regexes().as_bytes());
    let postmaster = cluster.postmaster_pid();
    let before = memory(postmaster, "VmRSS");
    let line = "jwt_sso.identity_map_file = 'map'";
    cluster.append_conf(line);
    cluster.reload();
    let growth = memory(postmaster, "VmRSS") - before;
    println!("2,000 regexes took {growth} kB");
    assert!(growth < MOST_GROWTH, "the postmaster has taken {growth} kB");
    // It is no small thing because it was refused.
    let token = Issuer::example().token("alice@ex1999.com").sign();
    Client::new(&cluster, "alice").login(&token).session();
}

#[test]
fn a_long_pattern_is_refused_before_it_is_compiled() {
    let cluster = Cluster::builder().start();
    let pattern = |length| format!("i /{} b", "a".repeat(length));
    let map = |length| json!(["# a comment", "i a b", pattern(length)]).to_string();
    cluster.try_alter_system("jwt_sso.identity_map", &map(1000)).unwrap();
    let error = cluster.try_alter_system("jwt_sso.identity_map", &map(4097)).unwrap_err();
    let detail = error.split_once("DETAIL:").expect("a DETAIL").1;
    assert!(detail.contains("line 3") && detail.contains("4096 bytes"), "{error:.1000}");

    cluster.write_file("map", format!("i a b\n{}\n", pattern(4097)).as_bytes());
    let error = cluster.try_alter_system("jwt_sso.identity_map_file", "map").unwrap_err();
    assert!(error.contains("line 2") && error.contains("4096 bytes"), "{error:.1000}");
}
