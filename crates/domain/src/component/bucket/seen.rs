//! A bucket as S3 shows it, and what differs from the plan.

use std::fmt;

use super::{Lifecycle, Stage};

/// What S3 says of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// There is no such bucket.
    Nothing,
    /// It is in this Region, and not in the one that was asked: there it says no more.
    Elsewhere(String),
    /// It is there.
    Bucket(SeenBucket),
}

/// A bucket as S3 shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenBucket {
    /// Whether it keeps the versions of its objects.
    pub versioned: bool,
    /// Its lifecycle.
    pub lifecycle: Vec<LifecycleRule>,
    /// The role by which S3 replicates it: one for all rules.
    pub replication_role: Option<String>,
    /// Whether what is written to it is encrypted by a KMS key unless the writer says otherwise.
    pub by_kms: bool,
    /// What it is replicated by.
    pub replication: Vec<ReplicationRule>,
}

/// A rule of a bucket's lifecycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleRule {
    /// Its id.
    pub id: String,
    /// Whether it is in force.
    pub enabled: bool,
    /// Whether it is for every object.
    pub whole: bool,
    /// Whether a plan can say all its ages and classes of objects.
    pub exact: bool,
    /// Whether it says anything of older versions, of delete markers or of uploads that broke off.
    pub more: bool,
    /// What it says of objects, as far as a plan can.
    pub lifecycle: Lifecycle,
}

/// A rule of a bucket's replication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationRule {
    /// Its id.
    pub id: String,
    /// The bucket that it replicates to.
    pub to: String,
    /// Whether it is in force.
    pub enabled: bool,
    /// Whether it is for every object.
    pub whole: bool,
    /// Whether S3 tells how far behind it is.
    pub metrics: bool,
    /// Whether it replicates that an object was deleted.
    pub markers: bool,
    /// The key that replicas are encrypted with. Without one, objects that a KMS key encrypts are left out.
    pub key: Option<String>,
    /// Whether it has a filter, as all rules that S3 takes together with ours.
    pub filtered: bool,
}

impl Named {
    /// The bucket, where it is there.
    #[must_use]
    pub fn bucket(&self) -> Option<&SeenBucket> {
        match self {
            Self::Bucket(seen) => Some(seen),
            Self::Nothing | Self::Elsewhere(_) => None,
        }
    }
}

impl LifecycleRule {
    fn says(&self, wanted: &Lifecycle) -> bool {
        self.enabled && self.whole && self.exact && self.lifecycle == *wanted
    }
}

impl fmt::Display for LifecycleRule {
    /// As `deleted after 7d, of some objects only, disabled`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.lifecycle)?;
        for (is, said) in [
            (!self.exact, "and to classes or at dates that no plan says"),
            (self.more, "and what becomes of versions or of uploads that broke off"),
            (!self.whole, "of some objects only"),
            (!self.enabled, "disabled"),
        ] {
            if is {
                write!(f, ", {said}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for ReplicationRule {
    /// As `to uploads-west, without metrics, disabled`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "to {}", self.to)?;
        if let Some(key) = &self.key {
            write!(f, ", with the key {key}")?;
        }
        for (is, said) in [
            (!self.markers, "without deletions"),
            (!self.metrics, "without metrics"),
            (!self.whole, "of some objects only"),
            (!self.enabled, "disabled"),
        ] {
            if is {
                write!(f, ", {said}")?;
            }
        }
        Ok(())
    }
}

impl SeenBucket {
    /// What the lifecycle's rule of this id says; `None` where there is none.
    #[must_use]
    pub fn kept_by(&self, id: &str) -> Option<&LifecycleRule> {
        self.lifecycle.iter().find(|rule| rule.id == id)
    }

    /// The replication's rule of this id.
    #[must_use]
    pub fn replicated_by(&self, id: &str) -> Option<&ReplicationRule> {
        self.replication.iter().find(|rule| rule.id == id)
    }

    /// Whether there is nothing to write of its lifecycle: some rule says what the plan does, or the plan says nothing and
    /// no rule has this id, by which ours is known.
    #[must_use]
    pub fn is_kept_as(&self, wanted: Option<&Lifecycle>, id: &str) -> bool {
        match wanted {
            // One of ours that says something else is in force as well, whatever another says.
            Some(wanted) => {
                let ours_says = self.kept_by(id).is_none_or(|ours| ours.says(wanted) && !ours.more);
                ours_says && self.lifecycle.iter().any(|rule| rule.says(wanted))
            }
            None => self.kept_by(id).is_none(),
        }
    }

    /// How its lifecycle differs from what the plan says, each as words; nothing where it does not. Ours is the rule of this
    /// id.
    #[must_use]
    pub fn differences(&self, wanted: &Lifecycle, id: &str) -> Vec<String> {
        let mut told = self.deleted_earlier(wanted, id);
        if self.is_kept_as(Some(wanted), id) {
            return told;
        }
        let nothing = Lifecycle::default();
        let ours = self.kept_by(id).filter(|rule| rule.enabled && rule.whole);
        let is = ours.map_or(&nothing, |rule| &rule.lifecycle);
        told.extend(Stage::ALL.into_iter().filter_map(|stage| match (is.at(stage), wanted.at(stage)) {
            (None, None) => None,
            (Some(is), Some(wanted)) if is == wanted => None,
            (None, Some(wanted)) => Some(format!("nothing is {stage} after {wanted}")),
            (Some(is), None) => Some(format!("objects are {stage} after {is}, by the plan never")),
            (Some(is), Some(wanted)) => Some(format!("objects are {stage} after {is}, by the plan after {wanted}")),
        }));
        if let Some(ours) = ours.filter(|ours| !ours.exact || ours.more) {
            told.push(format!("the rule `{}` says more than the plan does", ours.id));
        }
        told
    }

    /// Rules of others that delete objects before the plan does: they stay, whatever `plan apply` writes.
    fn deleted_earlier(&self, wanted: &Lifecycle, id: &str) -> Vec<String> {
        let others = self.lifecycle.iter().filter(|rule| rule.enabled && rule.whole && rule.id != id);
        let earlier = others.filter_map(|rule| {
            let at = rule.lifecycle.expire?;
            let planned = match wanted.expire {
                None => "never".to_owned(),
                Some(wanted) if at < wanted => format!("after {wanted}"),
                Some(_) => return None,
            };
            Some(format!("the rule `{}` deletes objects after {at}, by the plan {planned}", rule.id))
        });
        earlier.collect()
    }

    /// The rule that replicates it as the plan says: to this bucket, every object.
    ///
    /// # Errors
    /// What is missing, as words.
    pub fn replicated_to(&self, to: &str) -> Result<&ReplicationRule, String> {
        let mut there = self.replication.iter().filter(|rule| rule.to == to);
        if let Some(rule) = there.clone().find(|rule| rule.enabled && rule.whole) {
            return Ok(rule);
        }
        match there.next() {
            None => Err(format!("no rule replicates it to `{to}`")),
            Some(rule) if !rule.enabled => Err(format!("the rule `{}` to `{to}` is disabled", rule.id)),
            Some(rule) => Err(format!("the rule `{}` to `{to}` is for some of its objects only", rule.id)),
        }
    }
}
