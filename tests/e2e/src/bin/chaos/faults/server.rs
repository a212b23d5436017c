//! What happens to the whole server.

use std::fs;

use crate::Result;
use crate::scene::{NotIn, Scene};

/// Settings that are refused, each for another cause.
const BAD: [&str; 4] = [
    "jwt_sso.clock_skew = 999999",
    "jwt_sso.identity_map = 'one two'",
    "jwt_sso.algorithms = 'HS256'",
    "jwt_sso.algoritms = 'RS256'",
];
/// Settings that change nothing for those who log in here.
const GOOD: [&str; 3] = [
    "jwt_sso.clock_skew = '5s'",
    "jwt_sso.algorithms = 'ES256,RS256'",
    "jwt_sso.max_token_lifetime = '30d'",
];

pub fn reloads(scene: &Scene) -> Result {
    let mark = scene.cluster.log_mark();
    for number in 0..16 {
        let line = if number % 2 == 0 { GOOD[number / 2 % 3] } else { BAD[number / 2 % 4] };
        scene.cluster.write_file("chaos.conf", line.as_bytes());
        // Each bad one is waited for once. The others come before the one before is over.
        if number < 8 { scene.cluster.reload() } else { drop(reload(scene)) }
    }
    let file = scene.cluster.data_dir().join("chaos.conf");
    fs::remove_file(file).map_err(|error| error.to_string())?;
    scene.cluster.reload();
    let log = scene.cluster.log_since(mark);
    if !log.contains("jwt_sso.clock_skew") || !log.contains("jwt_sso.algoritms") {
        return Err("the bad settings were not even read".to_owned());
    }
    Ok(())
}

fn reload(scene: &Scene) -> String {
    scene.cluster.sql("SELECT pg_reload_conf()")
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
