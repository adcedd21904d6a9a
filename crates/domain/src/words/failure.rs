//! The errors a function ends with. A name says the treatment, and state machines match on it.

/// What could not be looked at or done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The input is wrong; asking again is useless.
    #[error("{0}")]
    InvalidInput(String),
    /// Something that must exist does not.
    #[error("{0}")]
    NotFound(String),
    /// AWS throttled, timed out or broke: ask again.
    #[error("{what}")]
    AwsTransient {
        /// The call and what it was for.
        what: String,
        /// AWS's answer.
        #[source]
        source: Option<Source>,
    },
    /// The role lacks a permission.
    #[error("{what}")]
    AwsDenied {
        /// The call and what it was for.
        what: String,
        /// AWS's answer.
        #[source]
        source: Option<Source>,
    },
    /// AWS refused the call for what it asks; asking again is useless.
    #[error("{what}")]
    AwsRejected {
        /// The call and what it was for.
        what: String,
        /// AWS's answer.
        #[source]
        source: Option<Source>,
    },
    /// Someone else changed it first: look again.
    #[error("{0}")]
    Conflict(String),
    /// The lease or the generation belongs to another run: stop.
    #[error("{0}")]
    Superseded(String),
    /// A database did not answer as it must.
    #[error("{what}")]
    Database {
        /// The server and what was asked.
        what: String,
        /// PostgreSQL's answer.
        #[source]
        source: Option<Source>,
    },
}

/// A cause of any kind.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

impl Failure {
    /// Every name, for the tests that hold state machines and functions together.
    pub const NAMES: [&'static str; 8] =
        ["InvalidInput", "NotFound", "AwsTransient", "AwsDenied", "AwsRejected", "Conflict", "Superseded", "Database"];

    /// The name that `ErrorEquals` matches.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::InvalidInput(_) => "InvalidInput",
            Self::NotFound(_) => "NotFound",
            Self::AwsTransient { .. } => "AwsTransient",
            Self::AwsDenied { .. } => "AwsDenied",
            Self::AwsRejected { .. } => "AwsRejected",
            Self::Conflict(_) => "Conflict",
            Self::Superseded(_) => "Superseded",
            Self::Database { .. } => "Database",
        }
    }

    /// The error and its causes, outermost first, on one line.
    #[must_use]
    pub fn chain(&self) -> String {
        chain(self)
    }
}

/// An error and its causes, outermost first, on one line. A cause that only repeats what was said is left out.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said.push_str(": ");
            said.push_str(&text);
        }
        cause = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_causes_are_told_once_each() {
        let failure = Failure::Database { what: "cannot read `a`".into(), source: Some("refused".into()) };
        assert_eq!(failure.chain(), "cannot read `a`: refused");
        let repeated = Failure::Database { what: "cannot read `a`: refused".into(), source: Some("refused".into()) };
        assert_eq!(repeated.chain(), "cannot read `a`: refused");
    }
}
