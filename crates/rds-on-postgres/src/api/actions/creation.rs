//! `CreateDBInstance`: a new, empty server.

use std::sync::Arc;

use super::{Call, settle};
use crate::api::query::Query;
use crate::api::xml::Xml;
use crate::fault::{Code, Fault};
use crate::postgres::error::PostgresError;
use crate::postgres::login::{identifier, literal};
use crate::postgres::secrets::{ADMIN, REPLICATOR, Secret};
use crate::postgres::server::Server;
use crate::postgres::settings::Role;
use crate::resources::instance::Origin;
use crate::resources::name::{Name, ResourceKind};
use crate::service::{NewInstance, Service, new_resource_id};

/// RDS's own port for PostgreSQL.
pub(super) const PORT: u16 = 5432;
/// What PostgreSQL accepts in a name.
const NAME_AT_MOST: usize = 63;

/// What `CreateDBInstance` serves.
const SERVED: [&str; 20] = [
    "AllocatedStorage",
    "AvailabilityZone",
    "BackupRetentionPeriod",
    "CopyTagsToSnapshot",
    "DBInstanceClass",
    "DBInstanceIdentifier",
    "DBName",
    "DeletionProtection",
    "Engine",
    "EngineVersion",
    "KmsKeyId",
    "MasterUserPassword",
    "MasterUsername",
    "MultiAZ",
    "Port",
    "PreferredBackupWindow",
    "StorageEncrypted",
    "Tags",
    "VpcSecurityGroupIds",
    "ManageMasterUserPassword",
];

pub(super) fn create(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    call.serve(&SERVED)?;
    let name = call.new_name(ResourceKind::Instance, "DBInstanceIdentifier")?;
    query.required("DBInstanceClass")?;
    engine(call)?;
    let password = master_password(query)?;
    let origin = Origin {
        master_username: master_username(query)?,
        database: database(query, "DBName")?,
        port: call.port(PORT)?,
        storage_gib: query.number("AllocatedStorage", 5..=65536)?.unwrap_or(20),
        key: key(call)?,
        resource_id: new_resource_id()?,
    };
    let traits = call.traits(call.plain_traits())?;
    let new = NewInstance {
        name: name.clone(),
        origin: origin.clone(),
        traits,
        source: None,
        tags: query.tags()?,
        role: Role::Primary,
    };
    let server = call.service.enter(&mut call.service.inventory(), new)?;
    let service = Arc::clone(call.service);
    call.service.carry_out(&name.clone(), async move { make(&service, &name, &server, &origin, &password).await });
    call.show_instance(&Name::new(call.region, query.required("DBInstanceIdentifier")?))
}

async fn make(
    service: &Arc<Service>,
    name: &Name,
    server: &Server,
    origin: &Origin,
    password: &Secret,
) -> Result<(), PostgresError> {
    make_server(server, origin, password).await?;
    settle(service, name).await
}

/// Makes a new server serve, with the roles and the database of its origin.
pub(super) async fn make_server(server: &Server, origin: &Origin, password: &Secret) -> Result<(), PostgresError> {
    server.installation.init(&server.data(), &server.log()).await?;
    server.certify()?;
    server.start().await?;
    make_roles(server, origin, password).await
}

/// Makes the roles that an RDS instance has, and its database. The master user is no superuser.
async fn make_roles(server: &Server, origin: &Origin, password: &Secret) -> Result<(), PostgresError> {
    let login = server.login("postgres").await?;
    let master = identifier(&origin.master_username);
    login
        .execute(&format!(
            "CREATE ROLE {REPLICATOR} LOGIN REPLICATION PASSWORD {};
             CREATE ROLE rds_superuser NOLOGIN;
             GRANT pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION;
             CREATE ROLE {master} LOGIN CREATEDB CREATEROLE PASSWORD {};
             GRANT rds_superuser TO {master};",
            literal(&server.installation.secrets.replicator.verifier()),
            literal(&password.verifier()),
        ))
        .await?;
    // PostgreSQL has this role from version 15 on.
    if login.is("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pg_checkpoint')").await? {
        login.execute("GRANT pg_checkpoint TO rds_superuser WITH ADMIN OPTION").await?;
    }
    match origin.database.as_deref() {
        None => Ok(()),
        Some("postgres") => login.execute(&format!("ALTER DATABASE postgres OWNER TO {master}")).await,
        Some(database) => login.execute(&format!("CREATE DATABASE {} OWNER {master}", identifier(database))).await,
    }
}

