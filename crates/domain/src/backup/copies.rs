//! A backup's copies in other Regions: what to do about each, and what there is of all of them.

use serde::Serialize;
use serde_json::Value;

use super::{
    BackupRun, Label,
    manifest::{LONGEST_REASON_CHARS, Missing, Stored, Taken},
    snapshot::{Found, Move, Snapshot, plan},
    source::Source,
};
use crate::{
    run::step::Step,
    words::{
        id::{ComponentName, Region},
        wording,
    },
};

/// What to do about a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum CopyMove {
    /// Ask for it.
    Make,
    /// Nothing: this is how far it is.
    Leave(CopyState),
}

/// How far a copy is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum CopyState {
    /// It is there.
    There(Stored),
    /// It is on its way, or its Region was not heard.
    UnderWay(String),
    /// It will not be there.
    Never(String),
}

/// What to do about a copy of a snapshot, as it was found in another Region.
#[must_use]
pub fn plan_copy(original: &Snapshot, found: &Found) -> CopyMove {
    CopyMove::Leave(match plan(found) {
        Move::Make => return CopyMove::Make,
        Move::Wait(why) => CopyState::UnderWay(why),
        Move::Refuse(why) => CopyState::Never(why),
        Move::Done(copy, _) => match same_data(original, copy) {
            Ok(()) => CopyState::There(Stored::of(&found.region, copy)),
            Err(why) => {
                CopyState::Never(format!("{}: {} is not a copy of {}: {why}", found.region, copy.arn, original.arn))
            }
        },
    })
}

/// Whether a snapshot in another Region has the same data: one that was taken again under the same name has not.
///
/// # Errors
/// A sentence for people.
pub fn same_data(original: &Snapshot, copy: &Snapshot) -> Result<(), String> {
    let database = |snapshot: &Snapshot| snapshot.label.as_ref().ok().map(|label| label.database.clone());
    match (database(original), database(copy)) {
        (Some(original), Some(copy)) if original == copy => Ok(()),
        (Some(original), Some(copy)) => Err(format!("{copy}, not {original}")),
        (None, _) | (_, None) => Err("its tags do not say of what it is".to_owned()),
    }
}

impl Stored {
    fn of(region: &Region, snapshot: &Snapshot) -> Self {
        Self {
            region: region.clone(),
            arn: snapshot.arn.clone(),
            allocated_gib: snapshot.allocated_gib,
            encrypted: snapshot.encrypted,
        }
    }
}

impl BackupRun {
    /// What to do about the component's own snapshot, where this backup of it was found or is to be made.
    #[must_use]
    pub fn plan_original<'f>(&self, component: &ComponentName, found: &'f Found) -> Move<'f> {
        match plan(found) {
            Move::Done(original, label) => match self.is_of(component, label) {
                Ok(()) => Move::Done(original, label),
                Err(why) => Move::Refuse(format!("{}: {} is another backup: {why}", found.region, original.arn)),
            },
            next @ (Move::Make | Move::Wait(_) | Move::Refuse(_)) => next,
        }
    }
}

impl Taken {
    /// A backup that has no copies yet.
    #[must_use]
    pub fn original(source: &Source<'_>, region: &Region, snapshot: &Snapshot, label: &Label) -> Self {
        Self {
            component: label.component.clone(),
            of: snapshot.of.clone().unwrap_or_else(|| source.of()),
            snapshot: snapshot.name.clone(),
            database: label.database.clone(),
            places: vec![Stored::of(region, snapshot)],
            missing: Vec::new(),
        }
    }

    /// The same with its copies: done once none of them is under way. Until then that one is missing as well, so that a run
    /// that ends meanwhile says so.
    #[must_use]
    pub fn with_copies(mut self, copies: Vec<(Region, CopyState)>) -> Step<Self> {
        let mut under_way = Vec::new();
        for (region, copy) in copies {
            match copy {
                CopyState::There(place) => self.places.push(place),
                CopyState::UnderWay(why) => {
                    self.missing.push(Missing::new(region, &why));
                    under_way.push(why);
                }
                CopyState::Never(because) => self.missing.push(Missing::new(region, &because)),
            }
        }
        if !under_way.is_empty() {
            return Step::under_way(told(&under_way.join("; ")), Value::Null, self);
        }
        Step::done(told(&self.summary()), Value::Null, self)
    }

    /// Where it is; what is missing, where something is.
    fn summary(&self) -> String {
        if self.missing.is_empty() {
            let places: Vec<&str> = self.places.iter().map(|place| place.region.as_str()).collect();
            return format!("`{}` is in {}", self.snapshot, places.join(", "));
        }
        let missing: Vec<&str> = self.missing.iter().map(|missing| missing.because.as_str()).collect();
        missing.join("; ")
    }
}

/// Of all Regions, as far as a component's part has room for it.
fn told(because: &str) -> String {
    wording::start_of(because, LONGEST_REASON_CHARS)
}
