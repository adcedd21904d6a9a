//! TLS: whose cryptography it uses, and the client by which AWS is called.
//!
//! All of it is rustls with ring. The SDK's own choice, aws-lc, is C that takes minutes to build.

use std::sync::Arc;

use aws_smithy_http_client::{
    Builder, ConnectorBuilder,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
pub use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rustls::crypto::{CryptoProvider, ring};

/// The cryptography of every connection.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Makes [`provider`] what this process uses where nothing else is said, as reqwest does. Safe to repeat.
pub fn cryptography() {
    // An error says that there is one already.
    let _ = ring::default_provider().install_default();
}

/// A client for AWS, as the SDK makes its own: the time-outs of whoever uses it, and the environment's proxies.
///
/// It keeps connections open, so that one is made for a process and shared.
#[must_use]
pub fn https_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::Ring));
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    })
}

#[cfg(test)]
mod tests {
    use rustls::{SignatureScheme, version};

    use super::*;

    /// RDS's three authorities are rsa2048-g1, rsa4096-g1 and ecc384-g1.
    #[test]
    fn what_rds_s_authorities_sign_with_is_verified() {
        let verified = provider().signature_verification_algorithms.supported_schemes();
        for scheme in [
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
        ] {
            assert!(verified.contains(&scheme), "{scheme:?}");
        }
    }

    #[test]
    fn servers_of_both_versions_of_tls_are_spoken_with() {
        for version in [&version::TLS12, &version::TLS13] {
            let suites = provider();
            assert!(suites.cipher_suites.iter().any(|suite| suite.version() == version), "{version:?}");
        }
    }

    #[test]
    fn a_process_s_cryptography_may_be_chosen_again() {
        cryptography();
        cryptography();
        assert!(CryptoProvider::get_default().is_some());
    }
}
