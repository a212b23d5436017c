//! The certificates of `jwt_sso.issuer_custom_ca`.

use crate::digest::Digest;
use crate::setting_error::SettingError;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::sync::Arc;

/// Certificates that replace the system's roots. The default is none: the
/// system's roots hold.
#[derive(Clone, Debug, Default)]
pub struct CustomCa {
    pem: Option<Arc<str>>,
    digest: Digest,
}

impl CustomCa {
    /// Checks that the text is PEM (RFC 7468) with at least one certificate
    /// (RFC 5280), each of which can be trusted.
    pub fn parse(text: &str) -> Result<CustomCa, SettingError> {
        let mut certificates = 0;
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
            certificates += 1;
            let place = format!("certificate {certificates}");
            let certificate = certificate.map_err(|_| SettingError::new("not PEM").at(&place))?;
            webpki::anchor_from_trusted_cert(&certificate)
                .map_err(|error| SettingError::new(format!("not X.509: {error}")).at(&place))?;
        }
        if certificates == 0 {
            return Err(SettingError::new("no certificate in it")
                .with_hint("Name a PEM file with lines -----BEGIN CERTIFICATE-----."));
        }
        Ok(CustomCa { pem: Some(Arc::from(text)), digest: Digest::of(&[text.as_bytes()]) })
    }

    /// The PEM text; `None` where the system's roots hold.
    pub fn pem(&self) -> Option<&Arc<str>> {
        self.pem.as_ref()
    }

    /// Of the text; all zero where there is none.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

/// For tests: a self-signed certificate, whose key nobody has.
#[cfg(test)]
pub(crate) const TEST_CA: &str = include_str!("custom_ca/test_ca.pem");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_certificates_and_nothing_else() {
        let two = format!("# ours\n{TEST_CA}\n{TEST_CA}");
        assert!(CustomCa::parse(&two).unwrap().pem().is_some());
        let key = TEST_CA.replace("CERTIFICATE", "PRIVATE KEY");
        let no_x509 = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        for (bad, detail) in [
            ("", "no certificate in it"),
            ("MAA=", "no certificate in it"),
            (&key, "no certificate in it"),
            (&TEST_CA[..80], "certificate 1: not PEM"),
            (&TEST_CA.replace("MI", "?I"), "certificate 1: not PEM"),
            (&format!("{TEST_CA}{no_x509}"), "certificate 2: not X.509"),
        ] {
            let error = CustomCa::parse(bad).unwrap_err();
            assert!(error.detail.starts_with(detail), "{bad}: {error}");
        }
    }
}
