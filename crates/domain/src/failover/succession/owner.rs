//! What is known of the execution that holds a lease.

use jiff::Timestamp;

use crate::words::time_span::TimeSpan;

/// What is known of the execution that holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// It is still running.
    Running,
    /// It ended without releasing.
    Gone {
        /// As this status says.
        status: String,
        /// When, where the engine still knows it.
        at: Option<Timestamp>,
    },
    /// It could not be asked.
    Unknown(String),
}

impl Owner {
    /// One that ended, and nobody knows when.
    #[must_use]
    pub fn gone(status: &str) -> Self {
        Self::Gone { status: status.to_owned(), at: None }
    }

    /// One that the engine does not know, this long after it had begun. It keeps executions for 90 days, and may show one
    /// only some time after its start.
    #[must_use]
    pub fn not_known(age: TimeSpan) -> Self {
        if age < SHOWN_WITHIN {
            return Self::Unknown("the engine does not show it yet".to_owned());
        }
        Self::gone("forgotten")
    }
}

/// How long after its start an execution may not be shown yet.
const SHOWN_WITHIN: TimeSpan = TimeSpan::seconds(60);
