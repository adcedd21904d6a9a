//! The decision: what speaks against any failover, then the hold-down, the loss and the policy of this one.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    api::ApiSeen,
    class::classify,
    fitness,
    patience::{self, SETTLING},
    seen::{RecordSeen, ReplicaSeen, Seen},
    signal::{Signal, dead_since, failing_since, signals},
};
use crate::{
    component::PostgresPair,
    failover::{
        approval::Answer,
        loss::{self, Loss, lag},
        run::{Consent, Run, Trigger},
    },
    plan::{FailureClass, Policy, Probe},
    watch::{
        health::{Vantage, Verdict},
        instance_status::InstanceStatus,
        probe::HANDOVER,
    },
    words::{time_span::TimeSpan, wal::LastSeen},
};

/// What the judge decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Fail over, asking first where the policy says so.
    Go(Judgement),
    /// Not yet: the hold-down is not over, or the primary has only just come back. Ask again.
    Hold(String),
    /// Do not.
    Refuse(String),
}

/// A decision to fail over, and on what grounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Judgement {
    /// What the failure looks like.
    pub class: FailureClass,
    /// Automatic, or approval.
    pub policy: Policy,
    /// What may be lost.
    pub loss: Loss,
    /// Where the primary's log stood when it was last seen.
    pub last_seen: Option<LastSeen>,
    /// Since when the primary fails.
    #[schemars(with = "String")]
    pub failing_since: Timestamp,
    /// Since when its own host says that it does not serve; absent where it was only silent, so that it may have taken
    /// writes all the while.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub dead_since: Option<Timestamp>,
    /// Whether the primary answered, and is failed over all the same: then it must be seen to refuse the application.
    #[serde(default)]
    pub answers: bool,
    /// Who consents to a loss above the budget, where somebody does.
    #[serde(default)]
    pub consent: Option<Consent>,
    /// How long a person has to answer, in seconds.
    pub approval_seconds: u64,
    /// Every signal.
    pub signals: Vec<Signal>,
}

impl Judgement {
    /// One sentence for the record.
    #[must_use]
    pub fn because(&self) -> String {
        format!("a failure of class {} since {}; may lose {}", self.class, self.failing_since, self.loss)
    }

    /// Since when the primary may not have served: since it was last seen to work. Absent where that was not shortly before
    /// its first failed sample, so that nobody knows.
    #[must_use]
    pub fn unserved_since(&self, probe: &Probe) -> Option<Timestamp> {
        let seen = self.last_seen?.at;
        let watched = TimeSpan::between(seen, self.failing_since) <= loss::unwatched_at_most(probe);
        watched.then(|| seen.min(self.failing_since))
    }
}

/// How long log that was under way when a primary died may still arrive: longer, and it is life.
const UNDER_WAY: TimeSpan = TimeSpan::seconds(10);

/// How long a replica may take to replay what it has received already.
const REPLAYING: TimeSpan = TimeSpan::seconds(60);

/// Decides. Refuses whenever in doubt. `approved` is the answer of the person who was asked: then everything is looked at
/// once more, and only the asking is over.
#[must_use]
pub fn decide(seen: &Seen, run: &Run, approved: Option<&Answer>, now: Timestamp) -> Decision {
    let case = Case { seen, run, approved, now };
    let signals = signals(seen, run, now);
    let decision = match case.objections(&signals) {
        Some(decision) => decision,
        None => case.judge(signals),
    };
    match decision {
        Decision::Hold(why) if approved.is_some() => {
            Decision::Refuse(format!("approved, and not fit for it now: {why}"))
        }
        decision @ (Decision::Go(_) | Decision::Hold(_) | Decision::Refuse(_)) => decision,
    }
}

/// What is judged, and for which run.
#[derive(Clone, Copy)]
struct Case<'a> {
    seen: &'a Seen,
    run: &'a Run,
    approved: Option<&'a Answer>,
    now: Timestamp,
}

