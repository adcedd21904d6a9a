//! A primary that hangs for less than the hold-down.

use std::time::Duration;

use domain::{plan::Probe, watch::probe::Blip, words::time_span::TimeSpan};
use jiff::Timestamp;

use super::{AFTERWARDS, Drill};
use crate::{
    drill::{DrillError, follow::Runs},
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
    system::{SystemError, until},
};

/// How long a blip's record may take, and within which no run may begin.
const BLIP_PATIENCE: Duration = Duration::from_secs(60);

/// How long it hangs: where the plan leaves room for it, so long that one sample waits for its whole time-out, wherever
/// between two of them it begins; and it is over before the hold-down is, and before as many fail as raise the alarm.
fn pause(probe: &Probe) -> TimeSpan {
    let surely_sampled = probe.interval.as_milliseconds() * 11 / 10 + probe.timeout.as_milliseconds();
    let alarming = probe.hold_down.min(probe.interval.times(probe.failures_in_a_row - 1)).as_milliseconds();
    TimeSpan::milliseconds(surely_sampled.min(alarming * 19 / 20))
}

impl Drill<'_> {
    pub(super) async fn blip(&mut self) -> Result<DrillResult, DrillError> {
        let plan = self.plan();
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let prefix = format!("evidence/{}/blips/", plan.plan);
        let before = system.keys(aws, &prefix).await?;
        let runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let pause = pause(&plan.probe).duration();
        aws.rds.pause(&system.primary()).await?;
        let disaster_at = Timestamp::now();
        self.observer.disaster(disaster_at);
        self.happened(
            disaster_at,
            Event::Paused,
            format!("SIGSTOP of every process of `{}` for {} ms", system.primary().id, pause.as_millis()),
            Actor::Disaster,
        );
        tokio::time::sleep(pause).await;
        aws.rds.resume(&system.primary()).await?;
        let resumed_at = Timestamp::now();
        self.happened(resumed_at, Event::Resumed, "SIGCONT".into(), Actor::Disaster);
        let commit = clients.first_after(resumed_at).await?;
        self.happened(commit.at, Event::FirstCommit, format!("row {} on {}", commit.id, commit.address), Actor::Client);
        let blip = until(BLIP_PATIENCE, "the record of the blip", async || {
            let key = system.keys(aws, &prefix).await?.into_iter().find(|key| !before.contains(key));
            let Some(key) = key else { return Ok(None) };
            Ok(system.object(aws, &key).await?.and_then(|text| serde_json::from_str::<Blip>(&text).ok()))
        })
        .await?;
        tokio::time::sleep(AFTERWARDS).await;
        let run = match runs.new_ones().await?.first() {
            None => RunResult::not_started("no failover", Ending::NotStarted, &blip.because),
            Some(run) => {
                let run = run.parse().map_err(|error: domain::words::id::BadId| SystemError::Aws {
                    doing: "read a run's ARN".into(),
                    why: error.to_string(),
                })?;
                RunResult::of("no failover", Ending::NotStarted, runs.follow(self.lab, &run, self.observer).await?)
            }
        };
        let logs = clients.stop().await?;
        self.result(disaster_at, vec![run], &logs, None, None, HeldTo { rto: true, rpo: true }).await
    }
}

#[cfg(test)]
mod tests {
    use domain::plan_file;

    use super::*;

    #[test]
    fn a_blip_is_long_enough_to_be_sampled_and_too_short_to_raise_the_alarm() {
        let plan =
            plan_file::read(include_str!("../../../../../plans/lab.yaml"), "plans/lab.yaml").expect("the lab's plan");
        let probe = &plan.probe;
        let pause = pause(probe);
        assert_eq!(pause, TimeSpan::milliseconds(950));
        assert!(pause > probe.interval + probe.timeout && pause < probe.hold_down && pause < probe.interval.times(2));
    }
}
