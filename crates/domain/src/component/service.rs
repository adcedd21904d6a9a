//! A service that a plan promises something of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Identity, Kind};
use crate::words::id::{ComponentName, TierName};

/// A service that is promised and checked. It keeps nothing, so that nothing of it is backed up or moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// The component's name.
    pub name: ComponentName,
    /// The tier whose promises it shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierName>,
    /// The checks of `verify` that tell whether it works, by their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
}

impl Kind for Service {
    fn name(&self) -> &ComponentName {
        &self.name
    }

    fn tier(&self) -> Option<&TierName> {
        self.tier.as_ref()
    }

    fn noun(&self) -> &'static str {
        "service"
    }

    fn identities(&self) -> Vec<Identity> {
        Vec::new()
    }

    fn holds_data(&self) -> bool {
        false
    }

    fn checks(&self) -> &[String] {
        &self.checks
    }
}
