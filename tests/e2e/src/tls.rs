//! A private certificate authority and the server's certificate, new for each cluster.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore};

/// The files of one cluster's TLS, and a client configuration that trusts only its CA.
#[derive(Debug)]
pub struct Tls {
    /// PEM of the CA, for `sslrootcert`.
    pub ca: PathBuf,
    /// PEM of the server's certificate, for `localhost` and 127.0.0.1.
    pub certificate: PathBuf,
    /// PEM of the server's key, mode 0600.
    pub key: PathBuf,
    /// For [`crate::wire`].
    pub client: Arc<ClientConfig>,
}

impl Tls {
    /// Writes `ca.crt`, `server.crt` and `server.key` into `directory`.
    pub fn create(directory: &Path) -> Tls {
        let mut params = CertificateParams::new(Vec::new()).expect("no names to get wrong");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "jwt_sso test CA");
        let ca = CertifiedIssuer::self_signed(params, new_key()).expect("self-signing");

        let key = new_key();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let leaf = CertificateParams::new(names).expect("valid names");
        let leaf = leaf.signed_by(&key, &ca).expect("signing");

        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone()).expect("our own CA is well-formed");
        let client = ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .expect("the provider knows TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();

        Tls {
            ca: write(directory, "ca.crt", &ca.pem(), 0o644),
            certificate: write(directory, "server.crt", &leaf.pem(), 0o644),
            key: write(directory, "server.key", &key.serialize_pem(), 0o600),
            client: Arc::new(client),
        }
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("generating a P-256 key")
}

fn write(directory: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).expect("writing into the cluster's directory");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("own file");
    path
}
