//! What a step answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A step's answer: the world as it found it, what it did, and whether to ask again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", bound(deserialize = "D: DeserializeOwned"))]
pub struct Step<D = Value> {
    /// Whether the step is finished.
    pub step: Outcome,
    /// One sentence for the record.
    pub because: String,
    /// What was looked at.
    pub seen: Value,
    /// What was done. `null` where nothing was.
    pub did: Option<D>,
}

/// Whether a step is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Outcome {
    /// The world is as the step wants it.
    Done,
    /// Ask again: it is on its way.
    Pending,
    /// It will not be done, and why. An answer, not an error.
    Refused,
}

impl<D> Step<D> {
    /// The world is as the step wants it.
    pub fn done(because: impl Into<String>, seen: impl Serialize, did: D) -> Self {
        Self { step: Outcome::Done, because: because.into(), seen: value(seen), did: Some(did) }
    }

    /// There is nothing to do.
    pub fn idle(because: impl Into<String>) -> Self {
        Self { step: Outcome::Done, because: because.into(), seen: Value::Null, did: None }
    }

    /// It could be done, or was taken back: there is nothing to show for it.
    pub fn settled(because: impl Into<String>, seen: impl Serialize) -> Self {
        Self { step: Outcome::Done, ..Self::pending(because, seen) }
    }

    /// It is on its way.
    pub fn pending(because: impl Into<String>, seen: impl Serialize) -> Self {
        Self { step: Outcome::Pending, because: because.into(), seen: value(seen), did: None }
    }

    /// It is on its way, and this much is done.
    pub fn under_way(because: impl Into<String>, seen: impl Serialize, did: D) -> Self {
        Self { step: Outcome::Pending, ..Self::done(because, seen, did) }
    }

    /// It will not be done.
    pub fn refused(because: impl Into<String>, seen: impl Serialize) -> Self {
        Self { step: Outcome::Refused, because: because.into(), seen: value(seen), did: None }
    }
}

/// Our own types always serialize; a type that did not would show as its error in the record.
fn value(seen: impl Serialize) -> Value {
    serde_json::to_value(seen).unwrap_or_else(|error| Value::String(format!("not recordable: {error}")))
}
