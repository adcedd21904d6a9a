//! Plans beside the lab's own, for drills of several plans: one with the same Regions and two pairs, one with its Regions
//! crossed.

use domain::{
    component::{Component, Credential, PostgresPair, Side},
    plan::{Check, Health, HttpCheck, HttpMethod, Limits, Plan, SqlCheck},
    words::{
        id::{BadId, ComponentName, Region},
        time_span::TimeSpan,
    },
};

use super::{DrillError, Drills};
use crate::{lab::LabError, local_aws::INSTANCE_DOMAIN, setup::Progress, system::SystemError};

impl Drills {
    /// Sees to it that the neighbours are there, watched and well.
    pub(super) async fn welcome_neighbours(&mut self, progress: &dyn Progress) -> Result<(), DrillError> {
        if self.neighbours.is_empty() {
            let plan = &self.lab.system.whole;
            let unusable =
                |error: BadId| SystemError::Plan { plan: plan.plan.to_string(), why: format!("no neighbour: {error}") };
            let billing = neighbour(plan, "billing", false).and_then(|plan| with_pair(plan, "invoices"));
            let plans = [billing, neighbour(plan, "stock", true)];
            let plans = plans.into_iter().collect::<Result<Vec<Plan>, BadId>>().map_err(unusable)?;
            self.neighbours = self.lab.beside(&plans, progress).await?;
            return Ok(());
        }
        progress.step("applying the neighbours' plans again");
        for neighbour in &self.neighbours {
            neighbour.revive().await?;
        }
        Ok(())
    }

    /// Takes their plans out again.
    pub(super) async fn retire_neighbours(&self) -> Result<(), LabError> {
        for neighbour in &self.neighbours {
            neighbour.retire().await?;
        }
        Ok(())
    }

    /// Sees to it that a plan is there whose Regions' health is looked at, and whose application answers.
    pub(super) async fn welcome_looked_at(&mut self, progress: &dyn Progress) -> Result<(), DrillError> {
        if let Some(looked_at) = &self.looked_at {
            progress.step("applying the plan again whose Regions' health is looked at");
            return Ok(looked_at.revive().await?);
        }
        let plan = &self.lab.system.whole;
        let unusable = |error: BadId| SystemError::Plan {
            plan: plan.plan.to_string(),
            why: format!("no plan beside it: {error}"),
        };
        let plan = looked_at(plan).map_err(unusable)?;
        self.looked_at = self.lab.beside(&[plan], progress).await?.into_iter().next();
        Ok(())
    }

    /// Takes it out again.
    pub(super) async fn retire_looked_at(&self) -> Result<(), LabError> {
        match &self.looked_at {
            Some(looked_at) => looked_at.retire().await,
            None => Ok(()),
        }
    }
}

/// How often a Region's health is looked at, how many looks make it unhealthy, and when a network is slow: as
/// ci-failure-agent's document has it, and as often as it can be.
const LOOKED_AT_EVERY: TimeSpan = TimeSpan::seconds(10);
const LOOKS_IN_A_ROW: u32 = 2;
const SLOW: TimeSpan = TimeSpan::milliseconds(500);
const LOST_PERCENT: f64 = 1.0;

/// A plan as the lab's own is, of another system, whose Regions' health is looked at and whose application is asked.
fn looked_at(of: &Plan) -> Result<Plan, BadId> {
    let mut plan = neighbour(of, "front", false)?;
    plan.health = Some(Health {
        every: LOOKED_AT_EVERY,
        after_error: None,
        checks: vec!["all".parse()?],
        healthy_at: 1.0,
        failures_in_a_row: LOOKS_IN_A_ROW,
        limits: Limits { latency: Some(SLOW), loss_percent: Some(LOST_PERCENT), ..Limits::default() },
    });
    plan.verify.push(Check::Http(HttpCheck {
        name: "the shop answers".to_owned(),
        component: None,
        group: None,
        url: "https://www.front.lifeboat.test:8443/health".to_owned(),
        status: 200,
        method: HttpMethod::Get,
        body: None,
        expect: None,
        samples: 1,
        pass_percent: 100,
        within: TimeSpan::seconds(2),
    }));
    // A sample takes longer than a packet on a network that is slow, so that its slowness is no primary's death.
    (plan.probe.interval, plan.probe.timeout) = (TimeSpan::seconds(1), TimeSpan::milliseconds(900));
    Ok(plan)
}

