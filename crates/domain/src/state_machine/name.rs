//! The names of the states, as types: nothing matches a state's name as text.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateKind {
    /// It calls a function.
    Task,
    /// It asks what follows.
    Question,
    /// It waits.
    Wait,
    /// It only hands on, or has others inside.
    Frame,
    /// The execution ends there.
    End,
}

macro_rules! state_names {
    ($( $kind:ident { $( $name:ident = $text:expr ),+ $(,)? } )+) => {
        /// A state of one of the state machines.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(from = "String", into = "String")]
        #[schemars(with = "String")]
        pub enum StateName {
            $($( #[doc = concat!("`", $text, "`.")] $name, )+)+
            /// A state of another version of the engine: a history may be older than whoever reads it, or newer.
            Other(String),
        }

        impl StateName {
            /// As the machine has it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $($( Self::$name => $text, )+)+
                    Self::Other(text) => text,
                }
            }

            /// What it is; `None` of another version's.
            #[must_use]
            pub fn kind(&self) -> Option<StateKind> {
                match self {
                    $($( Self::$name )|+ => Some(StateKind::$kind), )+
                    Self::Other(_) => None,
                }
            }
        }

        impl From<&str> for StateName {
            fn from(text: &str) -> Self {
                match text {
                    $($( $text => Self::$name, )+)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

state_names! {
    Task {
        Approve = "Approve",
        CheckApproval = "CheckApproval",
        CloseBackup = "CloseBackup",
        CloseRun = "CloseRun",
        Cleanup = "Cleanup",
        DnsSwitch = "DnsSwitch",
        DrainPrimary = "DrainPrimary",
        FencePrimary = "FencePrimary",
        GuardPrimary = "GuardPrimary",
        HardenPrimary = "HardenPrimary",
        JudgeAgain = "JudgeAgain",
        JudgeFailover = "JudgeFailover",
        JudgePair = "JudgePair",
        MovePair = "MovePair",
        Notify = "Notify",
        NotifyHardeningLate = "NotifyHardeningLate",
        NotifyTrafficLate = "NotifyTrafficLate",
        NotifyUnhardened = "NotifyUnhardened",
        OpenBackup = "OpenBackup",
        OpenCleanup = "OpenCleanup",
        OpenPairs = "OpenPairs",
        OpenRun = "OpenRun",
        PromoteReplica = "PromoteReplica",
        ProveBackup = "ProveBackup",
        RehearseDnsSwitch = "RehearseDnsSwitch",
        RehearseDrainPrimary = "RehearseDrainPrimary",
        RehearsePromoteReplica = "RehearsePromoteReplica",
        Restore = "Restore",
        Snapshot = "Snapshot",
        TearDown = "TearDown",
        UndoFencePrimary = "UndoFencePrimary",
        Verify = "Verify",
        VerifyBackup = "VerifyBackup",
        VerifyRestored = "VerifyRestored",
    }
    Question {
        AreAllFailures = "AreAllFailures?",
        HowDidItEnd = "HowDidItEnd?",
        IsAnyLeft = "IsAnyLeft?",
        IsApprovalNeeded = "IsApprovalNeeded?",
        IsApproved = "IsApproved?",
        IsAvailable = "IsAvailable?",
        IsClean = "IsClean?",
        IsClosed = "IsClosed?",
        IsComplete = "IsComplete?",
        IsDegraded = "IsDegraded?",
        IsDrained = "IsDrained?",
        IsExamined = "IsExamined?",
        IsFailure = "IsFailure?",
        IsFenced = "IsFenced?",
        IsGone = "IsGone?",
        IsHardened = "IsHardened?",
        IsHardeningLate = "IsHardeningLate?",
        IsJudged = "IsJudged?",
        IsLeft = "IsLeft?",
        IsOpen = "IsOpen?",
        IsPrimaryReady = "IsPrimaryReady?",
        IsPromoted = "IsPromoted?",
        IsProved = "IsProved?",
        IsRecordReady = "IsRecordReady?",
        IsReplicaReady = "IsReplicaReady?",
        IsRoute53StillTried = "IsRoute53StillTried?",
        IsStillAFailure = "IsStillAFailure?",
        IsSwitched = "IsSwitched?",
        IsTaken = "IsTaken?",
        IsTrafficLate = "IsTrafficLate?",
        IsTurn = "IsTurn?",
        IsUndone = "IsUndone?",
        IsVerified = "IsVerified?",
        OwesAnUndo = "OwesAnUndo?",
    }
    Wait {
        WaitForApproval = "WaitForApproval",
        WaitForDatabase = "WaitForDatabase",
        WaitForDeletes = "WaitForDeletes",
        WaitForDns = "WaitForDns",
        WaitForHardening = "WaitForHardening",
        WaitForHoldDown = "WaitForHoldDown",
        WaitForLease = "WaitForLease",
        WaitForPair = "WaitForPair",
        WaitForPromotion = "WaitForPromotion",
        WaitForRegions = "WaitForRegions",
        WaitForReplay = "WaitForReplay",
        WaitForRestore = "WaitForRestore",
        WaitForRoute53 = "WaitForRoute53",
        WaitForRunBefore = "WaitForRunBefore",
        WaitForSnapshot = "WaitForSnapshot",
        WaitForTearDown = "WaitForTearDown",
        WaitForVerification = "WaitForVerification",
    }
    Frame {
        BackUpComponents = "BackUpComponents",
        BeginAll = "BeginAll",
        BeginBackup = "BeginBackup",
        BeginCleanup = "BeginCleanup",
        BeginPair = "BeginPair",
        BeginPart = "BeginPart",
        BeginRecord = "BeginRecord",
        BeginRegion = "BeginRegion",
        BeginVerification = "BeginVerification",
        CleanRegions = "CleanRegions",
        CountTurns = "CountTurns",
        EndPair = "EndPair",
        EndPart = "EndPart",
        EndRegion = "EndRegion",
        JudgePairs = "JudgePairs",
        SumUp = "SumUp",
        VerifyComponents = "VerifyComponents",
    }
    // The machine's title, then the outcome.
    End {
        BackupComplete = "BackupComplete",
        BackupFailed = "BackupFailed",
        BackupPartial = "BackupPartial",
        BackupRefused = "BackupRefused",
        CleanupComplete = "CleanupComplete",
        CleanupFailed = "CleanupFailed",
        CleanupPartial = "CleanupPartial",
        CleanupRefused = "CleanupRefused",
        FailoverAllDone = "FailoverAllDone",
        FailoverAllNeedsAPerson = "FailoverAllNeedsAPerson",
        FailoverAllRefused = "FailoverAllRefused",
        FailoverDegraded = "FailoverDegraded",
        FailoverDone = "FailoverDone",
        FailoverNeedsAPerson = "FailoverNeedsAPerson",
        FailoverRefused = "FailoverRefused",
        FailoverUndone = "FailoverUndone",
        SwitchoverDegraded = "SwitchoverDegraded",
        SwitchoverDone = "SwitchoverDone",
        SwitchoverNeedsAPerson = "SwitchoverNeedsAPerson",
        SwitchoverRefused = "SwitchoverRefused",
        SwitchoverUndone = "SwitchoverUndone",
        VerifyBackupComplete = "VerifyBackupComplete",
        VerifyBackupFailed = "VerifyBackupFailed",
        VerifyBackupPartial = "VerifyBackupPartial",
        VerifyBackupRefused = "VerifyBackupRefused",
    }
}

impl From<String> for StateName {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<StateName> for String {
    fn from(name: StateName) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // With the width that is asked for.
        f.pad(self.as_str())
    }
}
