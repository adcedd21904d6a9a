//! What a person says of a lease that no run can put right: planned as a whole, and written on the condition that nothing
//! changed since it was read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    component::ActiveSide,
    failover::{
        fencing::Target,
        lease::{Lease, Phase, Shut},
        succession::Owner,
    },
    words::id::{CallerArn, Generation, Person, PlanName},
};

/// What a person has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// Which side takes writes.
    pub active: ActiveSide,
    /// That nobody needs to keep the old primary out any more.
    pub forget_guard: bool,
}

/// A lease as it is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The lease.
    pub lease: Lease,
    /// What changes by it, a sentence each; none where it says all of this already.
    pub changes: Vec<String>,
}

/// The record of a correction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Corrected {
    /// The plan.
    pub plan: PlanName,
    /// Who corrected it.
    pub by: Person,
    /// Who it was by AWS's word, where that was proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved: Option<CallerArn>,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
    /// Whether the lease was written: this record is written before it, and once more after it.
    pub written: bool,
    /// What was changed.
    pub changes: Vec<String>,
    /// The object before, as it was; absent where there was none.
    pub before: Option<String>,
    /// The lease after.
    pub after: Lease,
}

/// How much of an object that was no lease is kept in the record.
pub const KEPT_CHARS: usize = 64 * 1024;

/// Where the record of a correction is kept.
#[must_use]
pub fn key(plan: &PlanName, at: Timestamp) -> String {
    format!("evidence/{plan}/lease/{}.json", at.strftime("%Y-%m-%dT%H%M%S%3fZ"))
}

/// Plans the correction of a lease. The generation stays what it is, and so does all that a person does not speak of.
/// `primary` is the plan's: where a promotion was asked for and is given up, it may still be shut, and the next run opens
/// it.
///
/// # Errors
/// A sentence for people: a run may be at work, or what was said would do harm.
pub fn correct(
    lease: &Lease,
    owner: Option<&Owner>,
    said: Said,
    primary: Option<&Target>,
) -> Result<Correction, String> {
    let mut changes = Vec::new();
    if let Some(holder) = &lease.holder {
        let name = holder.execution.name();
        match owner {
            Some(Owner::Gone { status: how, .. }) => {
                changes.push(format!("holder: `{name}`, which ended ({how}), no longer holds it"))
            }
            Some(Owner::Running) => return Err(format!("run `{name}` holds the lease and is at work")),
            Some(Owner::Unknown(why)) => {
                return Err(format!(
                    "run `{name}` holds the lease, and whether it still runs could not be asked: {why}"
                ));
            }
            None => return Err(format!("run `{name}` holds the lease and was not asked")),
        }
    }
    if let Some(left) = &lease.unfinished {
        changes.push(format!("unfinished: `{}` is not to be finished any more", left.execution.name()));
    }
    if lease.active != said.active {
        changes.push(format!("active: from the {} to the {}", side(lease.active), side(said.active)));
    }
    let guard = match (&lease.guard, said.forget_guard, said.active) {
        (Some(guard), true, _) => {
            changes.push(format!(
                "guard: that of generation {} is forgotten, and shuts nobody out any more",
                guard.generation
            ));
            None
        }
        (Some(_), false, ActiveSide::Primary) => {
            return Err(
                "the lease guards the plan's primary, and would shut it out though it takes writes: where you have \
                        seen that it does, add --forget-guard"
                    .to_owned(),
            );
        }
        (guard, _, _) => (*guard).clone(),
    };
    let shut = given_up(lease, said, primary).or_else(|| lease.shut.clone());
    if let (Some(shut), None) = (&shut, &lease.shut) {
        let instance = &shut.target.side.instance;
        changes.push(format!("shut: `{instance}` may still refuse the application, and the next run opens it"));
    }
    let lease = Lease { holder: None, unfinished: None, active: said.active, guard, shut, ..lease.clone() };
    Ok(Correction { lease, changes })
}

/// What is left shut of a promotion that is given up.
fn given_up(lease: &Lease, said: Said, primary: Option<&Target>) -> Option<Shut> {
    let asked = lease.unfinished.as_ref().or(lease.holder.as_ref().filter(|held| held.phase == Phase::Promoting))?;
    if said.active == ActiveSide::Replica {
        return None;
    }
    let target = lease.guard.as_ref().map(|guard| &guard.target).or(primary)?.clone();
    Some(Shut {
        execution: asked.execution.clone(),
        generation: lease.generation,
        since: asked.since,
        target,
        network: true,
    })
}

