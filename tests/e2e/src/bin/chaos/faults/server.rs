//! What happens to the whole server.

use std::fs;

use crate::Result;
use crate::scene::{NotIn, Scene};

/// Settings that are refused, each for another cause, and what the log says of each: the message
/// and its DETAIL. The name alone would not do, since a good value's line has it, too.
const BAD: [(&str, &[&str]); 4] = [
    (
        "jwt_sso.clock_skew = 999999",
        &["999999 s is outside the valid range for parameter \"jwt_sso.clock_skew\""],
    ),
    (
        "jwt_sso.identity_map = 'one two'",
        &["invalid value for parameter \"jwt_sso.identity_map\"", "line 1: 2 fields, not three"],
    ),
    (
        "jwt_sso.algorithms = 'HS256'",
        &[
            "invalid value for parameter \"jwt_sso.algorithms\"",
            "element 1: unknown algorithm \"HS256\"",
        ],
    ),
    (
        "jwt_sso.algoritms = 'RS256'",
        &[
            "invalid configuration parameter name \"jwt_sso.algoritms\"",
            "\"jwt_sso\" is a reserved prefix",
        ],
    ),
];
/// Settings that change nothing for those who log in here.
const GOOD: [&str; 3] = [
    "jwt_sso.clock_skew = '5s'",
    "jwt_sso.algorithms = 'ES256,RS256'",
    "jwt_sso.max_token_lifetime = '30d'",
];

pub fn reloads(scene: &Scene) -> Result {
    // Each bad one is waited for once. The others come before the one before is over.
    let refused = one_by_one(scene);
    for number in 4..8 {
        for line in [GOOD[number % 3], BAD[number % 4].0] {
            write(scene, line);
            scene.cluster.sql("SELECT pg_reload_conf()");
        }
    }
    let file = scene.cluster.data_dir().join("chaos.conf");
    fs::remove_file(file).map_err(|error| error.to_string())?;
    scene.cluster.reload();
    refused
}

/// A good setting and a bad one by turns; each bad one is to be refused in its own reload.
fn one_by_one(scene: &Scene) -> Result {
    for (number, (bad, words)) in BAD.iter().enumerate() {
        write(scene, GOOD[number % 3]);
        scene.cluster.reload();
        let mark = scene.cluster.log_mark();
        write(scene, bad);
        scene.cluster.reload();
        let log = scene.cluster.log_since(mark);
        if let Some(missing) = words.iter().find(|words| !log.contains(**words)) {
            return Err(format!("no sign in the log that {bad} was refused: {missing}"));
        }
    }
    Ok(())
}

fn write(scene: &Scene, line: &str) {
    scene.cluster.write_file("chaos.conf", line.as_bytes());
}

pub fn immediate_restart(scene: &Scene) -> Result {
    scene.idp.down();
    scene.cluster.sql("CHECKPOINT");
    scene.cluster.restart_immediately();
    Ok(())
}

/// Tokens are good and bad by the server's clock, wherever it jumps; keys stay, also while the
/// provider is down.
pub fn clock_jumps(scene: &Scene) -> Result {
    scene.idp.down();
    for offset in [7200, 0, -7200, 3600, 0] {
        scene.set_clock(offset)?;
        scene.within("the jump", || scene.clock_is_wrong_by(offset))?;
        let enter = |by: i64| scene.enter(&scene.idp.narrow(by));
        enter(offset).map_err(|end| format!("by a clock {offset} s off: {end:?}"))?;
        for other in [offset - 7200, offset + 7200] {
            match enter(other) {
                Err(NotIn::Refused(_)) => {}
                Err(NotIn::Interrupted(words)) => return Err(words),
                Ok(_) => return Err(format!("a token of {other} s got in at {offset} s")),
            }
        }
    }
    Ok(())
}

pub fn promotion(scene: &Scene) -> Result {
    scene.idp.down();
    if scene.cluster.sql("SELECT pg_is_in_recovery()") != "t" {
        return Err("this is no standby".to_owned());
    }
    if scene.cluster.sql("SELECT pg_promote()") != "t" {
        return Err("it was not promoted".to_owned());
    }
    scene.within("the promotion", || scene.cluster.sql("SELECT pg_is_in_recovery()") == "f")
}
