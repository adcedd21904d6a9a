//! What a restore is made like.

use crate::{
    component::{NextSide, RestoreSettings, Side},
    words::id::{InstanceId, SecurityGroupId},
};

/// What a restore is made like: the pair's side in the Region, or what the plan says of a Region in which nothing of it runs.
#[derive(Debug, Clone, Copy)]
pub struct Like<'r> {
    /// The instance that has what is not said; absent in a further recovery Region.
    pub instance: Option<&'r InstanceId>,
    /// What the plan says.
    pub restore: Option<&'r RestoreSettings>,
    /// The security group that admits Lifeboat's functions and nobody else.
    pub fence_security_group: &'r SecurityGroupId,
}

impl<'r> From<&'r Side> for Like<'r> {
    fn from(side: &'r Side) -> Self {
        Self {
            instance: Some(&side.instance),
            restore: side.restore.as_ref(),
            fence_security_group: &side.fence_security_group,
        }
    }
}

impl<'r> From<&'r NextSide> for Like<'r> {
    fn from(side: &'r NextSide) -> Self {
        Self { instance: None, restore: Some(&side.restore), fence_security_group: &side.fence_security_group }
    }
}
