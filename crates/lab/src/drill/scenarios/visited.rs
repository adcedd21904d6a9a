//! The application's own names: who answers those who follow them.

use std::time::Duration;

use domain::{record::evidence::Evidence, words::time_span::TimeSpan};
use jiff::Timestamp;

use super::Drill;
use crate::{application::Visitor, drill::DrillError};

/// How long a name may take to be answered by the other side once its run has ended, beside its time to live.
const PATIENCE: Duration = Duration::from_secs(30);

impl Drill<'_> {
    /// A visitor of each of the application's names, all of whom the primary's side has answered.
    pub(super) async fn visitors(&mut self) -> Result<Vec<Visitor>, DrillError> {
        let resolver = self.lab.aws.resolver();
        let names = self.plan().traffic.application();
        let visitors = names.map(|name| Visitor::start(name.name.as_str(), resolver)).collect::<Result<Vec<_>, _>>()?;
        for visitor in &visitors {
            let answered = visitor.until_answered_by("primary", PATIENCE).await;
            let found = answered.as_ref().map_or_else(|visits| format!("{:?}", visits.last()), |_| "it did".to_owned());
            let claim = format!("`{}` led to the primary's side before", visitor.name);
            self.check(claim, answered.is_ok(), found);
        }
        Ok(visitors)
    }

    /// Checks that each name led to the recovery's side in the end, and that the evidence says so.
    pub(super) async fn visitors_moved(&mut self, visitors: &[Visitor], disaster_at: Timestamp, evidence: &Evidence) {
        let patience = PATIENCE + self.plan().traffic.longest_ttl().duration();
        let moved = evidence.record.traffic.as_ref().and_then(|step| step.did.as_ref()).map(|switch| &switch.names);
        for visitor in visitors {
            let side = "recovery";
            let claim = format!("`{}` leads to the recovery's side", visitor.name);
            match visitor.until_answered_by(side, patience).await {
                Ok(visits) => {
                    let since = |at: Timestamp| TimeSpan::between(disaster_at, at).as_seconds();
                    let first = visits.iter().find(|visit| visit.is_answered_by(side)).map(|visit| since(visit.at));
                    let unanswered = visits.iter().filter(|visit| visit.answer.is_err()).count();
                    let found = format!(
                        "a client that follows it was first answered there {:.2} s after the disaster; {unanswered} of {} requests \
                         were not answered",
                        first.unwrap_or_default(),
                        visits.len()
                    );
                    self.check(claim, true, found);
                }
                Err(visits) => self.check(claim, false, format!("{:?}", visits.last())),
            }
            let told = moved.and_then(|names| names.iter().find(|name| name.name.as_str() == visitor.name));
            let found = told.map_or_else(
                || "nothing".to_owned(),
                |told| format!("from `{}` to `{}`, seen at {:?}", told.from, told.to, told.seen_at),
            );
            let claim = format!("the evidence tells where `{}` was moved, and when that was seen", visitor.name);
            self.check(claim, told.is_some_and(|told| told.seen_at.is_some()), found);
        }
    }
}
