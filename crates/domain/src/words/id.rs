//! Names of things, parsed once at the door. An id that exists is well formed.

use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::{
    cron::{self, BadCron, Cron},
    time_span::TimeSpan,
    wording,
};

/// Why a text is not a name of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {kind}: expected {expected}")]
pub struct BadId {
    text: String,
    kind: &'static str,
    expected: &'static str,
}

/// How much of a bad text an error repeats.
const SHOWN_CHARS: usize = 64;

fn shown(text: &str) -> String {
    wording::start_of(text, SHOWN_CHARS)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String", description = $expected)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) {
                    return Ok(Self(text));
                }
                Err(BadId { text: shown(&text), kind: $kind, expected: $expected })
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A recovery plan's name, or that of one of its further pairs, as `shop.ledger`. Part of object keys, alarm dimensions
    /// and execution names.
    PlanName, "a plan's name", "1 to 40 lower-case letters, digits and single hyphens, a letter first; a dot before a pair's",
    |text| text.len() <= 40 && text.splitn(2, '.').all(|part| hyphenated(part, 40))
);
id!(
    /// A component's name within its plan.
    ComponentName, "a component's name", "1 to 40 lower-case letters, digits and single hyphens, a letter first",
    |text| hyphenated(text, 40)
);
id!(
    /// An RDS DB instance identifier.
    InstanceId, "a DB instance identifier", "1 to 63 lower-case letters, digits and single hyphens, a letter first",
    |text| hyphenated(text, 63)
);
id!(
    /// An RDS DB cluster identifier: of Aurora, DocumentDB or Neptune.
    ClusterId, "a DB cluster identifier", "1 to 63 lower-case letters, digits and single hyphens, a letter first",
    |text| hyphenated(text, 63)
);
id!(
    /// What a plan calls a promise that services and components share.
    TierName, "a tier's name", "1 to 40 lower-case letters, digits and single hyphens, a letter first",
    |text| hyphenated(text, 40)
);
id!(
    /// A day of the calendar.
    Day, "a day", "a day, as 2027-01-31", |text| text.len() == 10 && text.parse::<Date>().is_ok()
);
id!(
    /// An AWS Region's code, as `eu-central-1`.
    Region, "an AWS Region", "a Region's code, as eu-central-1", is_region
);
id!(
    /// A Route 53 hosted zone's id, without the `/hostedzone/` prefix.
    ZoneId, "a hosted zone's id", "a Route 53 zone id, as Z0123456789ABCDEFGHIJ",
    |text| (2..=32).contains(&text.len()) && text.starts_with('Z') && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
);
id!(
    /// A VPC security group's id.
    SecurityGroupId, "a security group's id", "sg- and 8 or 17 hexadecimal digits",
    |text| text.strip_prefix("sg-").is_some_and(|hex| (8..=17).contains(&hex.len()) && hex.chars().all(|c| c.is_ascii_hexdigit()))
);
id!(
    /// A DNS name, lower case, without the trailing dot.
    HostName, "a DNS name", "a lower-case DNS name without a trailing dot, as db.example.com", is_host_name
);
id!(
    /// A snapshot's name, in each Region the same.
    SnapshotName, "a snapshot's name", "1 to 255 lower-case letters, digits and single hyphens, a letter first",
    |text| hyphenated(text, 255)
);
id!(
    /// A subnet, parameter or option group of RDS.
    RdsGroup, "an RDS group's name", "1 to 255 letters, digits and _.:-",
    |text| (1..=255).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c))
);
id!(
    /// A DB instance class.
    InstanceClass, "a DB instance class", "a class as db.m7g.large",
    |text| text.strip_prefix("db.").is_some_and(|rest| {
        (3..=60).contains(&rest.len()) && rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c))
    })
);
id!(
    /// What a plan calls one of its backup schedules. Part of every backup's name and tags.
    ScheduleName, "a schedule's name", "1 to 20 lower-case letters, digits and single hyphens, a letter first",
    |text| hyphenated(text, 20)
);
id!(
    /// When a schedule fires, as EventBridge Scheduler reads it; a `cron` is in UTC. What its fields hold is checked with
    /// the plan, which says more of it.
    Schedule, "a schedule", "rate(15 minutes) or cron(0 2 * * ? *), in UTC", is_schedule
);
id!(
    /// A KMS key of the Region that it is named for.
    KmsKeyId, "a KMS key", "a key's id, its ARN, or alias/NAME", is_kms_key
);
id!(
    /// A PostgreSQL role or database. Quoted wherever it meets SQL; kept to harmless characters anyway.
    SqlName, "a PostgreSQL name", "1 to 63 lower-case letters, digits and underscores, a letter or underscore first",
    |text| {
        (1..=63).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    }
);
id!(
    /// A secret in Secrets Manager: its name. Each Region reads its own replica of it.
    SecretName, "a secret's name", "1 to 512 letters, digits and /_+=.@-",
    |text| (1..=512).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c))
);
id!(
    /// The ARN of a Step Functions execution: who owns a run.
    ExecutionArn, "an execution's ARN", "arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME",
    |text| {
        let parts: Vec<&str> = text.split(':').collect();
        text.len() <= 512 && parts.len() == 8 && parts[0] == "arn" && parts[2] == "states" && parts[5] == "execution" && parts.iter().all(|p| !p.is_empty())
    }
);
id!(
    /// A person, as they sign: who approved, who consented.
    Person, "a person", "1 to 128 printable characters",
    |text| !text.trim().is_empty() && text.len() <= 128 && !text.chars().any(char::is_control)
);

