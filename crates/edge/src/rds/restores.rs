//! Restored instances in one Region.

use aws_sdk_rds::types::DbInstance;
use domain::{
    restore::{Creation, Origin, Provenance, SeenInstance, Settings, Window},
    words::{
        failure::Failure,
        id::{InstanceId, PlanName},
    },
};
use jiff::Timestamp;

use super::{Acceptance, MOST_PAGES, Rds, automated_backups, is, read_tags, tags, too_many};
use crate::aws_failure;

/// Both ways to restore take the same settings, by builders of two types.
macro_rules! like {
    ($request:expr, $creation:expr) => {{
        let Settings { class, subnet_group, parameter_group, option_group, multi_az, storage_gib, storage_type } =
            $creation.settings.clone();
        $request
            .set_db_instance_class(class)
            .set_db_subnet_group_name(subnet_group)
            .set_db_parameter_group_name(parameter_group)
            .set_option_group_name(option_group)
            .vpc_security_group_ids($creation.security_group.as_str())
            .multi_az(multi_az)
            .set_allocated_storage(storage_gib.and_then(|gib| i32::try_from(gib).ok()))
            .set_storage_type(storage_type)
            .publicly_accessible(false)
            .copy_tags_to_snapshot(false)
            .enable_iam_database_authentication($creation.iam_tokens)
            .backup_retention_period(i32::from($creation.retention_days))
            .deletion_protection($creation.deletion_protection)
            .set_tags(Some(tags(&$creation.provenance.tags())))
    }};
}

impl Rds {
    /// Looks for an instance that may be a restored one.
    ///
    /// # Errors
    /// As AWS answers; that there is none is no error.
    pub async fn restored(&self, instance: &InstanceId) -> Result<Option<SeenInstance>, Failure> {
        Ok(self.instance(instance).await?.as_ref().and_then(seen))
    }

