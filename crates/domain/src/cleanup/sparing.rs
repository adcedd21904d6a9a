//! What stays this time, although no rule keeps it: because it is in use, or is not any more what was judged.

use super::Verdict;
use crate::{
    backup::{Found, Snapshot},
    plan::Plan,
    restore::SeenInstance,
    retention::State,
    words::id::Region,
};

/// Spares what a restore is being made of now: it would be lost with its snapshot.
pub fn spare(verdicts: &mut [Verdict], restored: &[SeenInstance]) {
    let making = restored.iter().filter(|seen| seen.status == "creating");
    let from: Vec<&str> = making.filter_map(|seen| Some(seen.provenance.as_ref().ok()?.from.as_str())).collect();
    for verdict in verdicts.iter_mut().filter(|verdict| !verdict.stays && from.contains(&verdict.snapshot.as_str())) {
        verdict.stay("a restore is being made of it");
    }
}

/// Spares what another Region's copy is being made of: RDS gives a copy up whose source is deleted. `elsewhere` is what
/// the plan's other Regions hold; where one does not answer, nobody knows what is being copied there.
pub fn spare_sources(verdicts: &mut [Verdict], plan: &Plan, elsewhere: &[(Region, Result<Vec<Snapshot>, String>)]) {
    for verdict in verdicts.iter_mut().filter(|verdict| !verdict.stays) {
        let copying = elsewhere.iter().find_map(|(region, there)| {
            let copy = there.as_ref().map(|there| there.iter().find(|copy| verdict.is_of(copy.kind, &copy.name)));
            kept_for_a_copy(plan, verdict, region, copy.map_err(String::as_str))
        });
        if let Some(why) = copying {
            verdict.stay(&why);
        }
    }
}

/// Why a backup must wait for another Region's copy of it, if it must.
fn kept_for_a_copy(
    plan: &Plan,
    verdict: &Verdict,
    region: &Region,
    copy: Result<Option<&Snapshot>, &str>,
) -> Option<String> {
    match copy {
        Ok(None) => None,
        Ok(Some(copy)) => match copy.state() {
            State::Available | State::Failed => None,
            State::Making | State::Unknown => Some(format!("its copy in {region} is {}", copy.status)),
        },
        Err(why) => {
            let backup = verdict.schedule.as_ref().and_then(|schedule| plan.backup(schedule));
            let is_copied_there = backup.is_none_or(|backup| backup.copies.iter().any(|copy| copy.region == *region));
            is_copied_there.then(|| format!("whether it is being copied to {region} is not known: {why}"))
        }
    }
}

/// What becomes of a backup that was to go, by what is seen of it right before it would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastLook {
    /// It is to be deleted.
    Delete,
    /// It is gone already.
    Gone,
    /// It stays this time, and why; the next listing judges it again.
    Stays(String),
    /// Its Region did not answer, and why.
    Unseen(String),
}

/// Looks once more at what was to go, as its own Region shows it now and as the plan's other Regions hold it: the listing
/// is some seconds old, and a hold that was tagged since is honoured.
#[must_use]
pub fn last_look(verdict: &Verdict, plan: &Plan, now: &Found, elsewhere: &[Found]) -> LastLook {
    match &now.snapshot {
        Err(why) => LastLook::Unseen(format!("it could not be looked at again before it was to go: {why}")),
        Ok(None) => LastLook::Gone,
        Ok(Some(seen)) => {
            still_goes(verdict, plan, seen, elsewhere).map_or_else(LastLook::Stays, |()| LastLook::Delete)
        }
    }
}

/// Whether what was to go is to go still; else why it stays.
pub(super) fn still_goes(verdict: &Verdict, plan: &Plan, seen: &Snapshot, elsewhere: &[Found]) -> Result<(), String> {
    if let Some(hold) = &seen.marks.hold {
        return Err(format!("it was put on legal hold since it was listed: `{hold}`"));
    }
    if seen.marks.verified_at != verdict.verified_at {
        return Err("it was verified since it was listed".to_owned());
    }
    let series = seen.label.as_ref().ok().map(|label| (&label.component, &label.schedule));
    if series != verdict.component.as_ref().zip(verdict.schedule.as_ref())
        || seen.marks.plan.as_deref() != Some(plan.plan.as_str())
        || seen.taken_at != verdict.taken_at
    {
        return Err("since it was listed its tags were changed, or another one was made by its name".to_owned());
    }
    match seen.state() {
        State::Available | State::Failed => {}
        State::Making | State::Unknown => return Err(format!("it is {} now", seen.status)),
    }
    let copying = elsewhere.iter().find_map(|found| {
        let copy = found.snapshot.as_ref().map(Option::as_ref).map_err(String::as_str);
        kept_for_a_copy(plan, verdict, &found.region, copy)
    });
    copying.map_or(Ok(()), Err)
}
