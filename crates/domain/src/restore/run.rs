//! What is asked for, and what every step of a restore is given.

use super::{Like, PointSource, Purpose, Wanted, name::instance_name};
use crate::{
    component::{ActiveSide, ActiveSides, Component, PostgresPair},
    plan::{Backup, BackupVerification, Check, Plan, RestoreInto, SqlCheck},
    words::{
        failure::Failure,
        id::{ComponentName, ExecutionArn, InstanceId, Person, PlanName, Region, ScheduleName},
    },
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use std::borrow::Cow;

/// What starts one: EventBridge Scheduler, or a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreRequest {
    /// The plan.
    pub plan: PlanName,
    /// By which of its schedules the backups were made; any, unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleName>,
    /// Of which component; each that the schedule names, unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentName>,
    /// What for.
    pub purpose: Purpose,
    /// What is wanted back.
    pub wanted: Wanted,
    /// From which Region's backups, and into which Region; the recovery Region, unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Who asks, where a person does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Person>,
}

/// What `OpenBackup` makes of it and every later step is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreRun {
    /// The execution.
    pub execution: ExecutionArn,
    /// The plan, as it was when the run opened.
    pub plan: Plan,
    /// The version of the plan's object: what was pinned.
    pub plan_version: String,
    /// By which schedule the backups were made, where one was named.
    pub schedule: Option<ScheduleName>,
    /// Of what, side by side.
    pub components: Vec<ComponentName>,
    /// What the schedule backs up as well, and no run restores.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<ComponentName>,
    /// What for.
    pub purpose: Purpose,
    /// What is wanted back.
    pub wanted: Wanted,
    /// From which Region's backups, and into which Region.
    pub region: Region,
    /// Which side takes writes: the one that a point in time is of.
    pub active: ActiveSides,
    /// Who asked, where a person did.
    pub by: Option<Person>,
    /// When the run opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
}

/// What a request is of.
struct Meant {
    components: Vec<ComponentName>,
    left_out: Vec<ComponentName>,
}

/// A component as a restore sees it.
#[derive(Debug, Clone, Copy)]
pub struct Target<'r> {
    /// The component.
    pub pair: &'r PostgresPair,
    /// What a restore in the Region is made like.
    pub like: Like<'r>,
}

impl RestoreRequest {
    /// Makes a run of a request, or says what is wrong with it.
    ///
    /// # Errors
    /// `InvalidInput`, with the field.
    pub fn open(
        self,
        plan: Plan,
        plan_version: String,
        active: ActiveSides,
        execution: ExecutionArn,
        now: Timestamp,
    ) -> Result<RestoreRun, Failure> {
        let wrong = |field: &str, why: String| Err(Failure::InvalidInput(format!("request.{field}: {why}")));
        let Meant { components, left_out } = match self.components(&plan) {
            Ok(meant) => meant,
            Err((field, why)) => return wrong(field, why),
        };
        let taken_on = |name: &ComponentName| {
            let known = plan.component(name)?;
            Some(plan.backed_up_on(known, plan.active_of(known, &active)))
        };
        let mut regions = components.iter().map(|name| plan.region_of(taken_on(name).unwrap_or_default()));
        let there = regions.next().unwrap_or_else(|| plan.region_of(ActiveSide::default()));
        let are_apart = regions.any(|region| region != there);
        let wanted = match &self.wanted {
            Wanted::Latest if self.is_continuous(&plan) => Wanted::LatestTime,
            wanted => wanted.clone(),
        };
        let usual = match &wanted {
            // A proof is of what is left when the primary's Region is gone.
            Wanted::LatestTime if self.is_proof_of_points(&plan) => {
                self.tests_go_to(&plan).unwrap_or(&plan.regions.recovery)
            }
            Wanted::LatestTime | Wanted::Time(_) => there,
            Wanted::Latest | Wanted::Date(_) | Wanted::ScheduledAt(_) | Wanted::Backup(_) => {
                self.tests_go_to(&plan).unwrap_or(&plan.regions.recovery)
            }
        };
        let region = self.region.as_ref().unwrap_or(usual);
        if let Err(why) = self.goes_to(&plan, &components, region) {
            return wrong("region", why);
        }
        let reaches = |region| components.iter().all(|name| plan.replicates_points_to(name, region));
        match &wanted {
            Wanted::Latest | Wanted::Date(_) | Wanted::ScheduledAt(_) | Wanted::Backup(_)
                if self.purpose == Purpose::Test && self.schedule.is_none() =>
            {
                return wrong("schedule", "name the schedule whose checks the backup must pass".to_owned());
            }
            Wanted::Date(_) | Wanted::ScheduledAt(_) | Wanted::Backup(_) if self.is_continuous(&plan) => {
                return wrong("wanted", "the schedule is continuous: ask for latestTime or a time".to_owned());
            }
            Wanted::LatestTime | Wanted::Time(_) if are_apart => {
                return wrong(
                    "component",
                    "they are not in one Region since the failover: name one of them".to_owned(),
                );
            }
            Wanted::LatestTime | Wanted::Time(_) if region != there && !reaches(region) => {
                let why =
                    format!("a point in time is restored where the primary is, in {there}, or where it is replicated");
                return wrong("region", why);
            }
            Wanted::LatestTime | Wanted::Time(_) if self.purpose == Purpose::Integrity => {
                return wrong("purpose", "a point in time has no backup that could be looked at: test it".to_owned());
            }
            Wanted::Time(time) if *time > now => return wrong("wanted.time", format!("{time} is in the future")),
            Wanted::Backup(name) if components.len() != 1 => {
                return wrong("component", format!("`{name}` is a backup of one component: name that"));
            }
            Wanted::Latest
            | Wanted::Date(_)
            | Wanted::ScheduledAt(_)
            | Wanted::Backup(_)
            | Wanted::LatestTime
            | Wanted::Time(_) => {}
        }
        let region = region.clone();
        let Self { schedule, purpose, by, .. } = self;
        Ok(RestoreRun {
            execution,
            plan,
            plan_version,
            schedule,
            components,
            left_out,
            purpose,
            wanted,
            region,
            active,
            by,
            opened_at: now,
        })
    }