    /// What an instance is made like; `None` where it is not there.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn settings(&self, instance: &InstanceId) -> Result<Option<Settings>, Failure> {
        Ok(self.instance(instance).await?.as_ref().map(settings))
    }

    async fn instance(&self, instance: &InstanceId) -> Result<Option<DbInstance>, Failure> {
        match self.client.describe_db_instances().db_instance_identifier(instance.as_str()).send().await {
            Ok(answer) => Ok(answer.db_instances().first().cloned()),
            Err(error) if is(&error, "DBInstanceNotFound") => Ok(None),
            Err(error) => Err(self.failure("look for", instance, error)),
        }
    }

    /// Every instance that is tagged as restored by this plan's runs.
    ///
    /// # Errors
    /// As AWS answers; `AwsRejected` where there are more than can be looked through: of a part nothing is concluded.
    pub async fn restored_of(&self, plan: &PlanName) -> Result<Vec<SeenInstance>, Failure> {
        let what = || format!("cannot list the DB instances in {}", self.region);
        let (mut found, mut marker) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let page = self.client.describe_db_instances().set_marker(marker).send().await;
            let page = page.map_err(|error| aws_failure!(what(), error))?;
            let of_it = |seen: &SeenInstance| seen.provenance.as_ref().is_ok_and(|of| of.plan == *plan);
            found.extend(page.db_instances().iter().filter_map(seen).filter(of_it));
            marker = page.marker;
            if marker.is_none() {
                return Ok(found);
            }
        }
        Err(too_many(what()))
    }

    /// Between which times an instance can be restored to; `None` where it keeps no automated backups.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn window(&self, instance: &InstanceId) -> Result<Option<Window>, Failure> {
        let request = self.client.describe_db_instance_automated_backups().db_instance_identifier(instance.as_str());
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if is(&error, "DBInstanceAutomatedBackupNotFound") || is(&error, "DBInstanceNotFound") => {
                return Ok(None);
            }
            Err(error) => return Err(self.failure("look for the automated backups of", instance, error)),
        };
        let windows = answer.db_instance_automated_backups().iter().filter_map(automated_backups::window);
        Ok(windows.max_by_key(|window| window.latest))
    }

    /// Asks for a restore. One of this name that is there already is what was asked for: whose it is tells the next look.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn restore(&self, creation: &Creation) -> Result<Acceptance, Failure> {
        match &creation.chosen.origin {
            Origin::Snapshot { name, .. } => self.restore_snapshot(creation, name).await,
            Origin::PointInTime { instance, time, replicated } => {
                self.restore_time(creation, instance, replicated.clone(), *time).await
            }
        }
    }

    async fn restore_snapshot(&self, creation: &Creation, name: &str) -> Result<Acceptance, Failure> {
        let request = self
            .client
            .restore_db_instance_from_db_snapshot()
            .db_instance_identifier(creation.instance.as_str())
            .db_snapshot_identifier(name);
        self.asked(creation, like!(request, creation).send().await)
    }

    async fn restore_time(
        &self,
        creation: &Creation,
        source: &InstanceId,
        replicated: Option<String>,
        time: Option<Timestamp>,
    ) -> Result<Acceptance, Failure> {
        let request = self
            .client
            .restore_db_instance_to_point_in_time()
            .target_db_instance_identifier(creation.instance.as_str())
            .set_source_db_instance_identifier(replicated.is_none().then(|| source.to_string()))
            .set_source_db_instance_automated_backups_arn(replicated)
            .set_restore_time(time.map(|time| aws_sdk_rds::primitives::DateTime::from_secs(time.as_second())))
            .set_use_latest_restorable_time(time.is_none().then_some(true));
        self.asked(creation, like!(request, creation).send().await)
    }

    fn asked<T, E>(
        &self,
        creation: &Creation,
        answer: Result<T, aws_sdk_rds::error::SdkError<E>>,
    ) -> Result<Acceptance, Failure>
    where
        E: aws_sdk_rds::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match answer {
            Ok(_) => Ok(Acceptance::Begun),
            Err(error) if is(&error, "DBInstanceAlreadyExists") => Ok(Acceptance::Begun),
            Err(error) if is(&error, "InstanceQuotaExceeded") || is(&error, "InsufficientDBInstanceCapacity") => {
                Ok(Acceptance::NoRoom)
            }
            Err(error) if is(&error, "InvalidDBSnapshotState") || is(&error, "InvalidDBInstanceState") => {
                Ok(Acceptance::Busy)
            }
            Err(error) => {
                let what = format!("cannot restore {} in {}", creation.chosen.origin.name(), self.region);
                Err(aws_failure!(what, error))
            }
        }
    }

    /// Asks for a restored instance's end, with its automated backups and without a last snapshot. `Busy` is: not in the
    /// state that it is in.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn tear_down(&self, instance: &InstanceId) -> Result<Acceptance, Failure> {
        let request = self
            .client
            .delete_db_instance()
            .db_instance_identifier(instance.as_str())
            .skip_final_snapshot(true)
            .delete_automated_backups(true);
        match request.send().await {
            Ok(_) => Ok(Acceptance::Begun),
            Err(error) if is(&error, "DBInstanceNotFound") => Ok(Acceptance::Begun),
            Err(error) if is(&error, "InvalidDBInstanceState") => Ok(Acceptance::Busy),
            Err(error) => Err(self.failure("delete", instance, error)),
        }
    }

    /// Tags a backup as verified: restored and queried.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn mark_verified(&self, arn: &str, at: Timestamp) -> Result<(), Failure> {
        let tags = tags(&[(domain::backup::tag("verified-at"), at.to_string())]);
        let marked = self.client.add_tags_to_resource().resource_name(arn).set_tags(Some(tags)).send().await;
        marked.map(drop).map_err(|error| aws_failure!(format!("cannot tag `{arn}`"), error))
    }
}

/// `None` for an instance whose name cannot be read.
fn seen(found: &DbInstance) -> Option<SeenInstance> {
    let endpoint = found.endpoint().and_then(|endpoint| {
        Some((endpoint.address()?.to_ascii_lowercase().parse().ok()?, u16::try_from(endpoint.port()?).ok()?))
    });
    let instance = found.db_instance_identifier()?.parse().ok()?;
    let provenance = Provenance::read(&instance, &read_tags(found.tag_list()));
    Some(SeenInstance {
        instance,
        status: found.db_instance_status().unwrap_or("unknown").to_owned(),
        endpoint,
        provenance,
    })
}

fn settings(found: &DbInstance) -> Settings {
    let text = |text: Option<&str>| text.map(str::to_owned);
    Settings {
        class: text(found.db_instance_class()),
        subnet_group: text(found.db_subnet_group().and_then(|group| group.db_subnet_group_name())),
        parameter_group: text(found.db_parameter_groups().first().and_then(|group| group.db_parameter_group_name())),
        option_group: text(found.option_group_memberships().first().and_then(|group| group.option_group_name())),
        multi_az: found.multi_az().unwrap_or(false),
        // A backup has its own, which may be another by now.
        storage_gib: None,
        storage_type: None,
    }
}