/// What is known of a plan's generations, where its lease cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Generations {
    /// The highest one in what is left of the lease.
    pub in_the_object: Option<Generation>,
    /// The highest one that a run's evidence names.
    pub in_the_evidence: Option<Generation>,
    /// The one that the person gives.
    pub given: Option<Generation>,
}

/// Plans a lease in place of an object that is not a lease.
///
/// # Errors
/// A sentence for people: no generation is known, or the one that is given would go back.
pub fn renew(plan: &PlanName, known: Generations, active: ActiveSide) -> Result<Correction, String> {
    let found = known.in_the_object.max(known.in_the_evidence);
    let generation = match (found, known.given) {
        (None, None) => {
            return Err("no generation of this plan is known, and a lease that begins anew could not move the record any more: \
                        give the one that `dig +short TXT _lifeboat.NAME` shows, with NAME the traffic's name: --generation N"
                .to_owned());
        }
        (Some(found), Some(given)) if given < found => {
            return Err(format!("generation {given} is below {found}, which a run had already: it must never go back"));
        }
        (found, given) => given.or(found).unwrap_or(Generation::ZERO),
    };
    let lease = Lease::free(plan.clone(), generation, active);
    let changes = vec![
        format!("the lease is new, of generation {generation}: {}", source(known, generation)),
        format!("active: the {}", side(active)),
        "guard: none. Where a promotion left an old primary behind, keep it out yourself".to_owned(),
    ];
    Ok(Correction { lease, changes })
}

fn source(known: Generations, generation: Generation) -> &'static str {
    match generation {
        _ if known.in_the_object == Some(generation) => "the highest that is in what is left of the old one",
        _ if known.in_the_evidence == Some(generation) => "the highest that a run's evidence names",
        _ => "as it was given",
    }
}

/// The highest generation that a text names, whether or not it is JSON.
#[must_use]
pub fn highest_in(text: &str) -> Option<Generation> {
    let numbers = text.split("\"generation\"").skip(1).filter_map(|rest| {
        let rest = rest.trim_start().strip_prefix(':')?.trim_start();
        let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    });
    numbers.max().map(Generation)
}

/// The generation that the key of a guard's record names.
#[must_use]
pub fn in_key(key: &str) -> Option<Generation> {
    let (_, name) = key.rsplit_once("/guard/generation-")?;
    name.strip_suffix(".json")?.parse().ok().map(Generation)
}

