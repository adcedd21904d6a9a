//! A Region that is not healthy while its database answers: it is told, and nothing is moved.

use std::time::Duration;

use domain::{
    component::ActiveSide,
    plan::Disaster,
    record::evidence::Evidence,
    watch::region::{self, Judged, Recorded, RegionCondition, RegionHealth},
    words::time_span::TimeSpan,
};
use edge::object_store;
use jiff::Timestamp;
use serde_json::json;

use super::{Drill, order};
use crate::{
    drill::{DrillError, clients::Clients, follow::Runs},
    network::{LinkQuality, Vantage},
    report::{Actor, DrillResult, Ending, Event, HeldTo, RunResult},
    system::{SystemError, until},
};

/// How long it may take until a Region is seen as it is: a start of the schedule, and its looks.
const SEEN_WITHIN: Duration = Duration::from_secs(180);

/// How long it may take until lost packets are counted: of fewer than a hundred connections nothing is told, and which are
/// lost is chance. Ten minutes have 360.
const COUNTED_WITHIN: Duration = Duration::from_secs(600);

/// The network that is slow: a round trip, and one packet of so many that is lost.
const SLOW: LinkQuality = LinkQuality { round_trip: Duration::from_millis(600), loses_one_of: Some(50) };

impl Drill<'_> {
    pub(super) async fn application_down(&mut self) -> Result<DrillResult, DrillError> {
        let system = &self.lab.system;
        self.seen(RegionCondition::Healthy, SEEN_WITHIN, |_| true).await?;
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.patient_clients().await?;
        let disaster_at = Timestamp::now();
        system.stop_the_application().await;
        self.observer.disaster(disaster_at);
        let stopped = "the application's server on the primary's side; its database goes on".to_owned();
        self.happened(disaster_at, Event::ApplicationStopped, stopped, Actor::Disaster);
        self.told_of(Disaster::Application, disaster_at).await?;
        let alarm = format!("lifeboat-{}-health-unhealthy", self.plan().plan);
        let rose = until(SEEN_WITHIN, &alarm, async || {
            let rose = system.alarms_since(&self.lab.aws, disaster_at).await?;
            Ok(rose.contains(&alarm).then_some(rose))
        })
        .await?;
        let primary_down = format!("lifeboat-{}-primary-down", self.plan().plan);
        let only = !rose.contains(&primary_down);
        self.check("the alarm of health rises, and not the primary's", only, format!("{rose:?}"));
        let early = runs.new_ones().await?;
        self.check("no run begins by itself", early.is_empty(), format!("{} runs", early.len()));
        let ordered = self.order_of(&mut runs, Some(Disaster::Application)).await?;
        let helps = ordered.because.contains("lifeboat switchover");
        self.check("the refusal names what hands the database over", helps, &ordered.because);
        system.start_the_application().await?;
        let back = "the application's server is back".to_owned();
        self.happened(Timestamp::now(), Event::Undone, back, Actor::Disaster);
        self.over(disaster_at).await?;
        self.nothing_moved(disaster_at, &mut runs, clients, ordered).await
    }

    pub(super) async fn slow_network(&mut self) -> Result<DrillResult, DrillError> {
        self.seen(RegionCondition::Healthy, SEEN_WITHIN, |_| true).await?;
        let mut runs = Runs::so_far(self.lab).await?;
        let clients = self.patient_clients().await?;
        let host = self.primary_host()?;
        let disaster_at = Timestamp::now();
        for vantage in [Vantage::Recovery, Vantage::Replication] {
            self.lab.aws.network.slow(vantage, host, SLOW)?;
        }
        self.observer.disaster(disaster_at);
        let slowed = format!(
            "from the recovery Region to `{}`: 600 ms, and one packet of 50 is lost",
            self.plan().regions.primary
        );
        self.happened(disaster_at, Event::LinksSlowed, slowed, Actor::Disaster);
        let judged = self.told_of(Disaster::Network, disaster_at).await?;
        let latency = judged.figures.latency_milliseconds.unwrap_or_default();
        self.check(
            "a round trip is seen as slow as it is",
            (600.0..1_200.0).contains(&latency),
            format!("{latency:.0} ms"),
        );
        let ordered = self.order_of(&mut runs, None).await?;
        let points = ordered.because.contains("points to: network");
        self.check("the refusal says what the Region's health points to", points, &ordered.because);
        let counted = |judged: &Judged| judged.figures.loss_percent.is_some_and(|percent| percent > 0.0);
        let judged = self.seen(RegionCondition::Unhealthy, COUNTED_WITHIN, counted).await?;
        let lost = judged.figures.loss_percent.unwrap_or_default();
        self.check("lost packets are counted", lost > 0.0, format!("{lost:.1} % of the connections"));
        self.heal(host);
        self.over(disaster_at).await?;
        self.nothing_moved(disaster_at, &mut runs, clients, ordered).await
    }

    /// Waits until the primary's Region is seen so by the recovery Region.
    async fn seen(
        &self,
        condition: RegionCondition,
        limit: Duration,
        wanted: impl Fn(&Judged) -> bool,
    ) -> Result<Judged, DrillError> {
        let (system, plan) = (&self.lab.system, self.plan());
        let region = &plan.regions.primary;
        let key = object_store::health_key(&plan.plan, region);
        let missing = || SystemError::Plan { plan: plan.plan.to_string(), why: "it says nothing of health".into() };
        let health = plan.health.as_ref().ok_or_else(missing)?;
        let what = format!("{region}, seen as {condition:?}");
        let judged = until(limit, &what, async || {
            let seen = system.object(&self.lab.aws, &key).await?;
            let seen = seen.and_then(|text| serde_json::from_str::<RegionHealth>(&text).ok());
            let judged = seen.map(|seen| region::judge(&seen, health, Timestamp::now()));
            Ok(judged.filter(|judged| judged.condition == condition && wanted(judged)))
        });
        Ok(judged.await?)
    }

    /// Waits until people are told of this class, and checks that they are told what follows.
    async fn told_of(&mut self, class: Disaster, since: Timestamp) -> Result<Judged, DrillError> {
        let is_it = |judged: &Judged| judged.points_to == Some(class);
        let judged = self.seen(RegionCondition::Unhealthy, SEEN_WITHIN, is_it).await?;
        let took = TimeSpan::between(since, judged.seen_at.unwrap_or(since));
        self.check(
            format!("the Region is judged as unhealthy, and points to: {}", class.in_words()),
            true,
            format!("{took} after: {}", judged.because),
        );
        let subject = format!("is unhealthy: {}", class.in_words());
        self.called("people are told so, and that nothing is moved", |told| {
            told.subject.ends_with(&subject) && told.message.contains("Nothing is moved")
        })
        .await?;
        Ok(judged)
    }

    /// A failover that somebody orders meanwhile.
    async fn order_of(&mut self, runs: &mut Runs, class: Option<Disaster>) -> Result<Evidence, DrillError> {
        let mut words = order(self.plan(), "anna", "the shop does not answer");
        if let Some(class) = class {
            words["class"] = json!(class);
        }
        let run = runs.start(&words).await?;
        let evidence = runs.follow(self.lab, &run, self.observer).await?;
        let nothing = evidence.record.fencing.is_none() && evidence.record.promotion.is_none();
        self.check("a failover that is ordered meanwhile changes nothing", nothing, &evidence.because);
        Ok(evidence)
    }

    /// Waits until the Region is healthy again, which people are told and which is on record.
    async fn over(&mut self, since: Timestamp) -> Result<(), DrillError> {
        let (aws, system, plan) = (&self.lab.aws, &self.lab.system, self.plan());
        let folder = format!("evidence/{}/health/{}/", plan.plan, plan.regions.primary);
        let recorded = until(SEEN_WITHIN, "the record of a Region that is healthy again", async || {
            for key in system.keys(aws, &folder).await? {
                let text = system.object(aws, &key).await?.unwrap_or_default();
                let recorded = serde_json::from_str::<Recorded>(&text).ok();
                let over =
                    recorded.filter(|recorded| recorded.episode.since > since && recorded.episode.ended_at.is_some());
                if over.is_some() {
                    return Ok(over);
                }
            }
            Ok(None)
        });
        let recorded = recorded.await?;
        let classes: Vec<String> = recorded
            .episode
            .pointed_to
            .iter()
            .filter_map(|pointed| pointed.class)
            .map(|class| class.to_string())
            .collect();
        self.check("it is on record what the Region pointed to, and until when", true, classes.join(", "));
        self.called("people are told that it is healthy again", |told| told.subject.ends_with("is healthy again")).await
    }

    /// The primary is where it was, and its clients have noticed nothing.
    async fn nothing_moved(
        &mut self,
        disaster_at: Timestamp,
        runs: &mut Runs,
        clients: Clients,
        ordered: Evidence,
    ) -> Result<DrillResult, DrillError> {
        let mut results = vec![RunResult::of("a failover that is ordered meanwhile", Ending::Refused, ordered)];
        // A packet that is lost may take longer than the probe waits for it.
        while !runs.new_ones().await?.is_empty() {
            let run = runs.next().await?;
            let evidence = runs.follow(self.lab, &run, self.observer).await?;
            let nothing = evidence.record.fencing.is_none() && evidence.record.promotion.is_none();
            self.check("a run that begins by itself changes nothing", nothing, &evidence.because);
            results.push(RunResult::of("a run that begins by itself", Ending::Refused, evidence));
        }
        let lease = self.lab.system.lease(&self.lab.aws).await?;
        let stays = lease.is_none_or(|lease| lease.active == ActiveSide::Primary && lease.holder.is_none());
        let leads = self.leads_to().await?;
        let primary = self.lab.system.pair.primary.endpoint.to_string();
        self.check("traffic leads to the primary still, and no run has the lease", stays && leads == primary, leads);
        clients.first_after(Timestamp::now()).await?;
        let logs = clients.stop().await?;
        let mut result = self.result(disaster_at, results, &logs, None, None, HeldTo { rto: true, rpo: true }).await?;
        let (failed, lost) = (result.client.attempts_failed, result.client.lost.rows.count);
        result.checks.push(crate::report::Check {
            claim: "the database's clients go on writing: no write fails, none is lost".into(),
            holds: failed == 0 && lost == 0,
            found: format!("{} acknowledged, {failed} failed, {lost} lost", result.client.rows_acknowledged),
        });
        Ok(result)
    }
}