/// A plan as the lab's own is, of another system: its pair, its record and its secret have names of their own.
fn neighbour(of: &Plan, name: &str, crossed: bool) -> Result<Plan, BadId> {
    let mut plan = of.clone();
    plan.plan = name.parse()?;
    plan.summary = format!("{name}, beside {}", of.plan);
    if crossed {
        (plan.regions.primary, plan.regions.recovery) = (of.regions.recovery.clone(), of.regions.primary.clone());
    }
    let like = of.components.iter().find_map(|component| component.kind().moves());
    let pair = like.map(|pair| pair_of(&plan, pair, name)).transpose()?;
    plan.components = pair.into_iter().map(Component::from).collect();
    plan.traffic.truncate(1);
    for traffic in &mut plan.traffic {
        traffic.record.name = format!("db.{name}.lifeboat.test").parse()?;
        traffic.records.clear();
    }
    // Its backups and whom else it tells are other drills' business.
    plan.backups.clear();
    plan.cleanup = None;
    plan.notifications.topics.clear();
    plan.verify.retain(|check| matches!(check, Check::Sql(_)));
    Ok(plan)
}

/// The same plan with another pair of this name, whose record, login and queries are its own.
///
/// # Errors
/// [`BadId`] where the name makes no name of AWS's.
pub fn with_pair(mut plan: Plan, name: &str) -> Result<Plan, BadId> {
    let like = plan.components.iter().find_map(|component| component.kind().moves());
    if let (Some(pair), Some(traffic)) = (like.map(|pair| pair_of(&plan, pair, name)), plan.traffic.first().cloned()) {
        let (mut pair, mut traffic) = (pair?, traffic);
        (pair.name, traffic.component) = (name.parse()?, name.parse()?);
        traffic.record.name = format!("db.{name}.lifeboat.test").parse()?;
        traffic.records.clear();
        // Each pair answers the queries that its own data can.
        let of_pair = |component: &ComponentName, check: &SqlCheck| {
            let name = format!("{} in {component}", check.name);
            Check::Sql(SqlCheck { name, component: Some(component.clone()), ..check.clone() })
        };
        let names = [plan.traffic[0].component.clone(), traffic.component.clone()];
        let of_both = |check: &Check| match check {
            Check::Sql(check) => names.iter().map(|component| of_pair(component, check)).collect(),
            Check::Http(_) => vec![check.clone()],
        };
        plan.verify = plan.verify.iter().flat_map(of_both).collect();
        plan.components.push(pair.into());
        plan.traffic.push(traffic);
    }
    Ok(plan)
}

fn pair_of(plan: &Plan, like: &PostgresPair, name: &str) -> Result<PostgresPair, BadId> {
    let mut pair = like.clone();
    let side = |side: &mut Side, region: &Region, which: &str| -> Result<(), BadId> {
        side.instance = format!("{name}-{which}").parse()?;
        side.endpoint = format!("{name}-{which}.{region}.{INSTANCE_DOMAIN}").parse()?;
        Ok(())
    };
    side(&mut pair.primary, &plan.regions.primary, "primary")?;
    side(&mut pair.replica, &plan.regions.recovery, "replica")?;
    pair.login.from = Credential::SecretsManager { secret: format!("lifeboat/{name}").parse()? };
    Ok(pair)
}

#[cfg(test)]
mod tests {
    use domain::plan_file::{self, Other};

    use super::*;

    #[test]
    fn neighbours_are_plans_that_can_be_used_beside_the_lab_s() {
        let lab = plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap();
        let (same, crossed) = (neighbour(&lab, "billing", false).unwrap(), neighbour(&lab, "stock", true).unwrap());
        let same = with_pair(same, "invoices").unwrap();
        for (plan, others) in [(&lab, [&same, &crossed]), (&same, [&lab, &crossed]), (&crossed, [&lab, &same])] {
            let text = serde_json::to_string(plan).unwrap();
            assert!(plan_file::read(&text, "plan").is_ok(), "{:?}", plan_file::read(&text, "plan"));
            let others = others.map(|plan| Other { plan: plan.clone(), at: "there".into() });
            assert_eq!(plan_file::check_against(plan, &others), []);
        }
        assert_eq!(crossed.regions.primary, lab.regions.recovery);
    }

    #[test]
    fn the_plan_whose_regions_are_looked_at_can_be_used_and_nothing_is_wrong_with_it() {
        let lab = plan_file::read(include_str!("../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap();
        let plan = looked_at(&lab).unwrap();
        assert_eq!(plan_file::examine(&serde_json::to_string(&plan).unwrap()).findings, []);
        assert_eq!(plan_file::check_against(&plan, &[Other { plan: lab, at: "there".into() }]), []);
    }
}
