//! A pair in a further recovery Region, where nothing of it runs: what a restore there is given.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RestoreSettings;
use crate::words::id::{Region, SecurityGroupId};

/// What a restore into one of `regions.next` is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NextSide {
    /// Which of `regions.next`.
    pub region: Region,
    /// A security group there that admits Lifeboat's functions and nobody else.
    pub fence_security_group: SecurityGroupId,
    /// Class and groups, all of them: there is no instance that a restore could be like.
    pub restore: RestoreSettings,
}

impl RestoreSettings {
    /// What must be said where no instance has it: the fields that are not.
    #[must_use]
    pub fn untold(&self) -> Vec<&'static str> {
        let told = [
            ("instanceClass", self.instance_class.is_some()),
            ("subnetGroup", self.subnet_group.is_some()),
            ("parameterGroup", self.parameter_group.is_some()),
            ("optionGroup", self.option_group.is_some()),
        ];
        told.into_iter().filter(|(_, told)| !told).map(|(name, _)| name).collect()
    }
}
