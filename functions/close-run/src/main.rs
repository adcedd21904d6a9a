//! `CloseRun`: writes the evidence and releases the lease. Every path of the state machine ends through it.
//!
//! - in: [`Closing`], sample in `events/close-run.json`
//! - out: [`Step<Closed>`]: always `Done`
//! - changes: the evidence's object, the plan's lease; safe to repeat
//! - fails with: `InvalidInput`, `Conflict`, `AwsTransient`, `AwsDenied`, `AwsRejected`

use std::future::Future;

use domain::{
    evidence::{self, Closing, Evidence},
    failure::Failure,
    id::{ExecutionArn, PlanName},
    lease::Lease,
    run::Run,
    standing,
    step::Step,
};
use edge::{
    aws, clock,
    shelf::{self, Bucket, Condition, Shelf},
    states::{History, States},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tracing::info;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let bucket = Bucket::from_env(&aws::config(None).await).map_err(|failure| failure.chain())?;
    let states = States::from_env().await;
    edge::serve(|event| handle(&bucket, &states, clock::now(), event)).await
}

/// What was closed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Closed {
    /// The evidence's key in the Region's bucket.
    evidence: String,
    /// The plan, unless the request named none that exists.
    plan: Option<PlanName>,
    /// What is true now, for whoever is called.
    standing: Option<String>,
    rto_seconds: Option<f64>,
    rpo_seconds: Option<f64>,
    met: Option<bool>,
    transitions: u64,
}

/// Who knows what an execution has been through.
trait Chronicle {
    fn history(&self, execution: &ExecutionArn) -> impl Future<Output = Result<History, Failure>>;
}

impl Chronicle for States {
    async fn history(&self, execution: &ExecutionArn) -> Result<History, Failure> {
        States::history(self, execution).await
    }
}

async fn handle(
    shelf: &impl Shelf,
    chronicle: &impl Chronicle,
    now: Timestamp,
    event: Value,
) -> Result<Step<Closed>, Failure> {
    let closing: Closing = edge::parse(event, "CloseRun")?;
    let history = chronicle.history(&closing.execution).await?;
    let (run, outcome) = (closing.run.clone(), closing.outcome);
    let evidence = evidence::assemble(closing, history.moments, history.transitions, now);
    let key = evidence::key(evidence.plan.as_ref(), &evidence.execution);
    shelf::write_json(shelf, &key, &evidence, Condition::Always).await?;
    let released = match &run {
        Some(run) => release(shelf, run, &evidence, now).await?,
        None => "never held a lease".into(),
    };
    info!(execution.name = evidence.execution.name(), ?outcome, because = evidence.because, released, "closed");
    Ok(Step::done(format!("evidence written; {released}"), Value::Null, closed(key, &evidence, run.as_ref())))
}

fn closed(key: String, evidence: &Evidence, run: Option<&Run>) -> Closed {
    let objective = evidence.objective.as_ref();
    Closed {
        evidence: key,
        plan: evidence.plan.clone(),
        standing: run.and_then(|run| standing::standing(&evidence.record, run)),
        rto_seconds: objective.and_then(|objective| objective.rto_measured_seconds),
        rpo_seconds: objective.and_then(|objective| objective.rpo_measured_seconds),
        met: objective.and_then(|objective| objective.met),
        transitions: evidence.transitions,
    }
}

/// Releases the lease, if the run still holds it. Another's lease is left alone.
async fn release(shelf: &impl Shelf, run: &Run, evidence: &Evidence, now: Timestamp) -> Result<String, Failure> {
    let key = shelf::lease_key(&run.plan.plan);
    let Some((lease, etag)) = shelf::read_json::<Lease>(shelf, &key).await? else {
        return Ok("the lease is gone".into());
    };
    match &lease.holder {
        Some(holder) if holder.execution == run.execution => {
            let released = lease.released(evidence.outcome, evidence.active, now);
            let released = if evidence.is_declined() { released.declined() } else { released };
            shelf::write_json(shelf, &key, &released, Condition::Unchanged(etag)).await?;
            Ok(format!("lease of generation {} released", lease.generation))
        }
        Some(holder) => Ok(format!("the lease is held by `{}`", holder.execution.name())),
        None => Ok("the lease was released already".into()),
    }
}

#[cfg(test)]
mod tests {
    use domain::lease::ActiveSide;
    use edge::shelf::fake::Memory;
    use serde_json::json;

    use super::*;

    struct Blank;

    impl Chronicle for Blank {
        async fn history(&self, _: &ExecutionArn) -> Result<History, Failure> {
            Ok(History::default())
        }
    }

