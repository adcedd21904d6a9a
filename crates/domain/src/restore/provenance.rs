//! Whose a restored instance is: what it carries as tags, and what may be done with one that nobody waits for.

use super::{Chosen, Purpose, RestoreRun, name::instance_name};
use crate::{
    backup::tag,
    failover::succession::Owner,
    words::id::{ComponentName, ExecutionArn, InstanceId, PlanName},
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

/// Whose a restored instance is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provenance {
    /// The plan.
    pub plan: PlanName,
    /// The component.
    pub component: ComponentName,
    /// The run that asked for it.
    pub execution: ExecutionArn,
    /// What it is for.
    pub purpose: Purpose,
    /// When it was asked for.
    #[schemars(with = "String")]
    pub asked_at: Timestamp,
    /// What it was made from.
    pub from: String,
}

impl Provenance {
    /// What an instance that this run asks for now is to carry.
    #[must_use]
    pub fn of(run: &RestoreRun, component: &ComponentName, chosen: &Chosen, now: Timestamp) -> Self {
        Self {
            plan: run.plan.plan.clone(),
            component: component.clone(),
            execution: run.execution.clone(),
            purpose: run.purpose,
            asked_at: now,
            from: chosen.origin.name(),
        }
    }

    /// As tags.
    #[must_use]
    pub fn tags(&self) -> Vec<(String, String)> {
        let values = [
            ("plan", self.plan.to_string()),
            ("component", self.component.to_string()),
            ("restored-by", self.execution.to_string()),
            ("purpose", word(self.purpose).to_owned()),
            ("asked-at", self.asked_at.to_string()),
            ("restored-from", self.from.clone()),
        ];
        values.into_iter().map(|(key, value)| (tag(key), value)).collect()
    }

    /// Reads them back from an instance.
    ///
    /// # Errors
    /// Names the tag that is missing or wrong, or whose they are: the instance is not one that Lifeboat restored.
    pub fn read(instance: &InstanceId, tags: &BTreeMap<String, String>) -> Result<Self, String> {
        let told = Self::told(tags)?;
        let named = instance_name(&told.execution, &told.component);
        if *instance.as_str() == *named { Ok(told) } else { Err(format!("its tags are those of `{named}`")) }
    }

    fn told(tags: &BTreeMap<String, String>) -> Result<Self, String> {
        let value = |key: &str| tags.get(&tag(key)).ok_or_else(|| format!("it has no tag `{}`", tag(key)));
        let wrong = |key: &str| format!("its tag `{}` cannot be read", tag(key));
        let purpose = value("purpose")?;
        let known =
            [Purpose::Integrity, Purpose::Test, Purpose::Keep].into_iter().find(|known| word(*known) == purpose);
        Ok(Self {
            plan: value("plan")?.parse().map_err(|_| wrong("plan"))?,
            component: value("component")?.parse().map_err(|_| wrong("component"))?,
            execution: value("restored-by")?.parse().map_err(|_| wrong("restored-by"))?,
            purpose: known.ok_or_else(|| wrong("purpose"))?,
            asked_at: value("asked-at")?.parse().map_err(|_| wrong("asked-at"))?,
            from: value("restored-from")?.clone(),
        })
    }
}

fn word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Integrity => "integrity",
        Purpose::Test => "test",
        Purpose::Keep => "keep",
    }
}

/// A restored instance that is there while backups are cleaned, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stray {
    /// The instance.
    pub instance: InstanceId,
    /// Whether it stays.
    pub stays: bool,
    /// Why it stays, or why it goes.
    pub because: String,
}

impl Stray {
    /// One that the plan names: it is in use.
    #[must_use]
    pub fn of_the_plan(instance: InstanceId) -> Self {
        Self { instance, stays: true, because: "the plan names it".to_owned() }
    }
}

/// What becomes of a restored instance. Only one that was to be torn down goes, once its run is known to have ended.
#[must_use]
pub fn stray(instance: InstanceId, of: &Provenance, owner: &Owner) -> Stray {
    let run = of.execution.name();
    let (stays, because) = match (of.purpose, owner) {
        (Purpose::Keep | Purpose::Integrity, _) => (true, format!("`{run}` restored it to be kept: delete it by hand")),
        (Purpose::Test, Owner::Running) => (true, format!("`{run}` is testing it")),
        (Purpose::Test, Owner::Unknown(why)) => (true, format!("whether `{run}` still tests it is not known: {why}")),
        (Purpose::Test, Owner::Gone { status: how, .. }) => {
            (false, format!("`{run}`, which made it of {} for a test, is over ({how})", of.from))
        }
    };
    Stray { instance, stays, because }
}
