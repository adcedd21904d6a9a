//! Names of things, parsed once at the door. An id that exists is well formed.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
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
    /// A recovery plan's name. Part of object keys, alarm dimensions and execution names.
    PlanName, "a plan's name", "1 to 40 lower-case letters, digits and single hyphens, a letter first",
    |text| hyphenated(text, 40)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_aws_would_refuse_are_refused_here() {
        for bad in ["", "Orders", "1orders", "orders-", "or--ders", "orders_x", &"o".repeat(64)] {
            assert!(bad.parse::<InstanceId>().is_err(), "{bad}");
        }
        for good in ["o", "orders-primary", "orders-2"] {
            assert!(good.parse::<InstanceId>().is_ok(), "{good}");
        }
    }

    #[test]
    fn a_region_is_a_code_not_a_city() {
        for bad in ["Frankfurt", "eu-central", "eu-central-12", "eu--1", "EU-CENTRAL-1", "eu-central-a", "us-esat-1"] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
        for good in ["eu-central-1", "us-gov-west-1", "ap-southeast-2"] {
            assert!(good.parse::<Region>().is_ok(), "{good}");
        }
    }

    #[test]
    fn an_error_repeats_only_the_start_of_a_huge_name() {
        let error = "x!".repeat(100_000).parse::<PlanName>().unwrap_err().to_string();
        assert!(error.len() < 400, "{} bytes", error.len());
    }

    #[test]
    fn an_execution_says_its_name_and_region() {
        let arn: ExecutionArn =
            "arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:alarm-1".parse().unwrap();
        assert_eq!((arn.name(), arn.machine(), arn.region()), ("alarm-1", "lifeboat-failover", "us-west-2"));
    }
}
