//! Which side of a component takes writes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::id::PlanName;

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

impl ActiveSide {
    /// The one that takes over from it.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Primary => Self::Replica,
            Self::Replica => Self::Primary,
        }
    }
}

/// Which side of each of a plan's pairs takes writes, by the pair's name. One that no run has moved is on its primary.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ActiveSides(BTreeMap<PlanName, ActiveSide>);

impl ActiveSides {
    /// That of a pair; [`ActiveSide::Primary`] of what goes with none.
    #[must_use]
    pub fn of(&self, pair: Option<&PlanName>) -> ActiveSide {
        pair.and_then(|pair| self.0.get(pair)).copied().unwrap_or_default()
    }

    /// The same, with this side of a pair.
    #[must_use]
    pub fn with(mut self, pair: PlanName, side: ActiveSide) -> Self {
        self.0.insert(pair, side);
        self
    }
}

impl FromIterator<(PlanName, ActiveSide)> for ActiveSides {
    fn from_iter<I: IntoIterator<Item = (PlanName, ActiveSide)>>(sides: I) -> Self {
        Self(sides.into_iter().collect())
    }
}
