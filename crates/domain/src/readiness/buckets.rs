//! A bucket of the plan's: there, versioned, with the lifecycle that the plan says, and replicated.

use super::{Finding, Need};
use crate::{
    component::{ActiveSide, Bucket, Named, SeenBucket},
    plan::PairPlan,
    words::{
        id::{BucketName, ComponentName, Region},
        time_span::TimeSpan,
    },
};

/// What was seen of a bucket.
#[derive(Debug, Clone)]
pub struct BucketLook {
    /// The component.
    pub component: ComponentName,
    /// The bucket of each side that it has.
    pub sides: Vec<(ActiveSide, Result<Named, String>)>,
    /// What S3 told of its replication. Absent where it was not asked: nothing replicates it, or by a rule without metrics.
    pub told: Option<ReplicationTold>,
}

/// What S3 told of a rule of replication.
#[derive(Debug, Clone)]
pub struct ReplicationTold {
    /// How far the recovery side was behind at most since the last look; nothing where S3 told nothing.
    pub behind: Result<Option<TimeSpan>, String>,
    /// How many objects, deletions and tags it could not replicate within the last day.
    pub failed: Result<u64, String>,
}

pub(super) fn bucket(looked: &BucketLook, plan: &PairPlan) -> Vec<Finding> {
    let Some(bucket) = plan.component(&looked.component).and_then(|component| component.kind().bucket()) else {
        return Vec::new();
    };
    let (sides, rule) = (bucket.sides().zip(&looked.sides), Bucket::rule(&plan.plan));
    let mut findings: Vec<Finding> =
        sides.flat_map(|((side, name), (_, seen))| of_side(bucket, name, plan.region_of(side), seen, &rule)).collect();
    if let Some(to) = bucket.replica() {
        findings.extend(replicated(bucket, to, looked, plan.objectives.of(bucket).rpo));
    }
    if findings.is_empty() {
        findings.push(Finding::ready(Need::Buckets, as_it_is(bucket, looked)));
    }
    findings
}

/// What is wrong with the bucket of a side.
fn of_side(
    bucket: &Bucket,
    name: &BucketName,
    region: &Region,
    seen: &Result<Named, String>,
    rule: &str,
) -> Vec<Finding> {
    let lacks = |because: String, remedy: &str| Finding::not_ready(Need::Buckets, because, remedy);
    let seen = match seen {
        Err(why) => {
            let because = format!("S3 in {region} does not say how `{name}` is: {why}");
            let remedy = "See to the name in the plan, and to the parameter Buckets of this Region's engine.";
            return vec![Finding::unknown(Need::Buckets, because, remedy)];
        }
        Ok(Named::Nothing) => {
            let because = format!("there is no bucket `{name}`, by the plan in {region}");
            return vec![lacks(because, "Make it, with versions, or correct the plan.")];
        }
        Ok(Named::Elsewhere(there)) => {
            let because = format!("`{name}` is in {there}, by the plan in {region}");
            return vec![lacks(because, "Correct the plan, or copy what is in it to a bucket of that Region.")];
        }
        Ok(Named::Bucket(seen)) => seen,
    };
    let mut findings = Vec::new();
    // One that nothing replicates may keep what it likes: `plan check` has told that it is lost with its Region.
    if bucket.replica().is_some() && !seen.versioned {
        let because = format!("`{name}` keeps no versions, and S3 replicates nothing else");
        let set = format!("aws s3api put-bucket-versioning --bucket {name} --versioning-configuration Status=Enabled");
        findings.push(lacks(because, &by_apply_or(bucket, set)));
    }
    let differs = bucket.lifecycle().map(|wanted| seen.differences(wanted, rule)).unwrap_or_default();
    if !differs.is_empty() {
        let remedy = "`lifeboat plan apply` sets what the plan says; another's rule is theirs to change.";
        findings.push(lacks(format!("the lifecycle of `{name}`: {}", differs.join("; ")), remedy));
    }
    findings
}

/// What is wrong with how it is replicated, as far as its primary's side could be looked at: if it could not, that is told.
fn replicated(bucket: &Bucket, to: &BucketName, looked: &BucketLook, promised: TimeSpan) -> Vec<Finding> {
    let Some(seen) = primary_of(looked) else { return Vec::new() };
    let from = &bucket.primary;
    let rule = match seen.replicated_to(to.as_str()) {
        Ok(rule) => rule,
        Err(why) => {
            let because = format!("`{from}`: {why}");
            return vec![Finding::not_ready(Need::Buckets, because, unreplicated_remedy(bucket, to))];
        }
    };
    if let Some((because, remedy)) = bucket.left_out_by_key(seen) {
        return vec![Finding::not_ready(Need::Buckets, because, remedy)];
    }
    let Some(told) = looked.told.as_ref().filter(|_| rule.metrics) else {
        let id = &rule.id;
        let because =
            format!("nobody knows how far `{to}` is behind `{from}`, nor what failed: the rule `{id}` has no metrics");
        let remedy = by_apply_or(bucket, "Switch the rule's metrics on: aws s3api put-bucket-replication.".to_owned());
        return vec![Finding::unknown(Need::Buckets, because, remedy)];
    };
    too_far_behind(from, to, &told.behind, promised).into_iter().chain(left_out(from, to, &told.failed)).collect()
}

