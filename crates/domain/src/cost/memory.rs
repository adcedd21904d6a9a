//! The memory that functions are given.

/// The memory of a function, unless it is one of [`MEMORY_OF_ITS_OWN`].
const MEMORY_MEGABYTES: u32 = 256;

/// Functions that have another.
const MEMORY_OF_ITS_OWN: [(&str, u32); 2] = [("check-health", 128), ("health-probe", 128)];

/// A function's memory in MB.
#[must_use]
pub fn memory_megabytes(function: &str) -> u32 {
    let own = MEMORY_OF_ITS_OWN.iter().find(|(name, _)| *name == function);
    own.map_or(MEMORY_MEGABYTES, |(_, megabytes)| *megabytes)
}
