//! What a person gives with every order: who they are, and why.

use clap::Args;
use domain::{failover::request::LONGEST_REASON_CHARS, words::id::Person};

use crate::refusal::Refusal;

/// Who orders it, and why. Both go into the record.
#[derive(Debug, Clone, Args)]
pub(crate) struct Order {
    /// Who you are, as the record shall name you.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Person,
    /// Why, in a sentence for the record.
    #[arg(long, value_name = "REASON")]
    pub(crate) why: String,
}

impl Order {
    /// Holds that there is a reason.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.why.trim().is_empty() {
            return Err(Refusal::usage("--why: it is empty", "Say why: whoever reads the record later was not there."));
        }
        if self.why.chars().count() > LONGEST_REASON_CHARS {
            return Err(Refusal::usage(
                format!("--why: it is longer than {LONGEST_REASON_CHARS} characters"),
                "Say it shorter, and put the rest where the incident is kept.",
            ));
        }
        Ok(())
    }
}
