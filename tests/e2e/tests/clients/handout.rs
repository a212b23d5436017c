//! A stand-in for the command `jwt-sso token orders`: each call hands out the next token.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use jwt_sso_e2e::installation::output_of;
use jwt_sso_e2e::token::now;
use tempfile::TempDir;

use crate::WORLD;

/// `mv` takes a token for one of two callers. When all are taken, the last is for everybody.
const SCRIPT: &str = r#"#!/bin/sh
here=$(dirname "$0")
[ "$*" = "token orders" ] || { echo "usage: jwt-sso token orders" >&2; exit 2; }
for token in "$here"/tokens/*; do
    if mv "$token" "$here/taken.$$" 2>/dev/null; then exec cat "$here/taken.$$"; fi
done
exec cat "$here/last"
"#;

/// Bytes of a password, by PostgreSQL's own bound.
pub const LONGEST: usize = 65_530;

/// A folder with a `jwt-sso` of its own; the tokens in it are gone with it.
pub struct Handout(TempDir);

impl Handout {
    /// Hands out these, one after the other, and then always `last`.
    pub fn new(tokens: &[String], last: &str) -> Handout {
        let handout = Handout(tempfile::tempdir().expect("a temp dir"));
        let folder = handout.folder();
        fs::create_dir(folder.join("tokens")).unwrap();
        for (number, token) in tokens.iter().enumerate() {
            fs::write(folder.join("tokens").join(number.to_string()), token).unwrap();
        }
        fs::write(folder.join("last"), last).unwrap();
        fs::write(handout.command(), SCRIPT).unwrap();
        fs::set_permissions(handout.command(), fs::Permissions::from_mode(0o755)).unwrap();
        handout
    }

    /// Two tokens of a role, `jti` "first" and "second", the second of so many bytes; all that
    /// follow are an expired one.
    pub fn two_and_an_expired(role: &str, length: usize) -> Handout {
        let tokens =
            [WORLD.token(role, "first").sign(), WORLD.token(role, "second").padded(length)];
        let expired = WORLD.token(role, "expired").claim("iat", now() - 600);
        Handout::new(&tokens, &expired.claim("exp", now() - 300).sign())
    }

    /// The folder of the command, for PATH.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// The path of the command.
    pub fn command(&self) -> PathBuf {
        self.folder().join("jwt-sso")
    }

    /// The next token.
    pub fn token(&self) -> String {
        output_of(Command::new(self.command()).args(["token", "orders"]))
    }
}
