//! What must hold after any drill, whatever it was: looked at in the world, not in the drill's own result.

use domain::component::ActiveSide;

use rds_on_postgres::Name;

use super::{DrillError, Drills, first_id, follow::Runs};
use crate::{
    report::{DrillResult, Ending},
    workload::{Place, Server},
};

/// From a drill's first id to those that are written here: beyond what its clients write.
const APART: i64 = 90_000_000;

/// The timeline of a server that was promoted once.
const PROMOTED_ONCE: u32 = 2;

impl Drills {
    /// What does not hold after a drill, a sentence each.
    ///
    /// # Errors
    /// When the world cannot be looked at.
    pub async fn broken_invariants(&self, result: &DrillResult) -> Result<Vec<String>, DrillError> {
        let (aws, system) = (&self.lab.aws, &self.lab.system);
        let mut broken = Vec::new();
        let running = Runs::so_far(&self.lab).await?.running().await?;
        if !running.is_empty() {
            broken.push(format!("runs are left running: {}", running.join(", ")));
        }
        let name = system.plan.traffic.record.name.to_string();
        let old = self.write_at(&system.primary(), 0).await?;
        let new = self.write_at(&system.replica(), 1).await?;
        let through = Place::Name { name, resolver: aws.resolver() };
        let client = system.write_as_the_application(aws, &through, first_id(self.begun) + APART + 2).await?;
        let side = |written: &Result<Server, String>| written.as_ref().ok().map(|server| server.address);
        match (side(&old), side(&new)) {
            (Some(_), Some(_)) => broken.push("both sides take the application's writes".into()),
            (None, None) => broken.push(format!("no side takes the application's writes: {old:?}, {new:?}")),
            (Some(_), None) if ended_as(result, Ending::Done) => {
                broken.push("the run said done, and the old primary takes the writes".into());
            }
            (old, new) => {
                let writable = old.or(new);
                if side(&client) != writable {
                    broken.push(format!("the name does not lead to the side that takes writes: {client:?}"));
                }
            }
        }
        if let Ok(server) = &new
            && server.timeline != PROMOTED_ONCE
        {
            broken.push(format!("the new primary is on timeline {}, it was not promoted once", server.timeline));
        }
        if let Some(lease) = system.lease(aws).await? {
            if let Some(holder) = &lease.holder {
                broken.push(format!("`{}` has ended and holds the lease still", holder.execution.name()));
            }
            if (lease.active == ActiveSide::Replica) != new.is_ok() {
                broken.push(format!("the lease says that the {:?} takes writes, and it does not", lease.active));
            }
        }
        for run in &result.runs {
            let by_itself = !matches!(run.actual, Some(Ending::BrokenOff | Ending::NotStarted));
            if by_itself && run.evidence.is_none() {
                broken.push(format!("run \"{}\" left no evidence", run.name));
            }
        }
        Ok(broken)
    }

    /// Who takes a write of the application at an instance's own address, or why it is refused.
    async fn write_at(&self, name: &Name, side: i64) -> Result<Result<Server, String>, DrillError> {
        let Some(view) = self.lab.aws.rds.instance(name) else { return Ok(Err(format!("`{}` is gone", name.id))) };
        let place = Place::Host { address: view.address.into(), host: view.host_name };
        let id = first_id(self.begun) + APART + side;
        Ok(self.lab.system.write_as_the_application(&self.lab.aws, &place, id).await?)
    }
}

fn ended_as(result: &DrillResult, ending: Ending) -> bool {
    result.runs.iter().any(|run| run.actual == Some(ending))
}
