//! `lifeboat lease`: shows a plan's lease, and corrects it by a person's word.

mod correct;

use std::process::ExitCode;

use clap::Args;
use domain::{
    component::ActiveSide,
    failover::{
        lease::{Lease, Phase},
        run::RunKind,
        succession::Owner,
    },
    words::{
        failure::Failure,
        id::{Person, PlanName},
    },
};
use edge::object_store::{self, ObjectStore};
use serde::Serialize;

use crate::{engine::Engine, output::Output, refusal::Refusal, request::Order};

/// Shows a plan's lease; corrects it by a person's word.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --active it only looks. With it, a person says which side takes writes, as they have seen it: the holder that
ended without releasing it and the run that was to be finished are cleared. The generation stays, and so does the guard of
an old primary, unless --forget-guard is given. An object that is no lease is replaced with --new. Nothing is asked of the
primary Region. A record of it is left under evidence/PLAN/lease/.

Examples:
  lifeboat lease lab --region us-west-2
  lifeboat lease lab --region us-west-2 --active primary --by anna --why 'pg_is_in_recovery() is true on the replica'
  lifeboat lease lab --region us-west-2 --new --active primary --by anna --why 'the object was empty'

Exit codes: 0 shown or corrected; 3 refused, and why; 1 it could not be done, or cannot be read; 2 wrong command line.")]
pub(crate) struct Command {
    /// The plan's name.
    #[arg(value_name = "PLAN")]
    plan: PlanName,
    /// Who you are, as the record shall name you.
    #[arg(long, value_name = "NAME", requires = "active")]
    by: Option<Person>,
    /// Why, in a sentence for the record.
    #[arg(long, value_name = "REASON", requires = "active")]
    why: Option<String>,
    /// Which side takes writes, as you have seen it: primary or replica, by the plan's names.
    #[arg(long, value_name = "SIDE", value_parser = side, requires_all = ["by", "why"])]
    active: Option<ActiveSide>,
    /// Ends the guard of the old primary as well: whoever reaches that one may write to it.
    #[arg(long, requires = "active")]
    forget_guard: bool,
    /// Writes a new lease where the object is none.
    #[arg(long, requires = "active", conflicts_with = "forget_guard")]
    new: bool,
    /// The generation of the new lease, where none that is higher can be found.
    #[arg(long, value_name = "N", requires = "new", value_parser = clap::value_parser!(u64).range(1..))]
    generation: Option<u64>,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// The lease as `--json` prints it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    plan: &'a PlanName,
    lease: Option<&'a Lease>,
    #[serde(serialize_with = "crate::status::as_its_status")]
    owner: &'a Option<Owner>,
    unreadable: Option<&'a str>,
}

/// The object as it was read.
struct Read {
    /// The lease, or why it is none; `None` where there is no object.
    lease: Option<Result<Lease, String>>,
    text: Option<String>,
    etag: Option<String>,
    owner: Option<Owner>,
}

impl Command {
    pub(crate) async fn run(mut self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let order = self.order()?;
        let engine = Engine::of(RunKind::Failover.machine(), self.region.as_deref()).await?;
        let (plan, _) = object_store::read_pair_here(&engine.bucket, &self.plan, &engine.region, "correction").await?;
        self.plan = plan.plan.clone();
        match (order, self.active) {
            (Some(order), Some(active)) => self.correct(&engine, &plan, &order, active, output).await,
            (None, _) | (_, None) => self.show(&read(&engine, &self.plan).await?, output),
        }
    }

    fn order(&self) -> Result<Option<Order>, Refusal> {
        let Some((by, why)) = self.by.clone().zip(self.why.clone()) else { return Ok(None) };
        let order = Order { by, why };
        order.check()?;
        Ok(Some(order))
    }

    fn show(&self, read: &Read, output: &mut Output) -> Result<ExitCode, Refusal> {
        let lease = read.lease.as_ref().and_then(|lease| lease.as_ref().ok());
        let unreadable = read.lease.as_ref().and_then(|lease| lease.as_ref().err()).map(String::as_str);
        if self.json {
            output.json(&Shown { plan: &self.plan, lease, owner: &read.owner, unreadable })?;
        } else {
            lines(read).iter().for_each(|line| output.line(line));
        }
        Ok(ExitCode::from(u8::from(unreadable.is_some())))
    }
}

