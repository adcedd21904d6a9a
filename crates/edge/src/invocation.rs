//! One invocation of a function.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::clock;

/// A name that no other invocation has, also none that Lambda made of the same event: the time, and a random number.
#[must_use]
pub fn unique() -> String {
    format!("{}-{:016x}", clock::now(), RandomState::new().build_hasher().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_invocations_have_one_name() {
        let names: std::collections::BTreeSet<String> = (0..100).map(|_| unique()).collect();
        assert_eq!(names.len(), 100);
    }
}
