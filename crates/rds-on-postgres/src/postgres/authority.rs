//! The lab's certificate authority, which signs the servers' certificates as Amazon's signs RDS's.

use std::{net::Ipv4Addr, time::SystemTime};

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// A certificate authority, made anew for each lab.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A server's certificate and its key, as PEM.
pub(crate) struct Certificate {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn make() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Lifeboat lab RDS root CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        CertifiedIssuer::self_signed(params, KeyPair::generate()?).map(Self)
    }

    /// The authority's own certificate, for clients that verify.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for the server of `host_name` at `address`.
    pub(crate) fn certify(
        &self,
        host_name: &str,
        address: Ipv4Addr,
        until: Timestamp,
    ) -> Result<Certificate, rcgen::Error> {
        let mut params = CertificateParams::new(vec![host_name.to_owned(), address.to_string()])?;
        params.not_after = SystemTime::from(until).into();
        // A common name holds at most 64 characters, so the host's name stands in the list only.
        params.distinguished_name.push(DnType::CommonName, "Lifeboat lab RDS instance");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let signed = params.signed_by(&key, &self.0)?;
        Ok(Certificate { certificate: signed.pem(), key: key.serialize_pem() })
    }
}
