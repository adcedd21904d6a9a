//! Automated backups of an instance, as another Region has them.

use aws_sdk_rds::types::DbInstanceAutomatedBackup;
use domain::{
    restore::{Replicated, Window},
    words::{
        failure::Failure,
        id::{InstanceId, KmsKeyId, Region},
    },
};
use jiff::Timestamp;

use super::{MOST_PAGES, Rds, is, too_many};
use crate::aws_failure;

/// An instance whose automated backups are replicated, as its own Region has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its ARN.
    pub arn: String,
    /// Whether its storage is encrypted.
    pub is_encrypted: bool,
    /// For how many days its automated backups are kept; zero means that there are none.
    pub retention_days: u8,
}

impl Rds {
    /// What this Region has of the automated backups of another Region's instance: what comes here now, else the newest of
    /// what came here.
    ///
    /// # Errors
    /// As AWS answers; `AwsRejected` where there are more than can be looked through.
    pub async fn replicated(&self, from: &Region, instance: &InstanceId) -> Result<Option<Replicated>, Failure> {
        let what = || format!("cannot list the automated backups in {}", self.region);
        let (mut found, mut marker) = (Vec::new(), None);
        // By its name, only an instance of this Region is found.
        for _ in 0..MOST_PAGES {
            let page = self.client.describe_db_instance_automated_backups().set_marker(marker).send().await;
            let page = page.map_err(|error| aws_failure!(what(), error))?;
            let is_of_it = |backup: &&DbInstanceAutomatedBackup| {
                backup.region() == Some(from.as_str()) && backup.db_instance_identifier() == Some(instance.as_str())
            };
            found.extend(page.db_instance_automated_backups().iter().filter(is_of_it).filter_map(read));
            marker = page.marker;
            if marker.is_none() {
                let best = |of: &Replicated| (of.status != "retained", of.window.map(|window| window.latest));
                return Ok(found.into_iter().max_by_key(best));
            }
        }
        Err(too_many(what()))
    }

    /// An instance, as the start of a replication needs it.
    ///
    /// # Errors
    /// `NotFound` where there is none of that name.
    pub async fn source(&self, instance: &InstanceId) -> Result<Source, Failure> {
        let answer = self.client.describe_db_instances().db_instance_identifier(instance.as_str()).send().await;
        let answer = answer.map_err(|error| self.failure("describe", instance, error))?;
        let found = answer.db_instances().first().ok_or_else(|| self.missing(instance))?;
        Ok(Source {
            arn: found.db_instance_arn().ok_or_else(|| self.missing(instance))?.to_owned(),
            is_encrypted: found.storage_encrypted().unwrap_or(false),
            retention_days: days(found.backup_retention_period()),
        })
    }

    /// Has an instance's automated backups replicated to this Region.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn replicate(&self, source: &str, key: Option<&KmsKeyId>, days: u8) -> Result<(), Failure> {
        let request = self
            .client
            .start_db_instance_automated_backups_replication()
            .source_db_instance_arn(source)
            .set_kms_key_id(key.map(ToString::to_string))
            .backup_retention_period(i32::from(days));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let what = format!("cannot replicate the automated backups of {source} to {}", self.region);
                // Somebody else began it meanwhile: the next look says whether it is as it should be.
                if is(&error, "InvalidDBInstanceAutomatedBackupState") {
                    return Err(Failure::Conflict(what));
                }
                Err(aws_failure!(what, error))
            }
        }
    }
}

/// `None` for what is of no other Region.
fn read(found: &DbInstanceAutomatedBackup) -> Option<Replicated> {
    Some(Replicated {
        arn: found.db_instance_automated_backups_arn()?.to_owned(),
        status: found.status().unwrap_or("unknown").to_owned(),
        retention_days: days(found.backup_retention_period()),
        window: window(found),
    })
}

fn days(told: Option<i32>) -> u8 {
    told.and_then(|days| u8::try_from(days).ok()).unwrap_or_default()
}

/// Between which times can be restored to, where RDS says so.
pub(super) fn window(of: &DbInstanceAutomatedBackup) -> Option<Window> {
    let window = of.restore_window()?;
    let time = |at: &aws_sdk_rds::primitives::DateTime| Timestamp::from_nanosecond(at.as_nanos()).ok();
    Some(Window { earliest: time(window.earliest_time()?)?, latest: time(window.latest_time()?)? })
}
