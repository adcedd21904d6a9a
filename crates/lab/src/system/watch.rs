//! The watch of the primary: started, and waited for.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_cloudwatch::{primitives::DateTime, types::HistoryItemType};
use domain::{component::ActiveSide, watch::probe::Watch};
use edge::object_store;
use jiff::Timestamp;
use serde_json::json;

use super::{PATIENCE, System, SystemError, until};
use crate::local_aws::LocalAws;

/// How long until the watch shows something: a window goes on with the plan that it began with.
pub(super) const WATCH_PATIENCE: Duration = Duration::from_secs(180);

/// How long until it does where its window was ended: the next one begins within two minutes, and writes down at its end.
const ANEW_PATIENCE: Duration = Duration::from_secs(240);

/// How long a run takes to end at most that finds the primary well: it waits until the alarm that started it rests, up to 15 s
/// between two looks, and two cores at work take longer.
const RUN_PATIENCE: Duration = Duration::from_secs(240);

impl System {
    /// Starts the first window by hand, because the schedule's first start is up to a minute away, and waits until the
    /// primary has been seen.
    pub(crate) async fn watch(&self, aws: &LocalAws) -> Result<(), SystemError> {
        self.start_window(aws).await?;
        self.watched(aws).await
    }

    /// Has it watched on where its window was ended in the middle, and waits until the primary has been seen since: until then
    /// what its watch remembers grows old.
    pub(crate) async fn watch_anew(&self, aws: &LocalAws) -> Result<(), SystemError> {
        let since = Timestamp::now();
        self.start_window(aws).await?;
        let is_seen_since = |watch: &Watch| is_well(watch) && watch.last_seen.is_some_and(|seen| seen.at >= since);
        self.watch_shows(aws, ANEW_PATIENCE, "a look at the primary since", is_seen_since).await?;
        self.watched(aws).await
    }

    async fn start_window(&self, aws: &LocalAws) -> Result<(), SystemError> {
        let region = &self.plan.regions.recovery;
        let lambda = aws_sdk_lambda::Client::new(&aws.gateway.sdk_config(region.as_str()));
        let event = json!({ "watch": { "plan": self.plan.plan, "scheduledAt": jiff::Timestamp::now() } }).to_string();
        let invoked = lambda
            .invoke()
            .function_name("lifeboat-health-probe")
            .invocation_type(aws_sdk_lambda::types::InvocationType::Event)
            .payload(event.into_bytes().into())
            .send()
            .await;
        invoked.map_err(|error| SystemError::Aws { doing: "start the watch".into(), why: edge::aws::shown(&error) })?;
        Ok(())
    }

    /// Waits until the watch has seen the primary, nothing is failing, and the alarm is at rest: only an alarm that
    /// changes its state starts a run.
    ///
    /// # Errors
    /// [`SystemError::Late`].
    pub async fn watched(&self, aws: &LocalAws) -> Result<(), SystemError> {
        self.watch_shows(aws, WATCH_PATIENCE, "the watch of the primary", is_well).await?;
        self.rests(aws, &self.alarm(), PATIENCE).await?;
        self.rested(aws).await
    }

    /// Waits until an alarm is at rest.
    pub(crate) async fn rests(&self, aws: &LocalAws, alarm: &str, limit: Duration) -> Result<(), SystemError> {
        let cloudwatch = self.cloudwatch(aws);
        until(limit, &format!("rest of the alarm `{alarm}`"), async || {
            let answer = cloudwatch.describe_alarms().alarm_names(alarm).send().await;
            let answer = answer.map_err(|error| SystemError::Aws {
                doing: format!("look at `{alarm}`"),
                why: edge::aws::shown(&error),
            })?;
            let state = answer.metric_alarms().first().and_then(|alarm| alarm.state_value());
            Ok((state == Some(&aws_sdk_cloudwatch::types::StateValue::Ok)).then_some(()))
        })
        .await
    }

    /// Waits until what the watch remembers of the primary is `wanted`.
    pub(super) async fn watch_shows(
        &self,
        aws: &LocalAws,
        limit: Duration,
        what: &str,
        wanted: impl Fn(&Watch) -> bool,
    ) -> Result<(), SystemError> {
        let key = object_store::watch_key(&self.plan.plan);
        until(limit, what, async || {
            let watch = self.object(aws, &key).await?.and_then(|text| serde_json::from_str::<Watch>(&text).ok());
            let watch = watch.map(|watch| watch.of(ActiveSide::Primary, &self.pair.primary.instance));
            Ok(watch.filter(&wanted).map(drop))
        })
        .await
    }

    /// The alarm of the primary.
    pub(super) fn alarm(&self) -> String {
        format!("lifeboat-{}-primary-down", self.plan.plan)
    }

    /// The plan's alarms of its recovery Region that rose since.
    pub(crate) async fn alarms_since(&self, aws: &LocalAws, since: Timestamp) -> Result<BTreeSet<String>, SystemError> {
        let prefix = format!("lifeboat-{}-", self.plan.plan);
        let request = self.cloudwatch(aws).describe_alarm_history().history_item_type(HistoryItemType::StateUpdate);
        let told = request.start_date(DateTime::from_secs(since.as_second())).max_records(100).send().await;
        let told = told.map_err(|error| SystemError::Aws {
            doing: "read what the alarms did".into(),
            why: edge::aws::shown(&error),
        })?;
        let rose = told.alarm_history_items().iter().filter_map(|item| {
            let at = Timestamp::from_nanosecond(item.timestamp()?.as_nanos()).ok()?;
            let to_alarm = item.history_summary().is_some_and(|summary| summary.ends_with("to ALARM"));
            let name = item.alarm_name().filter(|name| name.starts_with(&prefix))?;
            // They are told in whole seconds.
            (to_alarm && at.as_second() >= since.as_second()).then(|| name.to_owned())
        });
        Ok(rose.collect())
    }

    pub(super) fn cloudwatch(&self, aws: &LocalAws) -> aws_sdk_cloudwatch::Client {
        aws_sdk_cloudwatch::Client::new(&aws.gateway.sdk_config(self.plan.regions.recovery.as_str()))
    }

    /// Waits until no run is under way: what the alarm started while the pair was made anew has ended.
    async fn rested(&self, aws: &LocalAws) -> Result<(), SystemError> {
        let config = aws.gateway.sdk_config(self.plan.regions.recovery.as_str());
        let states = aws_sdk_sfn::Client::new(&config);
        let failed = |error: String| SystemError::Aws { doing: "look for runs".into(), why: error };
        until(RUN_PATIENCE, "the end of every run", async || {
            let machines = states.list_state_machines().send().await;
            let machines = machines.map_err(|error| failed(edge::aws::shown(&error)))?;
            for machine in machines.state_machines() {
                let running = states
                    .list_executions()
                    .state_machine_arn(machine.state_machine_arn())
                    .status_filter(aws_sdk_sfn::types::ExecutionStatus::Running)
                    .send()
                    .await
                    .map_err(|error| failed(edge::aws::shown(&error)))?;
                if !running.executions().is_empty() {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await
    }
}

/// Whether the primary was seen and nothing fails.
pub(super) fn is_well(watch: &Watch) -> bool {
    watch.failing.is_none() && watch.last_seen.is_some()
}
