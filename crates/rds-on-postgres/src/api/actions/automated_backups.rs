//! `StartDBInstanceAutomatedBackupsReplication` and `StopDBInstanceAutomatedBackupsReplication`, and
//! `DeleteDBInstanceAutomatedBackup` of what was replicated. The first two are asked of the Region that they are
//! replicated to.

use std::sync::Arc;

use super::creation::key_of_region;
use super::{Call, retention};
use crate::api::answer;
use crate::api::xml::Xml;
use crate::fault::{Code, Fault};
use crate::resources::instance::Origin;
use crate::resources::name::{Name, ResourceKind};
use crate::resources::replicated::Replicated;

/// How many days they are kept unless the call says it.
const RETENTION_DAYS: u32 = 7;

pub(super) fn start(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    query.serve_only(&[
        "BackupRetentionPeriod",
        "KmsKeyId",
        "PreSignedUrl",
        "SourceDBInstanceArn",
        "SourceRegion",
        "Tags",
    ])?;
    let source = source(call)?;
    let key = key_of_region(call)?;
    let retention_days = retention(query)?.unwrap_or(RETENTION_DAYS);
    let name = {
        let mut inventory = call.service.inventory();
        let instance = inventory.instance(&source)?;
        if !instance.is_backed_up() {
            return Err(Fault::instance_state(format!(
                "DB instance {} has no automated backups that could be replicated.",
                source.id
            )));
        }
        if instance.origin.key.is_some() && key.is_none() {
            return Err(Fault::combination(
                "The source DB instance is encrypted: KmsKeyId must name a KMS key of the destination Region.",
            ));
        }
        let name = name_of(call.region, &instance.origin.resource_id);
        if let Some(there) = inventory.replicated_to(&source) {
            return Err(state(format!(
                "Automated backups of {} are replicated to {} already.",
                source.id, there.region
            )));
        }
        let origin = Origin { key: key.filter(|_| instance.origin.key.is_some()), ..instance.origin.clone() };
        let folder = call.service.data.join("regions").join(call.region).join("automated").join(&name.id);
        let earlier = inventory.replicated.get(&name);
        let replicated = Replicated {
            name: name.clone(),
            source,
            source_created: instance.created,
            origin,
            traits: instance.traits.clone(),
            retention_days,
            folder,
            bases: earlier.map(|earlier| earlier.bases.clone()).unwrap_or_default(),
            reached: earlier.and_then(|earlier| earlier.reached),
            is_fed: true,
            tags: query.tags()?,
        };
        inventory.replicated.insert(name.clone(), replicated);
        name
    };
    show(call, &name)
}

pub(super) fn stop(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&["SourceDBInstanceArn", "SourceRegion"])?;
    let source = source(call)?;
    let name = {
        let mut inventory = call.service.inventory();
        let here = |replicated: &&mut Replicated| {
            replicated.is_fed && replicated.source == source && replicated.name.region == call.region
        };
        let Some(found) = inventory.replicated.values_mut().find(here) else {
            return Err(state(format!("Automated backups of {} are not replicated to {}.", source.id, call.region)));
        };
        found.is_fed = false;
        found.name.clone()
    };
    show(call, &name)
}

pub(super) fn delete(call: &Call<'_>) -> Result<Xml, Fault> {
    call.query.serve_only(&["DBInstanceAutomatedBackupsArn"])?;
    let named = call.query.required("DBInstanceAutomatedBackupsArn")?;
    let name = call.here(ResourceKind::AutomatedBackup, named)?;
    let shown = show(call, &name)?;
    let mut inventory = call.service.inventory();
    if inventory.replicated(&name)?.is_fed {
        return Err(state(format!("{named} is replicated: stop that first.")));
    }
    if let Some(gone) = inventory.replicated.remove(&name) {
        let service = Arc::clone(call.service);
        call.service.in_background(async move { service.discard(gone.folder).await });
    }
    Ok(shown)
}

/// The instance, of another Region.
fn source(call: &Call<'_>) -> Result<Name, Fault> {
    let named = call.query.required("SourceDBInstanceArn")?;
    let source = ResourceKind::Instance.existing(call.region, &call.service.account, named)?;
    if source.region == call.region {
        return Err(Fault::combination("Automated backups are replicated to another Region than the DB instance's."));
    }
    Ok(source)
}

/// The same letters as in the instance's own identifier, so that there are never two.
fn name_of(region: &str, resource_id: &str) -> Name {
    Name::new(region, &format!("ab-{}", resource_id.trim_start_matches("db-")))
}

fn state(message: String) -> Fault {
    Fault::new(Code::InvalidDbInstanceAutomatedBackupState, message)
}

fn show(call: &Call<'_>, name: &Name) -> Result<Xml, Fault> {
    let inventory = call.service.inventory();
    let mut xml = Xml::default();
    answer::replicated_backup(&mut xml, call.service, inventory.replicated(name)?);
    Ok(xml)
}
