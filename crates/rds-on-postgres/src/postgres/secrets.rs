//! Passwords of the lab's own roles, made anew for each lab and never logged.

use std::fmt;
use std::fmt::Write;
use std::io;

/// The superuser of every instance, as on RDS: only the service itself logs in as it.
pub(crate) const ADMIN: &str = "rdsadmin";
/// The role that replicas and backups read the stream as.
pub(crate) const REPLICATOR: &str = "rdsrepladmin";

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// 32 random bytes, in hexadecimal.
    fn random() -> io::Result<Self> {
        Ok(Self(random_hex(32)?))
    }

    /// What PostgreSQL stores of this password, so that a statement that sets it can be logged.
    pub(crate) fn verifier(&self) -> String {
        postgres_protocol::password::scram_sha_256(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// `bytes` random bytes, in hexadecimal.
pub(crate) fn random_hex(bytes: usize) -> io::Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let mut text = String::with_capacity(2 * bytes);
    for byte in random {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// The passwords of one lab.
#[derive(Debug)]
pub(crate) struct Secrets {
    pub(crate) admin: Secret,
    pub(crate) replicator: Secret,
}

impl Secrets {
    pub(crate) fn make() -> io::Result<Self> {
        Ok(Self { admin: Secret::random()?, replicator: Secret::random()? })
    }

    /// The passwords as PostgreSQL's programs read them from a file: never from their arguments.
    pub(crate) fn pgpass(&self) -> String {
        format!("*:*:*:{ADMIN}:{}\n*:*:*:{REPLICATOR}:{}\n", self.admin.reveal(), self.replicator.reveal())
    }
}
