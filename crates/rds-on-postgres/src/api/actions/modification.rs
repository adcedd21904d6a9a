//! `ModifyDBInstance`: what takes effect at once, what in the background, and what waits.

use std::sync::Arc;

use super::creation::master_password;
use super::snapshots::{back_up_or_warn, forget_automated};
use super::{Call, class, retention};
use crate::api::xml::Xml;
use crate::fault::Fault;
use crate::postgres::error::PostgresError;
use crate::resources::instance::{Instance, Pending, Status};
use crate::resources::name::Name;
use crate::service::Service;

pub(super) fn modify(call: &Call<'_>) -> Result<Xml, Fault> {
    let query = call.query;
    call.serve(&[
        "ApplyImmediately",
        "BackupRetentionPeriod",
        "CopyTagsToSnapshot",
        "DBInstanceClass",
        "DBInstanceIdentifier",
        "DeletionProtection",
        "ManageMasterUserPassword",
        "MasterUserPassword",
        "MultiAZ",
        "PreferredBackupWindow",
        "VpcSecurityGroupIds",
    ])?;
    let name = call.instance("DBInstanceIdentifier")?;
    let at_once = query.boolean("ApplyImmediately")?.unwrap_or(false);
    let asked = asked(call)?;
    let (protection, copies_tags) = (query.boolean("DeletionProtection")?, query.boolean("CopyTagsToSnapshot")?);
    let iam_logins = query.boolean("EnableIAMDatabaseAuthentication")?;
    let groups_apply = call.service.timing().groups_apply;
    let mut arriving = None;
    let (work, before) = {
        let mut inventory = call.service.inventory();
        let instance = inventory.instance_mut(&name)?;
        instance.must_be(&[Status::Available, Status::Stopped])?;
        replica_allows(instance, &asked)?;
        // These apply at once whatever ApplyImmediately says, and the instance stays available.
        let traits = &mut instance.traits;
        traits.deletion_protection = protection.unwrap_or(traits.deletion_protection);
        traits.copies_tags = copies_tags.unwrap_or(traits.copies_tags);
        if let Some(window) = query.optional("PreferredBackupWindow") {
            window.clone_into(&mut traits.backup_window);
        }
        if let Some(groups) = call.groups() {
            if groups_apply.is_zero() {
                traits.groups = groups;
            } else if groups != traits.groups || instance.arriving.is_some() {
                instance.arriving = Some(groups.clone());
                arriving = Some(groups);
            }
        }
        let traits = &mut instance.traits;
        traits.iam_logins = iam_logins.unwrap_or(traits.iam_logins);
        let configuration = call.configuration(traits.configuration.clone());
        // The new group is shown at once, and its parameters count from the next start.
        instance.pending.parameters |= configuration.parameter_group != traits.configuration.parameter_group;
        traits.configuration = configuration;
        let before = instance.status;
        let work = plan(instance, asked, at_once);
        if work != Work::default() {
            instance.begin(Status::Modifying, call.service.timing().status_lag);
        }
        inventory.set_ingress(inventory.instance(&name)?);
        (work, before)
    };
    if let Some(groups) = arriving {
        let (service, modified) = (Arc::clone(call.service), name.clone());
        call.service.in_background(async move {
            tokio::time::sleep(groups_apply).await;
            arrive(&service, &modified, groups);
        });
    }
    if work != Work::default() {
        let (service, modified) = (Arc::clone(call.service), name.clone());
        call.service.carry_out(&name, async move { carry_out(&service, &modified, work, before).await });
    }
    call.show_instance(&name)
}

/// Lets security groups take effect, unless others were asked for meanwhile. Sessions that are open stay.
fn arrive(service: &Service, name: &Name, groups: Vec<String>) {
    let mut inventory = service.inventory();
    let Ok(instance) = inventory.instance_mut(name) else { return };
    if instance.arriving.as_ref() != Some(&groups) {
        return;
    }
    instance.arriving = None;
    instance.traits.groups = groups;
    if let Ok(instance) = inventory.instance(name) {
        inventory.set_ingress(instance);
    }
}

