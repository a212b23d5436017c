//! Whose certificates are believed: the system's roots, or the given ones instead.

use crate::cause::one_line;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts};

/// Whether `pem` can be a [`crate::Request::custom_ca`]: certificates, and at
/// least one. Other PEM sections are passed over.
///
/// Needs no network, starts no thread and initialises nothing.
///
/// # Errors
/// What is wrong, and with which certificate: `certificate 2: not PEM: …`.
pub fn check_ca(pem: &[u8]) -> Result<(), String> {
    read(pem).map(drop)
}

/// The roots for one fetch. The system's are read anew each time, since they are
/// renewed while a server runs for months.
pub(crate) fn roots(custom_ca: Option<&[u8]>) -> Result<RootCerts, String> {
    let certificates = match custom_ca {
        Some(pem) => read(pem).map_err(|error| format!("the custom CA is not sound: {error}"))?,
        None => system()?,
    };
    Ok(certificates
        .iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect::<Vec<_>>()
        .into())
}

fn read(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut certificates = Vec::new();
    for (i, section) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let refused = |what: &str, error: &dyn std::fmt::Display| {
            one_line(&format!("certificate {}: {what}: {error}", i + 1))
        };
        let certificate = section.map_err(|error| refused("not PEM", &error))?;
        RootCertStore::empty()
            .add(certificate.clone())
            .map_err(|error| refused("not an X.509 certificate", &error))?;
        certificates.push(certificate);
    }
    if certificates.is_empty() {
        return Err("no certificate in it".to_owned());
    }
    Ok(certificates)
}

/// Files that cannot be read are passed over as long as there is anything.
fn system() -> Result<Vec<CertificateDer<'static>>, String> {
    let found = rustls_native_certs::load_native_certs();
    match (found.certs.is_empty(), found.errors.first()) {
        (false, _) => Ok(found.certs),
        (true, None) => Err("the system has no root certificates".to_owned()),
        (true, Some(error)) => {
            Err(one_line(&format!("the system's root certificates cannot be read: {error}")))
        }
    }
}
