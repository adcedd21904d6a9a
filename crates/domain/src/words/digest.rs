//! SHA-256 as names and manifests write it.

use sha2::{Digest, Sha256};

/// In hexadecimal.
pub(crate) fn hex(text: impl AsRef<[u8]>) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As many characters of it as tell the names of a plan's things apart.
pub(crate) fn short(text: &str) -> String {
    hex(text).chars().take(10).collect()
}