impl PlanName {
    /// The name of a further pair of this plan: its component's after a dot.
    ///
    /// # Errors
    /// Both together are too long.
    pub fn of_pair(&self, component: &ComponentName) -> Result<Self, BadId> {
        format!("{}.{component}", self.whole()).parse()
    }

    /// The plan's own name, without a pair's.
    #[must_use]
    pub fn whole(&self) -> Self {
        Self(self.0.split('.').next().unwrap_or(&self.0).to_owned())
    }

    /// Whether it names a further pair of a plan.
    #[must_use]
    pub fn is_of_a_pair(&self) -> bool {
        self.0.contains('.')
    }
}

impl KmsKeyId {
    /// The Region that it is of, where it says so: an ARN does.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.0.starts_with("arn:").then(|| self.0.split(':').nth(3)).flatten()
    }
}

impl ExecutionArn {
    /// The execution's own name: the last part.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit(':').next().unwrap_or(&self.0)
    }

    /// The name of its state machine.
    #[must_use]
    pub fn machine(&self) -> &str {
        self.0.split(':').nth(6).unwrap_or_default()
    }

    /// The Region that runs it: recovery is run from there.
    #[must_use]
    pub fn region(&self) -> &str {
        self.0.split(':').nth(3).unwrap_or_default()
    }
}

fn hyphenated(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && !text.contains("--")
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Where in its area a Region lies. Every code ends in one of these and a digit, so that a slip of the keys shows.
const DIRECTIONS: [&str; 9] =
    ["central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let (area, direction, number) = match parts[..] {
        [area, direction, number] | [area, "gov" | "iso" | "isob" | "isoe" | "isof", direction, number] => {
            (area, direction, number)
        }
        _ => return false,
    };
    area.len() == 2
        && area.chars().all(|c| c.is_ascii_lowercase())
        && DIRECTIONS.contains(&direction)
        && number.len() == 1
        && number.chars().all(|c| c.is_ascii_digit())
}

/// EventBridge Scheduler's longest.
const LONGEST_SCHEDULE: usize = 256;

fn is_schedule(text: &str) -> bool {
    let is_known = match (inside(text, "rate("), inside(text, "cron(")) {
        (Some(rate), _) => rate_seconds(rate).is_some(),
        (_, Some(cron)) => cron::fields(cron).is_some(),
        (None, None) => false,
    };
    is_known && text.len() <= LONGEST_SCHEDULE
}

fn inside<'t>(text: &'t str, kind: &str) -> Option<&'t str> {
    text.strip_prefix(kind)?.strip_suffix(')')
}

/// `15 minutes` in seconds. AWS wants the singular for one, and takes no zero.
fn rate_seconds(rate: &str) -> Option<u64> {
    let (count, unit) = rate.split_once(' ')?;
    let digits = (1..=6).contains(&count.len()) && count.chars().all(|c| c.is_ascii_digit());
    let count: u64 = count.parse().ok().filter(|count| digits && *count > 0)?;
    let (unit, is_plural) = unit.strip_suffix('s').map_or((unit, false), |unit| (unit, true));
    let seconds = match unit {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 24 * 3_600,
        _ => return None,
    };
    (is_plural == (count > 1)).then_some(count * seconds)
}

