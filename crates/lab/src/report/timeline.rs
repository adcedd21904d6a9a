//! What happened when, and who says so.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
    /// The particulars: reasons, counts, names.
    pub detail: String,
    /// Who says so.
    pub source: Actor,
}

/// What can happen in a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The replica's stream was cut: from here on it falls behind.
    ReplayHeld,
    /// The primary was killed.
    Killed,
    /// The primary was stopped for a while.
    Paused,
    /// It goes on.
    Resumed,
    /// The replica was stopped for a while.
    ReplicaPaused,
    /// The probe counted enough failed samples in a row.
    Detected,
    /// The alarm changed its state.
    Alarm,
    /// An execution of the state machine began.
    RunStarted,
    /// The judgement was a go.
    Judged,
    /// A step said no.
    Refused,
    /// A person was called.
    PersonCalled,
    /// A person consented or approved.
    Approved,
    /// The old primary refuses writes, or is recorded as unfenced.
    Fenced,
    /// The replica is the primary and has committed a write.
    Promoted,
    /// A switchover was ordered.
    Ordered,
    /// The old primary refuses the application, and the replica has all of its log.
    Drained,
    /// The authoritative servers answer the new primary.
    DnsSwitched,
    /// The client's first commit after the outage.
    FirstCommit,
    /// The plan's checks passed on the new side.
    Verified,
    /// The execution ended.
    RunEnded,
    /// The old primary's host came back.
    OldPrimaryBack,
    /// The old primary refuses writes after its return.
    OldPrimaryFenced,
    /// A run was stopped from outside.
    RunStopped,
    /// Somebody edited the traffic's record.
    RecordEdited,
    /// A server stopped taking writes, as one with a full disk does.
    WritesRefused,
    /// A person said no.
    Denied,
    /// The drill undid what it had done to the system.
    Undone,
    /// The application on the primary's side was stopped.
    ApplicationStopped,
    /// Links to the primary's host were slowed down, and lose packets.
    LinksSlowed,
    /// Links to the primary's host were cut.
    LinksCut,
    /// They were healed.
    LinksHealed,
    /// A streak of failed samples ended by itself, and is on record.
    Tolerated,
    /// Faults were injected into calls of AWS.
    CallsSpoiled,
    /// A step of a run gave another answer than before.
    StepAnswered,
    /// Rows were deleted by mistake.
    RowsDeleted,
    /// A backup was damaged.
    BackupDamaged,
    /// An account's quota was used up.
    QuotaFull,
    /// RDS began planned work on an instance.
    WorkBegan,
    /// It is done.
    WorkEnded,
    /// Copies of backups were slowed down.
    CopiesSlowed,
    /// Copies of backups were broken off.
    CopiesBrokenOff,
}

/// What an event is to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Bad news.
    Bad,
    /// Good news.
    Good,
    /// Neither.
    Plain,
}

impl Event {
    /// Whether it is bad news, good news or neither.
    #[must_use]
    pub(super) fn tone(self) -> Tone {
        match self {
            Self::Killed
            | Self::Paused
            | Self::ReplayHeld
            | Self::ReplicaPaused
            | Self::Refused
            | Self::PersonCalled
            | Self::RunStopped
            | Self::RecordEdited
            | Self::WritesRefused
            | Self::ApplicationStopped
            | Self::LinksSlowed
            | Self::LinksCut
            | Self::CallsSpoiled
            | Self::RowsDeleted
            | Self::BackupDamaged
            | Self::QuotaFull
            | Self::WorkBegan
            | Self::CopiesSlowed
            | Self::CopiesBrokenOff
            | Self::Denied => Tone::Bad,
            Self::FirstCommit | Self::Promoted | Self::Verified | Self::OldPrimaryFenced => Tone::Good,
            Self::Resumed
            | Self::Detected
            | Self::Alarm
            | Self::RunStarted
            | Self::Judged
            | Self::Approved
            | Self::Fenced
            | Self::Ordered
            | Self::Drained
            | Self::DnsSwitched
            | Self::RunEnded
            | Self::OldPrimaryBack
            | Self::Undone
            | Self::LinksHealed
            | Self::StepAnswered
            | Self::WorkEnded
            | Self::Tolerated => Tone::Plain,
        }
    }

    /// As a person reads it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReplayHeld => "replica held back",
            Self::Killed => "primary killed",
            Self::Paused => "primary paused",
            Self::ReplicaPaused => "replica paused",
            Self::Resumed => "primary resumed",
            Self::Detected => "detected",
            Self::Alarm => "alarm",
            Self::RunStarted => "run started",
            Self::Judged => "judged",
            Self::Refused => "refused",
            Self::PersonCalled => "person called",
            Self::Approved => "consent given",
            Self::Fenced => "fenced",
            Self::Promoted => "promoted",
            Self::Ordered => "ordered",
            Self::Drained => "drained",
            Self::DnsSwitched => "DNS switched",
            Self::FirstCommit => "first commit",
            Self::Verified => "verified",
            Self::RunEnded => "run ended",
            Self::OldPrimaryBack => "old primary back",
            Self::OldPrimaryFenced => "old primary fenced",
            Self::RunStopped => "run stopped",
            Self::RecordEdited => "record edited",
            Self::WritesRefused => "writes refused",
            Self::Denied => "denied",
            Self::CallsSpoiled => "calls spoiled",
            Self::Undone => "mended",
            Self::ApplicationStopped => "application stopped",
            Self::LinksSlowed => "links slowed down",
            Self::LinksCut => "links cut",
            Self::LinksHealed => "links healed",
            Self::Tolerated => "tolerated",
            Self::StepAnswered => "step",
            Self::RowsDeleted => "rows deleted",
            Self::BackupDamaged => "backup damaged",
            Self::QuotaFull => "quota full",
            Self::WorkBegan => "work begun",
            Self::WorkEnded => "work done",
            Self::CopiesSlowed => "copies slowed",
            Self::CopiesBrokenOff => "copies broken off",
        }
    }
}

/// Who says that something happened, and the lane it is drawn in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// The lab, which makes the disaster.
    Disaster,
    /// The client.
    Client,
    /// The probe.
    Probe,
    /// CloudWatch and EventBridge.
    Alarm,
    /// The state machine and its functions.
    Run,
    /// The database servers.
    Database,
    /// The authoritative DNS.
    Dns,
}

impl Actor {
    /// As a person reads it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Disaster => "disaster",
            Self::Client => "client",
            Self::Probe => "probe",
            Self::Alarm => "alarm",
            Self::Run => "state machine",
            Self::Database => "database",
            Self::Dns => "DNS",
        }
    }
}
