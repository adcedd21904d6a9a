//! The two: one policy, in the words of each.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use domain::{retention::{Decision, Each, Entry, Retention, State, plan}, words::time_span::TimeSpan};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rustic_core::{KeepOptions, repofile::SnapshotFile};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Lifeboat,
    Rustic,
}

/// What a tool made of a series.
pub struct Judged {
    pub kept: BTreeSet<Timestamp>,
    /// The planning alone: its input is made before, its answer is read after.
    pub took: Duration,
}

impl Tool {
    pub const ALL: [Self; 2] = [Self::Lifeboat, Self::Rustic];

    pub fn name(self) -> &'static str {
        match self {
            Self::Lifeboat => "Lifeboat",
            Self::Rustic => "rustic",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// What it needs of a backup to judge it, in bytes, without what that points to.
    pub fn bytes_of_a_backup(self) -> usize {
        match self {
            Self::Lifeboat => size_of::<Entry<String>>(),
            Self::Rustic => size_of::<SnapshotFile>(),
        }
    }

    /// Which it keeps.
    pub fn judge(self, times: Vec<Timestamp>, policy: &Retention, now: Timestamp) -> Result<Judged, String> {
        match self {
            Self::Lifeboat => lifeboat(times, policy, now),
            Self::Rustic => rustic(times, policy, now),
        }
    }
}

fn lifeboat(times: Vec<Timestamp>, policy: &Retention, now: Timestamp) -> Result<Judged, String> {
    let entry = |taken_at: Timestamp| Entry {
        id: taken_at.to_string(),
        taken_at,
        state: State::Available,
        verified: false,
        held: false,
    };
    let entries: Vec<Entry<String>> = times.into_iter().map(entry).collect();
    let began = Instant::now();
    let decisions = plan(&entries, policy, now).map_err(|error| error.to_string())?;
    let took = began.elapsed();
    let decided = entries.iter().zip(decisions);
    let kept = decided.filter(|(_, decision)| matches!(decision, Decision::Keep(_))).map(|(entry, _)| entry.taken_at);
    Ok(Judged { kept: kept.collect(), took })
}

fn rustic(times: Vec<Timestamp>, policy: &Retention, now: Timestamp) -> Result<Judged, String> {
    // The smallest snapshot that rustic has: of no host, with no path, tag or summary.
    let none = SnapshotFile::default();
    let snapshot = |time: Timestamp| {
        let mut snapshot = none.clone();
        // It counts days in the zone of each snapshot, Lifeboat in UTC.
        snapshot.time = time.to_zoned(TimeZone::UTC);
        snapshot
    };
    let snapshots: Vec<SnapshotFile> = times.into_iter().map(snapshot).collect();
    let options = in_words_of_rustic(policy);
    let now = now.to_zoned(TimeZone::UTC);
    let began = Instant::now();
    let decided = options.apply(snapshots, &now).map_err(|error| error.to_string())?;
    let took = began.elapsed();
    let kept = decided.iter().filter(|one| one.keep).map(|one| one.snapshot.time.timestamp());
    Ok(Judged { kept: kept.collect(), took })
}

/// The same policy. It has no floor, which at its lowest keeps only the newest; every rule keeps that. It has no `on_day`
/// either, so that no policy here has one.
fn in_words_of_rustic(policy: &Retention) -> KeepOptions {
    let seconds = |span: TimeSpan| {
        let count = span.duration().as_secs();
        i64::try_from(count).unwrap_or(i64::MAX).seconds()
    };
    let count = |each: Option<Each>| match each {
        Some(Each::Newest(count)) => Some(i32::try_from(count).unwrap_or(i32::MAX)),
        Some(Each::Within(_)) | None => None,
    };
    let within = |each: Option<Each>| match each {
        Some(Each::Within(span)) => Some(seconds(span)),
        Some(Each::Newest(_)) | None => None,
    };
    KeepOptions::default()
        .keep_last(i32::try_from(policy.last).unwrap_or(i32::MAX))
        .keep_within(policy.within.map(seconds))
        .keep_hourly(count(policy.hourly))
        .keep_within_hourly(within(policy.hourly))
        .keep_daily(count(policy.daily))
        .keep_within_daily(within(policy.daily))
        .keep_weekly(count(policy.weekly))
        .keep_within_weekly(within(policy.weekly))
        .keep_monthly(count(policy.monthly))
        .keep_within_monthly(within(policy.monthly))
        .keep_yearly(count(policy.yearly))
        .keep_within_yearly(within(policy.yearly))
}

/// A policy of no rule, to write others from. Not to be planned with.
pub const NO_RULE: Retention = Retention {
    last: 0,
    within: None,
    on_day: None,
    hourly: None,
    daily: None,
    weekly: None,
    monthly: None,
    yearly: None,
    floor: 1,
};

pub const fn days(count: u64) -> TimeSpan {
    TimeSpan::seconds(count * 24 * 3_600)
}
