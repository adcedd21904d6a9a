//! What is lost if a Region goes.

use serde::Serialize;

use super::protected::is_moved;
use crate::{
    component::Component,
    plan::{Backup, Plan, Policy},
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
    for region in &plan.regions.next {
        match all.iter_mut().find(|gone| gone.region == *region) {
            // A witness may be more than that.
            Some(gone) => gone.is = "a third place to look from, and a further recovery Region",
            None => {
                let then = std::iter::once("nothing is lost; nothing can be restored there".to_owned());
                let then = then.chain(copies(plan, region)).collect();
                all.push(Gone { region: region.clone(), is: "a further recovery Region", then });
            }
        }
    }
    for region in plan.backup_regions() {
        if all.iter().all(|gone| gone.region != region) {
            let then = copies(plan, &region).into_iter().collect();
            all.push(Gone { region, is: "keeps copies of backups", then });
        }
    }
    all.sort_by_key(|gone| gone.region != plan.regions.primary);
    all
}

fn of_place(plan: &Plan, place: Place, region: &Region) -> Gone {
    let (is, mut then) = match place {
        Place::Primary => ("the system runs here", primary(plan, region)),
        Place::Recovery => ("it recovers here, and all runs are started from here", recovery(plan)),
        Place::Witness => ("a third place to look from", vec![witness(plan).to_owned()]),
    };
    then.extend(copies(plan, region));
    Gone { region: region.clone(), is, then }
}

fn primary(plan: &Plan, region: &Region) -> Vec<String> {
    let mut told: Vec<(Then, Vec<String>)> = Vec::new();
    for component in &plan.components {
        let (then, name) = (without_primary(plan, component, region), format!("`{}`", component.name()));
        match told.iter_mut().find(|(known, _)| *known == then) {
            Some((_, names)) => names.push(name),
            None => told.push((then, vec![name])),
        }
    }
    let mut then: Vec<String> = told.into_iter().map(|(then, names)| then.of(&names)).collect();
    let only_here = |backup: &&Backup| backup.copies.iter().all(|copy| copy.region == *region);
    let names = named(plan.backups.iter().filter(only_here));
    then.extend((!names.is_empty()).then(|| format!("**the backups of {names} lie nowhere else**")));
    then
}

/// What follows for a component, as a sentence goes on from its name, and from several.
#[derive(PartialEq, Eq)]
struct Then {
    is_bad: bool,
    one: String,
    several: String,
}

impl Then {
    fn of(&self, names: &[String]) -> String {
        let said = format!("{} {}", names.join(", "), if names.len() == 1 { &self.one } else { &self.several });
        if self.is_bad { format!("**{said}**") } else { said }
    }
}

fn without_primary(plan: &Plan, component: &Component, region: &Region) -> Then {
    let to = &plan.regions.recovery;
    let is_elsewhere = |backup: &Backup| backup.copies.iter().any(|copy| copy.region != *region);
    let then = |is_bad, one: String, several: String| Then { is_bad, one, several };
    let both = |is_bad, rest: &str| then(is_bad, format!("is {rest}"), format!("are {rest}"));
    match (is_moved(plan, component), component.kind().replicates()) {
        (true, _) => match plan.failover.policy.region {
            Policy::Automatic => both(false, &format!("failed over to {to}")),
            Policy::Approval => both(false, &format!("failed over to {to} once a person says yes")),
            Policy::Never => {
                let until = format!("down until a person orders a failover to {to}");
                then(true, format!("stays {until}"), format!("stay {until}"))
            }
        },
        (false, true) => {
            let side = |have: &str, whose: &str| format!("{have} a side in {to}, which a person puts in {whose} place");
            then(false, side("has", "its"), side("have", "their"))
        }
        (false, false) if !component.kind().holds_data() => {
            then(false, format!("is out until it runs in {to}"), format!("are out until they run in {to}"))
        }
        (false, false) if component.kind().snapshots().is_none() => {
            let lost = "lost: nothing else has what";
            then(true, format!("is {lost} it holds"), format!("are {lost} they hold"))
        }
        (false, false) if plan.schedules_of(component).any(is_elsewhere) => {
            let lost = |is: &str, whose: &str| {
                format!("{is} lost but for the copies of {whose} backups, which a person restores")
            };
            then(false, lost("is", "its"), lost("are", "their"))
        }
        (false, false) => then(
            true,
            "is lost, and its backups with it".to_owned(),
            "are lost, and their backups with them".to_owned(),
        ),
    }
}

fn recovery(plan: &Plan) -> Vec<String> {
    let mut then = vec!["the system goes on where it runs; no failover can be run".to_owned()];
    if !plan.backups.is_empty() {
        then.push("**no backup is taken, proved or cleaned up**".to_owned());
    }
    let next: Vec<&str> = plan.regions.next.iter().map(Region::as_str).collect();
    if !next.is_empty() {
        let to = next.join(", then ");
        then.push(format!(
            "with the primary Region gone as well, a person restores the backups in {to}: nothing goes there by itself"
        ));
    }
    then
}

/// Whatever looks from there is silent, which makes each failure one of which signals are missing.
fn witness(plan: &Plan) -> &'static str {
    match plan.failover.policy.unknown {
        Policy::Automatic => {
            "nothing is lost; a failure is still answered by itself where no more than the budget can be lost"
        }
        Policy::Approval => "nothing is lost; a person is asked before any failover, a database's too",
        Policy::Never => "nothing is lost; nothing is failed over by itself, not even for a database",
    }
}

/// The schedules whose copies go with a Region.
fn copies(plan: &Plan, region: &Region) -> Option<String> {
    let here = |backup: &&Backup| backup.copies.iter().any(|copy| copy.region == *region);
    let names = named(plan.backups.iter().filter(here));
    (!names.is_empty() && *region != plan.regions.primary)
        .then(|| format!("the copies of {names} that lie there are gone"))
}

fn named<'p>(backups: impl Iterator<Item = &'p Backup>) -> String {
    backups.map(|backup| format!("`{}`", backup.name)).collect::<Vec<_>>().join(", ")
}