/// What to do where a bucket is not replicated. Without a role it is its owner's to set.
#[must_use]
pub fn unreplicated_remedy(bucket: &Bucket, to: &BucketName) -> String {
    let by_hand = format!(
        "Give `{}` a replication rule for every object to `{to}`, with a role of yours that S3 assumes: aws s3api \
         put-bucket-replication.",
        bucket.primary
    );
    format!("{} What is in it already is copied by S3 Batch Replication.", by_apply_or(bucket, by_hand))
}

/// What sets it: `plan apply` where the plan names the role, else its owner.
fn by_apply_or(bucket: &Bucket, by_hand: String) -> String {
    if bucket.replication_role.is_some() { "`lifeboat plan apply` sets it.".to_owned() } else { by_hand }
}

fn primary_of(looked: &BucketLook) -> Option<&SeenBucket> {
    let (_, seen) = looked.sides.iter().find(|(side, _)| *side == ActiveSide::Primary)?;
    seen.as_ref().ok()?.bucket()
}

fn too_far_behind(
    from: &BucketName,
    to: &BucketName,
    behind: &Result<Option<TimeSpan>, String>,
    promised: TimeSpan,
) -> Option<Finding> {
    let metric = "Look at ReplicationLatency of AWS/S3 in the recovery Region, by the rule's id.";
    match behind {
        Ok(Some(behind)) if *behind > promised => {
            let because = format!("`{to}` is {behind} behind `{from}`, and at most {promised} may be lost");
            let remedy = "See what holds replication up: many objects at once, or large ones.";
            Some(Finding::not_ready(Need::Buckets, because, remedy))
        }
        Ok(Some(_)) => None,
        Ok(None) => {
            let because = format!("S3 has not told of late how far `{to}` is behind `{from}`");
            Some(Finding::unknown(Need::Buckets, because, metric))
        }
        Err(why) => {
            let because = format!("how far `{to}` is behind `{from}` could not be read: {why}");
            Some(Finding::unknown(Need::Buckets, because, metric))
        }
    }
}

/// What S3 has given up on: it does not try again by itself.
fn left_out(from: &BucketName, to: &BucketName, failed: &Result<u64, String>) -> Option<Finding> {
    match failed {
        Ok(0) => None,
        Ok(failed) => {
            let because =
                format!("S3 failed to replicate from `{from}` to `{to}` within the last day: {failed} in number");
            let remedy = "See whether its role may read, write and use the keys; then copy what failed by S3 Batch \
                 Replication. It is told for a day.";
            Some(Finding::not_ready(Need::Buckets, because, remedy))
        }
        Err(why) => {
            let because = format!("what S3 failed to replicate from `{from}` to `{to}` could not be read: {why}");
            let metric = "Look at OperationsFailedReplication of AWS/S3 in the primary Region, by the rule's id.";
            Some(Finding::unknown(Need::Buckets, because, metric))
        }
    }
}

