//! A lease corrected by a person's word: read, planned, recorded, written on the condition that nothing changed.

use std::process::ExitCode;

use domain::{
    component::ActiveSide,
    failover::{
        correction::{self, Corrected, Correction, Generations, KEPT_CHARS, Said},
        fencing::Target,
        run::RunKind,
    },
    plan::PairPlan,
    words::id::{Generation, PlanName},
};
use edge::{
    clock,
    object_store::{self, Condition, ObjectStore},
};

use super::{Command, Read, read};
use crate::{engine::Engine, output::Output, refusal::Refusal, request::Order};

/// Evidence that is looked through for the highest generation, the newest first: generations only rise.
const MOST_EVIDENCE: usize = 50;

impl Command {
    pub(super) async fn correct(
        &self,
        engine: &Engine,
        plan: &PairPlan,
        order: &Order,
        active: ActiveSide,
        output: &mut Output,
    ) -> Result<ExitCode, Refusal> {
        let proved = match engine.may_order(plan).await {
            Ok(proved) => proved,
            Err(why) => return Ok(refused(&why, output)),
        };
        if let Some(run) = at_work(engine, &plan.plan).await? {
            return Ok(refused(&format!("run `{run}` of plan `{}` is at work: wait for its end", plan.plan), output));
        }
        let read = read(engine, &plan.plan).await?;
        let Correction { lease: after, changes } = match self.plan(engine, plan, &read, active).await? {
            Ok(correction) => correction,
            Err(why) => return Ok(refused(&why, output)),
        };
        let before = read.text.map(|text| text.chars().take(KEPT_CHARS).collect());
        let (plan, by, why) = (plan.plan.clone(), order.by.clone(), order.why.trim().to_owned());
        let mut record = Corrected { plan, by, proved, why, at: clock::now(), written: false, changes, before, after };
        if !record.changes.is_empty() {
            write(engine, &mut record, read.etag).await?;
        }
        if self.json {
            output.json(&record)?;
        } else {
            show(&record, output);
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn plan(
        &self,
        engine: &Engine,
        plan: &PairPlan,
        read: &Read,
        active: ActiveSide,
    ) -> Result<Result<Correction, String>, Refusal> {
        let known = match (&read.lease, self.new) {
            (Some(Ok(_)), true) => {
                return Ok(Err("the lease can be read, and is not replaced: leave --new out to correct it".to_owned()));
            }
            (Some(Ok(lease)), false) => {
                let said = Said { active, forget_guard: self.forget_guard };
                let primary = plan.pair().map(|pair| Target::primary(plan, pair));
                return Ok(correction::correct(lease, read.owner.as_ref(), said, primary.as_ref()));
            }
            (Some(Err(why)), false) => return Ok(Err(format!("{why}. It is replaced with --new"))),
            (None, false) => {
                return Ok(
                    Err("there is no lease: the first run makes one. Where one was lost, give --new".to_owned()),
                );
            }
            (Some(Err(_)) | None, true) => Generations {
                in_the_object: read.text.as_deref().and_then(correction::highest_in),
                in_the_evidence: in_the_evidence(engine, &self.plan).await?,
                given: self.generation.map(Generation),
            },
        };
        Ok(correction::renew(&self.plan, known, active))
    }
}

/// A run of this plan that may still act.
async fn at_work(engine: &Engine, plan: &PlanName) -> Result<Option<String>, Refusal> {
    for kind in RunKind::ALL {
        if let Some(run) = engine.running(kind, plan).await? {
            return Ok(Some(run.name().to_owned()));
        }
    }
    Ok(None)
}

/// The highest generation that the newest runs' evidence names.
async fn in_the_evidence(engine: &Engine, plan: &PlanName) -> Result<Option<Generation>, Refusal> {
    let mut listed = engine.bucket.list(&format!("evidence/{plan}/")).await?;
    listed.sort_by_key(|listed| std::cmp::Reverse(listed.written_at));
    let mut highest = listed.iter().filter_map(|listed| correction::in_key(&listed.key)).max();
    for listed in listed.iter().take(MOST_EVIDENCE) {
        let text = engine.bucket.get(&listed.key).await?.map(|object| object.text).unwrap_or_default();
        highest = highest.max(correction::highest_in(&text));
    }
    Ok(highest)
}

/// The record first: nobody could explain a change without a record later.
async fn write(engine: &Engine, record: &mut Corrected, etag: Option<String>) -> Result<(), Refusal> {
    let (key, lease) = (correction::key(&record.plan, record.at), object_store::lease_key(&record.plan));
    object_store::write_json(&engine.bucket, &key, record, Condition::Absent).await?;
    let condition = etag.map_or(Condition::Absent, Condition::Unchanged);
    object_store::write_json(&engine.bucket, &lease, &record.after, condition).await?;
    record.written = true;
    Ok(object_store::write_json(&engine.bucket, &key, record, Condition::Always).await?)
}

fn show(record: &Corrected, output: &mut Output) {
    if record.changes.is_empty() {
        return output.line("nothing was changed: the lease says all of this already");
    }
    output.line(&format!("corrected: the lease of plan `{}`, by {}", record.plan, record.by));
    for change in &record.changes {
        output.line(&format!("  {change}"));
    }
    output.line(&format!("  generation {}", record.after.generation));
    output.line(&format!("  record     {}", correction::key(&record.plan, record.at)));
}

fn refused(why: &str, output: &mut Output) -> ExitCode {
    output.line(&format!("refused: {why}"));
    ExitCode::from(3)
}
