//! How Lifeboat's functions log in to PostgreSQL.

use super::Complaint;
use crate::words::{
    id::{SecretName, SqlName},
    time_span::TimeSpan,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How Lifeboat's functions log in to PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Login {
    /// Where the credential comes from.
    pub from: Credential,
    /// Whether and how the server proves itself.
    #[serde(default)]
    pub tls: Tls,
}

impl Login {
    /// What is wrong with it.
    pub(super) fn check(&self) -> Option<Complaint> {
        match (&self.from, self.tls) {
            (Credential::IamToken { .. }, Tls::Disable) => {
                let what = "a token is a password for 15 minutes, and without TLS anybody on the way reads it";
                Some(Complaint::error("login.tls", what, "Set it to verify-full."))
            }
            (Credential::SecretsManager { .. }, Tls::Disable) => {
                let what = "passwords and data cross the network unprotected, and the server is not checked";
                let remedy = "Set it to verify-full, unless the server is on the same machine.";
                Some(Complaint::warning("login.tls", what, remedy))
            }
            (Credential::IamToken { .. } | Credential::SecretsManager { .. }, Tls::VerifyFull) => None,
        }
    }

    /// The secret that it is kept in, where it is in one.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretName> {
        match &self.from {
            Credential::SecretsManager { secret } => Some(secret),
            Credential::IamToken { .. } => None,
        }
    }
}

/// Where a credential comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Credential {
    /// `{"username": …, "password": …}` in Secrets Manager, as RDS writes it, replicated to each Region.
    SecretsManager {
        /// The secret's name, the same in each Region.
        secret: SecretName,
    },
    /// A token signed with the function's own role, for a role granted `rds_iam`. Needs TLS.
    IamToken {
        /// The database role.
        user: SqlName,
    },
}

impl Credential {
    /// How long one is used before it is read again. An IAM token is good for 15 minutes.
    pub const KEPT: TimeSpan = TimeSpan::seconds(300);
}

/// Whether and how the server proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// The server's certificate is checked against `ca/rds.pem` in the Region's bucket.
    #[default]
    VerifyFull,
    /// No TLS. For a server on the same machine.
    Disable,
}