fn as_it_is(bucket: &Bucket, looked: &BucketLook) -> String {
    let names: Vec<String> = bucket.sides().map(|(_, name)| format!("`{name}`")).collect();
    let is = match names.as_slice() {
        [one] => format!("{one} is as the plan says"),
        names => format!("{} are as the plan says", names.join(" and ")),
    };
    let behind = looked.told.as_ref().and_then(|told| told.behind.as_ref().ok().copied().flatten());
    match bucket.replica().and(behind) {
        Some(behind) => format!("{is}; replication was at most {behind} behind of late"),
        None => is,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::State, *};
    use crate::component::{Component, LifecycleRule, ReplicationRule};

    fn plan() -> PairPlan {
        let mut plan = crate::plan_file::lab_pair();
        let bucket = json!({
            "kind": "bucket", "name": "uploads", "primary": "uploads-east", "recovery": "uploads-west",
            "replicated": true, "store": { "lifecycle": { "standardIa": "30d" } },
        });
        plan.components.push(serde_json::from_value(bucket).unwrap());
        plan
    }

    fn with(plan: PairPlan, change: impl Fn(&mut Bucket)) -> PairPlan {
        let mut plan = plan;
        for component in &mut plan.components {
            if let Component::Bucket(bucket) = component {
                change(bucket);
            }
        }
        plan
    }

    fn without_a_replica() -> PairPlan {
        with(plan(), |bucket| (bucket.recovery, bucket.replicated) = (None, false))
    }

    fn seen() -> SeenBucket {
        let lifecycle = serde_json::from_value(json!({ "standardIa": "30d" })).unwrap();
        let id = "lifeboat-lab".to_owned();
        let rule = LifecycleRule { id, enabled: true, whole: true, exact: true, more: false, lifecycle };
        let (id, to) = ("all".to_owned(), "uploads-west".to_owned());
        let to = ReplicationRule {
            id,
            to,
            enabled: true,
            whole: true,
            metrics: true,
            markers: true,
            key: None,
            filtered: true,
        };
        SeenBucket {
            versioned: true,
            lifecycle: vec![rule],
            replication_role: Some("theirs".into()),
            by_kms: false,
            replication: vec![to],
        }
    }

    fn well() -> BucketLook {
        BucketLook {
            component: "uploads".parse().unwrap(),
            sides: vec![
                (ActiveSide::Primary, Ok(Named::Bucket(seen()))),
                (ActiveSide::Replica, Ok(Named::Bucket(seen()))),
            ],
            told: Some(ReplicationTold { behind: Ok(Some(TimeSpan::seconds(5))), failed: Ok(0) }),
        }
    }

    fn on(side: usize, seen: Result<Named, String>) -> BucketLook {
        let mut looked = well();
        looked.sides[side].1 = seen;
        looked
    }

    #[test]
    fn a_bucket_as_the_plan_says_is_one_line() {
        let findings = bucket(&well(), &plan());
        assert_eq!((findings.len(), findings[0].state), (1, State::Ready));
        assert!(findings[0].because.contains("at most 5s behind"), "{findings:?}");
        let alone = without_a_replica();
        let looked = BucketLook {
            sides: vec![(ActiveSide::Primary, Ok(Named::Bucket(SeenBucket { versioned: false, ..seen() })))],
            told: None,
            ..well()
        };
        let findings = bucket(&looked, &alone);
        assert_eq!((findings.len(), findings[0].because.as_str()), (1, "`uploads-east` is as the plan says"));
    }

    #[test]
    fn what_is_not_as_the_plan_says_is_named_with_what_to_do_and_what_is_unknown_is_not_ready() {
        let gone = || "gone".to_owned();
        let changed = |change: fn(&mut SeenBucket)| {
            let mut seen = seen();
            change(&mut seen);
            on(0, Ok(Named::Bucket(seen)))
        };
        let told = |behind, failed| BucketLook { told: Some(ReplicationTold { behind, failed }), ..well() };
        let behind = |behind| told(behind, Ok(0));
        let failed = |failed| told(Ok(Some(TimeSpan::seconds(0))), failed);
        for (looked, state, says) in [
            (on(0, Ok(Named::Nothing)), State::NotReady, "there is no bucket `uploads-east`, by the plan in us-east-1"),
            (on(1, Ok(Named::Nothing)), State::NotReady, "there is no bucket `uploads-west`, by the plan in us-west-2"),
            (on(1, Err(gone())), State::Unknown, "S3 in us-west-2 does not say how `uploads-west` is: gone"),
            (on(0, Ok(Named::Elsewhere("eu-west-1".into()))), State::NotReady, "`uploads-east` is in eu-west-1"),
            (changed(|seen| seen.versioned = false), State::NotReady, "`uploads-east` keeps no versions"),
            (changed(|seen| seen.lifecycle.clear()), State::NotReady, "nothing is STANDARD_IA after 30d"),
            (changed(|seen| seen.by_kms = true), State::NotReady, "S3 replicates nothing of it"),
            (changed(|seen| seen.replication.clear()), State::NotReady, "no rule replicates it to `uploads-west`"),
            // The lab's plan may lose five seconds.
            (behind(Ok(Some(TimeSpan::seconds(6)))), State::NotReady, "`uploads-west` is 6s behind `uploads-east`"),
            (behind(Ok(None)), State::Unknown, "S3 has not told of late"),
            (behind(Err(gone())), State::Unknown, "could not be read: gone"),
            (failed(Ok(2)), State::NotReady, "within the last day: 2 in number"),
            (failed(Err(gone())), State::Unknown, "what S3 failed to replicate"),
            (BucketLook { told: None, ..well() }, State::Unknown, "the rule `all` has no metrics"),
            (changed(|seen| seen.replication[0].metrics = false), State::Unknown, "the rule `all` has no metrics"),
        ] {
            let findings = bucket(&looked, &plan());
            assert_eq!((findings.len(), findings[0].state), (1, state), "{findings:?}");
            assert!(findings[0].because.contains(says) && findings[0].remedy.is_some(), "{says}: {findings:?}");
        }
    }

    #[test]
    fn what_plan_apply_sets_is_not_asked_of_a_person() {
        const ROLE: &str = "arn:aws:iam::000000000000:role/replication";
        let by_apply = with(plan(), |bucket| bucket.replication_role = Some(ROLE.parse().unwrap()));
        let mut bare = well();
        bare.sides[0].1 = Ok(Named::Bucket(SeenBucket { versioned: false, replication: vec![], ..seen() }));
        let remedies = |plan: &PairPlan| bucket(&bare, plan).into_iter().filter_map(|finding| finding.remedy);
        assert!(remedies(&by_apply).all(|remedy| remedy.contains("`lifeboat plan apply` sets it.")));
        assert!(remedies(&plan()).all(|remedy| remedy.contains("aws s3api put-bucket")));
        assert_eq!(remedies(&plan()).count(), 2);
    }
}
