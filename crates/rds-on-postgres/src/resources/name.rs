//! Names: of a Region, of an instance or a snapshot in it, and the ARNs made of them.

use std::fmt;

use crate::fault::{Code, Fault};

/// An instance or a snapshot: its Region and its identifier there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The Region, for instance `eu-central-1`.
    pub region: String,
    /// The identifier, in lower case as RDS keeps it.
    pub id: String,
}

impl Name {
    /// The name of `id` in `region`.
    #[must_use]
    pub fn new(region: &str, id: &str) -> Self {
        Self { region: region.to_owned(), id: id.to_ascii_lowercase() }
    }

    /// The name's ARN.
    pub(crate) fn arn(&self, account: &str, kind: ResourceKind) -> String {
        format!("arn:aws:rds:{}:{account}:{}:{}", self.region, kind.in_arn(), self.id)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.region, self.id)
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceKind {
    Instance,
    Snapshot,
    Cluster,
    ClusterSnapshot,
    AutomatedBackup,
}

impl ResourceKind {
    fn in_arn(self) -> &'static str {
        match self {
            Self::Instance => "db",
            Self::Snapshot => "snapshot",
            Self::Cluster => "cluster",
            Self::ClusterSnapshot => "cluster-snapshot",
            Self::AutomatedBackup => "auto-backup",
        }
    }

    /// The fault of a name that stands for nothing.
    pub(crate) fn not_found(self, named: &str) -> Fault {
        match self {
            Self::Instance => Fault::new(Code::DbInstanceNotFound, format!("DBInstance {named} not found.")),
            Self::Snapshot => Fault::new(Code::DbSnapshotNotFound, format!("DBSnapshot {named} not found.")),
            Self::Cluster => Fault::new(Code::DbClusterNotFound, format!("DBCluster {named} not found.")),
            Self::ClusterSnapshot => {
                Fault::new(Code::DbClusterSnapshotNotFound, format!("DBClusterSnapshot not found: {named}"))
            }
            Self::AutomatedBackup => {
                Fault::new(Code::DbInstanceAutomatedBackupNotFound, format!("No automated backup {named} was found."))
            }
        }
    }

    /// Reads an identifier that is to be given to something new.
    pub(crate) fn new_identifier(self, parameter: &str, id: &str) -> Result<String, Fault> {
        let longest = match self {
            Self::Instance | Self::Cluster | Self::ClusterSnapshot | Self::AutomatedBackup => 63,
            Self::Snapshot => 255,
        };
        let well_formed = id.len() <= longest
            && id.starts_with(|c: char| c.is_ascii_alphabetic())
            && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !id.ends_with('-')
            && !id.contains("--");
        if well_formed {
            return Ok(id.to_ascii_lowercase());
        }
        Err(Fault::new(
            Code::InvalidParameterValue,
            format!(
                "The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; must \
                 contain only ASCII letters, digits, and hyphens; must not end with a hyphen or contain two \
                 consecutive hyphens; and must have at most {longest} characters."
            ),
        ))
    }

    /// Reads what names something that exists: its identifier in `region`, or its ARN, which may
    /// be of another Region.
    pub(crate) fn existing(self, region: &str, account: &str, named: &str) -> Result<Name, Fault> {
        if !named.starts_with("arn:") {
            return Ok(Name::new(region, named));
        }
        self.in_account(account, named).ok_or_else(|| {
            Fault::new(Code::InvalidParameterValue, format!("{named} is not the ARN of a {}.", self.in_arn()))
        })
    }

    fn in_account(self, account: &str, arn: &str) -> Option<Name> {
        let mut parts = arn.splitn(7, ':');
        let head = [parts.next()?, parts.next()?, parts.next()?];
        let (region, owner, kind, id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let matches = head == ["arn", "aws", "rds"] && owner == account && kind == self.in_arn();
        (matches && is_region(region) && !id.is_empty()).then(|| Name::new(region, id))
    }
}

/// Whether `text` could be a Region's name. It becomes part of a folder's and of a host's name.
pub(crate) fn is_region(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && text.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_as_rds_wants_them() {
        for good in ["a", "orders-1", "Orders"] {
            assert_eq!(ResourceKind::Instance.new_identifier("X", good).unwrap(), good.to_lowercase());
        }
        for bad in ["", "1a", "a-", "a--b", "a_b", "a.b", "../a", &"a".repeat(64)] {
            assert!(ResourceKind::Instance.new_identifier("X", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_arn_names_another_region_and_only_its_own_kind() {
        let arn = Name::new("eu-west-1", "orders").arn("000000000000", ResourceKind::Instance);
        let read = ResourceKind::Instance.existing("eu-central-1", "000000000000", &arn);
        assert_eq!(read.unwrap(), Name::new("eu-west-1", "orders"));
        assert!(ResourceKind::Snapshot.existing("eu-central-1", "000000000000", &arn).is_err());
        assert!(ResourceKind::Instance.existing("eu-central-1", "111111111111", &arn).is_err());
        assert!(
            ResourceKind::Instance
                .existing("eu-central-1", "000000000000", "arn:aws:rds:../..:000000000000:db:x")
                .is_err()
        );
    }

    #[test]
    fn a_snapshot_of_the_service_keeps_its_colon() {
        let name = Name::new("eu-west-1", "rds:orders-2026-01-01-00-00");
        let arn = name.arn("000000000000", ResourceKind::Snapshot);
        assert_eq!(ResourceKind::Snapshot.existing("x", "000000000000", &arn).unwrap(), name);
    }
}
