//! What RDS's API says.

use serde::Serialize;

/// What RDS says of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ApiSeen {
    /// Its status.
    Status(String),
    /// The Region's API answers and does not say: it refuses us, is asked too often, or knows no such instance.
    Untold(String),
    /// The Region's API did not answer, and why.
    Silent(String),
}

impl Default for ApiSeen {
    fn default() -> Self {
        Self::Untold("nobody has asked".to_owned())
    }
}