impl Case<'_> {
    /// What speaks against any failover, whatever the class.
    fn objections(&self, signals: &[Signal]) -> Option<Decision> {
        let (seen, run) = (self.seen, self.run);
        let Some(pair) = run.pair() else {
            return Some(Decision::Refuse("the plan's traffic names no component".into()));
        };
        let goes_on = run.finishes() || self.adopts();
        match &seen.record {
            RecordSeen::Names(name) if *name == pair.primary.endpoint => {}
            RecordSeen::Names(name) if *name == pair.replica.endpoint && goes_on => {}
            RecordSeen::Names(name) => {
                return Some(Decision::Refuse(format!(
                    "`{}` leads to `{name}`, the plan says `{}`: someone moved it, nothing is changed",
                    run.plan.traffic.record.name, pair.primary.endpoint
                )));
            }
            RecordSeen::Unknown(_) => {}
        }
        if let Some(why) = fitness::objection(&seen.fitness, run, pair) {
            return Some(Decision::Refuse(why));
        }
        if seen.replica == ReplicaSeen::Primary {
            return (!goes_on).then(|| Decision::Refuse(promoted_elsewhere(pair)));
        }
        if let Some(decision) = self.alive(signals) {
            return Some(decision);
        }
        if let ApiSeen::Status(status) = &seen.api
            && let Some(work) = planned_work(status)
            && !run.finishes()
            // RDS may show work for hours that nobody does any more.
            && !(work.ends_by_itself && self.consent().is_some())
            // An earlier run's fence is a change, too.
            && !(status == "modifying" && run.owes.as_ref().is_some_and(|shut| shut.network))
        {
            return Some(self.passing(
                work.ends_by_itself,
                format!("RDS says that `{}` is {status}: {}", pair.primary.instance, work.because),
            ));
        }
        if let Some((passes, why)) = fitness::unpromotable(&seen.fitness, pair)
            && !run.finishes()
        {
            return Some(self.passing(passes, why));
        }
        if let ReplicaSeen::Silent(why) = &seen.replica {
            return Some(self.passing(
                true,
                format!("`{}` does not answer, so there is nothing to fail over to: {why}", pair.replica.instance),
            ));
        }
        None
    }

    /// What a sign of life means. A run that finishes another's promotion is answered by a primary that was fenced or
    /// drained: that one must then be seen to refuse the application. Where only others reach it, nobody could see that.
    fn alive(&self, signals: &[Signal]) -> Option<Decision> {
        let alive = signals.iter().find(|signal| signal.verdict == Verdict::Up)?;
        if self.run.finishes() && self.seen.recovery.database == Verdict::Up {
            return None;
        }
        let because = &alive.because;
        let why = match alive.vantage {
            Vantage::Recovery => format!("the primary answers again: {because}"),
            Vantage::Witness => format!("the witness reaches the primary, so it is we who are cut off: {because}"),
            Vantage::Replica => format!("the primary lives, its log still flows to the replica: {because}"),
            Vantage::Api => format!("the primary lives: {because}"),
        };
        // Told, and nothing decides by it.
        let points_to = self.seen.health.as_ref().and_then(|judged| judged.points_to);
        let points_to = points_to
            .map_or_else(String::new, |class| format!("; the health of its Region points to: {}", class.in_words()));
        let why = format!("{why}{points_to}");
        let failing_for = TimeSpan::between(failing_since(self.seen, self.run), self.now);
        let may_pass = match alive.vantage {
            Vantage::Recovery => true,
            Vantage::Replica => failing_for < UNDER_WAY,
            Vantage::Witness | Vantage::Api => false,
        };
        // What an earlier run shut is opened at once where the primary serves again.
        Some(self.passing(may_pass && self.run.owes.is_none(), why))
    }

    /// A refusal, or, where it may pass by itself and nobody waits for an answer, a moment's patience with it.
    fn passing(&self, may_pass: bool, why: String) -> Decision {
        // From when it last came back: a primary that crashes again and again is watched until it stays.
        let since = self.seen.watch.recovered_at.map_or(self.run.opened_at, |at| at.max(self.run.opened_at));
        if may_pass && self.run.trigger.is_automatic() && TimeSpan::between(since, self.now) < SETTLING {
            return Decision::Hold(format!("looked at for {SETTLING} before this is over: {why}"));
        }
        Decision::Refuse(why)
    }

    /// Whether a person takes over a promotion that somebody else made, and what it may lack with it.
    fn adopts(&self) -> bool {
        self.seen.replica == ReplicaSeen::Primary
            && !self.run.finishes()
            && !self.run.trigger.is_automatic()
            && self.run.consent.is_some()
    }

    /// The hold-down, the loss and the policy of a failure that nothing speaks against.
    fn judge(&self, signals: Vec<Signal>) -> Decision {
        let (seen, run, plan) = (self.seen, self.run, &self.run.plan);
        let failing_since = failing_since(seen, run);
        let failing_for = TimeSpan::between(failing_since, self.now);
        let class = classify(seen);
        if run.trigger.is_automatic()
            && self.approved.is_none()
            && let Some(why) = patience::too_soon(run, class, failing_for, (seen.silent_since, self.now))
        {
            return Decision::Hold(why);
        }
        if self.is_uncounted() {
            return Decision::Hold("the watch has not counted a failure, and no alarm has: one look is none".into());
        }
        let answers = seen.recovery.database == Verdict::Up;
        let last_seen = self.last_seen();
        let dead_since = dead_since(seen, failing_since);
        let loss = self.loss(last_seen, failing_since, dead_since);
        let consent = self.consent();
        if let Some(why) = loss.above(&plan.failover.data_loss_budget)
            && consent.is_none()
        {
            return self.too_much(&why);
        }
        let policy = match (plan.failover.policy.of(class), &run.trigger) {
            // The promotion was decided and is done: what is left only goes forward.
            _ if seen.replica == ReplicaSeen::Primary || run.finishes() => Policy::Automatic,
            (Policy::Never, _) => {
                return Decision::Refuse(format!("the plan never fails over for a failure of class {class}"));
            }
            // We may be the ones who are cut off: that is never decided without a person.
            (Policy::Automatic, Trigger::Alarm { .. } | Trigger::Again { .. }) if class == FailureClass::Network => {
                Policy::Approval
            }
            (Policy::Automatic, _) | (Policy::Approval, Trigger::Person { .. }) => Policy::Automatic,
            (Policy::Approval, Trigger::Alarm { .. } | Trigger::Again { .. }) => Policy::Approval,
        };
        let policy = if self.approved.is_some() { Policy::Automatic } else { policy };
        // Where it may be alive, what it wrote unseen counts as what the replica lacks does.
        let may_live = matches!(class, FailureClass::Unknown | FailureClass::Network);
        if may_live
            && policy == Policy::Automatic
            && consent.is_none()
            && let Some(unseen) = loss.unseen_above(&plan.failover.data_loss_budget)
        {
            return Decision::Refuse(format!(
                "the failure is of class {class}: {unseen}; a person may consent to that for one run, by name \
                 (--accept-data-loss, with the order or with the approval)"
            ));
        }
        Decision::Go(Judgement {
            class,
            policy,
            loss,
            last_seen,
            failing_since,
            dead_since,
            answers,
            consent,
            approval_seconds: plan.failover.approval_deadline.duration().as_secs().max(1),
            signals,
        })
    }

    /// Whether a run that no alarm and nobody started has nothing but this look: one that was to open what another one had
    /// shut meets a primary that works, and must not take a blip for its death.
    fn is_uncounted(&self) -> bool {
        let counted = self.seen.watch.failing.as_ref().map_or(0, |streak| streak.failures);
        match self.run.trigger {
            Trigger::Again { .. } if self.approved.is_none() && !self.run.finishes() => {
                counted < self.run.plan.probe.failures_in_a_row
            }
            Trigger::Again { .. } | Trigger::Alarm { .. } | Trigger::Person { .. } => false,
        }
    }

    /// Where the primary's log stood: now, where it answers; else when the watch last saw it.
    fn last_seen(&self) -> Option<LastSeen> {
        match (self.seen.recovery.database, self.seen.recovery.lsn) {
            (Verdict::Up, Some(lsn)) => {
                Some(LastSeen::new(lsn, self.seen.recovery.at).after(self.seen.watch.last_seen))
            }
            (Verdict::Up | Verdict::Down | Verdict::Unknown, _) => self.seen.watch.last_seen,
        }
    }

    fn loss(&self, last_seen: Option<LastSeen>, failing_since: Timestamp, dead_since: Option<Timestamp>) -> Loss {
        let (seen, run) = (self.seen, self.run);
        let asked = run.taken_over.as_ref().and_then(|holder| holder.asked.as_ref());
        match (&seen.replica, asked) {
            (ReplicaSeen::Primary, Some(_)) => Loss::Promoted,
            (ReplicaSeen::Primary, None) => Loss::Unknown { because: "somebody else promoted the replica".into() },
            (ReplicaSeen::Silent(why), _) => Loss::Unknown { because: why.clone() },
            // Accepted already, and nobody has seen the primary since.
            (ReplicaSeen::Replica { .. }, Some(asked)) if run.finishes() && seen.recovery.database != Verdict::Up => {
                asked.loss.clone()
            }
            (ReplicaSeen::Replica { position, .. }, _) if seen.recovery.database == Verdict::Up => {
                lag(last_seen, seen.recovery.at, seen.recovery.at, position, &run.plan.probe)
            }
            (ReplicaSeen::Replica { position, .. }, _) => {
                lag(last_seen, failing_since, dead_since.unwrap_or(self.now), position, &run.plan.probe)
            }
        }
    }

    /// Who consents to a loss above the budget: with the order, or with the approval.
    fn consent(&self) -> Option<Consent> {
        let approved = self.approved.filter(|answer| answer.accept_data_loss);
        let approved = approved.map(|answer| Consent { by: answer.by.clone(), why: answer.why.clone() });
        self.run.consent.clone().or(approved)
    }

    /// A loss above the budget: a refusal, unless it may pass in a moment.
    fn too_much(&self, why: &str) -> Decision {
        let (seen, run) = (self.seen, self.run);
        let open_for = TimeSpan::between(run.opened_at, self.now);
        // A healthy primary's position is written down seldom, a failing one's at once: a person may be faster.
        let watch_needs = run.plan.probe.interval.times(2) + run.plan.probe.timeout + HANDOVER;
        if seen.watch.failing.is_none() && open_for < watch_needs {
            return Decision::Hold(format!("the watch has not written down yet that the primary fails: {why}"));
        }
        if let (ReplicaSeen::Replica { position, .. }, Some(last)) = (&seen.replica, seen.watch.last_seen)
            && position.received >= last.lsn
            && position.replayed < last.lsn
            && open_for < REPLAYING
        {
            return Decision::Hold(format!("the replica has received all that was seen, and replays it: {why}"));
        }
        Decision::Refuse(format!("{why}; a person may consent to the loss for one run, by name"))
    }
}

/// What a person is told about a promotion that was not ours.
fn promoted_elsewhere(pair: &PostgresPair) -> String {
    format!(
        "`{}` takes writes already: somebody promoted it, by no run of this plan, and what it lacks is unknown. A person's \
         order that consents to that takes it over: it fences `{}` and moves the name",
        pair.replica.instance, pair.primary.instance
    )
}

/// What somebody does to an instance, or has done.
struct Work {
    because: &'static str,
    ends_by_itself: bool,
}

fn planned_work(status: &str) -> Option<Work> {
    let (because, ends_by_itself) = match InstanceStatus::of(status) {
        InstanceStatus::BeingChanged => (
            "it comes back by itself, or someone is at work on it; an order with `--accept-data-loss` does not wait for that",
            true,
        ),
        InstanceStatus::PutAway => ("someone put it away, a failover is not what they asked for", false),
        InstanceStatus::Works | InstanceStatus::BackingUp | InstanceStatus::Other => return None,
    };
    Some(Work { because, ends_by_itself })
}
