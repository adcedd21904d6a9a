//! What can be seen of a backup without restoring it: present, available, encrypted, complete, large and new enough.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Chosen, Origin, RestoreRun, Wanted};
use crate::{
    backup::{self, Found, Label, Manifest, Snapshot},
    retention::State,
    run::{
        outcome::UpkeepOutcome,
        verification::{Checked, Finding},
    },
    words::{id::ComponentName, time_span::TimeSpan},
};

/// What was found of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Examined {
    /// What can be restored; absent where nothing can.
    pub chosen: Option<Chosen>,
    /// Check by check.
    pub checks: Vec<Checked>,
}

/// What belongs to a backup beside the snapshot itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Set {
    /// Its manifest, if there is one, or why it could not be read.
    pub manifest: Result<Option<Manifest>, String>,
    /// The same backup in the other Regions that the manifest names.
    pub elsewhere: Vec<Found>,
}

/// Looks at a backup from all sides. Age is judged only of the latest: an old one that was named is meant to be old.
#[must_use]
pub fn examine(
    run: &RestoreRun,
    component: &ComponentName,
    snapshot: Option<(&Snapshot, &Set)>,
    now: Timestamp,
) -> Examined {
    let mut checks = Vec::new();
    let mut check = |name: String, finding: Finding| {
        checks.push(Checked { name, finding, took_milliseconds: 0, at: now, resolver: None });
    };
    let is = |holds: bool, expected: &str, got: String| match holds {
        true => Finding::Passed,
        false => Finding::Failed { expected: expected.to_owned(), got },
    };
    let Some((snapshot, set)) = snapshot else {
        check("there is a backup".into(), is(false, "one that is available", format!("none in {}", run.region)));
        return Examined { chosen: None, checks };
    };
    let Ok(label) = &snapshot.label else { return Examined { chosen: None, checks } };
    let available = snapshot.state() == State::Available;
    let got = format!("`{}`, {} percent", snapshot.status, snapshot.percent);
    check("it is available".into(), is(available, "`available`", got));
    let plan = run.plan.backup(&label.schedule);
    if plan.is_some_and(|plan| plan.verification.as_ref().is_none_or(|verification| verification.encrypted)) {
        check("it is encrypted".into(), is(snapshot.encrypted, "an encrypted snapshot", "one that is not".into()));
    }
    check("its manifest is whole".into(), manifest(set, component, snapshot));
    for found in &set.elsewhere {
        check(format!("it is in {} as well", found.region), copy(found, snapshot));
    }
    if let Some(alarm) = plan.and_then(|plan| plan.alarm.as_ref()) {
        // Not of every kind it is known.
        if let (Some(least), Some(got)) = (alarm.smaller_than_bytes, label.database.size_bytes) {
            check(
                "it is large enough".into(),
                is(got >= least, &format!("at least {least} bytes"), format!("{got} bytes")),
            );
        }
        let age = TimeSpan::between(label.database.database_time, now);
        if run.wanted == Wanted::Latest {
            let expected = format!("at most {} old", alarm.older_than);
            check("it is new enough".into(), is(age <= alarm.older_than, &expected, format!("{age} old")));
        }
    }
    Examined { chosen: available.then(|| chosen(snapshot, label)), checks }
}

fn chosen(snapshot: &Snapshot, label: &Label) -> Chosen {
    Chosen {
        origin: Origin::Snapshot { name: snapshot.name.clone(), arn: snapshot.arn.clone() },
        data_until: label.database.database_time,
        lsn: label.database.lsn,
    }
}

fn manifest(set: &Set, component: &ComponentName, snapshot: &Snapshot) -> Finding {
    let failed =
        |got: String| Finding::Failed { expected: "a whole manifest that names it, with its checksums".into(), got };
    let manifest = match &set.manifest {
        Err(why) => return failed(why.clone()),
        Ok(None) => return failed("none: the backup was not finished".into()),
        Ok(Some(manifest)) => manifest,
    };
    if let Err(why) = snapshot.label.as_ref().map_err(Clone::clone).and_then(|label| manifest.is_of(label)) {
        return failed(why);
    }
    let damaged: Vec<&str> = manifest.damaged().map(ComponentName::as_str).collect();
    if !damaged.is_empty() {
        return failed(format!("the part of {} is not what its checksum says", damaged.join(", ")));
    }
    match manifest.part(component).map(|part| (part, part.whole())) {
        Some((_, Some(taken))) if taken.snapshot != snapshot.name => failed(format!("it names `{}`", taken.snapshot)),
        Some((_, Some(taken))) => match snapshot.label.as_ref().ok().filter(|label| label.database != taken.database) {
            None => Finding::Passed,
            Some(label) => failed(format!("one of {}; the snapshot is of {}", taken.database, label.database)),
        },
        Some((part, None)) => failed(part.because.clone()),
        None if manifest.outcome == UpkeepOutcome::Complete => failed(format!("it names no `{component}`")),
        None => failed(manifest.summary()),
    }
}

fn copy(found: &Found, of: &Snapshot) -> Finding {
    let failed = |got: String| Finding::Failed { expected: "an available copy".into(), got };
    match backup::plan(found) {
        backup::Move::Done(copy, _) => backup::same_data(of, copy).map_or_else(failed, |()| Finding::Passed),
        backup::Move::Make => failed("none".into()),
        backup::Move::Refuse(why) => failed(why),
        // Silence does not prove that it is gone.
        backup::Move::Wait(why) => Finding::Unanswered(why),
    }
}
