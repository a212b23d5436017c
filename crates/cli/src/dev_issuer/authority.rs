//! The issuer's own CA, and the certificate that it serves with.

use super::folder::{Folder, State};
use crate::failure::{Context, Failure};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::IpAddr;
use std::sync::Arc;

/// Whoever forgets the CA in a trust store is rid of it after so many days.
const DAYS: i64 = 30;

const MAKING: &str = "the issuer's certificate could not be made";

/// Makes the CA anew, with the key that the folder has, publishes it, and
/// certifies a server for localhost and `address`.
pub fn certify(
    folder: &Folder,
    state: &mut State,
    address: IpAddr,
) -> Result<Arc<ServerConfig>, Failure> {
    if state.ca_key.is_empty() {
        state.ca_key = KeyPair::generate().context(MAKING)?.serialize_pem();
    }
    let key = KeyPair::from_pem(&state.ca_key).context("the key of the issuer's CA")?;
    let mut params = valid_now(CertificateParams::new(Vec::new()).context(MAKING)?)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let name = "jwt-sso dev-issuer, FOR DEVELOPMENT ONLY";
    params.distinguished_name.push(DnType::CommonName, name);
    let ca = CertifiedIssuer::self_signed(params, key).context(MAKING)?;
    folder.publish_ca(&ca.pem())?;

    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !names.contains(&address.to_string()) {
        names.push(address.to_string());
    }
    let mut params = valid_now(CertificateParams::new(names).context(MAKING)?)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().context(MAKING)?;
    let certificate = params.signed_by(&key, &ca).context(MAKING)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context(MAKING)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .context(MAKING)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// From yesterday on, since clocks differ.
fn valid_now(mut params: CertificateParams) -> Result<CertificateParams, Failure> {
    let today = Timestamp::now().to_zoned_datetime(TimeZone::UTC).date();
    let first = today.checked_sub(1.day()).context(MAKING)?;
    let last = today.checked_add(DAYS.days()).context(MAKING)?;
    let day = |date: jiff::civil::Date| {
        date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    (params.not_before, params.not_after) = (day(first), day(last));
    Ok(params)
}
