//! A primary that hangs for less than the hold-down.

use std::time::Duration;

use domain::{probe::Blip, span::Span};
use jiff::Timestamp;

use super::{AFTERWARDS, Drill};
use crate::{
    drill::{DrillError, follow::Runs},
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
    system::{SystemError, until},
};

/// How long a blip's record may take, and within which no run may begin.
const BLIP_PATIENCE: Duration = Duration::from_secs(15);

impl Drill<'_> {
    pub(super) async fn blip(&mut self) -> Result<DrillResult, DrillError> {
        let plan = self.plan();
        let (machine, system) = (&self.stage.machine, &self.stage.system);
        let prefix = format!("evidence/{}/blips/", plan.plan);
        let before = system.keys(machine, &prefix).await?;
        let runs = Runs::so_far(self.stage).await?;
        let clients = self.clients().await?;
        // Long enough to be sampled, shorter than the hold-down and than the failures that raise the alarm.
        let least = plan.probe.hold_down.min(plan.probe.interval.times(plan.probe.failures_in_a_row - 1));
        let pause = Span::milliseconds(least.as_milliseconds() * 4 / 5).duration();
        machine.rds.pause(&system.primary()).await?;
        let struck_at = Timestamp::now();
        self.audience.struck(struck_at);
        self.happened(
            struck_at,
            Event::Paused,
            format!("SIGSTOP of every process of `{}` for {} ms", system.primary().id, pause.as_millis()),
            Actor::Disaster,
        );
        tokio::time::sleep(pause).await;
        machine.rds.resume(&system.primary()).await?;
        let resumed_at = Timestamp::now();
        self.happened(resumed_at, Event::Resumed, "SIGCONT".into(), Actor::Disaster);
        let commit = clients.first_after(resumed_at).await?;
        self.happened(commit.at, Event::FirstCommit, format!("row {} on {}", commit.id, commit.address), Actor::Client);
        let blip = until(BLIP_PATIENCE, "the record of the blip", async || {
            let key = system.keys(machine, &prefix).await?.into_iter().find(|key| !before.contains(key));
            let Some(key) = key else { return Ok(None) };
            Ok(system.object(machine, &key).await?.and_then(|text| serde_json::from_str::<Blip>(&text).ok()))
        })
        .await?;
        tokio::time::sleep(AFTERWARDS).await;
        let run = match runs.new_ones().await?.first() {
            None => RunResult::not_started("no failover", Ending::NotStarted, &blip.because),
            Some(run) => {
                let run = run.parse().map_err(|error: domain::id::BadId| SystemError::Aws {
                    doing: "read a run's ARN".into(),
                    why: error.to_string(),
                })?;
                RunResult::of("no failover", Ending::NotStarted, runs.follow(self.stage, &run, self.audience).await?)
            }
        };
        let logs = clients.stop().await?;
        self.result(struck_at, vec![run], &logs, None, None, HeldTo { rto: true, rpo: true }).await
    }
}
