//! What becomes of a bucket's objects as they grow old.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::time_span::TimeSpan;

const DAY_SECONDS: u64 = 24 * 3_600;

/// What S3 does with an object so many whole days after it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lifecycle {
    /// It goes to `STANDARD_IA`: not before 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_ia: Option<TimeSpan>,
    /// It goes to `GLACIER`, from where it is back within 3 to 12 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glacier: Option<TimeSpan>,
    /// It goes to `DEEP_ARCHIVE`, from where it is back within 12 to 48 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deep_archive: Option<TimeSpan>,
    /// It is deleted. Of a versioned bucket that is a delete marker: the version below it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire: Option<TimeSpan>,
}

/// A stage of an object's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Read seldom.
    StandardIa,
    /// Archived.
    Glacier,
    /// Archived for long.
    DeepArchive,
    /// Gone.
    Expire,
}

impl Stage {
    /// Each, in the order in which S3 takes them.
    pub const ALL: [Self; 4] = [Self::StandardIa, Self::Glacier, Self::DeepArchive, Self::Expire];

    /// The plan's field.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::StandardIa => "standardIa",
            Self::Glacier => "glacier",
            Self::DeepArchive => "deepArchive",
            Self::Expire => "expire",
        }
    }

    /// S3's class; the last stage has none.
    #[must_use]
    pub fn class(self) -> Option<&'static str> {
        match self {
            Self::StandardIa => Some("STANDARD_IA"),
            Self::Glacier => Some("GLACIER"),
            Self::DeepArchive => Some("DEEP_ARCHIVE"),
            Self::Expire => None,
        }
    }

    /// Between which times an object is back after somebody has asked for it: by S3's standard and bulk retrievals.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html>
    #[must_use]
    pub fn retrieval(self) -> Option<(TimeSpan, TimeSpan)> {
        let hours = |from: u64, to: u64| Some((TimeSpan::seconds(from * 3_600), TimeSpan::seconds(to * 3_600)));
        match self {
            Self::Glacier => hours(3, 12),
            Self::DeepArchive => hours(12, 48),
            Self::StandardIa | Self::Expire => None,
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.class().unwrap_or("deleted"))
    }
}

impl Lifecycle {
    /// When an object comes to a stage, if it does.
    #[must_use]
    pub fn at(&self, stage: Stage) -> Option<TimeSpan> {
        match stage {
            Stage::StandardIa => self.standard_ia,
            Stage::Glacier => self.glacier,
            Stage::DeepArchive => self.deep_archive,
            Stage::Expire => self.expire,
        }
    }

    /// The same, as S3 counts.
    #[must_use]
    pub fn days(&self, stage: Stage) -> Option<i32> {
        let days = self.at(stage)?.duration().as_secs() / DAY_SECONDS;
        Some(i32::try_from(days).unwrap_or(i32::MAX))
    }

    /// The same lifecycle, whose objects come to this stage after so many days.
    #[must_use]
    pub fn with(mut self, stage: Stage, days: i32) -> Self {
        let at = Some(TimeSpan::seconds(u64::try_from(days).unwrap_or_default() * DAY_SECONDS));
        match stage {
            Stage::StandardIa => self.standard_ia = at,
            Stage::Glacier => self.glacier = at,
            Stage::DeepArchive => self.deep_archive = at,
            Stage::Expire => self.expire = at,
        }
        self
    }

    /// Its stages, each with when an object comes to it.
    pub fn stages(&self) -> impl Iterator<Item = (Stage, TimeSpan)> {
        Stage::ALL.into_iter().filter_map(|stage| Some((stage, self.at(stage)?)))
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::fmt::Display for Lifecycle {
    /// As `STANDARD_IA after 30d, deleted after 365d`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        let stages: Vec<String> = self.stages().map(|(stage, at)| format!("{stage} after {at}")).collect();
        f.write_str(&stages.join(", "))
    }
}
