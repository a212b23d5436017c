//! A damaged `jwt_sso/keys.json` is reported and counts for nothing, and the first fetch mends
//! it: 1. cut  2. garbage  3. empty  4. one letter changed  5. a time in the future
//! 6. not to be read  7. a folder in its place  8. a FIFO, which must not hold the worker up

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use aws_lc_rs::digest::{Context, SHA256};
use jwt_sso_e2e::installation::{Installation, output_of};
use jwt_sso_e2e::provider::keys;

use crate::World;

#[test]
fn s1_cut() {
    damaged("is damaged and is ignored: ", |path| {
        let text = fs::read(path).unwrap();
        fs::write(path, &text[..text.len() / 2]).unwrap();
    });
}

#[test]
fn s2_garbage() {
    damaged("is ignored: ", |path| {
        let garbage: Vec<u8> = (0..=255_u8).rev().cycle().take(100_000).collect();
        fs::write(path, garbage).unwrap();
    });
}

#[test]
fn s3_empty() {
    damaged("is damaged and is ignored: ", |path| fs::write(path, "").unwrap());
}

#[test]
fn s4_one_letter() {
    damaged("is damaged and is ignored: ", |path| {
        let text = fs::read_to_string(path).unwrap();
        fs::write(path, text.replacen("first-es256", "First-es256", 1)).unwrap();
    });
}

#[test]
fn s5_from_the_future() {
    damaged("is in the future", |path| {
        let text = fs::read_to_string(path).unwrap();
        let (_, rest) = text.split_once(r#""fetched_at":"#).unwrap();
        let (time, _) = rest.split_once(',').unwrap();
        let later = (time.parse::<u64>().unwrap() + 86_400).to_string();
        // A file that a server with a wrong clock would write: all its times are late.
        let (_, body) = text.split_once(r#","sets":"#).unwrap();
        let body = body.strip_suffix("}\n").unwrap().replace(time, &later);
        let mut hash = Context::new(&SHA256);
        for part in ["jwt_sso kept keys, version 1", &body] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let hash: String = hash.finish().as_ref().iter().map(|b| format!("{b:02x}")).collect();
        let head = format!(r#"{{"version":1,"sha256":"{hash}","sets":"#);
        fs::write(path, format!("{head}{body}}}\n")).unwrap();
    });
}

#[test]
fn s6_not_to_be_read() {
    damaged("cannot be read and is ignored: ", |path| {
        fs::set_permissions(path, Permissions::from_mode(0o000)).unwrap();
    });
}

#[test]
fn s7_a_folder() {
    damaged("cannot be read and is ignored: ", |path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
        Installation::get().hand_over(path);
    });
}

#[test]
fn s8_a_fifo() {
    damaged("cannot be read and is ignored: ", |path| {
        fs::remove_file(path).unwrap();
        output_of(Command::new("mkfifo").args(["-m", "666"]).arg(path));
    });
}

/// Damages the file while the provider is down; nobody gets in, until the provider is back.
fn damaged(report: &str, damage: impl Fn(&Path)) {
    let mut world = World::start();
    let token = world.alice();
    world.accepts(&token);
    let path = world.cluster.data_dir().join("jwt_sso/keys.json");
    world.cluster.until("the kept file", || path.exists());
    let issuer = world.provider.issuer();
    world.provider.stop();
    world.cluster.stop();
    damage(&path);
    let mark = world.cluster.log_mark();
    world.cluster.start();
    let line = world.cluster.wait_log(mark, report);
    assert!(line.contains("jwt_sso/keys.json"), "{line}");
    world.refuses(&token, "keys_unavailable");

    world.provider.start_again(&issuer.keys);
    world.soon_accepts(&token);
    if path.is_dir() {
        // It is not ours to remove.
        let line = world.cluster.wait_log(mark, "the fetched keys could not be kept: ");
        assert!(line.contains("LOG:"), "{line}");
        return;
    }
    // The file is whole again.
    let again = world.cluster.log_mark();
    world.provider.rotate(&keys("second"));
    let token = world.alice();
    world.accepts(&token);
    let has_second = || fs::read_to_string(&path).is_ok_and(|text| text.contains("second-es256"));
    world.cluster.until("the new file", has_second);
    world.provider.stop();
    world.cluster.restart();
    world.accepts(&token);
    assert!(!world.cluster.log_since(again).contains("keys.json"), "{}", world.cluster.log_tail());
}