    fn event() -> Value {
        serde_json::from_str(include_str!("../../../events/close-run.json")).unwrap()
    }

    fn held() -> Memory {
        Memory::held_by(&serde_json::from_value(event()["run"].clone()).unwrap())
    }

    async fn close(shelf: &Memory, event: Value) -> Step<Closed> {
        handle(shelf, &Blank, Timestamp::UNIX_EPOCH, event).await.unwrap()
    }

    #[tokio::test]
    async fn a_promotion_leaves_the_replica_active_and_the_lease_free() {
        let shelf = held();
        close(&shelf, event()).await;
        let lease: Lease = serde_json::from_str(&shelf.text("leases/lab.json").unwrap()).unwrap();
        assert_eq!((lease.active, lease.holder), (ActiveSide::Replica, None));
    }

    #[tokio::test]
    async fn an_error_in_the_promotion_counts_as_promoted_until_a_person_looks() {
        let (shelf, mut event) = (held(), event());
        event["record"] = json!({"error": {"state": "PromoteReplica", "error": "AwsTransient", "cause": "timed out"}});
        event["outcome"] = json!("needs-a-person");
        close(&shelf, event).await;
        let lease: Lease = serde_json::from_str(&shelf.text("leases/lab.json").unwrap()).unwrap();
        assert_eq!(lease.active, ActiveSide::Replica);
    }

    #[tokio::test]
    async fn what_a_dead_run_had_promoted_stays_promoted_whatever_this_run_decides() {
        let (shelf, mut event) = (held(), event());
        event["record"] = json!({});
        event["outcome"] = json!("refused");
        event["run"]["takenOver"] = json!({
            "execution": "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:dead",
            "phase": "promoting", "since": "2026-01-15T09:00:00Z", "asked": null,
        });
        close(&shelf, event).await;
        let lease: Lease = serde_json::from_str(&shelf.text("leases/lab.json").unwrap()).unwrap();
        assert_eq!(lease.active, ActiveSide::Replica);
    }

    #[tokio::test]
    async fn a_person_s_no_stays_in_the_lease_so_that_nothing_starts_again_by_itself() {
        for (decision, declined) in [("deny", true), ("approve", false)] {
            let (shelf, mut event) = (held(), event());
            event["record"] = json!({ "approval": { "decision": decision, "by": "anna", "why": "a drill" } });
            event["outcome"] = json!("refused");
            close(&shelf, event).await;
            let lease: Lease = serde_json::from_str(&shelf.text("leases/lab.json").unwrap()).unwrap();
            assert_eq!(lease.last.unwrap().declined, declined, "{decision}");
        }
    }

    #[tokio::test]
    async fn closing_twice_is_closing_once() {
        let shelf = held();
        close(&shelf, event()).await;
        let first = shelf.text("leases/lab.json");
        let step = close(&shelf, event()).await;
        assert_eq!(shelf.text("leases/lab.json"), first);
        assert!(step.because.contains("released already"), "{}", step.because);
    }

    #[tokio::test]
    async fn a_run_that_never_opened_leaves_evidence_all_the_same() {
        let (shelf, mut event) = (Memory::default(), event());
        event["run"] = Value::Null;
        event["record"] = json!({});
        let step = close(&shelf, event).await;
        assert!(step.did.unwrap().evidence.starts_with("evidence/no-plan/"));
    }

    #[tokio::test]
    async fn a_run_that_got_no_lease_leaves_its_evidence_with_its_plan() {
        let (shelf, mut event) = (Memory::default(), event());
        event["record"] = json!({"openRun": {
            "step": "Refused", "because": "there is nothing to fail over to", "did": null, "seen": {"active": "replica"},
        }});
        event["run"] = Value::Null;
        event["outcome"] = json!("refused");
        let key = close(&shelf, event).await.did.unwrap().evidence;
        assert!(key.starts_with("evidence/lab/"), "{key}");
        let evidence: Evidence = serde_json::from_str(&shelf.text(&key).unwrap()).unwrap();
        assert!(evidence.trigger.is_some() && evidence.generation.is_none());
        assert_eq!(evidence.active, ActiveSide::Replica);
    }

    #[tokio::test]
    async fn another_s_lease_is_left_alone() {
        let (shelf, mut event) = (held(), event());
        event["run"]["execution"] = json!("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:older");
        let before = shelf.text("leases/lab.json");
        close(&shelf, event).await;
        assert_eq!(shelf.text("leases/lab.json"), before);
    }
}
