//! What a kind finds wrong with a component of its own.

/// Something wrong with a component as the plan has it. The plan's reader makes a finding of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Whether the plan cannot be used so; else it is a warning.
    pub is_error: bool,
    /// Where within the component, as `primary.endpoint`; empty for the component as a whole.
    pub field: String,
    /// What is wrong, without a full stop.
    pub what: String,
    /// What to do, as a sentence.
    pub remedy: String,
}

impl Complaint {
    /// The plan cannot be used.
    #[must_use]
    pub fn error(field: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { is_error: true, field: field.into(), what: what.into(), remedy: remedy.into() }
    }

    /// The plan can be used; it may not do what its author hopes.
    #[must_use]
    pub fn warning(field: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { is_error: false, ..Self::error(field, what, remedy) }
    }
}