fn side(side: ActiveSide) -> &'static str {
    match side {
        ActiveSide::Primary => "plan's primary",
        ActiveSide::Replica => "plan's replica, promoted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        failover::{guard::Guard, lease::Holder},
        words::wal::{Lsn, ReplicaPosition},
    };

    fn holder(name: &str) -> Holder {
        let arn = format!("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:{name}");
        Holder { execution: arn.parse().unwrap(), phase: Phase::Promoting, since: Timestamp::UNIX_EPOCH, asked: None }
    }

    fn guard() -> Guard {
        let position = ReplicaPosition { received: Lsn(1), replayed: Lsn(1), replayed_commit_at: None };
        let (since, position, target) = (Timestamp::UNIX_EPOCH, Some(position), target());
        Guard { generation: Generation(7), since, position, target, settles_at: None }
    }

    fn target() -> Target {
        let plan = crate::plan_file::lab_pair();
        Target::primary(&plan, plan.pair().unwrap())
    }

    fn lease() -> Lease {
        let unfinished = Some(holder("left"));
        Lease { unfinished, ..Lease::free("lab".parse().unwrap(), Generation(7), ActiveSide::Replica) }
    }

    fn said(active: ActiveSide) -> Said {
        Said { active, forget_guard: false }
    }

    #[test]
    fn a_person_says_which_side_takes_writes_and_the_generation_never_goes_back() {
        let Correction { lease: corrected, changes } =
            correct(&lease(), None, said(ActiveSide::Primary), None).unwrap();
        assert_eq!((corrected.active, corrected.unfinished), (ActiveSide::Primary, None));
        assert_eq!(corrected.generation, Generation(7));
        assert_eq!(changes.len(), 2, "{changes:?}");
        let again = correct(&Lease { unfinished: None, ..lease() }, None, said(ActiveSide::Replica), None).unwrap();
        assert_eq!(again.changes, Vec::<String>::new(), "it says so already");
    }

    #[test]
    fn only_a_holder_that_was_seen_to_be_gone_is_cleared() {
        let held = Lease { holder: Some(holder("held")), ..lease() };
        for owner in [None, Some(Owner::Running), Some(Owner::Unknown("timed out".into()))] {
            let refused = correct(&held, owner.as_ref(), said(ActiveSide::Primary), None).unwrap_err();
            assert!(refused.contains("`held`"), "{owner:?}: {refused}");
        }
        let gone = Owner::gone("ABORTED");
        let corrected = correct(&held, Some(&gone), said(ActiveSide::Primary), None).unwrap();
        assert_eq!(corrected.lease.holder, None);
        assert!(corrected.changes[0].contains("ABORTED"), "{:?}", corrected.changes);
    }

    #[test]
    fn a_guard_is_forgotten_only_where_a_person_says_so_and_never_turns_on_the_side_that_takes_writes() {
        let guarded = Lease { guard: Some(guard()), ..lease() };
        assert!(correct(&guarded, None, said(ActiveSide::Replica), None).unwrap().lease.guard.is_some());
        let refused = correct(&guarded, None, said(ActiveSide::Primary), None).unwrap_err();
        assert!(refused.contains("--forget-guard"), "{refused}");
        let forgotten =
            correct(&guarded, None, Said { active: ActiveSide::Primary, forget_guard: true }, None).unwrap();
        assert_eq!(forgotten.lease.guard, None);
    }

    #[test]
    fn a_promotion_that_is_given_up_leaves_its_primary_to_be_opened_by_the_next_run() {
        let given_up = correct(&lease(), None, said(ActiveSide::Primary), Some(&target())).unwrap();
        assert_eq!(given_up.lease.shut.map(|shut| shut.target), Some(target()));
        assert!(given_up.changes.iter().any(|change| change.contains("`orders-primary`")), "{:?}", given_up.changes);
        let went_through = correct(&lease(), None, said(ActiveSide::Replica), Some(&target())).unwrap();
        assert_eq!(went_through.lease.shut, None);
        let free = Lease { unfinished: None, ..lease() };
        assert_eq!(correct(&free, None, said(ActiveSide::Primary), Some(&target())).unwrap().lease.shut, None);
    }

    #[test]
    fn a_new_lease_has_the_highest_generation_that_is_known_and_there_is_none_without_one() {
        let plan = "lab".parse().unwrap();
        let renewed = |in_the_object: Option<u64>, in_the_evidence: Option<u64>, given: Option<u64>| {
            let known = Generations {
                in_the_object: in_the_object.map(Generation),
                in_the_evidence: in_the_evidence.map(Generation),
                given: given.map(Generation),
            };
            renew(&plan, known, ActiveSide::Replica).map(|correction| correction.lease.generation.0)
        };
        assert_eq!(renewed(Some(3), Some(5), None), Ok(5));
        assert_eq!(renewed(Some(6), Some(5), None), Ok(6));
        assert_eq!(renewed(Some(6), None, Some(6)), Ok(6), "at the limit");
        assert_eq!(renewed(Some(6), None, Some(9)), Ok(9));
        assert_eq!(renewed(None, None, Some(1)), Ok(1));
        assert!(renewed(Some(6), None, Some(5)).unwrap_err().contains("never go back"));
        assert!(renewed(None, None, None).unwrap_err().contains("--generation"));
    }

    #[test]
    fn generations_are_found_in_what_is_left_of_a_text_and_in_a_guard_s_key() {
        for (text, found) in [
            ("", None),
            (r#"{"plan":"lab","generation":12,"last":{"generation" : 11}"#, Some(12)),
            (r#"{"generation": 99999999999999999999}"#, None),
            (r#"{"generation": "7"}"#, None),
            (r#""generation":7"#, Some(7)),
        ] {
            assert_eq!(highest_in(text), found.map(Generation), "{text}");
        }
        assert_eq!(in_key("evidence/lab/guard/generation-4.json"), Some(Generation(4)));
        assert_eq!(in_key("evidence/lab/alarm-1.json"), None);
    }

    #[test]
    fn the_record_s_key_says_when_to_the_millisecond() {
        let at = "2026-11-28T10:00:00.125Z".parse().unwrap();
        assert_eq!(key(&"lab".parse().unwrap(), at), "evidence/lab/lease/2026-11-28T100000125Z.json");
    }
}
