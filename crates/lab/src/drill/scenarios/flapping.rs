//! A primary that hangs again and again, around the threshold.

use std::{collections::BTreeSet, time::Duration};

use domain::{watch::probe::Blip, words::time_span::TimeSpan};
use jiff::Timestamp;

use super::{AFTERWARDS, Drill, lost::FENCED_WITHIN, promoted_at};
use crate::{
    drill::{DrillError, follow::Runs},
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
    system::until,
};

/// How long it hangs each time, in percent of the longest time that detection takes. The last one must be noticed.
const PAUSES: [u64; 5] = [60, 80, 70, 90, 105];

/// How long the record of the last time may take.
const RECORD_PATIENCE: Duration = Duration::from_secs(60);

impl Drill<'_> {
    pub(super) async fn flapping(&mut self) -> Result<DrillResult, DrillError> {
        let before: BTreeSet<String> = self.blips().await?.into_iter().collect();
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let disaster_at = Timestamp::now();
        self.observer.disaster(disaster_at);
        let mut returned_at = disaster_at;
        for percent in PAUSES {
            returned_at = self.flap(percent).await?;
        }
        let (results, moved) = self.all(&mut runs).await?;
        for blip in self.recorded(&before, moved.is_some()).await? {
            self.happened(blip.recovered_at, Event::Tolerated, blip.because, Actor::Probe);
        }
        if moved.is_some() {
            clients.first_elsewhere().await?;
        }
        self.grace = FENCED_WITHIN;
        tokio::time::sleep(FENCED_WITHIN.duration() + AFTERWARDS).await;
        let logs = clients.stop().await?;
        self.kept_out(&results).await?;
        // A session that the promotion left open may go on as long after it.
        let returned_at = moved.map(|moved| moved.max(returned_at));
        self.result(disaster_at, results, &logs, moved, returned_at, HeldTo { rto: true, rpo: true }).await
    }

    /// Hangs the primary for this percentage of the detection time, then lets the probe see it alive. Returns when it
    /// was resumed.
    async fn flap(&mut self, percent: u64) -> Result<Timestamp, DrillError> {
        let (plan, rds, primary) = (self.plan(), &self.lab.aws.rds, self.lab.system.primary());
        let pause = TimeSpan::milliseconds(plan.detection().as_milliseconds() * percent / 100).duration();
        let up = (plan.probe.interval.times(2) + plan.probe.timeout).duration();
        rds.pause(&primary).await?;
        let detail = format!("SIGSTOP of every process of `{}` for {} ms", primary.id, pause.as_millis());
        self.happened(Timestamp::now(), Event::Paused, detail, Actor::Disaster);
        tokio::time::sleep(pause).await;
        rds.resume(&primary).await?;
        let resumed_at = Timestamp::now();
        self.happened(resumed_at, Event::Resumed, "SIGCONT".into(), Actor::Disaster);
        tokio::time::sleep(up).await;
        Ok(resumed_at)
    }

    /// Follows every run to its end; also returns when one of them moved the primary.
    async fn all(&mut self, runs: &mut Runs) -> Result<(Vec<RunResult>, Option<Timestamp>), DrillError> {
        let mut results: Vec<RunResult> = Vec::new();
        let mut moved = None;
        loop {
            let run = runs.next().await?;
            let evidence = runs.follow(self.lab, &run, self.observer).await?;
            // One failover is a correct reaction; a second one never is.
            let promoted = promoted_at(&evidence).filter(|_| moved.is_none());
            let expected = if promoted.is_some() { Ending::Done } else { Ending::Refused };
            moved = moved.or(promoted);
            results.push(RunResult::of(&format!("run {}", results.len() + 1), expected, evidence));
            // Each hang that is noticed starts one run at most.
            if results.len() > PAUSES.len() || runs.new_ones().await?.is_empty() {
                return Ok((results, moved));
            }
        }
    }

    /// The records of the hangs that were tolerated since: of every one, unless the watch followed a new primary.
    async fn recorded(&self, before: &BTreeSet<String>, moved: bool) -> Result<Vec<Blip>, DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let keys = until(RECORD_PATIENCE, "the record of every time that it hung", async || {
            let mut keys = system.keys(aws, &self.prefix()).await?;
            keys.retain(|key| !before.contains(key));
            Ok((moved || keys.len() >= PAUSES.len()).then_some(keys))
        })
        .await?;
        let mut blips = Vec::new();
        for key in keys {
            let text = system.object(aws, &key).await?.unwrap_or_default();
            blips.push(serde_json::from_str(&text).map_err(|source| DrillError::Evidence { key, source })?);
        }
        Ok(blips)
    }

    async fn blips(&self) -> Result<Vec<String>, DrillError> {
        Ok(self.lab.system.keys(&self.lab.aws, &self.prefix()).await?)
    }

    fn prefix(&self) -> String {
        format!("evidence/{}/blips/", self.plan().plan)
    }
}
