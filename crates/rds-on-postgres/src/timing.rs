//! How long the service takes, beyond what PostgreSQL itself takes.

use std::time::Duration;

/// How long the service takes, beyond what PostgreSQL itself takes. By default it waits for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// How long a change of an instance is not shown yet: it is described as `available` meanwhile.
    pub status_lag: Duration,
    /// How long new security groups are `adding`, and the old ones `removing`.
    pub groups_apply: Duration,
    /// How a replica is promoted; `None`: at once, without a restart, also while it is backed up.
    pub promotion: Option<PromotionTiming>,
}

/// How long a promotion takes on its way through its statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromotionTiming {
    /// How long the replica is `modifying` before its server is restarted.
    pub begins: Duration,
    /// How long it is `rebooting`, at least.
    pub reboots: Duration,
    /// How long it is `backing-up` then, at least.
    pub first_backup: Duration,
}