/// The changes that may have to wait.
fn asked(call: &Call<'_>) -> Result<Pending, Fault> {
    let query = call.query;
    let wants_password =
        query.optional("MasterUserPassword").is_some() || query.boolean("ManageMasterUserPassword")?.unwrap_or(false);
    Ok(Pending {
        class: class(query)?,
        multi_az: query.boolean("MultiAZ")?,
        retention_days: retention(query)?,
        password: wants_password.then(|| master_password(query)).transpose()?,
        parameters: false,
    })
}

/// A replica has its source's roles, and no backups of its own.
fn replica_allows(instance: &Instance, asked: &Pending) -> Result<(), Fault> {
    if instance.source.is_none() {
        return Ok(());
    }
    if asked.retention_days.is_some_and(|days| days > 0) {
        return Err(Fault::combination("The lab keeps no automated backups of a read replica; promote it first."));
    }
    if asked.password.is_some() {
        return Err(Fault::combination("The master user's password of a read replica is that of its source."));
    }
    Ok(())
}

/// What is to be done in the background.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Work {
    password: bool,
    restart: bool,
    retention_days: Option<u32>,
    multi_az: Option<bool>,
    class: Option<String>,
}

/// Decides what is done now, and leaves the rest pending. As on RDS, whoever asks for anything
/// to be applied immediately gets all that was pending too.
fn plan(instance: &mut Instance, asked: Pending, at_once: bool) -> Work {
    let waiting = &mut instance.pending;
    let traits = &instance.traits;
    waiting.class = asked.class.or(waiting.class.take()).filter(|class| *class != traits.class);
    waiting.multi_az = asked.multi_az.or(waiting.multi_az).filter(|multi_az| *multi_az != traits.multi_az);
    waiting.retention_days =
        asked.retention_days.or(waiting.retention_days).filter(|days| *days != traits.retention_days);
    let password = asked.password.is_some();
    waiting.password = asked.password.or(waiting.password.take());
    // A longer or shorter retention needs nothing made or removed, so it never waits.
    let is_length_only = traits.retention_days > 0 && waiting.retention_days.is_some_and(|days| days > 0);
    let retention_days = if at_once || is_length_only { waiting.retention_days.take() } else { None };
    if !at_once {
        return Work { password, retention_days, ..Work::default() };
    }
    let class = waiting.class.take();
    Work { password, restart: class.is_some(), retention_days, multi_az: waiting.multi_az.take(), class }
}

async fn carry_out(service: &Arc<Service>, name: &Name, work: Work, then: Status) -> Result<(), PostgresError> {
    let Some(server) = service.server(name) else { return Ok(()) };
    let is_serving = server.is_running().await;
    if work.password {
        service.apply_password(name, &server).await?;
    }
    // Another class is another machine: the server is started again there.
    if work.restart && is_serving {
        server.stop().await?;
        service.revive(name, &server).await?;
    }
    let (resource_id, was_backed_up, is_backed_up) = {
        let mut inventory = service.inventory();
        let Ok(instance) = inventory.instance_mut(name) else { return Ok(()) };
        let was = instance.is_backed_up();
        let traits = &mut instance.traits;
        traits.class = work.class.unwrap_or_else(|| traits.class.clone());
        traits.multi_az = work.multi_az.unwrap_or(traits.multi_az);
        traits.retention_days = work.retention_days.unwrap_or(traits.retention_days);
        (instance.origin.resource_id.clone(), was, instance.is_backed_up())
    };
    if is_backed_up && !was_backed_up && is_serving {
        back_up_or_warn(service, name).await;
    }
    if was_backed_up && !is_backed_up {
        forget_automated(service, &resource_id);
        if let Ok(instance) = service.inventory().instance_mut(name) {
            instance.restorable_to = None;
        }
    }
    service.inventory().set_status(name, then);
    Ok(())
}
