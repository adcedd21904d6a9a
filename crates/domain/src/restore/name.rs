//! What restored instances are called.

use crate::words::{
    digest,
    id::{ComponentName, ExecutionArn},
};

/// What the names of restored instances begin with: roles may delete no other.
pub(super) const PREFIX: &str = "lifeboat-restore-";

/// The name of the instance that an execution makes of a component.
pub(super) fn instance_name(execution: &ExecutionArn, component: &ComponentName) -> String {
    let unique = digest::short(&format!("{execution} {component}"));
    let readable: String = component.as_str().chars().take(24).collect();
    format!("{}{}-{unique}", PREFIX, readable.trim_end_matches('-'))
}
