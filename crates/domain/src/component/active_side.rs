//! Which side of a component takes writes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which side of the pair takes writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActiveSide {
    /// The plan's primary.
    #[default]
    Primary,
    /// The plan's replica, promoted.
    Replica,
}
