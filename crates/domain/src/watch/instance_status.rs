//! RDS's words for what is done to an instance, and what they mean to us.
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html>

/// What an instance's status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceStatus {
    /// It works. RDS says so for minutes after a host's death, too.
    Works,
    /// It is backed up: it works all the while, and RDS changes nothing of it.
    BackingUp,
    /// Someone is at work on it, or RDS is: it comes back by itself.
    BeingChanged,
    /// Someone put it away, or has not made it yet.
    PutAway,
    /// A person must look at it, or it is a word that nobody knew when this was written.
    Other,
}

impl InstanceStatus {
    /// What `DBInstanceStatus` says.
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word {
            // One whose storage is optimized works all the while, for hours.
            "available" | "storage-optimization" => Self::Works,
            "backing-up" => Self::BackingUp,
            "converting-to-vpc"
            | "maintenance"
            | "modifying"
            | "moving-to-vpc"
            | "rebooting"
            | "renaming"
            | "resetting-master-credentials"
            | "upgrading" => Self::BeingChanged,
            "creating" | "deleting" | "starting" | "stopped" | "stopping" => Self::PutAway,
            _ if word.starts_with("configuring-") => Self::BeingChanged,
            _ => Self::Other,
        }
    }
}
