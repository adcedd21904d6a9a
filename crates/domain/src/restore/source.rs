//! Whose automated backups a point in time is looked for in.

use crate::words::id::{InstanceId, Region};

/// Whose automated backups a point in time can be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PointSource<'r> {
    /// The instance.
    pub instance: &'r InstanceId,
    /// The Region that they are replicated from, where the instance is not in the run's own.
    pub from: Option<&'r Region>,
}
