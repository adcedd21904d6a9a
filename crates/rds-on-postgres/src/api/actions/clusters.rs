//! `CreateDBCluster` and `DescribeDBClusters`: Aurora with PostgreSQL's protocol, on one server.

use std::net::SocketAddrV4;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::{error, info};

use super::Call;
use super::creation::{PORT, database, key, make_server, master_password, master_username, version};
use super::listing::{Page, known};
use crate::api::answer;
use crate::api::xml::Xml;
use crate::fault::Fault;
use crate::postgres::error::chain;
use crate::postgres::server::Server;
use crate::postgres::settings::Role;
use crate::resources::cluster::{Cluster, ENGINE};
use crate::resources::instance::{Origin, Status};
use crate::resources::name::{Name, ResourceKind};
use crate::service::{Service, new_resource_id};

/// What `CreateDBCluster` serves.
const SERVED: [&str; 15] = [
    "CopyTagsToSnapshot",
    "DBClusterIdentifier",
    "DatabaseName",
    "DeletionProtection",
    "Engine",
    "EngineMode",
    "EngineVersion",
    "KmsKeyId",
    "ManageMasterUserPassword",
    "MasterUserPassword",
    "MasterUsername",
    "Port",
    "StorageEncrypted",
    "Tags",
    "VpcSecurityGroupIds",
];

pub(super) fn create(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    call.serve(&SERVED)?;
    let name = call.new_name(ResourceKind::Cluster, "DBClusterIdentifier")?;
    let engine = query.required("Engine")?;
    if engine != ENGINE {
        return Err(Fault::value("Engine", engine, "aurora-postgresql in the lab"));
    }
    version(call, ENGINE)?;
    let password = master_password(query)?;
    let origin = Origin {
        master_username: master_username(query)?,
        database: database(query, "DatabaseName")?,
        port: call.port(PORT)?,
        // As Aurora shows it, whose storage grows by itself.
        storage_gib: 1,
        key: key(call)?,
        resource_id: new_resource_id()?.replacen("db-", "cluster-", 1),
    };
    let server = enter(call, &name, origin.clone())?;
    let (service, made) = (Arc::clone(call.service), name.clone());
    call.service.in_background(async move {
        let status = match make_server(&server, &origin, &password).await {
            Ok(()) => Status::Available,
            Err(error) => {
                error!(cluster.id = %made, error = chain(&error), "the DB cluster failed");
                Status::Failed
            }
        };
        serve(&service, &made, status);
    });
    show(call, &name)
}

fn serve(service: &Service, name: &Name, status: Status) {
    if let Ok(cluster) = service.inventory().cluster_mut(name) {
        cluster.status = status;
        cluster.created = (status == Status::Available).then(Timestamp::now);
    }
}

/// Enters a new cluster, `creating`, and answers its server.
fn enter(call: &Call<'_>, name: &Name, origin: Origin) -> Result<Arc<Server>, Fault> {
    let (service, query) = (call.service, call.query);
    let mut inventory = service.inventory();
    inventory.admits_cluster(name)?;
    let at = SocketAddrV4::new(inventory.free_address(service.first_host)?, origin.port);
    let folder = service.data.join("regions").join(&name.region).join("clusters").join(&origin.resource_id);
    let installation = Arc::clone(&service.installation);
    let server = Server::new(installation, &name.id, service.cluster_host_name(name), at, folder, Role::Primary);
    let server = Arc::new(server);
    let cluster = Cluster {
        name: name.clone(),
        status: Status::Creating,
        server: Arc::clone(&server),
        origin,
        zone: format!("{}a", name.region),
        copies_tags: query.boolean("CopyTagsToSnapshot")?.unwrap_or(false),
        deletion_protection: query.boolean("DeletionProtection")?.unwrap_or(false),
        groups: call.groups().unwrap_or_default(),
        tags: query.tags()?,
        created: None,
    };
    info!(cluster.id = %name, address = %at, "creating a DB cluster");
    inventory.clusters.insert(name.clone(), cluster);
    service.announce_hosts(&inventory);
    Ok(server)
}

fn show(call: &Call<'_>, name: &Name) -> Result<Xml, Fault> {
    let mut xml = Xml::default();
    answer::cluster(&mut xml, call.service, call.service.inventory().cluster(name)?);
    Ok(xml)
}

pub(super) fn describe(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&["DBClusterIdentifier", "Filters", "IncludeShared", "Marker", "MaxRecords"])?;
    let filters = known(query, &["db-cluster-id", "db-cluster-resource-id", "engine"])?;
    let page = Page::asked(query)?;
    let inventory = call.service.inventory();
    let found: Vec<&Cluster> = match query.optional("DBClusterIdentifier") {
        Some(named) => vec![inventory.cluster(&call.here(ResourceKind::Cluster, named)?)?],
        None => inventory.clusters.values().filter(|cluster| cluster.name.region == call.region).collect(),
    };
    let passes = |cluster: &&Cluster| {
        filters.iter().all(|filter| match filter.name {
            "db-cluster-id" => call.is_named(filter, ResourceKind::Cluster, &cluster.name),
            "db-cluster-resource-id" => filter.values.contains(&cluster.origin.resource_id.as_str()),
            _ => filter.values.contains(&ENGINE),
        })
    };
    let found = found.into_iter().filter(passes).collect();
    let (shown, marker) = page.cut(found, |cluster| &cluster.name.id);
    let mut xml = Xml::default();
    xml.optional("Marker", marker).element("DBClusters", |xml| {
        for cluster in shown {
            answer::cluster(xml, call.service, cluster);
        }
    });
    Ok(xml)
}