    /// Whether a backup of each of these can be restored into a Region.
    fn goes_to(&self, plan: &Plan, components: &[ComponentName], region: &Region) -> Result<(), String> {
        let known = plan.restore_regions();
        if !known.contains(&region) {
            let known: Vec<&str> = known.into_iter().map(Region::as_str).collect();
            return Err(format!("plan `{}` has no side in {region}: name {}", plan.plan, known.join(" or ")));
        }
        let restored = components.iter().filter(|_| self.restores() && plan.side_in(region).is_none());
        let mut pairs = restored.filter_map(|name| plan.component(name)?.kind().restores());
        match pairs.find(|pair| pair.next_in(region).is_none()) {
            Some(pair) => Err(nothing_said(pair, region)),
            None => Ok(()),
        }
    }

    fn is_continuous(&self, plan: &Plan) -> bool {
        self.schedule.as_ref().and_then(|schedule| plan.backup(schedule)).is_some_and(Backup::is_continuous)
    }

    fn is_proof_of_points(&self, plan: &Plan) -> bool {
        let backup = self.schedule.as_ref().and_then(|schedule| plan.backup(schedule));
        let proved = backup.filter(|backup| backup.is_continuous() && self.purpose == Purpose::Test);
        proved.is_some_and(|backup| backup.copies.iter().any(|copy| copy.region == plan.regions.recovery))
    }

    /// The Region that a test of the schedule's backups is restored into, where the plan says so.
    fn tests_go_to<'p>(&self, plan: &'p Plan) -> Option<&'p Region> {
        let backup = plan.backup(self.schedule.as_ref()?).filter(|_| self.purpose == Purpose::Test)?;
        backup.verification.as_ref()?.restore_into.as_ref()?.region.as_ref()
    }

    /// What it is of, and what it leaves out.
    fn components(&self, plan: &Plan) -> Result<Meant, (&'static str, String)> {
        let backup = match &self.schedule {
            None => None,
            Some(schedule) => Some(plan.backup(schedule).ok_or_else(|| {
                let known = plan.schedule_names();
                ("schedule", format!("plan `{}` has no schedule `{schedule}`; it has: {known}", plan.plan))
            })?),
        };
        let unsupported = |name: &ComponentName| {
            let known = plan.component(name).filter(|_| self.restores());
            known.and_then(|known| known.kind().restored_as().err()).map(|why| ("component", why))
        };
        match (&self.component, backup) {
            (None, None) => Err(("schedule", "name a schedule of the plan, or a component".to_owned())),
            (None, Some(backup)) => {
                // A schedule's other components are proved all the same.
                let (meant, left_out): (Vec<_>, Vec<_>) =
                    backup.components.iter().cloned().partition(|name| unsupported(name).is_none());
                match left_out.iter().find_map(unsupported) {
                    Some(why) if meant.is_empty() => Err(why),
                    Some(_) | None => Ok(Meant { components: meant, left_out }),
                }
            }
            (Some(component), Some(backup)) if !backup.components.contains(component) => {
                Err(("component", format!("schedule `{}` backs up no `{component}`", backup.name)))
            }
            (Some(component), _) if plan.component(component).is_none() => {
                Err(("component", format!("plan `{}` has no component `{component}`", plan.plan)))
            }
            (Some(component), _) => match unsupported(component) {
                Some(why) => Err(why),
                None => Ok(Meant { components: vec![component.clone()], left_out: Vec::new() }),
            },
        }
    }

    /// Whether it makes anything, or only looks.
    fn restores(&self) -> bool {
        match self.purpose {
            Purpose::Integrity => false,
            Purpose::Test | Purpose::Keep => true,
        }
    }
}

