//! Names of things, parsed once at the door. An id that exists is well formed.

use std::{fmt, net::Ipv4Addr};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::{
    valid::{hyphenated, is_bucket, is_host_name, is_kms_key, is_region, is_role_name, is_schedule},
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
    /// A bucket of S3: all of AWS has one of a name.
    BucketName, "a bucket's name", "3 to 63 lower-case letters, digits, single dots and hyphens, a letter or digit first and last",
    is_bucket
);
id!(
    /// What a plan calls a promise that services and components share.
    TierName, "a tier's name", "1 to 40 lower-case letters, digits and single hyphens, a letter first",
    |text| hyphenated(text, 40)
);
id!(
    /// What a plan calls an alarm of its own.
    AlarmName, "an alarm's name", "1 to 40 lower-case letters, digits and single hyphens, a letter first",
    |text| hyphenated(text, 40)
);
id!(
    /// What a plan calls a group of its checks.
    GroupName, "a group's name", "1 to 40 lower-case letters, digits and single hyphens, a letter first",
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
    /// An IPv4 address.
    Address, "an IPv4 address", "an IPv4 address, as 192.0.2.1", |text| text.parse::<Ipv4Addr>().is_ok()
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
id!(
    /// The name of an IAM role, without its path.
    RoleName, "a role's name", "1 to 64 letters, digits and _+=,.@-", |text| is_role_name(text)
);
id!(
    /// The ARN of an IAM role.
    RoleArn, "a role's ARN", "arn:aws:iam::ACCOUNT:role/NAME",
    |text| {
        let parts: Vec<&str> = text.split(':').collect();
        text.len() <= 2048 && text.chars().all(|c| c.is_ascii_graphic()) && parts.len() == 6 && parts[0] == "arn"
            && parts[2] == "iam" && parts[4].len() == 12 && parts[4].chars().all(|c| c.is_ascii_digit())
            && parts[5].strip_prefix("role/").is_some_and(|path| path.rsplit('/').next().is_some_and(is_role_name))
    }
);
id!(
    /// Who calls AWS, as STS names them.
    CallerArn, "a caller's ARN", "arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION, or an ARN of IAM's",
    |text| {
        let parts: Vec<&str> = text.split(':').collect();
        text.len() <= 2048 && text.chars().all(|c| c.is_ascii_graphic()) && parts.len() == 6 && parts[0] == "arn"
            && ["sts", "iam"].contains(&parts[2]) && parts[4].len() == 12 && parts[4].chars().all(|c| c.is_ascii_digit())
            && !parts[5].is_empty()
    }
);

impl RoleArn {
    /// AWS's partition that it is of, as `aws`.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }
}

impl CallerArn {
    /// The account that it is of.
    #[must_use]
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }

    /// The role that it has taken, if it has taken one: a user, or the account's root, has none.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        let (service, resource) = (self.0.split(':').nth(2)?, self.0.split(':').nth(5)?);
        let ["assumed-role", role, _session] = resource.split('/').collect::<Vec<_>>()[..] else { return None };
        (service == "sts").then_some(role)
    }
}

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

impl HostName {
    /// Whether it reads as an address: no top-level domain is a number.
    #[must_use]
    pub fn is_an_address(&self) -> bool {
        self.0.rsplit('.').next().is_some_and(|last| last.chars().all(|c| c.is_ascii_digit()))
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

    /// The execution of this name of another machine beside its own.
    ///
    /// # Errors
    /// [`BadId`], where that is no execution's name.
    pub fn beside(&self, machine: &str, name: &str) -> Result<Self, BadId> {
        let place = self.0.splitn(7, ':').take(6).collect::<Vec<_>>().join(":");
        format!("{place}:{machine}:{name}").parse()
    }

    /// The account that runs it.
    #[must_use]
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }

    /// The Region that runs it: recovery is run from there.
    #[must_use]
    pub fn region(&self) -> &str {
        self.0.split(':').nth(3).unwrap_or_default()
    }
}

impl Day {
    /// It, to reckon with.
    #[must_use]
    pub fn date(&self) -> Date {
        self.0.parse().unwrap_or_default()
    }
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

#[cfg(test)]
mod tests;
