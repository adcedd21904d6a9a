//! What may be wrong with a bucket by itself: what S3 refuses, and what nothing protects.

use super::{
    super::{Complaint, SideRegions},
    Bucket, Lifecycle, Stage,
};
use crate::words::time_span::TimeSpan;

/// A day, in which S3 counts.
const DAY: TimeSpan = TimeSpan::seconds(24 * 3_600);

/// How long an object is `STANDARD` before it may be `STANDARD_IA`, and how long that before it may go on.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html>
const SHORTEST_BEFORE: TimeSpan = DAY.times(30);

/// How long an object is `GLACIER` before it may be `DEEP_ARCHIVE`: S3 says "must be 90 days more".
const SHORTEST_IN_GLACIER: TimeSpan = DAY.times(90);

pub(super) fn check(bucket: &Bucket, regions: SideRegions<'_>) -> Vec<Complaint> {
    let mut found = sides(bucket);
    if bucket.replication_role.is_some() && bucket.replica().is_none() {
        let what = "the role is for replication, and the bucket is not replicated";
        let remedy =
            "Write `replicated: true` with the bucket that it is replicated to as `recovery`, or leave it out.";
        found.push(Complaint::error("replicationRole", what, remedy));
    }
    found.extend(key(bucket, regions));
    if let Some(lifecycle) = bucket.lifecycle() {
        found.extend(aged(lifecycle));
    }
    found
}

/// S3 takes the ARN of a key of the Region that it replicates to.
fn key(bucket: &Bucket, regions: SideRegions<'_>) -> Option<Complaint> {
    let (key, recovery) = (bucket.replication_key.as_ref()?, regions.recovery);
    if bucket.replica().is_none() {
        let what = "the key is for replication, and the bucket is not replicated";
        let remedy =
            "Write `replicated: true` with the bucket that it is replicated to as `recovery`, or leave it out.";
        return Some(Complaint::error("replicationKey", what, remedy));
    }
    let what = match key.region() {
        None => format!("S3 takes the ARN of a key, and not `{key}`"),
        Some(region) if region != recovery.as_str() => {
            format!("the key is of `{region}`, the replicas are in `{recovery}`")
        }
        Some(_) => return None,
    };
    Some(Complaint::error("replicationKey", what, format!("Write the ARN of a key of `{recovery}`.")))
}

fn sides(bucket: &Bucket) -> Vec<Complaint> {
    let Bucket { name, primary, recovery, replicated, .. } = bucket;
    match (recovery, replicated) {
        (None, true) => {
            let what = format!("`{name}` is replicated, and no bucket is named that it is replicated to");
            vec![Complaint::error("replicated", what, "Name it as `recovery`, or leave `replicated` out.")]
        }
        (Some(recovery), _) if recovery == primary => {
            let what = format!("`{recovery}` is the primary's bucket too: all of AWS has one of a name");
            vec![Complaint::error("recovery", what, "Name the bucket of the recovery Region.")]
        }
        (None, false) => {
            let what = "nothing replicates this bucket: it is lost with its Region";
            let remedy = "Have S3 replicate it to a bucket of the recovery Region; name that as `recovery`, with \
                 `replicated: true`.";
            vec![Complaint::warning("", what, remedy)]
        }
        (Some(recovery), false) => {
            let what = format!("nothing says that `{recovery}` has what `{primary}` has");
            let remedy = "Have S3 replicate the one to the other, and write `replicated: true`.";
            vec![Complaint::warning("recovery", what, remedy)]
        }
        (Some(_), true) => Vec::new(),
    }
}

fn aged(lifecycle: &Lifecycle) -> Vec<Complaint> {
    if lifecycle.is_empty() {
        let remedy = "Write one of standardIa, glacier, deepArchive, expire, or leave `store` out.";
        return vec![Complaint::error("store.lifecycle", "it says nothing", remedy)];
    }
    let mut found = Vec::new();
    for (stage, at) in lifecycle.stages() {
        if at < DAY || !at.duration().as_secs().is_multiple_of(DAY.duration().as_secs()) {
            let what = format!("S3 counts whole days, one at least, and not {at}");
            found.push(complaint(stage, what, "Write whole days, as 30d."));
        } else if let Some((earliest, why)) = earliest(lifecycle, stage).filter(|(earliest, _)| at < *earliest) {
            let what = format!("S3 refuses {at}: {why}");
            found.push(complaint(stage, what, &format!("Write {earliest} or more.")));
        }
    }
    found
}

/// The earliest that S3 takes for a stage, and why.
fn earliest(lifecycle: &Lifecycle, stage: Stage) -> Option<(TimeSpan, String)> {
    let mut before = Stage::ALL.into_iter().rev().filter(|before| *before < stage);
    let (last, since) = match before.find_map(|before| Some((before, lifecycle.at(before)?))) {
        Some(last) => last,
        None if stage == Stage::StandardIa => {
            return Some((
                SHORTEST_BEFORE,
                format!("an object is STANDARD for {SHORTEST_BEFORE} before it is {stage}"),
            ));
        }
        None => return None,
    };
    let least = match (last, stage) {
        (_, Stage::Expire) => DAY,
        (Stage::StandardIa, _) => SHORTEST_BEFORE,
        (Stage::Glacier | Stage::DeepArchive | Stage::Expire, _) => SHORTEST_IN_GLACIER,
    };
    Some((since + least, format!("it is {last} after {since}, and {stage} {least} after that at the earliest")))
}

fn complaint(stage: Stage, what: String, remedy: &str) -> Complaint {
    Complaint::error(format!("store.lifecycle.{}", stage.field()), what, remedy)
}
