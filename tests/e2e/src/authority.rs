//! A private certificate authority that signs servers' certificates, sound ones and others.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Validity {
    /// Now.
    Now,
    /// Until 2021-01-01.
    Past,
    /// From 2999-01-01.
    Future,
}

/// A certificate authority with a key of its own.
#[derive(Debug)]
pub struct Authority {
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A new one.
    #[allow(clippy::new_without_default)] // each is another
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names to get wrong");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "jwt_sso issuers' test CA");
        let key = KeyPair::generate().expect("generating a P-256 key");
        Authority { ca: CertifiedIssuer::self_signed(params, key).expect("self-signing") }
    }

    /// Its own certificate.
    pub fn pem(&self) -> String {
        self.ca.pem()
    }

    /// What a server for `localhost` and 127.0.0.1 needs.
    pub fn localhost(&self) -> Arc<ServerConfig> {
        self.certify(&["localhost", "127.0.0.1"], Validity::Now)
    }

    /// What a server for these hosts needs.
    pub fn certify(&self, hosts: &[&str], validity: Validity) -> Arc<ServerConfig> {
        let (certificate, key) = self.issue(hosts, validity);
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("the key belongs to the certificate");
        Arc::new(config)
    }

    /// Certificate and private key of a server for `localhost`, both as PEM.
    pub fn localhost_pem(&self) -> (String, String) {
        let (certificate, key) = self.issue(&["localhost", "127.0.0.1"], Validity::Now);
        (certificate.pem(), key.serialize_pem())
    }

    fn issue(&self, hosts: &[&str], validity: Validity) -> (Certificate, KeyPair) {
        let hosts: Vec<String> = hosts.iter().map(|host| host.to_string()).collect();
        let mut params = CertificateParams::new(hosts).expect("valid names");
        match validity {
            Validity::Now => {}
            Validity::Past => params.not_after = rcgen::date_time_ymd(2021, 1, 1),
            Validity::Future => params.not_before = rcgen::date_time_ymd(2999, 1, 1),
        }
        let key = KeyPair::generate().expect("generating a P-256 key");
        let certificate = params.signed_by(&key, &self.ca).expect("signing");
        (certificate, key)
    }
}
