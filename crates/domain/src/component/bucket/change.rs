//! What `plan apply` sets in a bucket, and what speaks against it.

use super::{Bucket, Lifecycle, ReplicationRule, SeenBucket};
use crate::{
    component::ActiveSide,
    words::id::{BucketName, KmsKeyId, PlanName, RoleArn},
};

/// A setting of a bucket as the plan wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// It keeps the versions of its objects: S3 replicates no other.
    Versions,
    /// Every object is replicated to this bucket.
    Replication {
        /// The bucket.
        to: BucketName,
        /// The role that S3 assumes for it.
        role: RoleArn,
        /// The key that replicas of encrypted objects are encrypted with; without one, what the rule has stays.
        key: Option<KmsKeyId>,
    },
    /// What becomes of objects as they grow old; nothing takes our rule away.
    Lifecycle(Option<Lifecycle>),
}

impl Setting {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Versions => "versions",
            Self::Replication { .. } => "replication",
            Self::Lifecycle(_) => "lifecycle",
        }
    }
}

/// A setting that is not as the plan wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is to be.
    pub setting: Setting,
    /// What is, for people.
    pub was: String,
    /// What is to be, for people.
    pub becomes: String,
}

const NONE: &str = "none";

impl Bucket {
    /// The id of the rules that are this plan's. All others are somebody else's, and stay.
    #[must_use]
    pub fn rule(plan: &PlanName) -> String {
        format!("lifeboat-{}", plan.whole())
    }

    /// What is to be set on a side, in the order in which S3 takes it.
    #[must_use]
    pub fn changes(&self, side: ActiveSide, seen: &SeenBucket, plan: &PlanName) -> Vec<Change> {
        let id = Self::rule(plan);
        let set = [self.versions(seen), self.replication(side, seen, &id), self.aging(seen, &id)];
        set.into_iter().flatten().collect()
    }

    /// Why S3 would refuse the rule that replicates it, or would replicate for others by another role; with what to do.
    #[must_use]
    pub fn obstacle(&self, side: ActiveSide, seen: &SeenBucket, plan: &PlanName) -> Option<(String, String)> {
        let id = Self::rule(plan);
        let role = self.replication_role.as_ref()?;
        self.replication(side, seen, &id)?;
        let bucket = &self.primary;
        let others: Vec<&ReplicationRule> = seen.replication.iter().filter(|rule| rule.id != id).collect();
        let other = others.first()?;
        if seen.replication_role.as_deref() != Some(role.as_str()) {
            let theirs = seen.replication_role.as_deref().unwrap_or(NONE);
            return Some((
                format!(
                    "S3 replicates `{bucket}` by one role for all rules: `{}` has {theirs}, and not {role}",
                    other.id
                ),
                "Name that role as `replicationRole`, and let it reach the plan's buckets; or let those rules go."
                    .to_owned(),
            ));
        }
        let unfiltered = others.iter().find(|rule| !rule.filtered)?;
        Some((
            format!(
                "the replication rule `{}` of `{bucket}` has no filter, and S3 takes no rule with one beside it",
                unfiltered.id
            ),
            "Write that rule anew, with a filter; or leave `replicationRole` out, and write the plan's yourself."
                .to_owned(),
        ))
    }

    /// Why S3 leaves out what a KMS key encrypts; with what to do.
    #[must_use]
    pub fn left_out_by_key(&self, seen: &SeenBucket) -> Option<(String, String)> {
        let to = self.replica()?;
        let rule = seen.replicated_to(to.as_str()).ok()?;
        let (bucket, id, wanted) = (&self.primary, &rule.id, self.replication_key.as_ref().map(KmsKeyId::as_str));
        let by_apply =
            self.replication_role.as_ref().map_or("", |_| "In the plan's own rule, `lifeboat plan apply` sets it.");
        match (wanted, rule.key.as_deref()) {
            (Some(wanted), Some(key)) if wanted != key => Some((
                format!(
                    "the rule `{id}` of `{bucket}` encrypts replicas with the key {key}, by the plan with {wanted}"
                ),
                format!("Correct the plan, or the rule. {by_apply}").trim_end().to_owned(),
            )),
            (Some(_), None) => Some((
                format!("the rule `{id}` of `{bucket}` names no key: S3 replicates no object that a KMS key encrypts"),
                format!("Name the key of the plan in it. {by_apply}").trim_end().to_owned(),
            )),
            (None, None) if seen.by_kms => Some((
                format!(
                    "what is written to `{bucket}` is encrypted by a KMS key, and the rule `{id}` names none of the other side: \
                     S3 replicates nothing of it"
                ),
                "Name a key of the recovery Region as `replicationKey`, which the role may encrypt with.".to_owned(),
            )),
            (Some(_) | None, _) => None,
        }
    }

    fn versions(&self, seen: &SeenBucket) -> Option<Change> {
        self.replication_role.as_ref().filter(|_| self.replica().is_some() && !seen.versioned)?;
        Some(Change { setting: Setting::Versions, was: NONE.to_owned(), becomes: "kept".to_owned() })
    }

    fn replication(&self, side: ActiveSide, seen: &SeenBucket, id: &str) -> Option<Change> {
        let (to, role) = self.replica().zip(self.replication_role.as_ref()).filter(|_| side == ActiveSide::Primary)?;
        let wanted = ReplicationRule {
            id: id.to_owned(),
            to: to.to_string(),
            enabled: true,
            whole: true,
            metrics: true,
            markers: true,
            // What somebody added to ours stays, unless the plan says another.
            key: self.replication_key.as_ref().map(ToString::to_string).or_else(|| seen.replicated_by(id)?.key.clone()),
            filtered: true,
        };
        let was = match seen.replicated_by(id) {
            Some(ours) if *ours == wanted && seen.replication_role.as_deref() == Some(role.as_str()) => return None,
            Some(ours) => format!("{ours}, by {}", seen.replication_role.as_deref().unwrap_or(NONE)),
            // Somebody else's does.
            None if seen.replicated_to(to.as_str()).is_ok() => return None,
            None => NONE.to_owned(),
        };
        let becomes = format!("{wanted}, by {role}");
        let key = self.replication_key.clone();
        let setting = Setting::Replication { to: to.clone(), role: role.clone(), key };
        Some(Change { setting, was, becomes })
    }

    fn aging(&self, seen: &SeenBucket, id: &str) -> Option<Change> {
        let wanted = self.lifecycle();
        let shown = |lifecycle: Option<&Lifecycle>| lifecycle.map_or_else(|| NONE.to_owned(), ToString::to_string);
        let was = seen.kept_by(id).map_or_else(|| NONE.to_owned(), ToString::to_string);
        (!seen.is_kept_as(wanted, id)).then(|| Change {
            setting: Setting::Lifecycle(wanted.copied()),
            was,
            becomes: shown(wanted),
        })
    }
}
