//! The next move towards a component's backup, whatever is there already.

use jiff::Timestamp;
use serde::Serialize;

use super::tags::{Label, Marks};
use crate::{
    component::{Resource, SnapshotKind},
    retention::State,
    words::id::Region,
};

/// A snapshot as the service that keeps it shows it in a Region, in RDS's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Which kind it is of.
    pub kind: SnapshotKind,
    /// Its name, the same in each Region.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// When its data was taken, which a copy has from its original; absent while it is being made.
    pub taken_at: Option<Timestamp>,
    /// `Status`, as RDS writes it.
    pub status: String,
    /// How much of it is done, in percent.
    pub percent: u8,
    /// The storage allocated to it, in GiB, where RDS says.
    pub allocated_gib: Option<u32>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Of what the service says that it was taken.
    pub of: Option<Resource>,
    /// What it is of, or what is wrong with the tags that should say so.
    pub label: Result<Label, String>,
    /// What else its tags say.
    pub marks: Marks,
    /// The tags that a copy of it is given.
    pub carried: Vec<(String, String)>,
}

impl Snapshot {
    /// What RDS's word means here.
    #[must_use]
    pub fn state(&self) -> State {
        match self.status.as_str() {
            "available" => State::Available,
            "creating" | "copying" | "pending" => State::Making,
            "failed" => State::Failed,
            _ => State::Unknown,
        }
    }
}

/// A component's backup in one Region, as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The Region.
    pub region: Region,
    /// `None` is: not there yet. An error is a Region that could not be asked.
    pub snapshot: Result<Option<Snapshot>, String>,
}

impl Found {
    /// The first of these where the backup is; else where it is being made. One that is silent, or has a thing of this name
    /// that is no backup, does not count.
    #[must_use]
    pub fn first_there(found: &[Self]) -> Option<&Self> {
        let is = |found: &&Self, wanted: &[State]| {
            let snapshot = found.snapshot.as_ref().ok().and_then(Option::as_ref);
            snapshot.is_some_and(|snapshot| snapshot.label.is_ok() && wanted.contains(&snapshot.state()))
        };
        let there = found.iter().find(|found| is(found, &[State::Available]));
        there.or_else(|| found.iter().find(|found| is(found, &[State::Making, State::Unknown])))
    }
}

/// What to do in one Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Move<'f> {
    /// Take it, or copy it.
    Make,
    /// Ask again: it is on its way, or its Region was not heard.
    Wait(String),
    /// It will not be there.
    Refuse(String),
    /// It is there, and this is what it is of.
    Done(&'f Snapshot, &'f Label),
}

/// What to do about a snapshot of this name.
#[must_use]
pub fn plan(found: &Found) -> Move<'_> {
    let snapshot = match &found.snapshot {
        Err(why) => return Move::Wait(format!("{} does not answer: {why}", found.region)),
        Ok(None) => return Move::Make,
        Ok(Some(snapshot)) => snapshot,
    };
    let label = match &snapshot.label {
        Err(why) => {
            return Move::Refuse(format!("{}: {} is not a backup of ours: {why}", found.region, snapshot.arn));
        }
        Ok(label) => label,
    };
    match snapshot.state() {
        State::Available => Move::Done(snapshot, label),
        State::Making => Move::Wait(format!("{}: {}, {} percent", found.region, snapshot.status, snapshot.percent)),
        State::Failed => Move::Refuse(format!(
            "{}: {} could not complete {}; the next one has another name",
            found.region,
            snapshot.kind.service(),
            snapshot.arn
        )),
        State::Unknown => Move::Wait(format!("{}: {} is {}", found.region, snapshot.arn, snapshot.status)),
    }
}

/// How many snapshots a Region has that nobody but their owner deletes, and how many it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// So many there are.
    pub used: u64,
    /// So many there may be.
    pub most: u64,
}

/// Whether a Region has room for one more, looked at before it is asked for.
///
/// # Errors
/// A sentence for people.
pub fn room(region: &Region, kind: SnapshotKind, quota: Quota) -> Result<(), String> {
    if quota.used < quota.most {
        return Ok(());
    }
    Err(format!(
        "{region} has {} manual {} of {} that the account may have: delete some, as `lifeboat cleanup` does, or have the quota raised",
        quota.used,
        kind.plural(),
        quota.most
    ))
}