impl Day {
    /// It, to reckon with.
    #[must_use]
    pub fn date(&self) -> Date {
        self.0.parse().unwrap_or_default()
    }
}

impl Schedule {
    /// The longest from one time to the next, where that can be told.
    #[must_use]
    pub fn longest_wait(&self) -> Option<TimeSpan> {
        match inside(&self.0, "rate(") {
            Some(rate) => rate_seconds(rate).map(TimeSpan::seconds),
            None => self.cron()?.ok()?.longest_wait(),
        }
    }

    /// From one time to the next, on average, where that can be told.
    #[must_use]
    pub fn mean_wait(&self) -> Option<TimeSpan> {
        let times = self.times_in_a_year(Date::constant(2027, 1, 1)).filter(|times| *times > 0.0)?;
        Some(cron::YEAR.percent(100.0 / times))
    }

    /// How often it fires in the year that begins with this day, where that can be told.
    #[must_use]
    pub fn times_in_a_year(&self, from: Date) -> Option<f64> {
        match inside(&self.0, "rate(") {
            Some(rate) => rate_seconds(rate).map(|seconds| cron::YEAR.as_seconds() / seconds as f64),
            None => Some(self.cron()?.ok()?.times_in_a_year(from) as f64),
        }
    }

    /// Why EventBridge Scheduler would refuse it, or never fire it.
    #[must_use]
    pub fn fault(&self) -> Option<BadCron> {
        self.cron()?.err()
    }

    fn cron(&self) -> Option<Result<Cron, BadCron>> {
        cron::fields(inside(&self.0, "cron(")?).map(Cron::read)
    }
}

fn is_kms_key(text: &str) -> bool {
    let plain = |text: &str, others: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    let key = |text: &str| (32..=40).contains(&text.len()) && plain(text, "-");
    let alias = |text: &str| text.strip_prefix("alias/").is_some_and(|name| name.len() <= 250 && plain(name, "/_-"));
    if let Some(rest) = text.strip_prefix("arn:aws") {
        let Some((_, resource)) = rest.split_once(":kms:") else { return false };
        let resource = resource.splitn(3, ':').nth(2).unwrap_or_default();
        return alias(resource) || resource.strip_prefix("key/").is_some_and(key);
    }
    alias(text) || key(text)
}

fn is_host_name(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').count() >= 2
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
        })
}

/// How often a plan's primary has been moved. Every write that moves traffic or a primary carries it,
/// and a write of an older generation must fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl Generation {
    /// Before the first failover.
    pub const ZERO: Self = Self(0);

    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Whether a text is a name of one type.
pub(crate) type Parse = fn(String) -> Result<(), ()>;

fn parses<T: TryFrom<String>>(text: String) -> Result<(), ()> {
    T::try_from(text).map(drop).map_err(drop)
}

/// The types whose texts have rules of their own, by their names in a schema.
pub(crate) const NAMES: [(&str, Parse); 18] = [
    ("PlanName", parses::<PlanName>),
    ("ComponentName", parses::<ComponentName>),
    ("TierName", parses::<TierName>),
    ("Day", parses::<Day>),
    ("InstanceId", parses::<InstanceId>),
    ("ClusterId", parses::<ClusterId>),
    ("Region", parses::<Region>),
    ("ZoneId", parses::<ZoneId>),
    ("SecurityGroupId", parses::<SecurityGroupId>),
    ("HostName", parses::<HostName>),
    ("SqlName", parses::<SqlName>),
    ("SecretName", parses::<SecretName>),
    ("ScheduleName", parses::<ScheduleName>),
    ("Schedule", parses::<Schedule>),
    ("KmsKeyId", parses::<KmsKeyId>),
    ("InstanceClass", parses::<InstanceClass>),
    ("RdsGroup", parses::<RdsGroup>),
    ("TimeSpan", parses::<TimeSpan>),
];

/// What parses the texts of the type that a schema calls by this name.
pub(crate) fn parser(name: &str) -> Option<Parse> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, parse)| *parse)
}

#[cfg(test)]
mod tests;
