//! What is lost if a Region goes.

use serde::Serialize;

use crate::{
    component::ActiveSide,
    plan::{Backup, Plan},
    synth::Place,
    words::id::Region,
};

/// A Region of the plan, as if it were gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gone {
    /// Which.
    pub region: Region,
    /// What it is to the plan.
    pub is: &'static str,
    /// What follows, each as a sentence.
    pub then: Vec<String>,
}

pub(super) fn gone(plan: &Plan) -> Vec<Gone> {
    let mut all: Vec<Gone> = Place::of(plan).map(|(place, region)| of_place(plan, place, region)).collect();
    for region in plan.backup_regions() {
        if all.iter().all(|gone| gone.region != region) {
            let then = stays(plan, &region, None);
            all.push(Gone { region, is: "keeps copies of backups", then });
        }
    }
    all.sort_by_key(|gone| gone.region != plan.regions.primary);
    all
}

fn of_place(plan: &Plan, place: Place, region: &Region) -> Gone {
    let (is, then) = match place {
        Place::Primary => ("the system runs here", primary(plan, region)),
        Place::Recovery => {
            let mut then = vec![
                "the system goes on where it runs; nothing watches it from elsewhere, and no failover can be run"
                    .to_owned(),
            ];
            then.extend(stays(plan, region, Some(ActiveSide::Replica)));
            ("it recovers here, and recovery is run from here", then)
        }
        Place::Witness => {
            let mut then = vec![
                "nothing is lost; what a zone or a Region is answered with by itself waits for a person".to_owned(),
            ];
            then.extend(stays(plan, region, None));
            ("a third place to look from", then)
        }
    };
    Gone { region: region.clone(), is, then }
}

fn primary(plan: &Plan, region: &Region) -> Vec<String> {
    let mut then = Vec::new();
    for component in &plan.components {
        let (name, kind) = (component.name(), component.kind());
        let is_led_to = plan.traffic.iter().any(|traffic| traffic.component == *name);
        let elsewhere = |backup: &&Backup| {
            backup.components.contains(name) && backup.copies.iter().any(|copy| copy.region != *region)
        };
        then.push(match (kind.moves().is_some() && is_led_to, kind.replicates()) {
            (true, _) => format!("`{name}` is failed over to {}", plan.regions.recovery),
            (false, true) => format!("`{name}` has a side in {}, which a person promotes", plan.regions.recovery),
            (false, false) if plan.backups.iter().any(|backup| elsewhere(&backup)) => {
                format!("`{name}` is lost but for the copies of its backups, which a person restores")
            }
            (false, false) => format!("**`{name}` is lost, and its backups with it**"),
        });
    }
    then.extend(stays(plan, region, Some(ActiveSide::Primary)));
    then
}

/// The schedules whose backups lie in this Region and nowhere else.
fn stays(plan: &Plan, region: &Region, taken_on: Option<ActiveSide>) -> Vec<String> {
    let only_here = |backup: &&Backup| {
        taken_on == Some(ActiveSide::Primary) && backup.copies.iter().all(|copy| copy.region == *region)
    };
    let names: Vec<String> = plan.backups.iter().filter(only_here).map(|backup| format!("`{}`", backup.name)).collect();
    if names.is_empty() {
        Vec::new()
    } else {
        vec![format!("**the backups of {} lie nowhere else**", names.join(", "))]
    }
}
