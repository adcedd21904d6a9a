//! What the lab makes of each kind of component.

use domain::{
    component::{Cluster, ClusterEngine, Component},
    words::id::{Region, SecurityGroupId},
};

use super::{PATIENCE, System, SystemError, until};
use crate::{
    deploy::Outputs,
    local_aws::{INSTANCE_DOMAIN, LocalAws},
};

/// Gives a component the endpoints of the lab's RDS and the ids of its networks, the primary's and the replica's.
pub(super) fn set_ids(component: &mut Component, regions: [&Region; 2], networks: [&Outputs; 2]) -> Result<(), String> {
    match component {
        Component::PostgresPair(pair) => {
            for ((side, region), network) in
                [&mut pair.primary, &mut pair.replica].into_iter().zip(regions).zip(networks)
            {
                let endpoint = format!("{}.{region}.{INSTANCE_DOMAIN}", side.instance);
                side.endpoint = endpoint.parse().map_err(|error| format!("`{endpoint}`: {error}"))?;
                side.security_groups = vec![group(network, "Open")?];
                side.fence_security_group = group(network, "Fence")?;
            }
            Ok(())
        }
        Component::Cluster(_) | Component::Bucket(_) | Component::Service(_) => Ok(()),
    }
}

/// Gives a component the ids of the networks of further recovery Regions.
pub(super) fn set_next<'n>(
    component: &mut Component,
    networks: impl Iterator<Item = (&'n Region, &'n Outputs)>,
) -> Result<(), String> {
    match component {
        Component::PostgresPair(pair) => {
            for (region, network) in networks {
                if let Some(side) = pair.next.iter_mut().find(|side| side.region == *region) {
                    side.fence_security_group = group(network, "Fence")?;
                }
            }
            Ok(())
        }
        Component::Cluster(_) | Component::Bucket(_) | Component::Service(_) => Ok(()),
    }
}

fn group(network: &Outputs, key: &str) -> Result<SecurityGroupId, String> {
    let id = network.get(key).and_then(|id| id.parse().ok());
    id.ok_or_else(|| format!("the network gave no `{key}` group"))
}

impl System {
    /// Creates what the plan protects beside the pair that its traffic names.
    pub(super) async fn create_components(&mut self, aws: &LocalAws) -> Result<(), SystemError> {
        let mut telling = Vec::new();
        for component in &self.plan.components {
            match component {
                // A service is whatever answers the plan's checks.
                Component::PostgresPair(_) | Component::Service(_) => {}
                Component::Bucket(of) => telling.extend(self.create_buckets(aws, of).await?),
                Component::Cluster(cluster) => self.create_cluster(aws, cluster).await?,
            }
        }
        self.telling = telling;
        Ok(())
    }

    /// Creates a cluster in the primary Region.
    async fn create_cluster(&self, aws: &LocalAws, cluster: &Cluster) -> Result<(), SystemError> {
        let bad = |why: String| SystemError::Plan { plan: self.plan.plan.to_string(), why };
        match cluster.engine {
            ClusterEngine::AuroraPostgresql => {}
            ClusterEngine::AuroraMysql | ClusterEngine::Docdb | ClusterEngine::Neptune => {
                let why = format!("`{}` is of {}, and the lab has PostgreSQL only", cluster.name, cluster.engine);
                return Err(bad(why));
            }
        }
        if cluster.recovery.is_some() {
            return Err(bad(format!("`{}` is a global database, and the lab has none", cluster.name)));
        }
        let rds = self.rds(aws, &self.plan.regions.primary);
        let id = cluster.primary.as_str();
        let create = rds.create_db_cluster().db_cluster_identifier(id).engine(cluster.engine.as_str());
        let create = create.master_username(&self.owner).master_user_password(&self.owner_password);
        let created = create.send().await;
        created.map_err(|error| SystemError::Aws {
            doing: format!("create cluster `{id}`"),
            why: edge::aws::shown(&error),
        })?;
        until(PATIENCE, &format!("DB cluster `{id}`"), async || {
            let found = rds.describe_db_clusters().db_cluster_identifier(id).send().await;
            let found = found.map_err(|error| SystemError::Aws {
                doing: format!("describe cluster `{id}`"),
                why: edge::aws::shown(&error),
            })?;
            let status = found.db_clusters().first().and_then(|cluster| cluster.status());
            Ok((status == Some("available")).then_some(()))
        })
        .await
    }
}
