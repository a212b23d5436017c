//! What providers and their keys may do.

use std::thread::sleep;
use std::time::Duration;

use jwt_sso_e2e::End;

use super::processes::{PLACES, waiting};
use crate::Result;
use crate::scene::{NotIn, Scene};

/// More than can wait at once.
const MANY: usize = PLACES + 8;

pub fn away_and_back(scene: &Scene) -> Result {
    scene.idp.down();
    let key = scene.idp.rotate();
    let new = scene.idp.good_by(key.clone());
    sleep(Duration::from_secs(1));
    // Nobody can know the new key, and nobody is let in by a guess.
    if scene.enter(&new).is_ok() {
        return Err("a token of a key that cannot be known got in".to_owned());
    }
    scene.idp.up();
    // The back-off may have grown, and an unknown `kid` forces one fetch in 30 s.
    scene.within_time(Duration::from_secs(90), "the new key", || scene.enter(&new).is_ok())?;
    scene.idp.sign_with(key);
    scene.settled()
}

pub fn places_taken(scene: &Scene) -> Result {
    let mark = scene.cluster.log_mark();
    let refused =
        || scene.cluster.log_since(mark).matches("refused reason=keys_unavailable").count();
    waiting(scene, MANY, |wires| {
        scene.within("those without a place", || refused() >= MANY - PLACES)?;
        if refused() != MANY - PLACES {
            return Err(format!("{} of {MANY} did not wait", refused()));
        }
        // Somebody whose keys are there does not wait.
        scene.enter(&scene.idp.good()).map_err(|end| format!("meanwhile: {end:?}"))?;
        for wire in wires {
            match wire.finish(b"").end {
                End::Refused(error) if error.code == "28000" => {}
                End::Refused(error) => return Err(format!("{} {}", error.code, error.message)),
                End::Accepted(_) => return Err("accepted without a key".to_owned()),
                End::Closed => return Err("closed without a word".to_owned()),
            }
        }
        Ok(())
    })
}

pub fn too_many_keys(scene: &Scene) -> Result {
    let large = || scene.enter(&scene.idp.of_large());
    let refresh = format!("SELECT ok FROM jwt_sso.refresh('{}')", scene.idp.large.base);
    let finding = "SELECT count(*) FROM jwt_sso.check() WHERE finding LIKE '%do not fit%'";
    // Whatever the last fault left of the back-off.
    scene.cluster.sql(&refresh);
    scene.within("the third provider's key", || large().is_ok())?;
    scene.idp.grow();
    scene.cluster.sql(&refresh);
    scene.within("too little room", || scene.cluster.sql(finding) == "1")?;
    match large() {
        Err(NotIn::Refused(_)) => {}
        Err(NotIn::Interrupted(words)) => return Err(words),
        // Its key is not in the set any more, and refresh() drops those that have vanished.
        Ok(_) => return Err("a key that was taken out got in".to_owned()),
    }
    scene.enter(&scene.idp.good()).map_err(|end| format!("meanwhile: {end:?}"))?;
    scene.idp.shrink();
    scene.cluster.sql(&refresh);
    scene.within("room again", || scene.cluster.sql(finding) == "0" && large().is_ok())
}
