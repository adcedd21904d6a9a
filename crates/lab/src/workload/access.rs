//! What a client logs in with.

use std::fmt;

/// How a client logs in.
#[derive(Debug, Clone)]
pub struct Access {
    /// The role.
    pub user: String,
    /// Its password.
    pub password: Password,
    /// The database.
    pub database: String,
    /// The certificates to trust, as PEM. The server must prove to be the host that DNS named. `None`: no TLS.
    pub trusted_pem: Option<String>,
}

/// A password. It is never shown.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// From its text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}
