//! Whether public resolvers give the new answer yet. They are asked beside the authoritative servers: an old answer in one's cache
//! is told, and is no reason to fail, because only time takes it out of there.

use jiff::Timestamp;

use super::Told;
use crate::{
    plan::MovedName,
    run::verification::{Checked, Finding},
    words::{id::Address, time_span::TimeSpan},
};

/// The longest that a run waits for a resolver. One that keeps a name for longer is told of.
pub const LONGEST_WATCH: TimeSpan = TimeSpan::seconds(120);

/// What is claimed of a resolver, as the record has it.
#[must_use]
pub fn claim(resolver: &Address, name: &MovedName) -> String {
    format!("{resolver} gives the new answer for {}", name.name)
}

/// What a resolver's answer comes to: what it told, and what is wanted.
#[must_use]
pub fn found(told: Result<(Told, Told), String>) -> Finding {
    match told {
        Ok((told, wanted)) if told.leads_to(&wanted) => Finding::Passed,
        Ok((told, _)) => Finding::Behind(told.to_string().replace('`', "")),
        Err(why) => Finding::Unanswered(why),
    }
}

/// What is known after another look: when the new answer was first seen, and until then since when it is looked for.
#[must_use]
pub fn after(before: Option<&Checked>, now: Checked) -> Checked {
    match before {
        Some(before) if before.finding == Finding::Passed => before.clone(),
        Some(before) if now.finding != Finding::Passed => Checked { at: before.at, ..now },
        Some(_) | None => now,
    }
}

/// Whether a resolver may still have the old answer because it had it before the switch: that is as long as the TTL was.
#[must_use]
pub fn is_waited_for(looked: &Checked, ttl: TimeSpan, now: Timestamp) -> bool {
    matches!(looked.finding, Finding::Behind(_)) && TimeSpan::between(looked.at, now) < ttl.min(LONGEST_WATCH)
}

/// What is told of the resolvers that do not give the new answer, in a sentence.
#[must_use]
pub fn not_everywhere(looked: &[Checked]) -> Option<String> {
    let told = looked.iter().filter_map(|looked| {
        let what = match &looked.finding {
            Finding::Passed | Finding::Failed { .. } => return None,
            Finding::Behind(old) => format!("it still answers {old}"),
            Finding::Unanswered(why) => format!("it does not answer: {why}"),
        };
        Some(format!("not seen that {}: {what}", looked.name))
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn looked(finding: Finding, seconds: i64) -> Checked {
        let resolver = Some("192.0.2.53".parse().unwrap());
        Checked { name: "it".into(), finding, took_milliseconds: 1, at: at(seconds), resolver }
    }

    fn behind(seconds: i64) -> Checked {
        looked(Finding::Behind("old".into()), seconds)
    }

    #[test]
    fn an_old_answer_is_waited_for_as_long_as_the_ttl_and_two_minutes_at_most() {
        let ttl = TimeSpan::seconds;
        assert!(is_waited_for(&behind(0), ttl(60), at(59)) && !is_waited_for(&behind(0), ttl(60), at(60)));
        assert!(is_waited_for(&behind(0), ttl(3_600), at(119)) && !is_waited_for(&behind(0), ttl(3_600), at(120)));
        assert!(!is_waited_for(&behind(0), ttl(0), at(0)), "nothing keeps it");
        assert!(!is_waited_for(&looked(Finding::Unanswered("silent".into()), 0), ttl(60), at(1)));
        assert!(!is_waited_for(&looked(Finding::Passed, 0), ttl(60), at(1)));
    }

    #[test]
    fn when_the_new_answer_was_first_seen_is_kept_and_until_then_since_when_it_is_looked_for() {
        let new = |seconds| looked(Finding::Passed, seconds);
        assert_eq!(after(None, behind(1)), behind(1));
        assert_eq!(after(Some(&behind(1)), behind(5)), behind(1));
        assert_eq!(after(Some(&behind(1)), new(5)), new(5));
        assert_eq!(after(Some(&new(5)), new(9)), new(5));
        assert_eq!(after(Some(&new(5)), behind(9)), new(5), "one that was moved back is not this run's to tell");
    }

    #[test]
    fn what_no_resolver_lacks_is_not_told() {
        assert_eq!(not_everywhere(&[looked(Finding::Passed, 0)]), None);
        let told = not_everywhere(&[behind(0), looked(Finding::Unanswered("timed out".into()), 0)]).unwrap();
        assert_eq!(told, "not seen that it: it still answers old; not seen that it: it does not answer: timed out");
    }
}