async fn read(engine: &Engine, plan: &PlanName) -> Result<Read, Refusal> {
    let key = object_store::lease_key(plan);
    let Some(object) = engine.bucket.get(&key).await? else {
        return Ok(Read { lease: None, text: None, etag: None, owner: None });
    };
    let lease = match object_store::parse_json::<Lease>(&key, &object.text) {
        Ok(lease) => Ok(lease),
        Err(Failure::InvalidInput(why)) => Err(why),
        Err(failure) => return Err(failure.into()),
    };
    let owner = match lease.as_ref().ok().and_then(|lease| lease.holder.as_ref()) {
        Some(holder) => Some(engine.owner(&holder.execution, holder.since).await),
        None => None,
    };
    Ok(Read { lease: Some(lease), text: Some(object.text), etag: Some(object.etag), owner })
}

fn lines(read: &Read) -> Vec<String> {
    let lease = match &read.lease {
        None => return vec!["there is no lease: no run has ever been opened".into()],
        Some(Err(why)) => return vec![format!("UNREADABLE: {why}")],
        Some(Ok(lease)) => lease,
    };
    let mut lines = vec![format!("{}: generation {}", lease.plan, lease.generation)];
    let mut tell = |name: &str, text: String| lines.push(format!("  {name:<10} {text}"));
    let active = match lease.active {
        ActiveSide::Primary => "the plan's primary",
        ActiveSide::Replica => "the plan's replica, promoted",
    };
    tell("active", active.into());
    let phase = |phase: Phase| match phase {
        Phase::Opened => "before the point of no return",
        Phase::Promoting => "past the point of no return",
    };
    tell(
        "holder",
        lease.holder.as_ref().map_or_else(
            || "nobody".to_owned(),
            |holder| {
                let how = match &read.owner {
                    Some(Owner::Running) => "still runs".to_owned(),
                    Some(Owner::Gone { status: how, .. }) => format!("ended ({how}) without releasing it"),
                    Some(Owner::Unknown(why)) => format!("could not be asked whether it still runs: {why}"),
                    None => "was not asked".to_owned(),
                };
                format!(
                    "run `{}`, since {}, {}, which {how}",
                    holder.execution.name(),
                    holder.since,
                    phase(holder.phase)
                )
            },
        ),
    );
    if let Some(left) = &lease.unfinished {
        tell("unfinished", format!("run `{}`, {}", left.execution.name(), phase(left.phase)));
    }
    if let Some(shut) = &lease.shut {
        let (instance, run) = (&shut.target.side.instance, shut.execution.name());
        tell(
            "shut",
            format!(
                "`{instance}`, since {}, by run `{run}`: it may refuse the application, and the next run opens it",
                shut.since
            ),
        );
    }
    if let Some(guard) = &lease.guard {
        tell(
            "guard",
            format!(
                "of generation {}, since {}: the old primary was not seen to refuse writes yet",
                guard.generation, guard.since
            ),
        );
    }
    if let Some(last) = &lease.last {
        tell("last run", format!("`{}` at {}, generation {}", last.execution.name(), last.at, last.generation));
    }
    lines
}

fn side(text: &str) -> Result<ActiveSide, String> {
    match text {
        "primary" => Ok(ActiveSide::Primary),
        "replica" => Ok(ActiveSide::Replica),
        _ => Err("expected primary or replica".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use domain::{failover::lease::Holder, words::id::Generation};
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_lease_is_shown_with_whether_its_holder_still_runs() {
        let execution = "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:alarm-1".parse().unwrap();
        let holder = Holder { execution, phase: Phase::Promoting, since: Timestamp::UNIX_EPOCH, asked: None };
        let lease = Lease {
            plan: "lab".parse().unwrap(),
            component: None,
            generation: Generation(3),
            holder: Some(holder),
            active: ActiveSide::Replica,
            last: None,
            unfinished: None,
            shut: None,
            guard: None,
        };
        let read = |owner: Owner| Read { lease: Some(Ok(lease.clone())), text: None, etag: None, owner: Some(owner) };
        for (owner, says) in [
            (Owner::Running, "still runs"),
            (Owner::gone("ABORTED"), "ended (ABORTED) without releasing it"),
            (Owner::Unknown("timed out".into()), "could not be asked"),
        ] {
            let told = lines(&read(owner)).join("\n");
            assert!(told.contains(says) && told.contains("generation 3") && told.contains("past the point"), "{told}");
        }
    }

    #[test]
    fn what_is_no_lease_is_shown_as_such() {
        let why = "leases/lab.json cannot be read: the text ends too early".to_owned();
        let read = Read { lease: Some(Err(why)), text: Some(String::new()), etag: None, owner: None };
        assert!(lines(&read)[0].starts_with("UNREADABLE: leases/lab.json"), "{:?}", lines(&read));
    }
}
