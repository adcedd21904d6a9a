//! A failover that cannot go through for a while, and what starts it once it can.

use std::time::Duration;

use domain::failover::{run::Trigger, starter};
use jiff::Timestamp;

use super::{Drill, promoted_at};
use crate::{
    drill::{DrillError, follow::Runs},
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
};

/// How long the obstacle stays after the refusal: longer than one look of the starter, so that it is refused too.
const STAYS: Duration = Duration::from_secs(6);

impl Drill<'_> {
    pub(super) async fn refused_then_fit(&mut self) -> Result<DrillResult, DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.clients().await?;
        let disaster_at = self.kill().await?;
        // It has received the log, but does not answer.
        aws.rds.pause(&system.replica()).await?;
        let paused = format!("SIGSTOP of every process of `{}`", system.replica().id);
        self.happened(Timestamp::now(), Event::ReplicaPaused, paused, Actor::Disaster);
        let run = runs.next().await?;
        let refused = runs.follow(self.lab, &run, self.observer).await?;
        let says = refused.because.contains("does not answer");
        self.check("the alarm's run is refused for want of a replica", says, &refused.because);
        let nothing = refused.record.fencing.is_none() && refused.record.promotion.is_none();
        self.check("it changed nothing", nothing, "by the record's answers");
        let name = refused.execution.name().to_owned();
        let disable = format!("disable-rule --name {}", starter::rule_name(&self.plan().plan));
        self.called("a person is told that the next run starts by itself, and how to keep it from that", |told| {
            [&*name, "starts the next run by itself", &*disable].iter().all(|part| told.message.contains(part))
        })
        .await?;
        tokio::time::sleep(STAYS).await;
        let early = runs.new_ones().await?;
        self.check("none starts while the replica is silent", early.is_empty(), format!("{} runs", early.len()));
        aws.rds.resume(&system.replica()).await?;
        let fit_at = Timestamp::now();
        self.happened(fit_at, Event::Undone, "the replica goes on".into(), Actor::Disaster);
        let run = runs.next().await?;
        let done = runs.follow(self.lab, &run, self.observer).await?;
        let itself = matches!(done.trigger, Some(Trigger::Again { attempt: 1, .. }));
        self.check("nobody ordered the run that fails over", itself, format!("{:?}", done.trigger));
        let moved = promoted_at(&done);
        let returned_at = self.afterwards(&clients, moved).await?;
        let logs = clients.stop().await?;
        let results = vec![
            RunResult::of("automatic failover", Ending::Refused, refused),
            RunResult::of("started again", Ending::Done, done),
        ];
        self.result(disaster_at, results, &logs, moved, returned_at, HeldTo { rto: false, rpo: true }).await
    }
}
