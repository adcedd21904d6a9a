//! What a plan protects: a room for each kind of component.

mod active_side;
mod cluster;
mod login;
mod postgres_pair;

use crate::words::id::ComponentName;

pub use active_side::ActiveSide;
pub use cluster::{Cluster, ClusterEngine};
pub use login::{Credential, Login, Tls};
pub use postgres_pair::{AfterPromotion, PostgresPair, RestoreSettings, Side};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing the plan protects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
#[expect(clippy::large_enum_variant, reason = "a plan has at most 40 of them")]
pub enum Component {
    /// A PostgreSQL primary on RDS and its read replica in the recovery Region.
    PostgresPair(PostgresPair),
    /// A cluster of Aurora, DocumentDB or Neptune. It is backed up; a failover does not move it.
    Cluster(Cluster),
}

impl Component {
    /// The component's name.
    #[must_use]
    pub fn name(&self) -> &ComponentName {
        match self {
            Self::PostgresPair(pair) => &pair.name,
            Self::Cluster(cluster) => &cluster.name,
        }
    }
}
