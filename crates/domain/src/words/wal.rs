//! Positions in PostgreSQL's write-ahead log.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A log sequence number: a byte's position in the write-ahead log, shown as `16/B374D848`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", description = "a log sequence number, as 16/B374D848")]
pub struct Lsn(pub u64);

/// A text that is not a log sequence number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a log sequence number: expected two hexadecimal halves, as 16/B374D848")]
pub struct BadLsn(String);

impl Lsn {
    /// How many bytes of log lie between `self` and the later `other`; zero when `other` is not later.
    #[must_use]
    pub fn bytes_until(self, other: Self) -> u64 {
        other.0.saturating_sub(self.0)
    }
}

impl FromStr for Lsn {
    type Err = BadLsn;

    fn from_str(text: &str) -> Result<Self, BadLsn> {
        let bad = || BadLsn(text.chars().take(32).collect());
        let (high, low) = text.split_once('/').ok_or_else(bad)?;
        let half = |digits: &str| u32::from_str_radix(digits, 16).map_err(|_| bad());
        Ok(Self((u64::from(half(high)?) << 32) | u64::from(half(low)?)))
    }
}

impl TryFrom<String> for Lsn {
    type Error = BadLsn;

    fn try_from(text: String) -> Result<Self, BadLsn> {
        text.parse()
    }
}

impl From<Lsn> for String {
    fn from(lsn: Lsn) -> Self {
        lsn.to_string()
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// Where the primary's log stood when it was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastSeen {
    /// The primary's write position.
    pub lsn: Lsn,
    /// When it was read.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The position before this one, where it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Stood>,
}

/// Where a log stood before it moved on: whatever lies beyond was committed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stood {
    /// The position.
    pub lsn: Lsn,
    /// When it was last seen there.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl LastSeen {
    /// A position as it is read, by itself.
    #[must_use]
    pub fn new(lsn: Lsn, at: Timestamp) -> Self {
        Self { lsn, at, before: None }
    }

    /// The same, after an earlier one was seen.
    #[must_use]
    pub fn after(self, earlier: Option<Self>) -> Self {
        let before = match earlier {
            Some(earlier) if earlier.lsn == self.lsn => earlier.before,
            Some(earlier) if earlier.lsn < self.lsn => Some(Stood { lsn: earlier.lsn, at: earlier.at }),
            // Another server, or none.
            Some(_) | None => None,
        };
        Self { before, ..self }
    }
}

/// How far the replica is, by its own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplicaPosition {
    /// The last position received and written.
    pub received: Lsn,
    /// The last position replayed.
    pub replayed: Lsn,
    /// When the last replayed transaction committed on the primary, if any did since the replica started.
    #[schemars(with = "Option<String>")]
    pub replayed_commit_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_shown() {
        for text in ["0/0", "0/16B3748", "16/B374D848", "FFFFFFFF/FFFFFFFF"] {
            assert_eq!(text.parse::<Lsn>().unwrap().to_string(), text);
        }
        for bad in ["", "16", "16/", "/1", "G/1", "100000000/0"] {
            assert!(bad.parse::<Lsn>().is_err(), "{bad}");
        }
    }

    #[test]
    fn where_a_log_stood_is_kept_until_it_moves_again() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let seen = |lsn, second, earlier| LastSeen::new(Lsn(lsn), at(second)).after(earlier);
        let stood = |lsn, second| Some(Stood { lsn: Lsn(lsn), at: at(second) });
        let first = seen(10, 1, None);
        assert_eq!(first.before, None);
        let still = seen(10, 2, Some(first));
        let moved = seen(20, 3, Some(still));
        assert_eq!(moved.before, stood(10, 2), "as late as it was seen there");
        assert_eq!(seen(20, 4, Some(moved)).before, stood(10, 2));
        assert_eq!(seen(30, 5, Some(moved)).before, stood(20, 3));
        assert_eq!(seen(5, 6, Some(moved)).before, None, "another server's log says nothing");
    }

    #[test]
    fn a_position_behind_is_no_distance_ahead() {
        assert_eq!(Lsn(10).bytes_until(Lsn(25)), 15);
        assert_eq!(Lsn(25).bytes_until(Lsn(10)), 0);
    }
}
