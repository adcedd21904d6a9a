//! What runs and the watch left in a Region's bucket.

use domain::{
    backup::Manifest,
    plan::Plan,
    record::evidence::Evidence,
    report::{Left, Span},
    restore::RestoreRecord,
    watch::probe::{Blip, Watch},
    words::failure::Failure,
};
use edge::object_store::{self, Bucket, Listed};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Serialize, de::DeserializeOwned};

use crate::refusal::Refusal;

/// A record that could not be read: it is named, and not counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Damaged {
    pub(super) key: String,
    pub(super) why: String,
}

/// The most records that one report reads: 90 days of a schedule each five minutes are 25,920.
const MOST_RECORDS: usize = 50_000;

/// How many are read side by side.
const AT_ONCE: usize = 16;

/// Everything of a plan in this bucket that may be of the span, and what of it cannot be read.
pub(super) async fn left(bucket: &Bucket, plan: &Plan, span: Span) -> Result<(Left, Vec<Damaged>), Refusal> {
    let (mut left, mut damaged) = (Left::default(), Vec::new());
    for pair in plan.names_of_pairs() {
        let folder = format!("evidence/{pair}/");
        let listed = written_since(bucket, &folder, span).await?;
        let of = |kind: Kind| listed.iter().filter(|key| Kind::of(key, &folder) == kind).cloned().collect::<Vec<_>>();
        left.runs.extend(read::<Evidence>(bucket, of(Kind::Run), &mut damaged).await?);
        left.blips.extend(read::<Blip>(bucket, of(Kind::Blip), &mut damaged).await?);
        let watch = read::<Watch>(bucket, vec![object_store::watch_key(&pair)], &mut damaged).await?;
        let until = watch.into_iter().next().and_then(|watch| watch.told_until);
        left.watched_until.extend(until.map(|until| (pair, until)));
    }
    let manifests = written_since(bucket, &format!("backups/{}/", plan.plan), span).await?;
    for manifest in read::<Manifest>(bucket, manifests, &mut damaged).await? {
        let changed: Vec<String> = manifest.damaged().map(ToString::to_string).collect();
        if changed.is_empty() {
            left.backups.push(manifest);
        } else {
            let key = domain::backup::manifest_key(&manifest.plan, &manifest.schedule, manifest.scheduled_at);
            let why = format!("what it says of {} was changed after it was written", changed.join(", "));
            damaged.push(Damaged { key, why });
        }
    }
    let records = written_since(bucket, &format!("reports/{}/restores/", plan.plan), span).await?;
    left.restores = read::<RestoreRecord>(bucket, records, &mut damaged).await?;
    Ok((left, damaged))
}

/// What an object below a pair's evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Run,
    Blip,
    /// What the guard, a hardening, a correction of the lease or the looks at a Region's health left.
    Other,
}

impl Kind {
    fn of(key: &str, folder: &str) -> Self {
        let rest = key.strip_prefix(folder).unwrap_or(key);
        match rest.split_once('/').map(|(first, _)| first) {
            Some("blips") => Self::Blip,
            Some("guard" | "hardening" | "health" | "lease") => Self::Other,
            // A run's own, and what lies beside another one's.
            Some(_) | None => Self::Run,
        }
    }
}

/// The keys that begin like this and were written since the span began: what is of the span was written after it began.
async fn written_since(bucket: &Bucket, prefix: &str, span: Span) -> Result<Vec<String>, Refusal> {
    let since = span.since.as_second();
    let listed = bucket.list(prefix).await?.into_iter();
    let keys: Vec<String> =
        listed.filter(|listed: &Listed| listed.written_at >= since).map(|listed| listed.key).collect();
    if keys.len() > MOST_RECORDS {
        return Err(Refusal::usage(
            format!("{} records under `{prefix}` are more than one report reads", keys.len()),
            "Give a later --since, and make a report of each part.",
        ));
    }
    Ok(keys)
}

/// Reads these; what is no record of its kind is damaged.
async fn read<T: DeserializeOwned>(
    bucket: &Bucket,
    keys: Vec<String>,
    damaged: &mut Vec<Damaged>,
) -> Result<Vec<T>, Failure> {
    let one = |key: String| async move {
        match object_store::read_json::<T>(bucket, &key).await {
            Ok(read) => Ok(Ok(read.map(|(record, _)| record))),
            Err(Failure::InvalidInput(why)) => {
                let why = why.strip_prefix(&format!("{key}: ")).unwrap_or(&why).to_owned();
                Ok(Err(Damaged { key, why }))
            }
            Err(failure) => Err(failure),
        }
    };
    let all: Vec<Result<Option<T>, Damaged>> = stream::iter(keys).map(one).buffered(AT_ONCE).try_collect().await?;
    let mut records = Vec::new();
    for read in all {
        match read {
            Ok(record) => records.extend(record),
            Err(wrong) => damaged.push(wrong),
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_pair_s_evidence_runs_are_told_from_blips_and_from_what_others_left() {
        for (key, kind) in [
            ("evidence/lab/alarm-1.json", Kind::Run),
            ("evidence/lab/lifeboat-failover/alarm-1/2026-01-15T09:30:04Z.json", Kind::Run),
            ("evidence/lab/blips/2026-01-15T09:30:04Z.json", Kind::Blip),
            ("evidence/lab/guard/generation-1.json", Kind::Other),
            ("evidence/lab/hardening/alarm-1.json", Kind::Other),
            ("evidence/lab/health/us-east-1/2026-01-15T093004125Z.json", Kind::Other),
            ("evidence/lab/lease/2026-01-15T09:30:04Z.json", Kind::Other),
        ] {
            assert_eq!(Kind::of(key, "evidence/lab/"), kind, "{key}");
        }
    }
}
