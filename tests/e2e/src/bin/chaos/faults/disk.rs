//! No room where the keys are kept.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use jwt_sso_e2e::SigningKey;
use jwt_sso_e2e::installation::Installation;

use super::processes::worker_terminated;
use crate::Result;
use crate::scene::Scene;

/// Keys change while the disk is full: they serve from shared memory, and what was kept before
/// stays whole. When there is room again, the new ones are kept.
pub fn full(scene: &Scene) -> Result {
    let old = scene.idp.kid();
    let folder = scene.cluster.data_dir().join("jwt_sso");
    let Some(disk) = Small::mount(&folder)? else { return limited(scene) };
    disk.fill()?;
    let before = scene.kept()?;
    let mark = scene.cluster.log_mark();
    let key = new_key(scene)?;
    scene.within("a failure to keep it", || {
        scene.cluster.log_since(mark).contains("the fetched keys could not be kept: ")
    })?;
    not_kept(scene, &old, &key.kid, &before)?;
    worker_terminated(scene)?;
    let again = scene.enter(&scene.idp.good());
    again.map_err(|end| format!("after the worker's restart: {end:?}"))?;
    scene.idp.up();
    disk.empty()?;
    scene.within_time(PATIENCE, "the new key in the file", || scene.has_kept(&key.kid))?;
    disk.unmount(scene)
}

/// Where nothing can be mounted: the worker that runs may write no file longer than a byte, its
/// log included. The next one may again.
fn limited(scene: &Scene) -> Result {
    println!("  disk full: mounting is not permitted, so RLIMIT_FSIZE of the worker stands for it");
    let (old, worker) = (scene.idp.kid(), scene.worker()?.to_string());
    // Of a process of one's own this needs no privilege.
    let installation = Installation::get();
    let mut limit = installation.as_server_user(Path::new("prlimit"), scene.cluster.socket_dir());
    limit.args(["--pid", &worker, "--fsize=1:unlimited"]);
    if !limit.status().is_ok_and(|status| status.success()) {
        return Err("prlimit failed".to_owned());
    }
    let before = scene.kept()?;
    let key = new_key(scene)?;
    // It is written right after it is published.
    sleep(Duration::from_secs(2));
    not_kept(scene, &old, &key.kid, &before)?;
    worker_terminated(scene)?;
    let again = scene.enter(&scene.idp.good());
    again.map_err(|end| format!("after the worker's restart: {end:?}"))?;
    scene.idp.up();
    scene.within_time(PATIENCE, "the new key in the file", || scene.has_kept(&key.kid))
}

/// Tokens are signed by another key, which gets in.
fn new_key(scene: &Scene) -> Result<SigningKey> {
    let key = scene.idp.rotate();
    let new = scene.idp.good_by(key.clone());
    scene.within_time(PATIENCE, "the new key", || scene.enter(&new).is_ok())?;
    scene.idp.sign_with(key.clone());
    Ok(key)
}

/// The file of before is there, to the byte.
fn not_kept(scene: &Scene, old: &str, new: &str, before: &[u8]) -> Result {
    match (scene.has_kept(old) && scene.kept()? == before, scene.has_kept(new)) {
        (true, false) => Ok(()),
        (false, _) => Err("the file of kept keys is damaged".to_owned()),
        (_, true) => Err("the disk is not full".to_owned()),
    }
}

/// A failed attempt is repeated after a minute at most.
const PATIENCE: Duration = Duration::from_secs(150);

/// A file system of 256 kB in the memory, over a folder.
struct Small {
    folder: PathBuf,
    mounted: bool,
}

impl Small {
    /// Over this folder, with the files that are in it; `None` where that is not permitted.
    fn mount(folder: &Path) -> Result<Option<Small>> {
        let kept = fs::read(folder.join("keys.json")).map_err(|error| error.to_string())?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k,mode=0700", "jwt_sso_chaos"]).arg(folder);
        if !mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            return Ok(None);
        }
        let small = Small { folder: folder.to_owned(), mounted: true };
        fs::write(folder.join("keys.json"), kept).map_err(|error| error.to_string())?;
        Installation::get().hand_over(folder);
        Ok(Some(small))
    }

    fn fill(&self) -> Result {
        let filler = OpenOptions::new().create(true).append(true).open(self.filler());
        let mut filler = filler.map_err(|error| error.to_string())?;
        for _ in 0..1000 {
            if filler.write_all(&[0; 1024]).is_err() {
                return Ok(());
            }
        }
        Err("the disk does not become full".to_owned())
    }

    fn empty(&self) -> Result {
        fs::remove_file(self.filler()).map_err(|error| error.to_string())
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Takes it away; what is kept stays in the folder below.
    fn unmount(mut self, scene: &Scene) -> Result {
        let kept = fs::read(self.folder.join("keys.json")).map_err(|error| error.to_string())?;
        // The worker may be writing just now.
        scene.within("the end of the small disk", || self.umount(&[]))?;
        self.mounted = false;
        scene.cluster.write_file("jwt_sso/keys.json", &kept);
        Ok(())
    }

    fn umount(&self, options: &[&str]) -> bool {
        let mut umount = Command::new("umount");
        umount.args(options).arg(&self.folder).stderr(Stdio::null());
        umount.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        if self.mounted {
            self.umount(&["--lazy"]);
        }
    }
}
