//! Who signs the applications' certificates: an authority of the lab's own, which its functions trust.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio_rustls::TlsAcceptor;

/// An authority, made anew for each lab.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// It could not be made.
    #[error("the application's certificate cannot be made")]
    Made(#[from] rcgen::Error),
    /// It cannot be used.
    #[error("the application's certificate cannot be used")]
    Used(#[from] rustls::Error),
    /// It cannot be written.
    #[error("the authority's certificate cannot be written to {path}")]
    Written {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Authority {
    /// Makes one, and writes its certificate into the lab's folder for those who trust it.
    pub(crate) fn make(folder: &Path) -> Result<Self, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Lifeboat lab application root CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let file = folder.join("authorities.pem");
        let written = std::fs::write(&file, issuer.pem());
        written.map_err(|source| AuthorityError::Written { path: file.clone(), source })?;
        Ok(Self { issuer, file })
    }

    /// Its certificate, as PEM.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Answers TLS as each of these hosts.
    pub(crate) fn acceptor(&self, hosts: &BTreeSet<String>) -> Result<TlsAcceptor, AuthorityError> {
        let mut params = CertificateParams::new(hosts.iter().cloned().collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, "Lifeboat lab application");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(edge::tls::provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
