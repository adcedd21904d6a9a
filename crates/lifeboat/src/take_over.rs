//! `lifeboat take-over`: a person keeps an old primary out, and its guard ends.

use std::process::ExitCode;

use clap::Args;
use domain::{
    failover::{
        guard::{self, Kept, TakenOver},
        lease::Lease,
        run::RunKind,
    },
    words::{failure::Failure, id::PlanName},
};
use edge::{
    clock,
    object_store::{self, Condition},
};

use crate::{engine::Engine, output::Output, refusal::Refusal, request::Order};

/// Takes an old primary over from its guard.
#[derive(Debug, Args)]
#[command(after_help = "\
A promotion leaves a guard behind that fences the old primary when it returns, and asks for it each minute until then. One
that will never return, because it was deleted or rebuilt by hand, is yours to keep out: say so, and the guard ends.
Nothing is looked at and nothing is fenced: whoever can reach the old primary may still write to it.

Example:
  lifeboat take-over --plan lab --region us-west-2 --by anna --why 'orders-primary was deleted, its disk is kept for the audit'

Exit codes: 0 it is yours; 3 there is no guard, or you may not; 1 it could not be done; 2 wrong command line.")]
pub(crate) struct Command {
    /// The plan's name.
    #[arg(long, visible_alias = "plan-name", value_name = "NAME")]
    plan: PlanName,
    #[command(flatten)]
    order: Order,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints the record as JSON.
    #[arg(long)]
    json: bool,
}

/// How often it is tried: a run may be writing the lease at the same time.
const TRIES: usize = 5;

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        self.order.check()?;
        let engine = Engine::of(RunKind::Failover.machine(), self.region.as_deref()).await?;
        // Where there is no plan any more, nobody says who may.
        let pair = match object_store::read_pair(&engine.bucket, &self.plan).await {
            Ok((pair, _)) => Some(pair),
            Err(Failure::NotFound(_)) => None,
            Err(failure) => return Err(failure.into()),
        };
        let proved = match &pair {
            Some(pair) => engine.may_order(pair).await,
            None => Ok(None),
        };
        let proved = match proved {
            Ok(proved) => proved,
            Err(why) => {
                output.line(&format!("refused: {why}"));
                return Ok(ExitCode::from(3));
            }
        };
        let to = TakenOver { by: self.order.by.clone(), why: self.order.why.trim().to_owned(), proved };
        let plan = pair.map_or_else(|| self.plan.clone(), |pair| pair.plan);
        let (lease_key, mut lost) = (object_store::lease_key(&plan), None);
        for _ in 0..TRIES {
            let read = object_store::read_json::<Lease>(&engine.bucket, &lease_key).await?;
            let guarded = read.and_then(|(lease, etag)| lease.guard.clone().map(|guard| (lease, guard, etag)));
            let Some((lease, guard, etag)) = guarded else {
                output.line(&format!("refused: plan `{}` guards no old primary", self.plan));
                return Ok(ExitCode::from(3));
            };
            let Some(unguarded) = lease.unguarded(guard.generation) else { continue };
            // The record first, as the guard itself does: nobody could explain it without a record later.
            let kept = guard::hand_over(&guard, &plan, to.clone(), clock::now());
            let key = guard::key(&plan, guard.generation);
            let earlier = object_store::read_json::<Kept>(&engine.bucket, &key).await?;
            if earlier.as_ref().is_some_and(|(earlier, _)| earlier.taken_over.is_none()) {
                lost = Some(Failure::Conflict(format!("{key}: the guard has met it, and is ending by itself")));
                continue;
            }
            let condition = earlier.map_or(Condition::Absent, |(_, etag)| Condition::Unchanged(etag));
            let recorded = object_store::write_json(&engine.bucket, &key, &kept, condition).await;
            let ended = match recorded {
                Ok(()) => {
                    object_store::write_json(&engine.bucket, &lease_key, &unguarded, Condition::Unchanged(etag)).await
                }
                Err(failure) => Err(failure),
            };
            match ended {
                Ok(()) => {
                    if self.json {
                        output.json(&kept)?
                    } else {
                        output.line(&format!("yours: {}", kept.because))
                    }
                    return Ok(ExitCode::SUCCESS);
                }
                Err(conflict @ Failure::Conflict(_)) => lost = Some(conflict),
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(lost.map_or_else(|| Refusal::failed("nothing was changed", "Try again."), Refusal::from))
    }
}
