//! Credentials and certificates, read once and kept for a while.

use std::{collections::HashMap, sync::Arc, time::Instant};

use aws_config::{Region, SdkConfig};
use aws_sdk_rds::auth_token::{AuthTokenGenerator, Config};
use aws_sdk_secretsmanager::Client;
use domain::{
    component::{Credential, Tls},
    words::id::HostName,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::Server;
use crate::{
    aws,
    object_store::{Bucket, ObjectStore},
    tls,
};

/// Where the Region's certificate authorities are: RDS's bundle, put there by the person who sets the engine up.
const CA_KEY: &str = "ca/rds.pem";

/// A user and a password.
type UserPassword = (String, String);

/// Credentials and certificates.
pub struct Logins {
    config: SdkConfig,
    secrets: Client,
    bucket: Bucket,
    kept: Mutex<HashMap<String, (Instant, UserPassword)>>,
    tls: Mutex<Option<Arc<ClientConfig>>>,
}

/// A secret as RDS writes it; it has more fields.
#[derive(Deserialize)]
struct Secret {
    username: String,
    password: String,
}

impl Logins {
    /// From the Region's own Secrets Manager and bucket.
    pub async fn from_env(bucket: Bucket) -> Self {
        let config = aws::config(None).await;
        Self { secrets: Client::new(&config), config, bucket, kept: Mutex::default(), tls: Mutex::default() }
    }

    /// The credential for a server.
    pub(super) async fn credential(&self, server: &Server<'_>) -> Result<UserPassword, String> {
        let key = match &server.login.from {
            Credential::SecretsManager { secret } => secret.to_string(),
            Credential::IamToken { user } => format!("{user}@{}", server.side.endpoint),
        };
        let mut kept = self.kept.lock().await;
        if let Some((since, credential)) = kept.get(&key)
            && since.elapsed() < Credential::KEPT.duration()
        {
            return Ok(credential.clone());
        }
        let credential = match &server.login.from {
            Credential::SecretsManager { secret } => self.secret(secret.as_str()).await?,
            Credential::IamToken { user } => (user.to_string(), self.token(server, user.as_str()).await?),
        };
        kept.insert(key, (Instant::now(), credential.clone()));
        Ok(credential)
    }

    /// Forgets every credential.
    pub(super) async fn forget(&self) {
        self.kept.lock().await.clear();
    }

    async fn secret(&self, name: &str) -> Result<UserPassword, String> {
        let answer = self.secrets.get_secret_value().secret_id(name).send().await;
        let answer = answer.map_err(|error| format!("the secret `{name}` cannot be read: {}", aws::shown(&error)))?;
        // The parser's error would quote the secret.
        let secret: Secret =
            answer.secret_string().and_then(|text| serde_json::from_str(text).ok()).ok_or_else(|| {
                format!("the secret `{name}` is not {{\"username\": …, \"password\": …}}, as RDS writes it")
            })?;
        Ok((secret.username, secret.password))
    }

    async fn token(&self, server: &Server<'_>, user: &str) -> Result<String, String> {
        token(&self.config, &server.side.endpoint, server.side.port, user).await
    }

    /// How a server proves itself; `None` without TLS.
    pub(super) async fn tls(&self, tls: Tls) -> Result<Option<Arc<ClientConfig>>, String> {
        match tls {
            Tls::Disable => Ok(None),
            Tls::VerifyFull => {
                let mut kept = self.tls.lock().await;
                if let Some(config) = kept.as_ref() {
                    return Ok(Some(config.clone()));
                }
                let config = Arc::new(self.verifying().await?);
                *kept = Some(config.clone());
                Ok(Some(config))
            }
        }
    }

    async fn verifying(&self) -> Result<ClientConfig, String> {
        let object = self.bucket.get(CA_KEY).await.map_err(|error| error.chain())?;
        let object =
            object.ok_or_else(|| format!("the bucket has no `{CA_KEY}`: put RDS's certificate bundle there"))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(object.text.as_bytes()) {
            let certificate = certificate.map_err(|error| format!("`{CA_KEY}` is no certificate bundle: {error}"))?;
            roots.add(certificate).map_err(|error| format!("`{CA_KEY}`: {error}"))?;
        }
        if roots.is_empty() {
            return Err(format!("`{CA_KEY}` has no certificate in it"));
        }
        let config = ClientConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }
}

impl std::fmt::Debug for Logins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Logins")
    }
}

/// An IAM token, signed for the Region that the database is in: one of another Region is refused.
async fn token(aws: &SdkConfig, endpoint: &HostName, port: u16, user: &str) -> Result<String, String> {
    let config = Config::builder().hostname(endpoint.as_str()).port(u64::from(port)).username(user);
    let config = match region_of(endpoint) {
        Some(region) => config.region(Region::new(region.to_owned())),
        None => config,
    };
    let config = config.build().map_err(|error| format!("no IAM token can be made: {error}"))?;
    let token = AuthTokenGenerator::new(config).auth_token(aws).await;
    token.map(|token| token.to_string()).map_err(|error| format!("no IAM token can be made: {error}"))
}

/// The Region in an instance's own name: `orders.c9akciq32.us-east-1.rds.amazonaws.com`, and in China
/// `orders.c9akciq32.rds.cn-north-1.amazonaws.com.cn`. A token works with no alias; for any other name our own Region is used.
fn region_of(endpoint: &HostName) -> Option<&str> {
    let labels: Vec<&str> = endpoint.as_str().split('.').collect();
    let is_region = |label: &str| label.parse::<domain::words::id::Region>().is_ok();
    labels.windows(2).find_map(|pair| match pair {
        [region, "rds"] | ["rds", region] if is_region(region) => Some(*region),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;
    use aws_sdk_rds::config::Credentials;

    use super::*;

    #[tokio::test]
    async fn a_token_is_signed_for_the_region_that_the_database_is_in() {
        let credentials = Credentials::new("AKIDEXAMPLE", "a test's", None, None, "test");
        let aws = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("us-west-2"))
            .credentials_provider(credentials)
            .load()
            .await;
        for (endpoint, region) in [
            ("orders.c9akciq32.us-east-1.rds.amazonaws.com", "us-east-1"),
            ("orders.c9akciq32.us-west-2.rds.amazonaws.com", "us-west-2"),
            ("orders.c9akciq32.rds.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("orders.example.com", "us-west-2"),
        ] {
            let token = token(&aws, &endpoint.parse().unwrap(), 5432, "lifeboat").await.unwrap();
            assert!(token.contains(&format!("%2F{region}%2Frds-db%2F")), "{token}");
        }
    }
}