impl RestoreRun {
    /// One of the run's components.
    ///
    /// # Errors
    /// `InvalidInput` where the run is of no such component.
    pub fn component(&self, component: &ComponentName) -> Result<&Component, Failure> {
        let named = self.components.iter().find(|named| *named == component);
        let found = named.and_then(|named| self.plan.component(named));
        found.ok_or_else(|| Failure::InvalidInput(format!("component: this restore is of no `{component}`")))
    }

    /// A component as the restore sees it.
    ///
    /// # Errors
    /// `InvalidInput` where the run is of no such component, or of one that is not restored.
    pub fn target(&self, component: &ComponentName) -> Result<Target<'_>, Failure> {
        let pair = self.component(component)?.kind().restored_as();
        let pair = pair.map_err(|why| Failure::InvalidInput(format!("component: {why}")))?;
        let like = match self.plan.side_in(&self.region) {
            Some(side) => Like::from(side.of(pair)),
            None => pair
                .next_in(&self.region)
                .map(Like::from)
                .ok_or_else(|| Failure::InvalidInput(format!("component: {}", nothing_said(pair, &self.region))))?,
        };
        Ok(Target { pair, like })
    }

    /// Whose automated backups a component's point in time is restored from, the best first: those of the side that takes
    /// writes, and what the run's own Region has of the other side's.
    ///
    /// # Errors
    /// `InvalidInput` where the run is of no such component, or of one that has no points in time.
    pub fn points_in_time_of(&self, component: &ComponentName) -> Result<Vec<PointSource<'_>>, Failure> {
        self.target(component)?;
        let known = self.component(component)?;
        let active = self.plan.active_of(known, &self.active);
        let is_here = |side: ActiveSide| *self.plan.region_of(side) == self.region;
        let source = |side: ActiveSide| {
            let instance = known.kind().points_in_time(side)?;
            let is_replicated = !is_here(side) && side == ActiveSide::Primary;
            let from = is_replicated.then(|| self.plan.region_of(side));
            let reaches = is_here(side) || self.plan.replicates_points_to(component, &self.region);
            reaches.then_some(PointSource { instance, from })
        };
        // After a failover, those of the primary before it are what has the time before it.
        let sides = if active == ActiveSide::Primary { vec![active] } else { vec![active, ActiveSide::Primary] };
        let sources: Vec<PointSource<'_>> = sides.into_iter().filter_map(source).collect();
        if sources.is_empty() {
            let noun = known.kind().noun();
            let why = format!("component: `{component}` is a {noun}, which has no points in time in {}", self.region);
            return Err(Failure::InvalidInput(why));
        }
        Ok(sources)
    }

    /// What the plan says of the schedule's backups.
    #[must_use]
    pub fn backup(&self) -> Option<&Backup> {
        self.plan.backup(self.schedule.as_ref()?)
    }

    /// Where its tests are restored to, where the plan says so; what is kept is as the plan's sides say.
    #[must_use]
    pub fn restores_into(&self) -> Option<&RestoreInto> {
        let verification = self.backup()?.verification.as_ref()?;
        verification.restore_into.as_ref().filter(|_| self.purpose == Purpose::Test)
    }

    /// What a restored database must answer: what a new primary must, and what the schedule adds. An address would not
    /// lead to it.
    pub fn checks<'r>(&'r self, component: &ComponentName) -> impl Iterator<Item = Cow<'r, SqlCheck>> + use<'r> {
        let component = component.clone();
        let of_the_plan = self.plan.verify.iter().filter_map(|check| match check {
            Check::Sql(check) => Some(check),
            Check::Http(_) => None,
        });
        let own = self.backup().and_then(|backup| backup.verification.as_ref());
        let named = own.into_iter().flat_map(|verification| &verification.checks);
        let is_of_it = move |check: &&SqlCheck| check.component.as_ref().is_none_or(|of| *of == component);
        let reading = own.and_then(BackupVerification::reading).map(Cow::Owned);
        of_the_plan.chain(named).filter(is_of_it).map(Cow::Borrowed).chain(reading)
    }

    /// The name of the instance that it makes of a component: another for each run, and the same for each try.
    ///
    /// # Errors
    /// Never for a component of the run: the name is well formed.
    pub fn instance(&self, component: &ComponentName) -> Result<InstanceId, Failure> {
        let name = instance_name(&self.execution, component);
        name.parse().map_err(|error| Failure::InvalidInput(format!("component: {error}")))
    }

    /// Where the record is kept.
    #[must_use]
    pub fn record_key(&self) -> String {
        record_key(&self.plan.plan, &self.execution)
    }
}

/// A further recovery Region, and nothing in the plan says what a pair is given there.
fn nothing_said(pair: &PostgresPair, region: &Region) -> String {
    let name = &pair.name;
    format!("the plan does not say what `{name}` is restored as in {region}: add it to `next` of `{name}`")
}

/// Where the record of a restore is kept.
#[must_use]
pub fn record_key(plan: &PlanName, execution: &ExecutionArn) -> String {
    format!("reports/{plan}/restores/{}.json", execution.name())
}

#[cfg(test)]
mod tests;