/// Only PostgreSQL, and only its version here.
fn engine(call: &Call<'_>) -> Result<(), Fault> {
    let engine = call.query.required("Engine")?;
    if engine != "postgres" {
        return Err(Fault::value("Engine", engine, "postgres in the lab"));
    }
    version(call, engine)
}

/// Only the version that is installed here.
pub(super) fn version(call: &Call<'_>, engine: &str) -> Result<(), Fault> {
    let installation = &call.service.installation;
    match call.query.optional("EngineVersion") {
        Some(asked) if asked != installation.version && asked != installation.major() => Err(Fault::combination(
            format!("Cannot find version {asked} for {engine}: this machine has {}.", installation.version),
        )),
        Some(_) | None => Ok(()),
    }
}

pub(super) fn master_username(query: &Query) -> Result<String, Fault> {
    let user = query.required("MasterUsername")?;
    let well_formed = is_name(user, |first| first.is_ascii_alphabetic());
    let lower = user.to_ascii_lowercase();
    if !well_formed
        || lower.starts_with("pg_")
        || lower.starts_with("rds_")
        || [ADMIN, REPLICATOR].contains(&lower.as_str())
    {
        let expected = "1 to 63 letters, digits and underscores, beginning with a letter, and no reserved word";
        return Err(Fault::value("MasterUsername", user, expected));
    }
    Ok(user.to_owned())
}

/// A password as RDS accepts it for PostgreSQL. The value is never part of the fault.
pub(super) fn master_password(query: &Query) -> Result<Secret, Fault> {
    if query.boolean("ManageMasterUserPassword")?.unwrap_or(false) {
        return Err(Fault::combination(
            "The lab's RDS does not manage the master user's password; give MasterUserPassword.",
        ));
    }
    let password = query.required("MasterUserPassword")?;
    let printable = password.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '/' | '@' | '"'));
    if !printable || !(8..=128).contains(&password.len()) {
        return Err(Fault::new(
            Code::InvalidParameterValue,
            "The parameter MasterUserPassword is not a valid password: 8 to 128 printable ASCII characters \
             besides '/', '@', '\"' and ' ' may be used.",
        ));
    }
    Ok(Secret::new(password))
}

pub(super) fn database(query: &Query, parameter: &str) -> Result<Option<String>, Fault> {
    match query.optional(parameter) {
        Some(name) if !is_name(name, |first| first.is_ascii_alphabetic() || first == '_') => {
            let expected = "1 to 63 letters, digits and underscores, beginning with a letter or an underscore";
            Err(Fault::value(parameter, name, expected))
        }
        name => Ok(name.map(ToOwned::to_owned)),
    }
}

fn is_name(name: &str, first: impl Fn(char) -> bool) -> bool {
    name.len() <= NAME_AT_MOST && name.starts_with(first) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn key(call: &Call<'_>) -> Result<Option<String>, Fault> {
    let encrypted = call.query.boolean("StorageEncrypted")?;
    match (encrypted, key_of_region(call)?) {
        (Some(true), None) => Ok(Some(format!("arn:aws:kms:{}:{}:alias/aws/rds", call.region, call.service.account))),
        (Some(true), key) => Ok(key),
        (None | Some(false), Some(_)) => {
            Err(Fault::combination("KmsKeyId is given, but StorageEncrypted is not true."))
        }
        (None | Some(false), None) => Ok(None),
    }
}

/// The KMS key of the request. Keys belong to one Region; another's cannot be used.
pub(super) fn key_of_region(call: &Call<'_>) -> Result<Option<String>, Fault> {
    let Some(key) = call.query.optional("KmsKeyId") else { return Ok(None) };
    if key.starts_with("arn:") && key.split(':').nth(3) != Some(call.region) {
        return Err(Fault::new(
            Code::KmsKeyNotAccessible,
            format!("The specified KMS key [{key}] is not accessible from the Region {}.", call.region),
        ));
    }
    call.must_be_usable(key)?;
    Ok(Some(key.to_owned()))
}
