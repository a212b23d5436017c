//! What the issuer keeps: the CA for everybody, the keys for itself. The file
//! is the truth, so that whoever runs `token` or `rotate` beside a running
//! issuer has no need to talk to it.

use super::signing_key::SigningKey;
use crate::failure::{Context, Failure};
use jwt_sso_core::algorithm::Algorithm;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The folder, and what is in it: `ca.pem`, and `issuer.json` with the keys.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    /// Removes it at the end, where nobody asked for it.
    temporary: Option<Arc<TempDir>>,
    /// Held while an issuer runs on it.
    lock: Option<Arc<File>>,
}

/// The content of `issuer.json`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct State {
    /// The issuer's name and URL.
    pub issuer: String,
    /// `aud`, where none is asked for.
    pub audience: String,
    /// Seconds that a token of the token endpoint is valid.
    pub expires_in: u64,
    /// PEM of the CA's private key; empty before there is one.
    pub ca_key: String,
    /// Those that sign, in the order of `--alg`, and retired ones after them.
    pub keys: Vec<SigningKey>,
}

impl Folder {
    /// For an issuer that is to run: makes it, and keeps others out.
    pub fn open(path: Option<&Path>) -> Result<Folder, Failure> {
        let mut folder = match path {
            Some(path) => Folder::at(path),
            None => Folder::temporary()?,
        };
        let shown = folder.path.display().to_string();
        let making = format!("cannot make {shown}");
        fs::DirBuilder::new().recursive(true).mode(0o755).create(&folder.path).context(making)?;
        let lock = File::open(&folder.path).context(format_args!("cannot open {shown}"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Failure::new(format!("another issuer runs on {shown}")).with_hint("--dir names another")
        })?;
        folder.lock = Some(Arc::new(lock));
        // PostgreSQL is told a path, and it has another working directory.
        folder.path = fs::canonicalize(&folder.path).context(shown)?;
        Ok(folder)
    }

    /// For whoever looks into it.
    pub fn at(path: &Path) -> Folder {
        Folder { path: path.to_owned(), temporary: None, lock: None }
    }

    fn temporary() -> Result<Folder, Failure> {
        let making = "cannot make a temporary folder";
        let folder =
            tempfile::Builder::new().prefix("jwt-sso-dev-issuer.").tempdir().context(making)?;
        // The server's user reads the CA; the keys have a mode of their own.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).context(making)?;
        let path = folder.path().to_owned();
        Ok(Folder { path, temporary: Some(Arc::new(folder)), lock: None })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// PEM of the CA.
    pub fn ca_path(&self) -> PathBuf {
        self.path.join("ca.pem")
    }

    fn state_path(&self) -> PathBuf {
        self.path.join("issuer.json")
    }

    /// What is kept; `None` in a new folder.
    pub fn state(&self) -> Result<Option<State>, Failure> {
        let path = self.state_path();
        let reading = format!("cannot read {}", path.display());
        match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context(reading),
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).context(reading),
        }
    }

    /// What is kept; a folder without anything is a mistake.
    pub fn existing(&self) -> Result<State, Failure> {
        self.state()?.ok_or_else(|| {
            Failure::usage(format!("there is no issuer in {}", self.path.display()))
                .with_hint(format!("jwt-sso dev-issuer --dir {}", self.path.display()))
        })
    }

    /// Replaces it in one step, readable by its owner only.
    pub fn keep(&self, state: &State) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(state).context("the issuer's keys")?;
        self.replace(&self.state_path(), &text, 0o600)
    }

    /// Writes the CA, readable by everybody.
    pub fn publish_ca(&self, pem: &str) -> Result<(), Failure> {
        self.replace(&self.ca_path(), pem.as_bytes(), 0o644)
    }

    fn replace(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
            file.write_all(content)?;
            file.as_file().set_permissions(Permissions::from_mode(mode))?;
            file.persist(path).map(drop).map_err(std::io::Error::from)
        };
        write().context(format_args!("cannot write {}", path.display()))
    }
}

impl State {
    /// Sees that there is a key for each algorithm; the first of them signs
    /// where none is asked for. Keys of others are retired.
    pub fn provide(&mut self, algorithms: &[Algorithm]) -> Result<(), Failure> {
        let mut old = std::mem::take(&mut self.keys);
        for algorithm in algorithms {
            if self.keys.iter().any(|key| key.alg() == algorithm.name()) {
                continue;
            }
            let fits = |key: &SigningKey| !key.retired && key.alg() == algorithm.name();
            match old.iter().position(fits) {
                Some(index) => self.keys.push(old.remove(index)),
                None => self.keys.push(SigningKey::generate(*algorithm)?),
            }
        }
        self.retire(old);
        Ok(())
    }

    /// New keys of the same algorithms.
    pub fn rotate(&mut self, withdraw: bool) -> Result<(), Failure> {
        let old = std::mem::take(&mut self.keys);
        for key in old.iter().filter(|key| !key.retired) {
            let known = Algorithm::from_name(key.alg()).ok_or(key.alg());
            self.keys.push(SigningKey::generate(known.context("an algorithm that is none")?)?);
        }
        if !withdraw {
            self.retire(old);
        }
        Ok(())
    }

    fn retire(&mut self, keys: Vec<SigningKey>) {
        for mut key in keys {
            key.retired = true;
            self.keys.push(key);
        }
    }

    /// The keys that sign.
    pub fn signing(&self) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().filter(|key| !key.retired)
    }

    /// The key to sign with.
    pub fn signer(&self, algorithm: Option<Algorithm>) -> Result<&SigningKey, Failure> {
        let fits = |key: &&SigningKey| algorithm.is_none_or(|alg| alg.name() == key.alg());
        self.signing().find(fits).ok_or_else(|| {
            let there: Vec<&str> = self.signing().map(SigningKey::alg).collect();
            Failure::usage(format!("the issuer has keys of {} only", there.join(", ")))
                .with_hint("its option --alg makes others")
        })
    }
}
